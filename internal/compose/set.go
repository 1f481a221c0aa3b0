package compose

import (
	"maps"
	"slices"

	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// A Set collects the desired resources of one composite. It knows what is observed, and so which resources exist already.
type Set struct {
	observed map[string]object.Object
	desired  map[string]Resource
	waiting  map[string]string
}

// NewSet returns an empty Set over the observed resources of a composite.
func NewSet(observed map[string]object.Object) *Set {
	return &Set{observed: observed, desired: map[string]Resource{}, waiting: map[string]string{}}
}

// Add wants the resource to exist. It is ready when what is observed of it is.
func (s *Set) Add(key string, o Object) {
	s.desired[key] = Resource{Object: o, Ready: Ready(s.observed[key])}
}

// AddWhen wants the resource to exist and holds back its creation until the gate is open. Once it exists it stays, whatever
// the gate says: a gate delays creation, it never removes. The reason says what a closed gate waits for.
func (s *Set) AddWhen(open bool, reason, key string, o Object) {
	if !open && !s.observed[key].Exists() {
		s.waiting[key] = reason
		return
	}
	s.Add(key, o)
}

// Keep leaves an observed resource just as it is, whatever the template says by now: only the fields that are applied
// already are applied again. Nothing happens if the resource is not observed. An error means that these fields cannot be
// told.
func (s *Set) Keep(key string) error {
	o := s.observed[key]
	if !o.Exists() {
		return nil
	}
	kept, err := object.Owned(o, object.ManagerPrefix)
	if err != nil {
		return err
	}
	s.KeepAs(key, o, kept)
	return nil
}

// Drain keeps an observed composite just as it is and asks it to drain.
func (s *Set) Drain(key string) error {
	if err := s.Keep(key); err != nil || !s.Has(key) {
		return err
	}
	r := s.desired[key]
	r.Kept = r.Kept.WithTrue("spec", "drain")
	s.desired[key] = r
	return nil
}

// KeepAs applies the given fields of a resource that exists and is no other than o, though it may not be observed as composed.
func (s *Set) KeepAs(key string, o, fields object.Object) {
	s.desired[key] = Resource{Kept: fields, Ready: Ready(o)}
}

// Withhold notes what a resource waits for that is not wanted yet.
func (s *Set) Withhold(key, reason string) { s.waiting[key] = reason }

// Observed returns what is observed under the key. It does not exist if nothing is.
func (s *Set) Observed(key string) object.Object { return s.observed[key] }

// Has is true if the Set wants a resource under the key.
func (s *Set) Has(key string) bool {
	_, ok := s.desired[key]
	return ok
}

// IsReady is true if all the resources under the keys exist and are ready.
func (s *Set) IsReady(keys ...string) bool {
	for _, key := range keys {
		if !s.desired[key].Ready {
			return false
		}
	}
	return true
}

// AllReady is true if everything in the Set is ready and nothing is held back.
func (s *Set) AllReady() bool {
	for _, r := range s.desired {
		if !r.Ready {
			return false
		}
	}
	return len(s.waiting) == 0
}

// Waiting returns the distinct reasons for which creations are held back, sorted.
func (s *Set) Waiting() []string {
	return slices.Compact(slices.Sorted(maps.Values(s.waiting)))
}

// Leftover returns the keys of what is observed and not (or not yet) wanted, sorted.
func (s *Set) Leftover() []string {
	var out []string
	for key := range s.observed {
		if !s.Has(key) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// Resources returns what the Set collected.
func (s *Set) Resources() map[string]Resource { return s.desired }
