package supervise

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

var _ manager.Runnable = &Loop{}

var errBoom = errors.New("boom")

// stopAfter ends a loop after n exits and returns them.
func stopAfter(t *testing.T, l *Loop, n int) []Exit {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var exits []Exit
	l.OnExit = func(e Exit) {
		exits = append(exits, e)
		if len(exits) == n {
			cancel()
		}
	}
	if err := l.Start(ctx); err != nil {
		t.Fatalf("Start(...): %v", err)
	}
	return exits
}

func TestRests(t *testing.T) {
	const ms = time.Millisecond
	cases := map[string]struct {
		reason string
		loop   Loop
		lasts  time.Duration
		err    error
		want   []time.Duration
	}{
		"Fails": {
			reason: "Rests double from the base to the maximum and stay there.",
			err:    errBoom,
			want:   []time.Duration{500 * ms, 1000 * ms, 2000 * ms, 4000 * ms, 8000 * ms, 16000 * ms, 32000 * ms, 60000 * ms, 60000 * ms},
		},
		"Returns": {
			reason: "A task that returns without an error is restarted as one that fails.",
			want:   []time.Duration{500 * ms, 1000 * ms, 2000 * ms},
		},
		"Configured": {
			reason: "Base and maximum can be chosen.",
			loop:   Loop{Base: 10 * ms, Max: 30 * ms},
			err:    errBoom,
			want:   []time.Duration{10 * ms, 20 * ms, 30 * ms, 30 * ms},
		},
		"BaseAboveMax": {
			reason: "A base above the maximum is the maximum.",
			loop:   Loop{Base: time.Hour, Max: 30 * ms},
			want:   []time.Duration{30 * ms, 30 * ms},
		},
		"Healthy": {
			reason: "A task that ran for long is restarted at once.",
			lasts:  DefaultHealthy + ms,
			err:    errBoom,
			want:   []time.Duration{0, 0, 0},
		},
		"BarelyUnhealthy": {
			reason: "A task that ran for just as long as the limit rests.",
			lasts:  DefaultHealthy,
			err:    errBoom,
			want:   []time.Duration{500 * ms, 1000 * ms},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := tc.loop
				var starts []time.Time
				l.Task = func(context.Context, int) error {
					starts = append(starts, time.Now())
					time.Sleep(tc.lasts)
					return tc.err
				}
				exits := stopAfter(t, &l, len(tc.want))
				for i, e := range exits {
					longest := tc.want[i] + tc.want[i]/4
					if e.Rest < tc.want[i] || e.Rest > longest {
						t.Errorf("\n%s\nExit %d: want a rest from %s to %s, got %s", tc.reason, i, tc.want[i], longest, e.Rest)
					}
					if i+1 < len(starts) {
						if diff := cmp.Diff(e.Lasted+e.Rest, starts[i+1].Sub(starts[i])); diff != "" {
							t.Errorf("\n%s\nThe next run begins after the rest: -want, +got:\n%s", tc.reason, diff)
						}
					}
					want := Exit{Run: i + 1, Err: tc.err, Lasted: tc.lasts}
					if diff := cmp.Diff(want, e, cmpopts.EquateErrors(), cmpopts.IgnoreFields(Exit{}, "Rest")); diff != "" {
						t.Errorf("\n%s\nExit: -want, +got:\n%s", tc.reason, diff)
					}
				}
			})
		})
	}
}

func TestHealthyRunResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Loop{Task: func(_ context.Context, run int) error {
			if run == 4 {
				time.Sleep(time.Minute)
			}
			return errBoom
		}}
		exits := stopAfter(t, l, 5)
		if got := exits[4].Rest; got < DefaultBase || got >= 2*DefaultBase {
			t.Errorf("\nThe rest after a healthy run begins at the base again: got %s", got)
		}
	})
}

func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &Loop{Task: func(context.Context, int) error {
			panic("boom")
		}}
		for _, e := range stopAfter(t, l, 2) {
			if diff := cmp.Diff(ErrPanic, e.Err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\nA panic ends the run and not the process.\n-want error, +got error:\n%s", diff)
			}
		}
	})
}

// synctest fails if a goroutine of the loop is left when the test ends.
func TestStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var live, most atomic.Int32
		l := &Loop{
			Task: func(ctx context.Context, _ int) error {
				most.Store(max(most.Load(), live.Add(1)))
				defer live.Add(-1)
				<-ctx.Done()
				time.Sleep(400 * time.Millisecond)
				return ctx.Err()
			},
			OnExit: func(e Exit) { t.Errorf("\nAn end that was asked for is not an exit: got %v", e) },
		}
		done := make(chan error)
		began := time.Now()
		go func() { done <- l.Start(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Start(...): %v", err)
		}
		if diff := cmp.Diff(400*time.Millisecond, time.Since(began)); diff != "" {
			t.Errorf("\nStart returns when the task has wound down.\n-want, +got:\n%s", diff)
		}
		if diff := cmp.Diff([]int32{0, 1}, []int32{live.Load(), most.Load()}); diff != "" {
			t.Errorf("\nThere is one task at a time and none in the end.\n-want, +got:\n%s", diff)
		}
	})
}

func TestStopDuringRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		l := &Loop{Base: time.Hour, Max: time.Hour, Task: func(context.Context, int) error {
			runs++
			return errBoom
		}}
		done := make(chan error)
		began := time.Now()
		go func() { done <- l.Start(ctx) }()
		time.Sleep(time.Second)
		cancel()
		<-done
		if diff := cmp.Diff(time.Second, time.Since(began)); diff != "" {
			t.Errorf("\nA rest ends with the context.\n-want, +got:\n%s", diff)
		}
		if diff := cmp.Diff(1, runs); diff != "" {
			t.Errorf("\nNothing runs after the end.\n-want, +got:\n%s", diff)
		}
	})
}

func TestContextOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Int32
		l := &Loop{Task: func(ctx context.Context, _ int) error {
			go func() {
				<-ctx.Done()
				left.Add(1)
			}()
			return errBoom
		}}
		stopAfter(t, l, 3)
		synctest.Wait()
		if diff := cmp.Diff(int32(3), left.Load()); diff != "" {
			t.Errorf("\nWhat a run started ends with it.\n-want, +got:\n%s", diff)
		}
	})
}

func TestStartedTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := &Loop{Task: func(context.Context, int) error {
		t.Error("A task does not begin when its context is done.")
		return nil
	}}
	if err := l.Start(ctx); err != nil {
		t.Errorf("Start(...): %v", err)
	}
}
