// Package supervise keeps background tasks running, such as the watch of a topology server. Controllers do not need it: the
// manager runs them, and ends the process if they fail.
package supervise

import (
	"context"
	"math"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// The rests between runs: short enough that a watch that breaks once goes on within a second, long enough that a server that is
// down is left alone.
const (
	// DefaultBase is the rest after the first run that ended early.
	DefaultBase = 500 * time.Millisecond

	// DefaultMax is the longest rest, before jitter.
	DefaultMax = time.Minute

	// DefaultHealthy is how long a run must last for the next one to begin at once.
	DefaultHealthy = 2 * time.Second

	// Jitter is the largest share by which a rest is prolonged, so that replicas do not return together.
	Jitter = 0.25
)

// ErrPanic is the identity of the error of a run that panicked.
var ErrPanic = errors.New("task panicked")

// A Task runs until its context is done or until it cannot go on. Runs are numbered from 1.
type Task func(ctx context.Context, run int) error

// An Exit is the end of a run.
type Exit struct {
	// Run is the number of the run.
	Run int

	// Err is why the run ended. It is nil if the task just returned.
	Err error

	// Lasted is how long the run was.
	Lasted time.Duration

	// Rest is how long it is until the next run.
	Rest time.Duration
}

// A Loop runs a task again and again, never twice at a time. It is a runnable of the manager.
type Loop struct {
	// Task to run.
	Task Task

	// Base, Max and Healthy replace DefaultBase, DefaultMax and DefaultHealthy if they are positive.
	Base    time.Duration
	Max     time.Duration
	Healthy time.Duration

	// OnExit is told about the end of each run that another one follows. Optional.
	OnExit func(e Exit)
}

// Start the loop. It returns when ctx is done and the last run has ended, and its error is always nil: a task that was told to
// stop has not failed.
func (l *Loop) Start(ctx context.Context) error {
	rests := l.rests()
	for run := 1; !done(ctx); run++ {
		began := time.Now()
		e := Exit{Run: run, Err: l.once(ctx, run)}
		if done(ctx) {
			break
		}
		e.Lasted = time.Since(began)
		if e.Lasted > positive(l.Healthy, DefaultHealthy) {
			rests = l.rests()
		} else {
			e.Rest = rests.Step()
		}
		if l.OnExit != nil {
			l.OnExit(e)
		}
		sleep(ctx, e.Rest)
	}
	return nil
}

// once runs the task once. Nothing of a run outlives it: its context is done when it has ended.
func (l *Loop) once(ctx context.Context, run int) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = errors.Wrapf(ErrPanic, "run %d: %v", run, p)
		}
	}()
	return l.Task(ctx, run)
}

// rests returns the delays of runs that end early.
func (l *Loop) rests() wait.Backoff {
	longest := positive(l.Max, DefaultMax)
	return wait.Backoff{
		Duration: min(positive(l.Base, DefaultBase), longest),
		Cap:      longest,
		Factor:   2,
		Jitter:   Jitter,
		Steps:    math.MaxInt32,
	}
}

// done reports whether ctx is done.
func done(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// sleep until d has passed or ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// positive returns d, or otherwise if d is not positive.
func positive(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
