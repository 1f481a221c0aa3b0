// Package requeue lets an external client say when a managed resource is reconciled again. The managed reconciler leaves it no
// result for that: it knows its rate limiter after a failure and its poll interval after a success.
package requeue

import (
	"context"
	"sync"
	"time"
)

// Soon is the delay of Now, and the shortest delay of a hint. A delay of zero would mean that there is nothing left to do.
const Soon = 100 * time.Millisecond

// key of the hint in a context.
type key struct{}

// A hint is where the code below a Reconciler leaves its wish.
type hint struct {
	mu    sync.Mutex
	after time.Duration

	// progress is true if the external resource was deleted, or was told to be.
	progress bool
}

// After asks for the object that ctx is about to be reconciled again after d, if the next poll is not sooner. The shortest delay
// asked for wins; less than Soon is Soon. A failure of the same reconcile wins over it. It does nothing outside of a Reconciler.
func After(ctx context.Context, d time.Duration) {
	h, ok := ctx.Value(key{}).(*hint)
	if !ok {
		return
	}
	d = max(d, Soon)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.after == 0 || d < h.after {
		h.after = d
	}
}

// Now asks for the object that ctx is about to be reconciled again at once. Only Cap wishes in a row are granted; the rate
// limiter decides about more of them.
func Now(ctx context.Context) {
	After(ctx, Soon)
}

// Clear takes all wishes back.
func Clear(ctx context.Context) {
	h, ok := ctx.Value(key{}).(*hint)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.after = 0
}

// progressed notes that a deletion went on. The managed reconciler leaves it to the rate limiter when to see that the external
// resource is gone, which remembers every time that the deletion was refused before: up to a minute for nothing.
func progressed(ctx context.Context) {
	h, ok := ctx.Value(key{}).(*hint)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress = true
}

// goes reports whether a deletion went on.
func (h *hint) goes() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.progress
}

// asked returns the shortest delay asked for, zero if there is none.
func (h *hint) asked() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.after
}
