package topology

import (
	"context"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/crossplane-multigres/crossplane-multigres/internal/supervise"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A user of a store is a managed resource.
type user struct {
	kind string
	key  types.NamespacedName
}

// A watch of a store turns its changes into reconciles.
type watch struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// follow watches the store of an entry until the watch is ended. There is one watch for each store at any time.
func (p *pool) follow(e *entry) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{cancel: cancel, ended: make(chan struct{})}
	// seen is the revision that was delivered last: another run goes on after it.
	var seen atomic.Int64
	loop := &supervise.Loop{
		Task: func(ctx context.Context, _ int) error {
			p.metrics.Watch(1)
			defer p.metrics.Watch(-1)
			listed := int64(0)
			return e.store.Watch(ctx, "", seen.Load(), func(ev topo.Event) {
				if ev.Type == topo.EventList {
					p.metrics.WatchList()
					listed = ev.Revision
				}
				// A list says nothing about what was deleted before it, so it wakes everybody. What it lists need not
				// wake them again.
				if ev.Type == topo.EventList || ev.Revision > listed {
					p.awaken(e, ev.Path)
				}
				seen.Store(ev.Revision)
			})
		},
		OnExit: func(supervise.Exit) { p.metrics.WatchRestart() },
	}
	go func() {
		defer close(w.ended)
		_ = loop.Start(ctx)
	}()
	return w
}

// end the watch and wait until it has ended.
func (w *watch) end() {
	w.cancel()
	<-w.ended
}

// A waker adds managed resources to the queue of their controller, once that runs.
type waker struct {
	queue atomic.Pointer[workqueue.TypedRateLimitingInterface[reconcile.Request]]
}

// source of events for a controller.
func (w *waker) source() source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		w.queue.Store(&q)
		return nil
	})
}

// wake a managed resource.
func (w *waker) wake(key types.NamespacedName) {
	if q := w.queue.Load(); q != nil {
		(*q).Add(reconcile.Request{NamespacedName: key})
	}
}
