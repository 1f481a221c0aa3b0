package setup

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

var errBoom = errors.New("boom")

// notes is an annotation that the fake client keeps about its updates.
const notes = "test/notes"

// A fakeExternal is an external resource with one field, the secret name, and its client.
type fakeExternal struct {
	exists bool
	value  string
	err    error
	// refusal is why nothing is changed.
	refusal error
}

func (f *fakeExternal) Observe(_ context.Context, mg *v1alpha1.Password) (managed.ExternalObservation, error) {
	if f.err != nil || !f.exists {
		return managed.ExternalObservation{}, f.err
	}
	mg.SetConditions(xpv2.Available())
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: f.value == mg.Spec.ForProvider.SecretName}, nil
}

func (f *fakeExternal) Create(_ context.Context, mg *v1alpha1.Password) (managed.ExternalCreation, error) {
	f.exists, f.value = true, mg.Spec.ForProvider.SecretName
	return managed.ExternalCreation{}, nil
}

func (f *fakeExternal) Update(_ context.Context, mg *v1alpha1.Password) (managed.ExternalUpdate, error) {
	if f.refusal != nil {
		return managed.ExternalUpdate{}, f.refusal
	}
	f.value = mg.Spec.ForProvider.SecretName
	return managed.ExternalUpdate{}, nil
}

func (f *fakeExternal) Delete(context.Context, *v1alpha1.Password) (managed.ExternalDelete, error) {
	f.exists = false
	return managed.ExternalDelete{}, nil
}

func (f *fakeExternal) Disconnect(context.Context) error { return nil }

func (f *fakeExternal) Notes(mg *v1alpha1.Password) (guard.Notes, error) {
	return guard.Notes{
		Before: map[string]string{notes: "before " + mg.Spec.ForProvider.SecretName},
		After:  func() map[string]string { return map[string]string{notes: "after " + mg.Spec.ForProvider.SecretName} },
	}, nil
}

// A fakeManager has what controllers are made from.
type fakeManager struct {
	manager.Manager

	kube   client.Client
	scheme *runtime.Scheme
}

func (m fakeManager) GetClient() client.Client   { return m.kube }
func (m fakeManager) GetScheme() *runtime.Scheme { return m.scheme }
func (m fakeManager) GetEventRecorderFor(string) record.EventRecorder {
	return record.NewFakeRecorder(100)
}

// A desk is a reconciler of ns/pw as Setup makes it, and an API server that counts what is written.
type desk struct {
	kube     client.Client
	external *fakeExternal
	writes   map[string]int
	// held is what reads get, if it is not nil: a cache that lags behind.
	held *v1alpha1.Password

	reconciler reconcile.Reconciler
}

func newDesk(t *testing.T, objects ...client.Object) *desk {
	t.Helper()
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	d := &desk{external: &fakeExternal{}, writes: map[string]int{}}
	d.kube = fake.NewClientBuilder().WithScheme(s).WithStatusSubresource(&v1alpha1.Password{}).WithObjects(objects...).
		WithInterceptorFuncs(interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if pw, ok := obj.(*v1alpha1.Password); ok && d.held != nil {
					d.held.DeepCopyInto(pw)
					return nil
				}
				return c.Get(ctx, key, obj, opts...)
			},
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				d.writes["update"]++
				return c.Update(ctx, obj, opts...)
			},
			Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
				d.writes["patch"]++
				return c.Patch(ctx, obj, patch, opts...)
			},
			SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
				d.writes[sub]++
				return c.SubResource(sub).Update(ctx, obj, opts...)
			},
		}).Build()
	f := &feature.Flags{}
	f.Enable(feature.EnableBetaManagementPolicies)
	o := Options{
		Options:   controller.Options{Logger: logging.NewNopLogger(), Features: f},
		Placement: placement.Default(), Lease: placement.NewFakeLease(), Metrics: metrics.New(),
	}
	k := Kind[*v1alpha1.Password]{
		GroupVersionKind: v1alpha1.PasswordGroupVersionKind, Managed: &v1alpha1.Password{},
		Connector: managed.TypedExternalConnectorFn[*v1alpha1.Password](func(context.Context, *v1alpha1.Password) (managed.TypedExternalClient[*v1alpha1.Password], error) {
			return d.external, nil
		}),
	}
	mgr := Frugally(fakeManager{kube: d.kube, scheme: s})
	d.reconciler = Visiting(managed.NewReconciler(mgr, resource.ManagedKind(k.GroupVersionKind), options(mgr, o, "test", k)...))
	return d
}

// reconcile once, and return what was written.
func (d *desk) reconcile(t *testing.T) map[string]int {
	t.Helper()
	clear(d.writes)
	if _, err := d.reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: client.ObjectKey{Namespace: "ns", Name: "pw"}}); err != nil {
		t.Fatal(err)
	}
	return maps.Clone(d.writes)
}

func (d *desk) get(t *testing.T) *v1alpha1.Password {
	t.Helper()
	pw := &v1alpha1.Password{}
	if err := d.kube.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "pw"}, pw); err != nil {
		t.Fatal(err)
	}
	return pw
}

func (d *desk) edit(t *testing.T, change func(*v1alpha1.Password)) {
	t.Helper()
	pw := d.get(t)
	change(pw)
	if err := d.kube.Update(t.Context(), pw); err != nil {
		t.Fatal(err)
	}
}

func somePassword(change ...func(*v1alpha1.Password)) *v1alpha1.Password {
	pw := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pw", UID: "uid", Generation: 1}}
	pw.Spec.ForProvider.SecretName = "one"
	pw.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionAll}
	for _, f := range change {
		f(pw)
	}
	return pw
}

// TestWrites: what a managed resource costs the API server in each stage of its life.
func TestWrites(t *testing.T) {
	d := newDesk(t, somePassword())
	steps := []struct {
		reason string
		before func()
		want   map[string]int
	}{
		{"Name and finalizer should be written with what announces the creation, and the status with what is observed after it.", func() {}, map[string]int{"update": 2}},
		{"What was created should be shown.", func() {}, map[string]int{"status": 1}},
		{"At rest nothing should be written.", func() {}, map[string]int{}},
		{"Notes should be written with the lock and with its removal.", func() {
			d.edit(t, func(pw *v1alpha1.Password) { pw.Spec.ForProvider.SecretName, pw.Generation = "two", 2 })
		}, map[string]int{"patch": 2, "status": 1}},
		{"And then there is rest again.", func() {}, map[string]int{}},
		{"A failure should be shown.", func() { d.external.err = errBoom }, map[string]int{"status": 1}},
		{"But once.", func() {}, map[string]int{}},
		{"That it is over should be shown, too.", func() { d.external.err = nil }, map[string]int{"status": 1}},
		{"An external name that somebody removed should be written again.", func() {
			d.edit(t, func(pw *v1alpha1.Password) { meta.RemoveAnnotations(pw, meta.AnnotationKeyExternalName) })
		}, map[string]int{"update": 1, "status": 1}},
	}
	for _, s := range steps {
		s.before()
		if diff := cmp.Diff(s.want, d.reconcile(t)); diff != "" {
			t.Errorf("%s\nwrites: -want, +got:\n%s", s.reason, diff)
		}
	}
	pw := d.get(t)
	if !meta.FinalizerExists(pw, managed.FinalizerName) || meta.GetExternalName(pw) != "pw" {
		t.Errorf("want a finalizer and a name, got %+v", pw.ObjectMeta)
	}
	if got := pw.GetAnnotations()[notes]; got != "after two" {
		t.Errorf("want the notes of after, got %q", got)
	}
	if pw.GetAnnotations()[guard.Annotation] != "" {
		t.Error("the lock should be gone")
	}
	for _, c := range []xpv2.ConditionType{xpv2.TypeReady, xpv2.TypeSynced} {
		if got := pw.GetCondition(c); got.Status != corev1.ConditionTrue || got.ObservedGeneration != 2 {
			t.Errorf("%s: want it true for generation 2, got %+v", c, got)
		}
	}
}

// TestFound: what is there already is shown as soon as it is seen, though the finalizer has to be written first.
func TestFound(t *testing.T) {
	for name, policy := range map[string]xpv2.ManagementAction{"All": xpv2.ManagementActionAll, "OnlyObserved": xpv2.ManagementActionObserve} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, somePassword(func(pw *v1alpha1.Password) {
				meta.SetExternalName(pw, "pw")
				pw.Spec.ManagementPolicies = xpv2.ManagementPolicies{policy}
			}))
			d.external.exists, d.external.value = true, "one"
			if diff := cmp.Diff(map[string]int{"update": 1, "status": 1}, d.reconcile(t)); diff != "" {
				t.Errorf("writes: -want, +got:\n%s", diff)
			}
			pw := d.get(t)
			for _, c := range []xpv2.ConditionType{xpv2.TypeReady, xpv2.TypeSynced} {
				if got := pw.GetCondition(c).Status; got != corev1.ConditionTrue {
					t.Errorf("want %s, got %q", c, got)
				}
			}
			if !meta.FinalizerExists(pw, managed.FinalizerName) {
				t.Error("want a finalizer")
			}
		})
	}
}

// TestTexts: a failure is shown and leaves no lock, whatever its text is.
func TestTexts(t *testing.T) {
	for name, text := range map[string]string{"Empty": "", "Long": strings.Repeat("x", 3<<10)} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, somePassword())
			for range 2 {
				d.reconcile(t)
			}
			d.external.refusal = errors.New(text)
			d.edit(t, func(pw *v1alpha1.Password) { pw.Spec.ForProvider.SecretName, pw.Generation = "two", 2 })
			for range 2 {
				d.reconcile(t)
				pw := d.get(t)
				if c := pw.GetCondition(xpv2.TypeSynced); c.Reason != xpv2.ReasonReconcileError || c.Message == "" || !strings.Contains(c.Message, text) {
					t.Errorf("the failure should be shown, got %s", c.Reason)
				}
				if l := pw.GetAnnotations()[guard.Annotation]; l != "" {
					t.Errorf("the lock should be gone, got %s", l)
				}
			}
			d.external.refusal = nil
			d.reconcile(t)
			if got := d.external.value; got != "two" {
				t.Errorf("the change should be made in the end, got %q", got)
			}
		})
	}
}

// TestStaleStatus: what equals a cache that lags behind may be news to the API server, so it must be written, which then fails.
func TestStaleStatus(t *testing.T) {
	d := newDesk(t, somePassword())
	d.reconcile(t)
	d.reconcile(t)
	old := d.get(t)
	d.external.err = errBoom
	d.reconcile(t)
	d.external.err = nil
	d.held = old
	if got := d.reconcile(t); got["status"] != 1 {
		t.Errorf("want an attempt to write the status, got %v", got)
	}
	d.held = nil
	if got := d.get(t).GetCondition(xpv2.TypeSynced); got.Status != corev1.ConditionFalse {
		t.Errorf("the attempt should have been refused, got %+v", got)
	}
	d.reconcile(t)
	if got := d.get(t).GetCondition(xpv2.TypeSynced); got.Status != corev1.ConditionTrue {
		t.Errorf("the truth should be shown in the end, got %+v", got)
	}
}

// TestStaleCreate: what announces a creation is written in any case: it is the proof that the managed resource is as it was read.
func TestStaleCreate(t *testing.T) {
	d := newDesk(t, somePassword())
	d.reconcile(t)
	d.reconcile(t)
	d.held = d.get(t)
	meta.SetExternalCreatePending(d.held, time.Now().Add(time.Second))
	d.edit(t, func(pw *v1alpha1.Password) { pw.Spec.ForProvider.SecretName = "two" })
	d.external.exists = false
	d.reconcile(t)
	if d.external.exists {
		t.Error("nothing should be created on behalf of an old view")
	}
}

func TestManagementPolicies(t *testing.T) {
	only := func(actions ...xpv2.ManagementAction) func(*v1alpha1.Password) {
		return func(pw *v1alpha1.Password) { pw.Spec.ManagementPolicies = actions }
	}
	cases := map[string]struct {
		reason   string
		change   func(*v1alpha1.Password)
		external fakeExternal
		want     fakeExternal
		synced   corev1.ConditionStatus
	}{
		"Import": {
			reason: "What is only observed should be neither changed nor made.", change: only(xpv2.ManagementActionObserve),
			external: fakeExternal{exists: true, value: "other"}, want: fakeExternal{exists: true, value: "other"}, synced: corev1.ConditionTrue,
		},
		"ImportNothing": {
			reason: "What is only observed and not there is an error that says so.", change: only(xpv2.ManagementActionObserve),
			synced: corev1.ConditionFalse,
		},
		"NoUpdate": {
			reason: "Without Update what is there should stay.", change: only(xpv2.ManagementActionObserve, xpv2.ManagementActionCreate, xpv2.ManagementActionDelete),
			external: fakeExternal{exists: true, value: "other"}, want: fakeExternal{exists: true, value: "other"}, synced: corev1.ConditionTrue,
		},
		"All": {
			reason: "By default all should be done.", change: only(xpv2.ManagementActionAll),
			external: fakeExternal{exists: true, value: "other"}, want: fakeExternal{exists: true, value: "one"}, synced: corev1.ConditionTrue,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, somePassword(tc.change))
			*d.external = tc.external
			d.reconcile(t)
			if *d.external != tc.want {
				t.Errorf("%s\nwant %+v, got %+v", tc.reason, tc.want, *d.external)
			}
			if got := d.get(t).GetCondition(xpv2.TypeSynced).Status; got != tc.synced {
				t.Errorf("%s\nSynced: want %s, got %s", tc.reason, tc.synced, got)
			}
		})
	}
}

func TestOrphan(t *testing.T) {
	d := newDesk(t, somePassword(func(pw *v1alpha1.Password) {
		pw.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionObserve, xpv2.ManagementActionCreate, xpv2.ManagementActionUpdate}
	}))
	d.reconcile(t)
	if err := d.kube.Delete(t.Context(), d.get(t)); err != nil {
		t.Fatal(err)
	}
	d.reconcile(t)
	if !d.external.exists {
		t.Error("without Delete the external resource should stay")
	}
	if err := d.kube.Get(t.Context(), client.ObjectKey{Namespace: "ns", Name: "pw"}, &v1alpha1.Password{}); err == nil {
		t.Error("the managed resource should be gone")
	}
}
