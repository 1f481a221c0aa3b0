package requeue

import (
	"context"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Cap is how many times in a row an object is reconciled again at once. It stops an object that never settles from taking all
// of a processor.
const Cap = 5

// A Reconciler grants the wishes that the reconciler within it is left with.
type Reconciler struct {
	inner reconcile.Reconciler

	mu  sync.Mutex
	now map[reconcile.Request]int
}

// Wrap a reconciler so that the code below it can call After and Now.
func Wrap(inner reconcile.Reconciler) *Reconciler {
	return &Reconciler{inner: inner, now: map[reconcile.Request]int{}}
}

// Reconcile an object. An error, and a result that leaves the delay to the rate limiter, stand as they are: that is how the
// managed reconciler reports failures, and deletions that went on. Of the latter it is looked at once whether they are complete. Any
// other result gives way to a hint that is sooner.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	h := &hint{}
	res, err := r.inner.Reconcile(context.WithValue(ctx, key{}, h), req)
	d := h.asked()
	deletes := limited(res) && h.goes()
	if deletes && d == 0 {
		d = Soon
	}
	if err != nil || d == 0 || limited(res) && !deletes || res.RequeueAfter > 0 && res.RequeueAfter < d {
		r.reset(req)
		return res, err
	}
	if d > Soon {
		r.reset(req)
		return reconcile.Result{RequeueAfter: d}, nil
	}
	if r.count(req) > Cap {
		return reconcile.Result{Requeue: true}, nil
	}
	return reconcile.Result{RequeueAfter: d}, nil
}

// limited reports whether a result leaves the delay to the rate limiter.
func limited(res reconcile.Result) bool {
	return res.Requeue && res.RequeueAfter == 0 //nolint:staticcheck // The managed reconciler sets it.
}

// count one more wish in a row and return how many there are.
func (r *Reconciler) count(req reconcile.Request) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now[req]++
	return r.now[req]
}

func (r *Reconciler) reset(req reconcile.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.now, req)
}
