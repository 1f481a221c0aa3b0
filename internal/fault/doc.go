// Package fault marks the points at which tests crash, suspend or slow down the provider: those between two steps that must not
// be torn apart. Without the build tag "fault" a point is nothing.
package fault

// A Point is a place in the program, between two steps.
type Point string

// The points.
const (
	// AfterLock is after the guard has locked a managed resource, before the external change.
	AfterLock Point = "after-lock"

	// BeforeUnlock is after the external change, before the guard unlocks the managed resource.
	BeforeUnlock Point = "before-unlock"

	// AfterWiden is after claims were widened, before the first external change.
	AfterWiden Point = "after-widen"

	// AfterExternal is after each external change of one managed resource.
	AfterExternal Point = "after-external"

	// BeforeNarrow is after the last external change, before claims are narrowed.
	BeforeNarrow Point = "before-narrow"

	// AfterNarrow is after claims were narrowed.
	AfterNarrow Point = "after-narrow"

	// BeforeCreate is after the managed resource says that it is about to be created, before it is.
	BeforeCreate Point = "before-create"

	// AfterCreate is after the external resource was created, before the managed resource says so.
	AfterCreate Point = "after-create"
)
