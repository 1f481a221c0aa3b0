package compose

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Condition types of everything that drains, and that removes things that have to drain first.
const (
	// TypeDrained is True once nothing of a composite that was asked to drain runs or is registered any more.
	TypeDrained = "Drained"
	// TypeRemoving is True while something is kept that the spec no longer asks for.
	TypeRemoving = "Removing"
)

// Reasons of these conditions.
const (
	ReasonDrained      = "Drained"
	ReasonDraining     = "Draining"
	ReasonNotRequested = "NotRequested"
	ReasonRemoving     = "Removing"
	ReasonStuck        = "Stuck"
	ReasonNothing      = "NothingToRemove"
)

// What a removal waits for, in the order in which it comes to it.
const (
	// WaitInUse waits until the rest of the composite no longer uses what goes.
	WaitInUse = "InUse"
	// WaitDraining waits until it has drained.
	WaitDraining = "Draining"
	// WaitProtected waits until its protection against deletion is lifted.
	WaitProtected = "Protected"
	// WaitDeleting waits until it is gone with everything that belongs to it.
	WaitDeleting = "Deleting"
)

// StuckAfter is how long a removal may wait for one thing before it counts as stuck. It is more than a whole shard takes: the
// longest stop of a pod, one after the other, and the failovers between them.
const StuckAfter = 15 * time.Minute

// A Removal is something on its way out, and what that waits for.
type Removal struct {
	// Name by which a person knows it, with its kind.
	Name    string
	Reason  string
	Message string
}

// Removals are what a composite is about to remove. Their times are carried over from the composite's own status, so that
// nothing in it moves by itself.
type Removals struct {
	// Status has one entry for each removal, sorted by name.
	Status []v1alpha1.RetiringResource
	// Waiting says in a few words of each removal what it waits for.
	Waiting []string
	// Stuck is how many of them are stuck.
	Stuck int
	// Condition says whether something is being removed, and whether it is stuck.
	Condition Condition
	// Events tell of removals that begin, end, are cancelled or get stuck in this pass.
	Events []Event
}

// Remove gathers removals. The wanted function says whether the composite wants the thing of a name: a removal that ended
// although it does was cancelled.
func Remove(xr object.Object, now time.Time, rs []Removal, wanted func(name string) bool) Removals {
	slices.SortFunc(rs, func(a, b Removal) int { return cmp.Compare(a.Name, b.Name) })
	old := retiring(xr)
	at := metav1.NewTime(now.UTC().Truncate(time.Second))
	out := Removals{Condition: notRemoving(xr)}
	var stuck []string
	for _, r := range rs {
		e := v1alpha1.RetiringResource{Name: r.Name, Since: at, Reason: r.Reason, ReasonSince: at, Message: r.Message}
		before, known := old[r.Name]
		if known {
			e.Since = before.Since
		} else {
			out.Events = append(out.Events, Event{Reason: "RemovalStarted", Message: r.Name + " is not wanted any more and will be removed"})
		}
		if known && before.Reason == r.Reason {
			e.ReasonSince = before.ReasonSince
		}
		if now.Sub(e.ReasonSince.Time) >= StuckAfter {
			stuck = append(stuck, fmt.Sprintf("%s since %s (%s)", e.Name, e.ReasonSince.UTC().Format(time.RFC3339), e.Message))
		}
		delete(old, r.Name)
		out.Status = append(out.Status, e)
		out.Waiting = append(out.Waiting, fmt.Sprintf("removal of %s (%s)", r.Name, r.Message))
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if wanted(name) {
			out.Events = append(out.Events, Event{Reason: "RemovalCancelled", Message: name + " is wanted again"})
			continue
		}
		out.Events = append(out.Events, Event{Reason: "Removed", Message: name + " is gone"})
	}
	out.Stuck = len(stuck)
	out.condition(xr, stuck)
	return out
}

// condition sets the condition, and tells once that something is stuck.
func (r *Removals) condition(xr object.Object, stuck []string) {
	switch {
	case len(stuck) > 0:
		r.Condition = True(TypeRemoving, ReasonStuck, "stuck: "+Few(stuck))
		if old, _ := xr.Condition(TypeRemoving); old.Reason != ReasonStuck {
			r.Events = append(r.Events, Event{Warning: true, Reason: "RemovalStuck", Message: Few(stuck)})
		}
	case len(r.Status) > 0:
		var names []string
		for _, e := range r.Status {
			names = append(names, fmt.Sprintf("%s since %s (%s)", e.Name, e.Since.UTC().Format(time.RFC3339), e.Message))
		}
		r.Condition = True(TypeRemoving, ReasonRemoving, Few(names))
	}
}

// notRemoving is the condition of a composite that removes nothing. It is not worth a word until something was removed: a
// condition once reported cannot be taken back.
func notRemoving(xr object.Object) Condition {
	if _, ok := xr.Condition(TypeRemoving); !ok {
		return Condition{}
	}
	return False(TypeRemoving, ReasonNothing, "")
}

// Conditions returns the condition if there is anything to say.
func (r Removals) Conditions() []Condition {
	if r.Condition.Type == "" {
		return nil
	}
	return []Condition{r.Condition}
}

// retiring returns what the composite's own status says is on its way out, by name. Damaged entries are as good as none.
func retiring(xr object.Object) map[string]v1alpha1.RetiringResource {
	out := map[string]v1alpha1.RetiringResource{}
	for _, o := range xr.List("status", "retiring") {
		e := v1alpha1.RetiringResource{Name: o.String("name"), Reason: o.String("reason"), Message: o.String("message")}
		since, err := time.Parse(time.RFC3339, o.String("since"))
		reasonSince, errReason := time.Parse(time.RFC3339, o.String("reasonSince"))
		if e.Name == "" || err != nil || errReason != nil {
			continue
		}
		e.Since, e.ReasonSince = metav1.NewTime(since), metav1.NewTime(reasonSince)
		out[e.Name] = e
	}
	return out
}

// WasRemoving is true if the composite's own status says that something is on its way out.
func WasRemoving(xr object.Object) bool { return len(xr.List("status", "retiring")) > 0 }

// Drained is the condition of a composite that was asked to drain, or not: what it still waits for, if anything.
func Drained(xr object.Object, asked bool, waiting []string) []Condition {
	switch {
	case asked && len(waiting) == 0:
		return []Condition{True(TypeDrained, ReasonDrained, "")}
	case asked:
		return []Condition{False(TypeDrained, ReasonDraining, "waiting for "+Few(waiting))}
	}
	if _, ok := xr.Condition(TypeDrained); ok {
		return []Condition{False(TypeDrained, ReasonNotRequested, "")}
	}
	return nil
}

// HasDrained is true if a composite was asked to drain and says of that very specification that it has.
func HasDrained(o object.Object) bool {
	return o.Bool("spec", "drain") && Current(o) && o.IsTrue(TypeDrained)
}

// Current is true if the status of a composite is that of its latest specification.
func Current(o object.Object) bool { return o.Int("status", "observedGeneration") >= o.Generation() }

// DrainRemoval says how far the draining of a composite has come that was asked for it.
func DrainRemoval(name string, o object.Object) Removal {
	r := Removal{Name: name, Reason: WaitDraining, Message: "waits until it has drained"}
	if c, ok := o.Condition(TypeDrained); ok && Current(o) && c.Message != "" {
		r.Message = "drains: " + c.Message
	}
	return r
}
