package topology

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
)

// A road is lanes with a queue of one worker per request, and reconciles that go on until they are told to end.
type road struct {
	*lanes

	inner   reconcile.Reconciler
	mu      sync.Mutex
	running map[string]chan struct{}
	done    chan string
	wakes   []string
}

// newRoad has lanes by the part of names before a dash; there is none for those without.
func newRoad(width int) *road {
	r := &road{running: map[string]chan struct{}{}, done: make(chan string)}
	r.lanes = &lanes{
		kind: "Kind", width: width, metrics: metrics.New(),
		of: func(_ context.Context, key types.NamespacedName) string {
			lane, _, found := strings.Cut(key.Name, "-")
			if !found {
				return ""
			}
			return lane
		},
		wake: func(key types.NamespacedName) { r.wakes = append(r.wakes, key.Name) },
	}
	r.inner = r.around(reconcile.Func(func(_ context.Context, req reconcile.Request) (reconcile.Result, error) {
		end := make(chan struct{})
		r.mu.Lock()
		r.running[req.Name] = end
		r.mu.Unlock()
		r.done <- req.Name
		<-end
		return reconcile.Result{}, nil
	}))
	return r
}

func request(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}}
}

// start a reconcile and report whether it runs, or was parked.
func (r *road) start(name string) bool {
	parked := make(chan struct{})
	go func() {
		_, _ = r.inner.Reconcile(context.Background(), request(name))
		close(parked)
	}()
	select {
	case <-r.done:
		return true
	case <-parked:
		return false
	}
}

// end a reconcile and wait until it has left its lane.
func (r *road) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.running[name])
	for {
		r.lanes.mu.Lock()
		busy := 0
		for _, n := range r.busy {
			busy += n
		}
		r.lanes.mu.Unlock()
		if busy < len(r.running) {
			break
		}
	}
	delete(r.running, name)
}

func TestLanes(t *testing.T) {
	r := newRoad(2)
	steps := []struct {
		reason string
		start  string
		end    string
		runs   bool
		wakes  []string
	}{
		{reason: "There is room in an empty lane.", start: "a-1", runs: true},
		{reason: "There is room for a second one.", start: "a-2", runs: true},
		{reason: "A third one should wait without a worker.", start: "a-3"},
		{reason: "A fourth one should, too.", start: "a-4"},
		{reason: "Who is told again to wait should wait once.", start: "a-3"},
		{reason: "Another lane should be free.", start: "b-1", runs: true},
		{reason: "The first who waits should be woken when there is room.", end: "a-1", wakes: []string{"a-3"}},
		{reason: "It should find the room.", start: "a-3", runs: true},
		{reason: "The next one should be woken.", end: "a-2", wakes: []string{"a-4"}},
		{reason: "Somebody else may be faster.", start: "a-5", runs: true},
		{reason: "Then it waits again.", start: "a-4"},
		{reason: "And is not forgotten.", end: "a-3", wakes: []string{"a-4"}},
		{reason: "It should run in the end.", start: "a-4", runs: true},
		{reason: "Nobody is left to be woken.", end: "a-5"},
		{reason: "Nor here.", end: "a-4"},
		{reason: "Nor in the other lane.", end: "b-1"},
	}
	for _, s := range steps {
		r.wakes = nil
		if s.start != "" && r.start(s.start) != s.runs {
			t.Fatalf("%s\n%s: want it to run: %t", s.reason, s.start, s.runs)
		}
		if s.end != "" {
			r.end(s.end)
		}
		if diff := cmp.Diff(s.wakes, r.wakes); diff != "" {
			t.Fatalf("%s\nwoken: -want, +got:\n%s", s.reason, diff)
		}
	}
	if n := len(r.busy) + len(r.waits) + len(r.woken); n > 0 {
		t.Errorf("nothing should be remembered of lanes that are empty, got %v %v %v", r.busy, r.waits, r.woken)
	}
}

// TestLanesGone: who was told of room and has gone away, or to another lane, should leave it to the next one.
func TestLanesGone(t *testing.T) {
	r := newRoad(1)
	if !r.start("a-1") || r.start("a-2") || r.start("a-3") {
		t.Fatal("want one that runs and two that wait")
	}
	r.end("a-1")
	of := r.of
	r.of = func(context.Context, types.NamespacedName) string { return "" }
	if !r.start("a-2") {
		t.Fatal("what has no lane should run")
	}
	r.of = of
	if diff := cmp.Diff([]string{"a-2", "a-3"}, r.wakes); diff != "" {
		t.Errorf("woken: -want, +got:\n%s", diff)
	}
	close(r.running["a-2"])
}

// TestLanesDrain: however many there are, all run once, and never more of a lane than may.
func TestLanesDrain(t *testing.T) {
	const width, all = 3, 100
	var (
		mu         sync.Mutex
		busy, most int
		ran        = map[string]int{}
		work       = make(chan types.NamespacedName, 10*all)
	)
	l := &lanes{
		kind: "Kind", width: width, metrics: metrics.New(), wake: func(key types.NamespacedName) { work <- key },
		of: func(context.Context, types.NamespacedName) string { return "a" },
	}
	var wg sync.WaitGroup
	wg.Add(all)
	r := l.around(reconcile.Func(func(_ context.Context, req reconcile.Request) (reconcile.Result, error) {
		mu.Lock()
		busy++
		most = max(most, busy)
		ran[req.Name]++
		mu.Unlock()
		defer func() {
			mu.Lock()
			busy--
			mu.Unlock()
			wg.Done()
		}()
		return reconcile.Result{}, nil
	}))
	for i := range all {
		work <- request(fmt.Sprint("a-", i)).NamespacedName
	}
	for range 4 * width {
		go func() {
			for key := range work {
				_, _ = r.Reconcile(context.Background(), reconcile.Request{NamespacedName: key})
			}
		}()
	}
	wg.Wait()
	if len(ran) != all || most > width {
		t.Errorf("want %d that ran, at most %d at a time, got %d and %d", all, width, len(ran), most)
	}
}
