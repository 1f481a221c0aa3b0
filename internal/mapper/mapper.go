// Package mapper wakes controllers when something changes that their objects depend on. Unlike the map functions of
// controller-runtime, which have no error and whose panics end the process, what is mapped here is retried until it succeeds.
package mapper

import (
	"context"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// retryBase and retryMax bound the delays between attempts to map an object. An attempt reads from a cache as a rule, so
	// there is no reason to rest for long.
	retryBase = 50 * time.Millisecond
	retryMax  = 30 * time.Second

	// versions is how many versions of an object wait for being mapped at most. Polls make up for older ones.
	versions = 32
)

// ErrPanic is the identity of the error of a map function that panicked.
var ErrPanic = errors.New("map function panicked")

// A Func returns the requests that a change of an object makes necessary. Requests beside an error are made, too.
type Func func(ctx context.Context, obj client.Object) ([]reconcile.Request, error)

// queue of a controller.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// An item is an object some versions of which are to be mapped for a controller.
type item struct {
	to  queue
	key client.ObjectKey
}

// A Mapper is the event handler of one watch. It is a runnable of the manager as well, and maps nothing before it is started.
type Mapper struct {
	fn     Func
	failed func(obj client.Object, err error)
	work   workqueue.TypedRateLimitingInterface[item]

	mu      sync.Mutex
	pending map[item][]client.Object
}

// New returns a mapper that calls fn for each object that changes, for its old version as well as for its new one. The function
// failed is told about each failure; it counts and logs. Optional.
func New(fn Func, failed func(obj client.Object, err error)) *Mapper {
	if failed == nil {
		failed = func(client.Object, error) {}
	}
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[item](retryBase, retryMax)
	return &Mapper{
		fn:      fn,
		failed:  failed,
		work:    workqueue.NewTypedRateLimitingQueue(limiter),
		pending: map[item][]client.Object{},
	}
}

// Create maps an object that was created.
func (m *Mapper) Create(_ context.Context, e event.CreateEvent, q queue) {
	m.add(q, e.Object)
}

// Update maps both versions of an object, because what depended on the old one may not depend on the new one.
func (m *Mapper) Update(_ context.Context, e event.UpdateEvent, q queue) {
	m.add(q, e.ObjectOld, e.ObjectNew)
}

// Delete maps an object that was deleted.
func (m *Mapper) Delete(_ context.Context, e event.DeleteEvent, q queue) {
	m.add(q, e.Object)
}

// Generic maps an object about which something was heard elsewhere.
func (m *Mapper) Generic(_ context.Context, e event.GenericEvent, q queue) {
	m.add(q, e.Object)
}

// NeedLeaderElection returns false, because controllers that need no leader election may need mappers.
func (m *Mapper) NeedLeaderElection() bool {
	return false
}

// Start mapping. It returns when ctx is done and the last call of the map function has returned. The error is always nil.
func (m *Mapper) Start(ctx context.Context) error {
	stop := context.AfterFunc(ctx, m.work.ShutDown)
	defer stop()
	for {
		it, end := m.work.Get()
		if end {
			return nil
		}
		m.process(ctx, it)
	}
}

// add versions of an object to those that are to be mapped.
func (m *Mapper) add(q queue, objs ...client.Object) {
	for _, o := range objs {
		if o == nil {
			continue
		}
		it := item{to: q, key: client.ObjectKeyFromObject(o)}
		m.mu.Lock()
		m.pending[it] = bounded(merged(m.pending[it], o))
		m.mu.Unlock()
		m.work.Add(it)
	}
}

// process all versions of an object. Those that fail come back later.
func (m *Mapper) process(ctx context.Context, it item) {
	defer m.work.Done(it)
	if ctx.Err() != nil {
		return
	}
	m.mu.Lock()
	objs := m.pending[it]
	delete(m.pending, it)
	m.mu.Unlock()

	var left []client.Object
	for _, o := range objs {
		reqs, err := m.call(ctx, o)
		for _, r := range reqs {
			it.to.Add(r)
		}
		if err != nil {
			m.failed(o, err)
			left = append(left, o)
		}
	}
	if len(left) == 0 {
		m.work.Forget(it)
		return
	}
	m.mu.Lock()
	for _, o := range m.pending[it] {
		left = merged(left, o)
	}
	m.pending[it] = bounded(left)
	m.mu.Unlock()
	m.work.AddRateLimited(it)
}

// call the map function.
func (m *Mapper) call(ctx context.Context, o client.Object) (reqs []reconcile.Request, err error) {
	defer func() {
		if p := recover(); p != nil {
			reqs, err = nil, errors.Wrapf(ErrPanic, "%v", p)
		}
	}()
	return m.fn(ctx, o)
}

// merged returns objs with o at its end, unless the same version is there. Versions are unknown of objects from elsewhere.
func merged(objs []client.Object, o client.Object) []client.Object {
	for _, other := range objs {
		if o.GetResourceVersion() != "" && other.GetResourceVersion() == o.GetResourceVersion() && other.GetUID() == o.GetUID() {
			return objs
		}
	}
	return append(objs, o)
}

// bounded returns the last of objs.
func bounded(objs []client.Object) []client.Object {
	return objs[max(0, len(objs)-versions):]
}
