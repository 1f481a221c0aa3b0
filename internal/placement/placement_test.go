package placement

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// with returns the defaults after a change.
func with(change func(s *Spec)) Spec {
	s := Default()
	change(&s)
	return s
}

func TestString(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   Spec
		want   string
	}{
		"Default": {
			reason: "The defaults are described by their effective values.",
			spec:   Default(),
			want:   "placement=leader lease=1m0s renew=50s retry=2s concurrency=10 backoff=1s..1m0s poll=1m0s sync=1h0m0s rate=100",
		},
		"Configured": {
			reason: "Lease times are of no importance without leader election.",
			spec: Spec{
				Concurrency: 3, Rate: 7, BackoffBase: 20 * time.Millisecond, BackoffMax: 5 * time.Second,
				PollInterval: 30 * time.Second, SyncInterval: 10 * time.Minute,
			},
			want: "placement=each-replica concurrency=3 backoff=20ms..5s poll=30s sync=10m0s rate=7",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.spec.String()); diff != "" {
				t.Errorf("\n%s\nString(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   Spec
		err    error
		names  []string
	}{
		"Default": {
			reason: "The defaults are valid.",
			spec:   Default(),
		},
		"BaseIsMax": {
			reason: "A backoff may be constant.",
			spec:   with(func(s *Spec) { s.BackoffBase = s.BackoffMax }),
		},
		"NoLease": {
			reason: "Without leader election no lease times are needed.",
			spec: with(func(s *Spec) {
				s.LeaderElection, s.LeaseDuration, s.RenewDeadline, s.RetryPeriod = false, 0, 0, 0
			}),
		},
		"Empty": {
			reason: "All wrong fields are named at once.",
			spec:   Spec{},
			err:    ErrInvalid,
			names:  []string{"concurrency 0", "backoff base 0s", "poll interval 0s", "sync interval 0s"},
		},
		"MaxBelowBase": {
			reason: "The longest rest is not shorter than the first one.",
			spec:   with(func(s *Spec) { s.BackoffMax = s.BackoffBase - 1 }),
			err:    ErrInvalid,
			names:  []string{"backoff max 999.999999ms"},
		},
		"Negative": {
			reason: "Negative numbers are wrong, too.",
			spec:   with(func(s *Spec) { s.Concurrency, s.PollInterval = -1, -time.Second }),
			err:    ErrInvalid,
			names:  []string{"concurrency -1", "poll interval -1s"},
		},
		"LeaseTooShort": {
			reason: "A lease counts whole seconds.",
			spec: with(func(s *Spec) {
				s.LeaseDuration, s.RenewDeadline, s.RetryPeriod = 900*time.Millisecond, 500*time.Millisecond, 100*time.Millisecond
			}),
			err:   ErrInvalid,
			names: []string{"lease duration 900ms"},
		},
		"DeadlineIsLease": {
			reason: "A leader gives up before others take over.",
			spec:   with(func(s *Spec) { s.RenewDeadline = s.LeaseDuration }),
			err:    ErrInvalid,
			names:  []string{"lease duration 1m0s"},
		},
		"RetryTooLong": {
			reason: "Leader election refuses a deadline within which no retry is sure.",
			spec:   with(func(s *Spec) { s.RetryPeriod = 45 * time.Second }),
			err:    ErrInvalid,
			names:  []string{"renew deadline 50s"},
		},
		"NoRetry": {
			reason: "A retry period is needed.",
			spec:   with(func(s *Spec) { s.RetryPeriod = 0 }),
			err:    ErrInvalid,
			names:  []string{"retry period 0s"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := tc.spec.Validate()
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nValidate(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if err == nil {
				return
			}
			for _, want := range append(tc.names, tc.spec.String()) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("\n%s\nValidate(): want %q in %q", tc.reason, want, err)
				}
			}
		})
	}
}

func TestManager(t *testing.T) {
	s := with(func(s *Spec) { s.LeaseDuration = 4 * time.Second })
	got := s.Manager(ctrl.Options{
		LeaderElectionNamespace: "kept",
		Cache:                   cache.Options{ReaderFailOnMissingInformer: true},
	}, "lease")
	want := ctrl.Options{
		LeaderElection:                true,
		LeaderElectionID:              "lease",
		LeaderElectionNamespace:       "kept",
		LeaderElectionResourceLock:    "leases",
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 ptr.To(4 * time.Second),
		RenewDeadline:                 ptr.To(DefaultRenewDeadline),
		RetryPeriod:                   ptr.To(DefaultRetryPeriod),
		Cache:                         cache.Options{ReaderFailOnMissingInformer: true, SyncPeriod: ptr.To(DefaultSyncInterval)},
	}
	if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("\nOther options of the manager are kept.\nManager(...): -want, +got:\n%s", diff)
	}
}

func TestController(t *testing.T) {
	s := with(func(s *Spec) {
		s.BackoffBase, s.BackoffMax, s.Concurrency = 10*time.Millisecond, 50*time.Millisecond, 7
	})
	o := s.Crossplane(controller.DefaultOptions())
	if diff := cmp.Diff([]any{7, DefaultPollInterval}, []any{o.MaxConcurrentReconciles, o.PollInterval}); diff != "" {
		t.Errorf("\nCrossplane's options have concurrency and poll interval.\nCrossplane(...): -want, +got:\n%s", diff)
	}
	if o.GlobalRateLimiter.When("a") != 0 {
		t.Errorf("\nThe first reconcile need not wait.\nCrossplane(...): want no delay")
	}

	got := s.Controller(o)
	want := ctrlcontroller.Options{MaxConcurrentReconciles: 7, RecoverPanic: ptr.To(true), NeedLeaderElection: ptr.To(true)}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(ctrlcontroller.Options{}, "RateLimiter"), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("\nA controller runs on the leader, and its panics are errors.\nController(...): -want, +got:\n%s", diff)
	}
	req := reconcile.Request{}
	var rests []time.Duration
	for range 5 {
		rests = append(rests, got.RateLimiter.When(req))
	}
	got.RateLimiter.Forget(req)
	rests = append(rests, got.RateLimiter.When(req), s.Controller(o).RateLimiter.When(req))
	const ms = time.Millisecond
	if diff := cmp.Diff([]time.Duration{10 * ms, 20 * ms, 40 * ms, 50 * ms, 50 * ms, 10 * ms, 10 * ms}, rests); diff != "" {
		t.Errorf("\nRests double up to the maximum, success resets them, and controllers do not share them.\n-want, +got:\n%s", diff)
	}

	s.LeaderElection = false
	if diff := cmp.Diff(ptr.To(false), s.Controller(o).NeedLeaderElection); diff != "" {
		t.Errorf("\nWithout leader election controllers run everywhere.\nController(...): -want, +got:\n%s", diff)
	}
}
