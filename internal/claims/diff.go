package claims

// Observed is what there is in one context, ours or not: the hashes of items by their ids.
type Observed map[string]string

// Ops lead from what is observed to what is desired. Ids are sorted.
type Ops[C comparable] struct {
	// Add what is desired and not there.
	Add []string

	// Update what is there with other content.
	Update []string

	// Remove what is claimed, still there, and desired no more.
	Remove []string

	// Previous contexts, and what is claimed and still there in them. They are cleaned up last, so that at any time a thing is
	// in one place at least.
	Previous []Removal[C]

	// Pending contexts are claimed and could not be observed. They stay claimed.
	Pending []C

	// Rewrite is true if the claims are not what is desired, though nothing else may be left to do.
	Rewrite bool
}

// A Removal is what to remove in a previous context, perhaps nothing.
type Removal[C comparable] struct {
	Context C
	Remove  []string
}

// ContextChanged reports whether anything is claimed in another context than that which is desired.
func (o Ops[C]) ContextChanged() bool {
	return len(o.Previous) > 0 || len(o.Pending) > 0
}

// Changes reports whether there is anything to do outside.
func (o Ops[C]) Changes() bool {
	if len(o.Add) > 0 || len(o.Update) > 0 || len(o.Remove) > 0 {
		return true
	}
	for _, p := range o.Previous {
		if len(p.Remove) > 0 {
			return true
		}
	}
	return false
}

// UpToDate reports whether there is nothing to do, neither outside nor to the claims.
func (o Ops[C]) UpToDate() bool {
	return !o.Changes() && !o.Rewrite
}

// Diff returns what is to be done. A context that is missing from observed could not be read: nothing is known of it, so it stays
// claimed and nothing is removed there. Nothing that is not claimed is ever removed.
func Diff[C comparable](c Claims[C], observed map[C]Observed, desired Claim[C]) Ops[C] {
	ops := Ops[C]{}
	there, known := observed[desired.Context]
	if known {
		for _, id := range sorted(desired.Items) {
			hash, found := there[id]
			if !found {
				ops.Add = append(ops.Add, id)
				continue
			}
			if hash != desired.Items[id] {
				ops.Update = append(ops.Update, id)
			}
		}
		ops.Remove = leftover(c.In(desired.Context), there, desired.Items)
	}
	if !known {
		ops.Pending = append(ops.Pending, desired.Context)
	}
	for _, claim := range c {
		if claim.Context == desired.Context {
			continue
		}
		there, known := observed[claim.Context]
		if !known {
			ops.Pending = append(ops.Pending, claim.Context)
			continue
		}
		ops.Previous = append(ops.Previous, Removal[C]{Context: claim.Context, Remove: leftover(claim.Items, there, nil)})
	}
	ops.Rewrite = !c.Equal(c.Narrow(desired, ops.Pending...))
	return ops
}

// Deletion returns what is to be done when a managed resource is deleted: everything that is claimed goes, in all contexts,
// whatever its spec says by now. Pending contexts must be waited for.
func Deletion[C comparable](c Claims[C], observed map[C]Observed) Ops[C] {
	ops := Ops[C]{}
	for _, claim := range c {
		there, known := observed[claim.Context]
		if !known {
			ops.Pending = append(ops.Pending, claim.Context)
			continue
		}
		if remove := leftover(claim.Items, there, nil); len(remove) > 0 {
			ops.Previous = append(ops.Previous, Removal[C]{Context: claim.Context, Remove: remove})
		}
	}
	return ops
}

// leftover returns the ids that are claimed, there, and not desired.
func leftover(claimed Items, there Observed, desired Items) []string {
	var ids []string
	for _, id := range sorted(claimed) {
		_, found := there[id]
		_, wanted := desired[id]
		if found && !wanted {
			ids = append(ids, id)
		}
	}
	return ids
}
