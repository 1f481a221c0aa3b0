package placement

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

var errBoom = errors.New("boom")

// leases returns a client of leases that are created at a time, as an API server does it.
func leases(created *time.Time) (coordinationclient.LeasesGetter, *fake.Clientset) {
	c := fake.NewClientset()
	c.PrependReactor("create", "leases", func(a k8stesting.Action) (bool, runtime.Object, error) {
		l := a.(k8stesting.CreateAction).GetObject().(*coordinationv1.Lease)
		l.CreationTimestamp = metav1.NewTime(*created)
		return false, nil, nil
	})
	return c.CoordinationV1(), c
}

// a clock that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func record(holder string, transitions int) resourcelock.LeaderElectionRecord {
	return resourcelock.LeaderElectionRecord{HolderIdentity: holder, LeaderTransitions: transitions, LeaseDurationSeconds: 4}
}

func noticed(l Lease) bool {
	select {
	case <-l.Changed():
		return true
	default:
		return false
	}
}

// step is what a lease says at one time.
type step struct {
	Held    bool
	Changed bool
	Token   int64
	Err     error
}

func observe(l Lease) step {
	token, err := l.Token()
	return step{Held: l.Held(), Changed: noticed(l), Token: token, Err: err}
}

func TestElectedLease(t *testing.T) {
	ctx := context.Background()
	created := time.Unix(1000, 0)
	base := int64(1000) << termBits
	getter, c := leases(&created)
	now := &clock{t: time.Unix(5000, 0)}
	lock, l := Spec{RenewDeadline: 3 * time.Second}.Lock(getter, "ns", "lease", "me")
	l.now = now.now

	check := func(reason string, want step) {
		t.Helper()
		if diff := cmp.Diff(want, observe(l), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("%s\n-want, +got:\n%s", reason, diff)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	check("Nobody leads before the election.", step{Err: ErrNotLeader})

	must(lock.Create(ctx, record("me", 0)))
	check("Who creates the lease leads.", step{Held: true, Changed: true, Token: base})

	now.t = now.t.Add(2 * time.Second)
	must(lock.Update(ctx, record("me", 0)))
	check("A renewal changes nothing.", step{Held: true, Token: base})

	now.t = now.t.Add(2 * time.Second)
	check("The deadline begins with the renewal.", step{Held: true, Token: base})

	now.t = now.t.Add(time.Second)
	check("After the deadline it is not known who leads.", step{Err: ErrNotLeader})

	c.PrependReactor("update", "leases", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errBoom })
	if err := lock.Update(ctx, record("me", 7)); !errors.Is(err, errBoom) {
		t.Fatalf("want %v, got %v", errBoom, err)
	}
	check("A write that failed gives nothing.", step{Err: ErrNotLeader})
	c.ReactionChain = c.ReactionChain[1:]

	must(lock.Update(ctx, record("me", 8)))
	check("Another term has another token.", step{Held: true, Changed: true, Token: base + 8})

	must(lock.Update(ctx, record("", 8)))
	check("What is given back is not held.", step{Changed: true, Err: ErrNotLeader})
}

func TestElectedLeaseRunsOut(t *testing.T) {
	l := NewElectedLease("me", time.Millisecond)
	l.renewed(1, time.Now())
	// The election is told as well, or the two are told as one.
	for told := 0; told == 0 || l.Held(); told++ {
		select {
		case <-l.Changed():
		case <-time.After(20 * time.Second):
			t.Fatal("Changed(): the loss of a lease should be told although nobody writes it")
		}
	}
}

func TestTokenSurvivesDeletion(t *testing.T) {
	first := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(time.Unix(1000, 0))}}
	transitions := int32(1<<termBits - 1)
	first.Spec.LeaseTransitions = &transitions
	second := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(time.Unix(1001, 0))}}
	if tokenOf(&second) <= tokenOf(&first) {
		t.Errorf("tokenOf(): a lease that somebody deleted should go on with higher tokens, got %d after %d", tokenOf(&second), tokenOf(&first))
	}
}

func TestSeize(t *testing.T) {
	ctx := context.Background()
	created := time.Unix(1000, 0)
	base := int64(1000) << termBits
	getter, _ := leases(&created)

	seize := func(identity string) step {
		t.Helper()
		l, err := Seize(ctx, getter, "ns", "lease", identity)
		if err != nil {
			t.Fatal(err)
		}
		if l.Identity() != identity {
			t.Errorf("Identity(): want %q, got %q", identity, l.Identity())
		}
		return observe(l)
	}
	if diff := cmp.Diff(step{Held: true, Token: base}, seize("a")); diff != "" {
		t.Errorf("Seize(): the first term: -want, +got:\n%s", diff)
	}
	lock, l := Spec{RenewDeadline: time.Minute}.Lock(getter, "ns", "lease", "leader")
	if _, _, err := lock.Get(ctx); err != nil {
		t.Fatal(err)
	}
	if err := lock.Update(ctx, record("leader", 1)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(step{Held: true, Token: base + 2}, seize("b")); diff != "" {
		t.Errorf("Seize(): a term after that of an elected leader: -want, +got:\n%s", diff)
	}
	if token, err := l.Token(); err != nil || token >= base+2 {
		t.Errorf("Token(): the leader that was taken over should have a lower token, got %d, %v", token, err)
	}
	got, err := getter.Leases("ns").Get(ctx, "lease", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Spec.HolderIdentity != "b" || *got.Spec.LeaseDurationSeconds != 1 {
		t.Errorf("Seize(): the lease should name its holder and end soon, got %+v", got.Spec)
	}
}

func TestSeizeFails(t *testing.T) {
	created := time.Unix(1000, 0)
	getter, c := leases(&created)
	c.PrependReactor("get", "leases", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errBoom })
	if _, err := Seize(context.Background(), getter, "ns", "lease", "a"); !errors.Is(err, errBoom) {
		t.Errorf("Seize(): an API server that does not answer gives no lease: want %v, got %v", errBoom, err)
	}
}

// TestSeizeTooLate: a lease of which nobody knows whether it was taken is not held.
func TestSeizeTooLate(t *testing.T) {
	for _, verb := range []string{"get", "create", "update"} {
		t.Run(verb, func(t *testing.T) {
			created := time.Unix(1000, 0)
			getter, c := leases(&created)
			if verb == "update" {
				if _, err := Seize(t.Context(), getter, "ns", "lease", "a"); err != nil {
					t.Fatal(err)
				}
			}
			c.PrependReactor(verb, "leases", func(k8stesting.Action) (bool, runtime.Object, error) {
				return true, &coordinationv1.Lease{}, errors.Wrap(context.DeadlineExceeded, "client timeout")
			})
			if l, err := Seize(t.Context(), getter, "ns", "lease", "b"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Seize(): want %v, got %v and lease %v", context.DeadlineExceeded, err, l)
			}
		})
	}
}

func TestFakeLease(t *testing.T) {
	l := NewFakeLease()
	var got []step
	for _, held := range []bool{true, false, true} {
		l.Set(held)
		got = append(got, observe(l))
	}
	want := []step{{Held: true, Token: 1}, {Changed: true, Err: ErrNotLeader}, {Held: true, Changed: true, Token: 2}}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("FakeLease: -want, +got:\n%s", diff)
	}
}
