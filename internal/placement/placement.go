// Package placement says how the controllers of a process run: which of its replicas runs them, how many objects at a time, and
// how soon again.
package placement

import (
	"fmt"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// The defaults.
const (
	// DefaultLeaseDuration and DefaultRenewDeadline are those of Crossplane's providers. A leader that was suspended goes on
	// for up to the deadline beside its successor, which is why writes are fenced.
	DefaultLeaseDuration = 60 * time.Second
	DefaultRenewDeadline = 50 * time.Second

	// DefaultRetryPeriod is that of controller-runtime.
	DefaultRetryPeriod = 2 * time.Second

	// DefaultConcurrency is how many objects of a kind are reconciled at a time. Most of that time they wait for a server.
	DefaultConcurrency = 10

	// DefaultRate is how many reconciles start per second. One of a resource that is as desired costs one read of a server.
	DefaultRate = 100

	// DefaultBackoffBase and DefaultBackoffMax are those of Crossplane's controllers.
	DefaultBackoffBase = 1 * time.Second
	DefaultBackoffMax  = 60 * time.Second

	// DefaultPollInterval is that of Crossplane's controllers. Changes are watched: polls make up for what a watch missed.
	DefaultPollInterval = 1 * time.Minute

	// DefaultSyncInterval is that of Crossplane's providers.
	DefaultSyncInterval = 1 * time.Hour
)

// jitterFactor is the share of the lease duration that client-go's leader election may add to a retry period: it refuses a
// renew deadline that is not longer than the prolonged period.
const jitterFactor = 1.2

// ErrInvalid is the identity of all errors of Validate.
var ErrInvalid = errors.New("invalid placement")

// A Spec says how controllers run. It is a value: nobody can change it for others.
type Spec struct {
	// LeaderElection lets one replica at a time run the controllers. Without it each replica runs them, which is for
	// development with a single one.
	LeaderElection bool

	// LeaseDuration is how long replicas wait for a leader that renews its lease no more.
	LeaseDuration time.Duration

	// RenewDeadline is how long a leader tries to renew its lease before it gives up.
	RenewDeadline time.Duration

	// RetryPeriod is how long replicas wait between attempts to get or renew the lease.
	RetryPeriod time.Duration

	// Concurrency is how many objects of a kind are reconciled at a time. One object is never reconciled twice at a time.
	Concurrency int

	// Rate is how many reconciles per second all controllers together start at most.
	Rate int

	// BackoffBase is how long an object rests after its first failure in a row. Each further one doubles it.
	BackoffBase time.Duration

	// BackoffMax is the longest rest.
	BackoffMax time.Duration

	// PollInterval is how long an object that is as desired rests before it is observed again.
	PollInterval time.Duration

	// SyncInterval is how often all objects in the cache are reconciled whether or not they changed.
	SyncInterval time.Duration
}

// Default returns the placement of a process that was told nothing.
func Default() Spec {
	return Spec{
		LeaderElection: true,
		LeaseDuration:  DefaultLeaseDuration,
		RenewDeadline:  DefaultRenewDeadline,
		RetryPeriod:    DefaultRetryPeriod,
		Concurrency:    DefaultConcurrency,
		Rate:           DefaultRate,
		BackoffBase:    DefaultBackoffBase,
		BackoffMax:     DefaultBackoffMax,
		PollInterval:   DefaultPollInterval,
		SyncInterval:   DefaultSyncInterval,
	}
}

// String describes the placement in one line, for the log.
func (s Spec) String() string {
	return fmt.Sprintf("placement=%s concurrency=%d backoff=%s..%s poll=%s sync=%s rate=%d",
		s.replicas(), s.Concurrency, s.BackoffBase, s.BackoffMax, s.PollInterval, s.SyncInterval, s.Rate)
}

func (s Spec) replicas() string {
	if !s.LeaderElection {
		return "each-replica"
	}
	return fmt.Sprintf("leader lease=%s renew=%s retry=%s", s.LeaseDuration, s.RenewDeadline, s.RetryPeriod)
}

// Validate returns an error that names each wrong field and describes the placement. Lease times are of no importance without
// leader election.
func (s Spec) Validate() error {
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, errors.Errorf(format, args...))
		}
	}
	check(s.Concurrency > 0, "concurrency %d: must be positive", s.Concurrency)
	check(s.Rate > 0, "rate %d: must be positive", s.Rate)
	check(s.BackoffBase > 0, "backoff base %s: must be positive", s.BackoffBase)
	check(s.BackoffMax >= s.BackoffBase, "backoff max %s: must not be shorter than the base %s", s.BackoffMax, s.BackoffBase)
	check(s.PollInterval > 0, "poll interval %s: must be positive", s.PollInterval)
	check(s.SyncInterval > 0, "sync interval %s: must be positive", s.SyncInterval)
	if s.LeaderElection {
		// A lease counts whole seconds.
		check(s.LeaseDuration >= time.Second, "lease duration %s: must be at least 1s", s.LeaseDuration)
		check(s.LeaseDuration > s.RenewDeadline, "lease duration %s: must be longer than the renew deadline %s", s.LeaseDuration, s.RenewDeadline)
		check(s.RetryPeriod > 0, "retry period %s: must be positive", s.RetryPeriod)
		check(float64(s.RenewDeadline) > jitterFactor*float64(s.RetryPeriod),
			"renew deadline %s: must be longer than %.1f times the retry period %s", s.RenewDeadline, jitterFactor, s.RetryPeriod)
	}
	if len(wrong) == 0 {
		return nil
	}
	return &invalidError{spec: s, wrong: errors.Join(wrong...)}
}

// An invalidError is what Validate found.
type invalidError struct {
	spec  Spec
	wrong error
}

// Error names the wrong fields.
func (e *invalidError) Error() string {
	return fmt.Sprintf("%s: %s: %s", ErrInvalid, e.wrong, e.spec)
}

// Is reports whether target is ErrInvalid.
func (e *invalidError) Is(target error) bool {
	return target == ErrInvalid
}

// Manager returns o with the leader election and the cache of the placement. The lease is named by id and given back when the
// process ends, so that a successor need not wait for its end.
func (s Spec) Manager(o ctrl.Options, id string) ctrl.Options {
	o.LeaderElection = s.LeaderElection
	o.LeaderElectionID = id
	o.LeaderElectionResourceLock = "leases"
	o.LeaderElectionReleaseOnCancel = true
	o.LeaseDuration = ptr.To(s.LeaseDuration)
	o.RenewDeadline = ptr.To(s.RenewDeadline)
	o.RetryPeriod = ptr.To(s.RetryPeriod)
	o.Cache = s.cache(o.Cache)
	return o
}

func (s Spec) cache(o cache.Options) cache.Options {
	o.SyncPeriod = ptr.To(s.SyncInterval)
	return o
}

// Crossplane returns o with the concurrency and the poll interval of the placement, and with one limit of the rate for all controllers.
func (s Spec) Crossplane(o controller.Options) controller.Options {
	o.MaxConcurrentReconciles = s.Concurrency
	o.PollInterval = s.PollInterval
	o.GlobalRateLimiter = ratelimiter.NewGlobal(s.Rate)
	return o
}

// Controller returns the options of one controller, with a rate limiter of its own. The options of Crossplane's that it is made
// from are those that Crossplane returned.
func (s Spec) Controller(o controller.Options) ctrlcontroller.Options {
	c := o.ForControllerRuntime()
	c.NeedLeaderElection = ptr.To(s.LeaderElection)
	c.RateLimiter = workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](s.BackoffBase, s.BackoffMax)
	return c
}
