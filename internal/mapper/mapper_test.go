package mapper

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var (
	_ handler.EventHandler           = &Mapper{}
	_ manager.LeaderElectionRunnable = &Mapper{}
)

var errBoom = errors.New("boom")

// secret returns a version of a Secret on which an object named by owner depends.
func secret(name, version, owner string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: name, UID: "u", ResourceVersion: version, Labels: map[string]string{"owner": owner},
	}}
}

func request(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ns", Name: name}}
}

// byOwner maps a Secret to the object that depends on it.
func byOwner(_ context.Context, obj client.Object) ([]reconcile.Request, error) {
	return []reconcile.Request{request(obj.GetLabels()["owner"])}, nil
}

// A fakeQueue of a controller records what is added.
type fakeQueue struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	mu    sync.Mutex
	names []string
}

func (q *fakeQueue) Add(r reconcile.Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.names = append(q.names, r.Name)
}

// run a mapper while events happens, for a minute afterwards, and until it has stopped.
func run(t *testing.T, m *Mapper, events func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- m.Start(ctx) }()
	events()
	time.Sleep(time.Minute)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Start(...): %v", err)
	}
}

func TestEvents(t *testing.T) {
	cases := map[string]struct {
		reason string
		events func(m *Mapper, q *fakeQueue)
		want   []string
	}{
		"Create": {
			reason: "A new object wakes what depends on it.",
			events: func(m *Mapper, q *fakeQueue) {
				m.Create(t.Context(), event.CreateEvent{Object: secret("s", "1", "a")}, q)
			},
			want: []string{"a"},
		},
		"Update": {
			reason: "An update wakes what depended on the old version and what depends on the new one.",
			events: func(m *Mapper, q *fakeQueue) {
				m.Update(t.Context(), event.UpdateEvent{ObjectOld: secret("s", "1", "a"), ObjectNew: secret("s", "2", "b")}, q)
			},
			want: []string{"a", "b"},
		},
		"Delete": {
			reason: "A deletion wakes what depended on the object.",
			events: func(m *Mapper, q *fakeQueue) {
				m.Delete(t.Context(), event.DeleteEvent{Object: secret("s", "1", "a")}, q)
			},
			want: []string{"a"},
		},
		"Generic": {
			reason: "News from elsewhere wake what depends on the object, each of them.",
			events: func(m *Mapper, q *fakeQueue) {
				m.Generic(t.Context(), event.GenericEvent{Object: secret("s", "", "a")}, q)
				m.Generic(t.Context(), event.GenericEvent{Object: secret("s", "", "b")}, q)
			},
			want: []string{"a", "b"},
		},
		"SameVersion": {
			reason: "A version that waits for being mapped already is not mapped twice.",
			events: func(m *Mapper, q *fakeQueue) {
				m.Update(t.Context(), event.UpdateEvent{ObjectOld: secret("s", "1", "a"), ObjectNew: secret("s", "2", "b")}, q)
				m.Update(t.Context(), event.UpdateEvent{ObjectOld: secret("s", "2", "b"), ObjectNew: secret("s", "3", "c")}, q)
			},
			want: []string{"a", "b", "c"},
		},
		"NoObject": {
			reason: "An event without an object wakes nobody.",
			events: func(m *Mapper, q *fakeQueue) { m.Create(t.Context(), event.CreateEvent{}, q) },
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &fakeQueue{}
				m := New(byOwner, nil)
				// The events happen first, so that their order of arrival does not matter.
				tc.events(m, q)
				run(t, m, func() {})
				if diff := cmp.Diff(tc.want, q.names); diff != "" {
					t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
				}
			})
		})
	}
}

func TestQueues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &fakeQueue{}, &fakeQueue{}
		m := New(byOwner, nil)
		run(t, m, func() {
			m.Create(t.Context(), event.CreateEvent{Object: secret("s", "1", "a")}, one)
			m.Create(t.Context(), event.CreateEvent{Object: secret("s", "1", "a")}, two)
		})
		if diff := cmp.Diff([][]string{{"a"}, {"a"}}, [][]string{one.names, two.names}); diff != "" {
			t.Errorf("\nA mapper serves several controllers.\n-want, +got:\n%s", diff)
		}
	})
}

func TestRetry(t *testing.T) {
	cases := map[string]struct {
		reason string
		fail   func() ([]reconcile.Request, error)
		err    error
		want   []string
	}{
		"Error": {
			reason: "An object that cannot be mapped is mapped again.",
			fail:   func() ([]reconcile.Request, error) { return nil, errBoom },
			err:    errBoom,
			want:   []string{"a", "b"},
		},
		"PartialResult": {
			reason: "What could be found out is not held back by an error.",
			fail:   func() ([]reconcile.Request, error) { return []reconcile.Request{request("early")}, errBoom },
			err:    errBoom,
			want:   []string{"a", "b", "early", "early", "early", "early"},
		},
		"Panic": {
			reason: "A panic is an error like any other.",
			fail:   func() ([]reconcile.Request, error) { panic("boom") },
			err:    ErrPanic,
			want:   []string{"a", "b"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &fakeQueue{}
				calls := map[string]int{}
				var errs []error
				m := New(func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
					calls[obj.GetResourceVersion()]++
					if calls[obj.GetResourceVersion()] < 3 {
						return tc.fail()
					}
					return byOwner(ctx, obj)
				}, func(_ client.Object, err error) { errs = append(errs, err) })
				run(t, m, func() {
					m.Update(t.Context(), event.UpdateEvent{ObjectOld: secret("s", "1", "a"), ObjectNew: secret("s", "2", "b")}, q)
				})
				slices.Sort(q.names)
				if diff := cmp.Diff(tc.want, q.names); diff != "" {
					t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
				}
				if diff := cmp.Diff([]error{tc.err, tc.err, tc.err, tc.err}, errs, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("\n%s\nEach failure is reported: -want, +got:\n%s", tc.reason, diff)
				}
				if diff := cmp.Diff(0, len(m.pending)); diff != "" {
					t.Errorf("\nNothing is kept of what was mapped.\n-want, +got:\n%s", diff)
				}
			})
		})
	}
}

func TestEventDuringFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		var broken atomic.Bool
		broken.Store(true)
		m := New(func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
			// Time for the next event to arrive.
			time.Sleep(time.Millisecond)
			if broken.Load() {
				return nil, errBoom
			}
			return byOwner(ctx, obj)
		}, nil)
		run(t, m, func() {
			for i := range 2 * versions {
				old := secret("s", strconv.Itoa(i), strconv.Itoa(i))
				m.Update(t.Context(), event.UpdateEvent{ObjectOld: old, ObjectNew: secret("s", strconv.Itoa(i+1), strconv.Itoa(i+1))}, q)
				time.Sleep(time.Millisecond)
			}
			broken.Store(false)
		})
		// Versions from before the last ones are mapped if they were read when the map function recovered.
		for i := versions + 1; i <= 2*versions; i++ {
			if !slices.Contains(q.names, strconv.Itoa(i)) {
				t.Errorf("\nThe last %d versions survive a failure, but %d did not.", versions, i)
			}
		}
		if diff := cmp.Diff(0, len(m.pending)); diff != "" {
			t.Errorf("\nNothing is kept of what was mapped.\n-want, +got:\n%s", diff)
		}
	})
}

func TestBounded(t *testing.T) {
	var objs []client.Object
	for i := range versions + 2 {
		objs = bounded(merged(objs, secret("s", strconv.Itoa(i), "a")))
	}
	got := []string{objs[0].GetResourceVersion(), objs[len(objs)-1].GetResourceVersion(), strconv.Itoa(len(objs))}
	want := []string{"2", strconv.Itoa(versions + 1), strconv.Itoa(versions)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nA failure that lasts does not fill the memory: the oldest versions go.\n-want, +got:\n%s", diff)
	}
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueue{}
		ctx, cancel := context.WithCancel(t.Context())
		m := New(func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			return byOwner(ctx, obj)
		}, nil)
		m.Create(ctx, event.CreateEvent{Object: secret("s", "1", "a")}, q)
		m.Create(ctx, event.CreateEvent{Object: secret("t", "1", "b")}, q)
		done := make(chan error)
		go func() { done <- m.Start(ctx) }()
		synctest.Wait()
		began := time.Now()
		cancel()
		<-done
		if diff := cmp.Diff(time.Second, time.Since(began)); diff != "" {
			t.Errorf("\nThe end waits for the map function.\n-want, +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a"}, q.names); diff != "" {
			t.Errorf("\nNothing is mapped after the end.\n-want, +got:\n%s", diff)
		}
		if m.NeedLeaderElection() {
			t.Error("Mappers run in each replica.")
		}
	})
}
