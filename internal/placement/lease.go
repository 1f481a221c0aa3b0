package placement

import (
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// ErrNotLeader means that this replica does not lead, or no longer knows that it does. It must write nothing outside.
var ErrNotLeader = errors.New("this replica does not lead")

// A Lease says whether this replica may act, and under which term. Holding it is necessary and not sufficient: a process that is
// suspended learns too late that it lost it, which is why writes carry the token.
type Lease interface {
	// Held reports whether this replica leads, as far as it can know without asking anybody.
	Held() bool

	// Changed receives after Held has changed. Changes in quick succession may be received as one.
	Changed() <-chan struct{}

	// Token of the term. Terms that begin later have higher ones. It is ErrNotLeader if the lease is not held.
	Token() (int64, error)

	// Identity of this replica, which is unique to the process.
	Identity() string
}

// A notice holds what the implementations of Lease have in common: a channel that keeps one change until it is received.
type notice chan struct{}

func newNotice() notice { return make(notice, 1) }

// give notice without waiting for anybody.
func (n notice) give() {
	select {
	case n <- struct{}{}:
	default:
	}
}

// An ElectedLease is held between election and the moment at which others may be elected. The elector's own writes of the Lease
// object tell it what it is: see Spec.Lock.
type ElectedLease struct {
	identity string
	// renew is how long the lease is held after the last renewal.
	renew   time.Duration
	now     func() time.Time
	changed notice

	mu    sync.Mutex
	token int64
	// until is when the lease is no longer held, by the monotonic clock.
	until time.Time
	timer *time.Timer
}

// NewElectedLease returns the lease of a replica that is not elected yet.
func NewElectedLease(identity string, renewDeadline time.Duration) *ElectedLease {
	return &ElectedLease{identity: identity, renew: renewDeadline, now: time.Now, changed: newNotice()}
}

// Held reports whether the lease was renewed within the renew deadline.
func (l *ElectedLease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held()
}

func (l *ElectedLease) held() bool { return l.now().Before(l.until) }

// Changed receives after election and after the lease was lost or given back.
func (l *ElectedLease) Changed() <-chan struct{} { return l.changed }

// Token of the term that this replica was elected for.
func (l *ElectedLease) Token() (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held() {
		return 0, ErrNotLeader
	}
	return l.token, nil
}

// Identity by which the Lease object names this replica.
func (l *ElectedLease) Identity() string { return l.identity }

// renewed tells the lease that the API server has accepted it, in answer to a request that was sent at a time.
func (l *ElectedLease) renewed(token int64, sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.held()
	l.token, l.until = token, sent.Add(l.renew)
	left := l.until.Sub(l.now())
	if l.timer == nil {
		l.timer = time.AfterFunc(left, l.changed.give)
	} else {
		l.timer.Reset(left)
	}
	if was != l.held() {
		l.changed.give()
	}
}

// lost tells the lease that it was given back or is held by another.
func (l *ElectedLease) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.held()
	l.until = time.Time{}
	if l.timer != nil {
		l.timer.Stop()
	}
	if was {
		l.changed.give()
	}
}

// An EternalLease is always held, under one term. It is for processes without leader election.
type EternalLease struct {
	identity string
	token    int64
}

// NewEternalLease returns the lease of the only replica. Tokens of processes that ran before, with or without leader election,
// must be lower: see Seize.
func NewEternalLease(identity string, token int64) *EternalLease {
	return &EternalLease{identity: identity, token: token}
}

// Held is always true.
func (l *EternalLease) Held() bool { return true }

// Changed never receives.
func (l *EternalLease) Changed() <-chan struct{} { return nil }

// Token of the one term.
func (l *EternalLease) Token() (int64, error) { return l.token, nil }

// Identity of the process.
func (l *EternalLease) Identity() string { return l.identity }

// A FakeLease is held when a test says so. Each time it is taken its token is one higher.
type FakeLease struct {
	changed notice

	mu    sync.Mutex
	is    bool
	token int64
}

// NewFakeLease returns a lease that is held under token 1.
func NewFakeLease() *FakeLease { return &FakeLease{changed: newNotice(), is: true, token: 1} }

// Set whether the lease is held.
func (l *FakeLease) Set(held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held == l.is {
		return
	}
	l.is = held
	if held {
		l.token++
	}
	l.changed.give()
}

// Held reports what was set.
func (l *FakeLease) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.is
}

// Changed receives after Set.
func (l *FakeLease) Changed() <-chan struct{} { return l.changed }

// Token is the number of times that the lease was taken.
func (l *FakeLease) Token() (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.is {
		return 0, ErrNotLeader
	}
	return l.token, nil
}

// Identity of the fake.
func (l *FakeLease) Identity() string { return "fake" }
