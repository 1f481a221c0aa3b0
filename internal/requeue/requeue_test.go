package requeue

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource/fake"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

var errBoom = errors.New("boom")

func request(name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}}
}

func TestReconcile(t *testing.T) {
	poll := reconcile.Result{RequeueAfter: time.Minute}
	limiter := reconcile.Result{Requeue: true}
	type want struct {
		res reconcile.Result
		err error
	}
	cases := map[string]struct {
		reason string
		wish   func(ctx context.Context)
		res    reconcile.Result
		err    error
		want   want
	}{
		"NoHint": {
			reason: "Without a wish the result of the inner reconciler stands.",
			wish:   func(context.Context) {},
			res:    poll,
			want:   want{res: poll},
		},
		"HintBeatsPoll": {
			reason: "A wish replaces the poll interval.",
			wish:   func(ctx context.Context) { After(ctx, 7*time.Second) },
			res:    poll,
			want:   want{res: reconcile.Result{RequeueAfter: 7 * time.Second}},
		},
		"PollBeatsLaterHint": {
			reason: "A wish for a time that is far away leaves the polls until then alone.",
			wish:   func(ctx context.Context) { After(ctx, time.Hour) },
			res:    poll,
			want:   want{res: poll},
		},
		"HintBeatsDone": {
			reason: "A wish replaces a result that asks for nothing.",
			wish:   func(ctx context.Context) { After(ctx, 7*time.Second) },
			want:   want{res: reconcile.Result{RequeueAfter: 7 * time.Second}},
		},
		"ShortestWins": {
			reason: "Of several wishes the shortest is granted.",
			wish: func(ctx context.Context) {
				After(ctx, 9*time.Second)
				After(ctx, 3*time.Second)
				After(ctx, 6*time.Second)
			},
			res:  poll,
			want: want{res: reconcile.Result{RequeueAfter: 3 * time.Second}},
		},
		"ZeroIsSoon": {
			reason: "A delay of zero means at once and must not end up as nothing to do.",
			wish:   func(ctx context.Context) { After(ctx, 0) },
			res:    poll,
			want:   want{res: reconcile.Result{RequeueAfter: Soon}},
		},
		"NegativeIsSoon": {
			reason: "A delay that has passed means at once.",
			wish:   func(ctx context.Context) { After(ctx, -time.Hour) },
			res:    poll,
			want:   want{res: reconcile.Result{RequeueAfter: Soon}},
		},
		"Cleared": {
			reason: "A wish that was taken back is not granted.",
			wish: func(ctx context.Context) {
				After(ctx, time.Second)
				Clear(ctx)
			},
			res:  poll,
			want: want{res: poll},
		},
		"ErrorBeatsHint": {
			reason: "A failure is retried by the rate limiter whatever was wished.",
			wish:   Now,
			err:    errBoom,
			want:   want{err: errBoom},
		},
		"LimiterBeatsHint": {
			reason: "The managed reconciler reports failures by leaving the delay to the rate limiter.",
			wish:   Now,
			res:    limiter,
			want:   want{res: limiter},
		},
		"DeletionBeatsLimiter": {
			reason: "A deletion that went on is no failure, and whether it is complete is looked at once.",
			wish:   progressed,
			res:    limiter,
			want:   want{res: reconcile.Result{RequeueAfter: Soon}},
		},
		"DeletionTakesTime": {
			reason: "A client that knows how long its deletion takes is asked then.",
			wish: func(ctx context.Context) {
				After(ctx, 7*time.Second)
				progressed(ctx)
			},
			res:  limiter,
			want: want{res: reconcile.Result{RequeueAfter: 7 * time.Second}},
		},
		"DeletionNotSaved": {
			reason: "A failure after a deletion is a failure.",
			wish:   progressed,
			res:    limiter,
			err:    errBoom,
			want:   want{res: limiter, err: errBoom},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := Wrap(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
				tc.wish(ctx)
				return tc.res, tc.err
			}))
			res, err := r.Reconcile(t.Context(), request("a"))
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nReconcile(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.res, res); diff != "" {
				t.Errorf("\n%s\nReconcile(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCap(t *testing.T) {
	soon := reconcile.Result{RequeueAfter: Soon}
	limiter := reconcile.Result{Requeue: true}
	wish := Now
	r := Wrap(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
		wish(ctx)
		return reconcile.Result{}, nil
	}))
	run := func(name string) reconcile.Result {
		res, err := r.Reconcile(t.Context(), request(name))
		if err != nil {
			t.Fatal(err)
		}
		return res
	}

	var got []reconcile.Result
	for range Cap + 2 {
		got = append(got, run("a"))
	}
	got = append(got, run("b"))
	want := []reconcile.Result{soon, soon, soon, soon, soon, limiter, limiter, soon}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nThe rate limiter takes over after %d wishes in a row of the same object.\nReconcile(...): -want, +got:\n%s", Cap, diff)
	}

	wish = func(context.Context) {}
	run("a")
	run("b")
	if diff := cmp.Diff(map[reconcile.Request]int{}, r.now); diff != "" {
		t.Errorf("\nNothing is remembered of an object that settled.\n-want, +got:\n%s", diff)
	}
	wish = Now
	if diff := cmp.Diff(soon, run("a")); diff != "" {
		t.Errorf("\nAn object that settled starts anew.\nReconcile(...): -want, +got:\n%s", diff)
	}
}

func TestOutsideOfReconciler(t *testing.T) {
	// No panic and no effect is all there is to see.
	After(t.Context(), time.Second)
	Now(t.Context())
	Clear(t.Context())
}

func TestConnector(t *testing.T) {
	type mg = *fake.Managed
	clientOf := func(err error) managed.TypedExternalClient[mg] {
		return managed.TypedExternalClientFns[mg]{
			ObserveFn: func(ctx context.Context, _ mg) (managed.ExternalObservation, error) {
				Now(ctx)
				return managed.ExternalObservation{ResourceExists: true}, err
			},
			CreateFn: func(ctx context.Context, _ mg) (managed.ExternalCreation, error) {
				Now(ctx)
				return managed.ExternalCreation{}, err
			},
			UpdateFn: func(ctx context.Context, _ mg) (managed.ExternalUpdate, error) {
				Now(ctx)
				return managed.ExternalUpdate{}, err
			},
			DeleteFn: func(ctx context.Context, _ mg) (managed.ExternalDelete, error) {
				Now(ctx)
				return managed.ExternalDelete{}, err
			},
			DisconnectFn: func(context.Context) error { return err },
		}
	}
	calls := map[string]func(ctx context.Context, c managed.TypedExternalClient[mg]) error{
		"Observe": func(ctx context.Context, c managed.TypedExternalClient[mg]) error {
			_, err := c.Observe(ctx, &fake.Managed{})
			return err
		},
		"Create": func(ctx context.Context, c managed.TypedExternalClient[mg]) error {
			_, err := c.Create(ctx, &fake.Managed{})
			return err
		},
		"Update": func(ctx context.Context, c managed.TypedExternalClient[mg]) error {
			_, err := c.Update(ctx, &fake.Managed{})
			return err
		},
		"Delete": func(ctx context.Context, c managed.TypedExternalClient[mg]) error {
			_, err := c.Delete(ctx, &fake.Managed{})
			return err
		},
		"Disconnect": func(ctx context.Context, c managed.TypedExternalClient[mg]) error {
			Now(ctx)
			if err := c.Disconnect(ctx); err != nil {
				Clear(ctx)
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		for _, fail := range []error{nil, errBoom} {
			connector := Connector(managed.TypedExternalConnectorFn[mg](func(context.Context, mg) (managed.TypedExternalClient[mg], error) {
				return clientOf(fail), nil
			}))
			h := &hint{}
			ctx := context.WithValue(t.Context(), key{}, h)
			c, err := connector.Connect(ctx, &fake.Managed{})
			if err != nil {
				t.Fatal(err)
			}
			err = call(ctx, c)
			if diff := cmp.Diff(fail, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\nErrors pass as they are.\n%s(...): -want error, +got error:\n%s", name, diff)
			}
			if diff := cmp.Diff(name == "Delete" && fail == nil, h.goes()); diff != "" {
				t.Errorf("\nA deletion went on if it did not fail.\n%s(...): -want, +got:\n%s", name, diff)
			}
			want := Soon
			if fail != nil {
				want = 0
			}
			if diff := cmp.Diff(want, h.asked()); diff != "" {
				t.Errorf("\nA wish survives success and no failure.\n%s(...): -want, +got:\n%s", name, diff)
			}
		}
	}

	h := &hint{}
	ctx := context.WithValue(t.Context(), key{}, h)
	connector := Connector(managed.TypedExternalConnectorFn[mg](func(ctx context.Context, _ mg) (managed.TypedExternalClient[mg], error) {
		Now(ctx)
		return nil, errBoom
	}))
	_, err := connector.Connect(ctx, &fake.Managed{})
	if diff := cmp.Diff(errBoom, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nErrors pass as they are.\nConnect(...): -want error, +got error:\n%s", diff)
	}
	if diff := cmp.Diff(time.Duration(0), h.asked()); diff != "" {
		t.Errorf("\nNo wish survives a failure to connect.\nConnect(...): -want, +got:\n%s", diff)
	}
}
