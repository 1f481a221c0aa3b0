// Package claims remembers, in an annotation of a managed resource, what it may have written outside: so that what leaves the
// spec can be undone although the spec mentions it no more, and so that nothing it never wrote is touched. Claims are widened
// before anything is written and narrowed when all is done; what is written and still there is always claimed in between.
//
// Everything here is computed from the arguments. Who uses it persists claims, and acts, in the order that Widen and Narrow say.
package claims

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Items are the hashes of what a managed resource wrote, by ids that are unique in a context. They hold no content, which keeps
// claims small and free of secrets.
type Items map[string]string

// A Claim is what a managed resource may have written in one context. A context says where: it holds all that is needed to come
// back later, and two that are equal are the same place.
type Claim[C comparable] struct {
	// Context of the items.
	Context C `json:"ctx"`

	// Items that may have been written there.
	Items Items `json:"items"`
}

// Claims of a managed resource: one per context, and more than one only while it moves.
type Claims[C comparable] []Claim[C]

// In returns the items that are claimed in a context.
func (c Claims[C]) In(ctx C) Items {
	for _, claim := range c {
		if claim.Context == ctx {
			return claim.Items
		}
	}
	return nil
}

// Equal reports whether two claims are the same.
func (c Claims[C]) Equal(o Claims[C]) bool {
	if len(c) != len(o) {
		return false
	}
	for _, claim := range c {
		i := slices.IndexFunc(o, func(other Claim[C]) bool { return other.Context == claim.Context })
		if i < 0 || !maps.Equal(claim.Items, o[i].Items) {
			return false
		}
	}
	return true
}

// Widen returns claims that hold all of c and what is desired. They are persisted before anything is written outside, because a
// crash after that must not lose an item.
func (c Claims[C]) Widen(desired Claim[C]) Claims[C] {
	wide := make(Claims[C], 0, len(c)+1)
	found := false
	for _, claim := range c {
		items := maps.Clone(claim.Items)
		if claim.Context == desired.Context {
			found = true
			items = merged(items, desired.Items)
		}
		wide = append(wide, Claim[C]{Context: claim.Context, Items: items})
	}
	if found {
		return wide
	}
	return append(wide, Claim[C]{Context: desired.Context, Items: merged(nil, desired.Items)})
}

// Narrow returns the claims of a managed resource that has written what is desired, has removed everything else, and has observed
// that in every context of c but those that are pending. They are persisted last.
func (c Claims[C]) Narrow(desired Claim[C], pending ...C) Claims[C] {
	var kept Claims[C]
	for _, claim := range c {
		if slices.Contains(pending, claim.Context) {
			kept = append(kept, claim)
		}
	}
	return kept.Widen(desired)
}

// Contexts returns all contexts that must be observed: that which is desired, and those that are claimed.
func (c Claims[C]) Contexts(desired C) []C {
	all := []C{desired}
	for _, claim := range c {
		if claim.Context != desired {
			all = append(all, claim.Context)
		}
	}
	return all
}

// merged returns a with all of b.
func merged(a, b Items) Items {
	if a == nil {
		a = make(Items, len(b))
	}
	maps.Copy(a, b)
	return a
}

// Hash returns the hash of an item's content: 128 bits of SHA-256 over its canonical JSON, in hexadecimal.
func Hash(content any) (string, error) {
	b, err := json.Marshal(content)
	if err != nil {
		return "", errors.Wrap(err, "cannot encode content of item")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// sorted returns the keys of a map in order.
func sorted[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
