package guard

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

var errBoom = errors.New("boom")

var conflict = kerrors.NewConflict(schema.GroupResource{Resource: "passwords"}, "p", errBoom)

// password returns a managed resource with a lock, if it is not empty.
func password(lock string) *v1alpha1.Password {
	p := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{
		Namespace: "ns", Name: "p", UID: "u", Generation: 3,
		Annotations: map[string]string{"other": "kept"},
	}}
	if lock != "" {
		p.Annotations[Annotation] = lock
	}
	return p
}

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A fakeExternal counts calls.
type fakeExternal struct {
	observation managed.ExternalObservation
	err         error
	during      func(mg *v1alpha1.Password)
	calls       []string
}

func (f *fakeExternal) call(name string, mg *v1alpha1.Password) error {
	f.calls = append(f.calls, name)
	if f.during != nil {
		f.during(mg)
	}
	return f.err
}

func (f *fakeExternal) Observe(_ context.Context, mg *v1alpha1.Password) (managed.ExternalObservation, error) {
	// What an observation reports must neither be lost nor come from a repeated one.
	mg.SetConditions(xpv2.Available().WithMessage("observed"))
	f.calls = append(f.calls, "Observe")
	return f.observation, nil
}

func (f *fakeExternal) Create(_ context.Context, mg *v1alpha1.Password) (managed.ExternalCreation, error) {
	return managed.ExternalCreation{}, f.call("Create", mg)
}

func (f *fakeExternal) Update(_ context.Context, mg *v1alpha1.Password) (managed.ExternalUpdate, error) {
	return managed.ExternalUpdate{}, f.call("Update", mg)
}

func (f *fakeExternal) Delete(_ context.Context, mg *v1alpha1.Password) (managed.ExternalDelete, error) {
	return managed.ExternalDelete{}, f.call("Delete", mg)
}

func (f *fakeExternal) Disconnect(context.Context) error {
	f.calls = append(f.calls, "Disconnect")
	return nil
}

// do calls the named operation.
func do(ctx context.Context, c managed.TypedExternalClient[*v1alpha1.Password], name string, mg *v1alpha1.Password) error {
	var err error
	switch name {
	case "Observe":
		_, err = c.Observe(ctx, mg)
	case "Create":
		_, err = c.Create(ctx, mg)
	case "Update":
		_, err = c.Update(ctx, mg)
	case "Delete":
		_, err = c.Delete(ctx, mg)
	default:
		err = c.Disconnect(ctx)
	}
	return err
}

// write the managed resource as somebody else does.
func write(t *testing.T, kube client.Client, change func(p *v1alpha1.Password)) {
	t.Helper()
	p := &v1alpha1.Password{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "p"}, p); err != nil {
		t.Fatal(err)
	}
	change(p)
	if err := kube.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// A patchFn decides the outcome of the n-th patch, from 1. It passes the patch on if it returns nil.
type patchFn func(n int) error

func TestOperations(t *testing.T) {
	fresh := time.Second
	exists := managed.ExternalObservation{ResourceExists: true}
	upToDate := managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}
	type want struct {
		err     error
		calls   []string
		patches int
		lock    bool
		results []Result
		events  []event.Reason
	}
	cases := map[string]struct {
		reason   string
		op       string
		lock     string
		external fakeExternal
		meantime func(p *v1alpha1.Password)
		patch    patchFn
		want     want
	}{
		"ObserveUnlocked": {
			reason:   "Without a lock an observation writes nothing.",
			op:       "Observe",
			external: fakeExternal{observation: upToDate},
			want:     want{calls: []string{"Observe"}},
		},
		"ObserveLeftover": {
			reason:   "A lock of a change that succeeded is removed.",
			op:       "Observe",
			lock:     lockOf(t, "me", 5, now),
			external: fakeExternal{observation: upToDate},
			want:     want{calls: []string{"Observe"}, patches: 1},
		},
		"ObserveLeftoverStale": {
			reason:   "A stale managed resource must not look fresh afterwards.",
			op:       "Observe",
			lock:     lockOf(t, "me", 5, now),
			external: fakeExternal{observation: upToDate},
			meantime: func(p *v1alpha1.Password) { p.Labels = map[string]string{"a": "b"} },
			want:     want{err: ErrStale, calls: []string{"Observe"}, patches: 1, lock: true, results: []Result{ResultStale}, events: []event.Reason{reasonCannotUpdate}},
		},
		"ObserveHeld": {
			reason:   "The lock of another replica stays.",
			op:       "Observe",
			lock:     lockOf(t, "other", 5, now),
			external: fakeExternal{observation: upToDate},
			want:     want{calls: []string{"Observe"}, lock: true},
		},
		"ObserveOutdated": {
			reason:   "A lock stays while there is something left to do.",
			op:       "Observe",
			lock:     lockOf(t, "me", 5, now),
			external: fakeExternal{observation: exists},
			want:     want{calls: []string{"Observe"}, lock: true},
		},
		"Create": {
			reason: "The managed reconciler guards creation.",
			op:     "Create",
			want:   want{calls: []string{"Create"}},
		},
		"Disconnect": {
			reason: "Other calls pass.",
			op:     "Disconnect",
			want:   want{calls: []string{"Disconnect"}},
		},
		"Update": {
			reason: "A fresh update is made once, under a lock.",
			op:     "Update",
			want:   want{calls: []string{"Update"}, patches: 2},
		},
		"Delete": {
			reason: "A fresh deletion is made once, under a lock.",
			op:     "Delete",
			want:   want{calls: []string{"Delete"}, patches: 2},
		},
		"UpdateFails": {
			reason:   "An update that fails leaves no lock, and its error passes as it is.",
			op:       "Update",
			external: fakeExternal{err: errBoom},
			want:     want{err: errBoom, calls: []string{"Update"}, patches: 2, events: []event.Reason{reasonCannotUpdate}},
		},
		"UpdateStale": {
			reason:   "A stale update touches nothing outside, and no event says so.",
			op:       "Update",
			meantime: func(p *v1alpha1.Password) { p.Spec.ForProvider.SecretName = "other" },
			want:     want{err: ErrStale, patches: 1, results: []Result{ResultStale}},
		},
		"DeleteStale": {
			reason:   "A stale deletion touches nothing outside, and no event says so.",
			op:       "Delete",
			meantime: func(p *v1alpha1.Password) { p.Spec.ForProvider.SecretName = "other" },
			want:     want{err: ErrStale, patches: 1, results: []Result{ResultStale}},
		},
		"UpdateGone": {
			reason: "What is no more is not updated.",
			op:     "Update",
			patch:  func(int) error { return kerrors.NewNotFound(schema.GroupResource{}, "p") },
			want:   want{err: ErrStale, patches: 1, results: []Result{ResultStale}},
		},
		"LockFails": {
			reason: "Without a lock nothing is touched, and an event says so.",
			op:     "Delete",
			patch:  func(int) error { return errBoom },
			want:   want{err: errBoom, patches: 1, events: []event.Reason{reasonCannotUpdate}},
		},
		"UpdateHeld": {
			reason: "Another replica's change is waited for quietly.",
			op:     "Update",
			lock:   lockOf(t, "other", 5, now.Add(-fresh)),
			want:   want{err: ErrHeld, lock: true, results: []Result{ResultHeld}},
		},
		"UpdateOwn": {
			reason:   "After a crash the resource is observed again before it is changed.",
			op:       "Update",
			lock:     lockOf(t, "me", 5, now),
			external: fakeExternal{observation: exists},
			want:     want{calls: []string{"Observe", "Update"}, patches: 2, results: []Result{ResultBroken}},
		},
		"UpdateOwnDone": {
			reason:   "A change that turns out to be done is not made again.",
			op:       "Update",
			lock:     lockOf(t, "me", 5, now),
			external: fakeExternal{observation: upToDate},
			want:     want{calls: []string{"Observe"}, patches: 2, results: []Result{ResultBroken}},
		},
		"DeleteDeposed": {
			reason:   "The lock of a former leader is broken.",
			op:       "Delete",
			lock:     lockOf(t, "other", 4, now),
			external: fakeExternal{observation: exists},
			want:     want{calls: []string{"Observe", "Delete"}, patches: 2, results: []Result{ResultBroken}},
		},
		"DeleteDeposedDone": {
			reason: "A deletion that turns out to be done is not made again.",
			op:     "Delete",
			lock:   lockOf(t, "other", 4, now),
			want:   want{calls: []string{"Observe"}, patches: 2, results: []Result{ResultBroken}},
		},
		"DeleteOld": {
			reason:   "An old lock is broken, and an event says so.",
			op:       "Delete",
			lock:     lockOf(t, "other", 5, now.Add(-time.Hour)),
			external: fakeExternal{observation: exists},
			want:     want{calls: []string{"Observe", "Delete"}, patches: 2, results: []Result{ResultBroken}, events: []event.Reason{reasonBroken}},
		},
		"UnlockConflicts": {
			reason: "Conflicts while unlocking are retried.",
			op:     "Update",
			patch: func(n int) error {
				if n == 2 || n == 3 {
					return conflict
				}
				return nil
			},
			want: want{calls: []string{"Update"}, patches: 4},
		},
		"UnlockFails": {
			reason: "A lock that cannot be removed does not spoil the change.",
			op:     "Update",
			patch: func(n int) error {
				if n > 1 {
					return errBoom
				}
				return nil
			},
			want: want{calls: []string{"Update"}, patches: 2, lock: true, results: []Result{ResultUnlockFailed}},
		},
		"UnlockGone": {
			reason: "There is nothing to unlock when the last finalizer is gone.",
			op:     "Delete",
			patch: func(n int) error {
				if n > 1 {
					return kerrors.NewNotFound(schema.GroupResource{}, "p")
				}
				return nil
			},
			want: want{calls: []string{"Delete"}, patches: 2, lock: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			patches := 0
			kube := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(password(tc.lock)).WithStatusSubresource(&v1alpha1.Password{}).
				WithInterceptorFuncs(interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
					patches++
					if tc.patch != nil {
						if err := tc.patch(patches); err != nil {
							return err
						}
					}
					return c.Patch(ctx, obj, p, opts...)
				}}).Build()
			mg := &v1alpha1.Password{}
			key := client.ObjectKey{Namespace: "ns", Name: "p"}
			if err := kube.Get(t.Context(), key, mg); err != nil {
				t.Fatal(err)
			}
			if tc.meantime != nil {
				write(t, kube, tc.meantime)
			}
			if tc.op != "Observe" {
				mg.SetConditions(xpv2.Creating().WithMessage("pending"))
			}

			var results []Result
			events := &fakeRecorder{}
			recorder := NewRecorder(events)
			external := &tc.external
			c := Wrap(external, Options{
				Kube: kube, Identity: func() Identity { return me }, Recorder: recorder, OldAfter: time.Minute,
				Now: func() time.Time { return now }, Report: func(r Result) { results = append(results, r) },
			})
			err := do(t.Context(), c, tc.op, mg)
			if err != nil {
				recorder.Event(mg, event.Warning(reasonCannotUpdate, err))
			}
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\n%s(...): -want error, +got error:\n%s", tc.reason, tc.op, diff)
			}
			live := &v1alpha1.Password{}
			if err := kube.Get(t.Context(), key, live); err != nil {
				t.Fatal(err)
			}
			got := want{err: tc.want.err, calls: external.calls, patches: patches, lock: live.GetAnnotations()[Annotation] != "", results: results, events: events.reasons}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\n%s(...): -want, +got:\n%s", tc.reason, tc.op, diff)
			}
			if diff := cmp.Diff("kept", live.GetAnnotations()["other"]); diff != "" {
				t.Errorf("\nOther annotations are kept.\n-want, +got:\n%s", diff)
			}
			message := "pending"
			if tc.op == "Observe" {
				message = "observed"
			}
			if diff := cmp.Diff(message, mg.GetCondition(xpv2.TypeReady).Message); diff != "" {
				t.Errorf("\nWhat is about to be reported is not lost.\n-want, +got:\n%s", diff)
			}
			if err == nil && tc.want.results == nil && tc.want.lock == false {
				if diff := cmp.Diff(live.GetResourceVersion(), mg.GetResourceVersion()); diff != "" {
					t.Errorf("\nThe status can be written afterwards.\n-want version, +got version:\n%s", diff)
				}
			}
		})
	}
}

func TestLockDuringChange(t *testing.T) {
	kube := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(password("")).Build()
	mg := &v1alpha1.Password{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "p"}, mg); err != nil {
		t.Fatal(err)
	}
	foreign := lockOf(t, "other", 6, now)
	ctx, cancel := context.WithCancel(t.Context())
	external := &fakeExternal{}
	external.during = func(mg *v1alpha1.Password) {
		want := `{"op":"Delete","holder":"me","token":5,"gen":3,"at":"2026-01-02T03:04:05Z"}`
		if diff := cmp.Diff(want, mg.GetAnnotations()[Annotation]); diff != "" {
			t.Errorf("\nThe lock says who does what, and when.\n-want, +got:\n%s", diff)
		}
		cancel()
	}
	o := Options{Kube: kube, Identity: func() Identity { return me }, Now: func() time.Time { return now }}
	if err := do(ctx, Wrap(external, o), "Delete", mg); err != nil {
		t.Fatal(err)
	}
	write(t, kube, func(p *v1alpha1.Password) {
		if diff := cmp.Diff("", p.GetAnnotations()[Annotation]); diff != "" {
			t.Errorf("\nA lock is removed although the time for the reconcile is over.\n-want, +got:\n%s", diff)
		}
		mg = p
	})

	external.during = func(*v1alpha1.Password) {
		write(t, kube, func(p *v1alpha1.Password) { p.Annotations[Annotation] = foreign })
	}
	if err := do(t.Context(), Wrap(external, o), "Update", mg); err != nil {
		t.Fatal(err)
	}
	write(t, kube, func(p *v1alpha1.Password) {
		if diff := cmp.Diff(foreign, p.GetAnnotations()[Annotation]); diff != "" {
			t.Errorf("\nA lock that another replica took meanwhile is its own.\n-want, +got:\n%s", diff)
		}
	})
}

func TestSuccessorOfTheSameName(t *testing.T) {
	kube := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(password("")).Build()
	stale := &v1alpha1.Password{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "p"}, stale); err != nil {
		t.Fatal(err)
	}
	write(t, kube, func(p *v1alpha1.Password) { p.UID = types.UID("v") })
	external := &fakeExternal{}
	o := Options{Kube: kube, Identity: func() Identity { return me }}
	err := do(t.Context(), Wrap(external, o), "Delete", stale)
	if diff := cmp.Diff(ErrStale, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nA deletion does not take what belongs to a successor.\n-want error, +got error:\n%s", diff)
	}
	if !kerrors.IsConflict(err) {
		t.Error("Conflicts stay recognizable as such.")
	}
	if diff := cmp.Diff(0, len(external.calls)); diff != "" {
		t.Errorf("\nNothing outside is touched.\n-want, +got:\n%s", diff)
	}
}
