package topology

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
)

// laneCount is how many topology servers it takes that all fall silent at once to keep a controller from other work, each with as
// many reconciles as the controller was told, and for no longer than a call's deadline: after that calls fail at once.
const laneCount = 5

// lanes keep the reconciles of a controller from all being at one topology server, which may not answer, while those that concern
// other servers wait. What finds its lane full is parked, without a worker, and woken when there is room.
type lanes struct {
	kind    string
	width   int
	metrics *metrics.Metrics

	// of is the lane of a managed resource: its server. It is empty if nobody knows.
	of func(ctx context.Context, key types.NamespacedName) string

	// wake adds a managed resource to the queue of its controller.
	wake func(key types.NamespacedName)

	mu   sync.Mutex
	busy map[string]int
	// parked are who waits for room in a lane, the first one first. waits are their lanes.
	parked map[string][]reconcile.Request
	waits  map[reconcile.Request]string
	// woken were told of room in a lane and have not come yet.
	woken map[reconcile.Request]string
}

// around is a reconciler that lets so many of the requests of one lane into another one at a time.
func (l *lanes) around(inner reconcile.Reconciler) reconcile.Reconciler {
	l.busy, l.parked = map[string]int{}, map[string][]reconcile.Request{}
	l.waits, l.woken = map[reconcile.Request]string{}, map[reconcile.Request]string{}
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		lane := l.of(ctx, req.NamespacedName)
		if !l.enter(lane, req) {
			return reconcile.Result{}, nil
		}
		defer l.leave(lane)
		return inner.Reconcile(ctx, req)
	})
}

// enter a lane, or be parked.
func (l *lanes) enter(lane string, req reconcile.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unpark(lane, req)
	if lane == "" {
		return true
	}
	if l.busy[lane] < l.width {
		l.busy[lane]++
		return true
	}
	if _, waits := l.waits[req]; !waits {
		l.waits[req] = lane
		l.parked[lane] = append(l.parked[lane], req)
		l.metrics.Parked(l.kind, 1)
	}
	return false
}

// unpark who is here from where it does not belong. The lock is held.
func (l *lanes) unpark(lane string, req reconcile.Request) {
	if was, woken := l.woken[req]; woken {
		delete(l.woken, req)
		if was != lane {
			// The room that it was told of is somebody else's.
			l.next(was)
		}
	}
	was, waits := l.waits[req]
	if !waits || was == lane && l.busy[lane] >= l.width {
		return
	}
	delete(l.waits, req)
	l.parked[was] = slices.DeleteFunc(l.parked[was], func(r reconcile.Request) bool { return r == req })
	l.metrics.Parked(l.kind, -1)
}

// leave a lane, so that there is room for another one.
func (l *lanes) leave(lane string) {
	if lane == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[lane]--; l.busy[lane] == 0 {
		delete(l.busy, lane)
	}
	l.next(lane)
}

// next wakes who has been waiting for longest for a lane. The lock is held.
func (l *lanes) next(lane string) {
	queue := l.parked[lane]
	if len(queue) == 0 {
		delete(l.parked, lane)
		return
	}
	req := queue[0]
	l.parked[lane] = queue[1:]
	delete(l.waits, req)
	l.woken[req] = lane
	l.metrics.Parked(l.kind, -1)
	l.wake(req.NamespacedName)
}

// serverOf is the lane of a managed resource: the endpoints of its configuration, as the cache has them.
func serverOf(kube client.Reader, r *resolver, empty func() resource.ModernManaged) func(context.Context, types.NamespacedName) string {
	return func(ctx context.Context, key types.NamespacedName) string {
		mg := empty()
		if err := kube.Get(ctx, key, mg); err != nil {
			return ""
		}
		kind, name, err := reference(mg)
		if err != nil {
			return ""
		}
		c, err := r.get(ctx, key.Namespace, kind, name)
		if err != nil {
			return ""
		}
		return strings.Join(slices.Sorted(slices.Values(c.spec.Endpoints)), ",")
	}
}
