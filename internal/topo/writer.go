package topo

import "github.com/crossplane/crossplane-runtime/v2/pkg/errors"

// An Adoption says which records of others a writer makes its own.
type Adoption int

const (
	// AdoptNone leaves all records alone that the writer does not own.
	AdoptNone Adoption = iota

	// AdoptUnowned takes records that have no owner, such as those that
	// Multigres' components and tools wrote.
	AdoptUnowned

	// AdoptAny also takes records of other owners. Only a person may ask for it.
	AdoptAny
)

// A Writer is who writes.
type Writer struct {
	// Token of the writer's term as the leader. A write whose token is higher
	// than the fence raises the fence first.
	Token int64

	// Owner is what the writer's records carry as their owner. It names the
	// object that describes them, and is never used again for another one.
	Owner string

	// Adopt says which records of others the writer makes its own.
	Adopt Adoption

	// Heir says of an owner that the writer makes its records its own, beside
	// those that Adopt says: one that is certainly gone, or that a person named.
	// There is none if it is nil.
	Heir func(owner string) bool
}

// check says why the writer cannot write.
func (w Writer) check() error {
	if w.Owner == "" {
		return invalid(errors.New("writer has no owner"))
	}

	if w.Token < 0 {
		return invalid(errors.Errorf("fence token %d is negative", w.Token))
	}

	return nil
}

// may says whether the writer may change a record of an owner, who is empty if
// there is none.
func (w Writer) may(owner string) bool {
	if owner != "" && w.Heir != nil && w.Heir(owner) {
		return true
	}

	switch w.Adopt {
	case AdoptAny:
		return true
	case AdoptUnowned:
		return owner == "" || owner == w.Owner
	case AdoptNone:
		return owner == w.Owner
	}

	return false
}
