package providerconfig

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// pace is how long a configuration rests after it was reconciled. A thousand managed resources that begin to use it at once must
// not make a thousand writes of how many there are.
const pace = time.Second

// paced reconciles no object more often than every so often. The last of what happens meanwhile is not lost: it comes later.
func paced(inner reconcile.Reconciler, rest time.Duration, now func() time.Time) reconcile.Reconciler {
	var mu sync.Mutex
	last := map[reconcile.Request]time.Time{}
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		mu.Lock()
		for r, t := range last {
			if now().Sub(t) >= rest {
				delete(last, r)
			}
		}
		if t, found := last[req]; found {
			mu.Unlock()
			return reconcile.Result{RequeueAfter: rest - now().Sub(t)}, nil
		}
		last[req] = now()
		mu.Unlock()
		return inner.Reconcile(ctx, req)
	})
}
