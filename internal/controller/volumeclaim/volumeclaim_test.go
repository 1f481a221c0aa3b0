package volumeclaim

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

var (
	errBoom = errors.New("boom")
	day     = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
)

type modifier func(*v1alpha1.VolumeClaim)

func size(s string) modifier {
	return func(v *v1alpha1.VolumeClaim) { v.Spec.ForProvider.Size = resource.MustParse(s) }
}

func deleted(v *v1alpha1.VolumeClaim) { v.DeletionTimestamp = &day }

func observed(v *v1alpha1.VolumeClaim) {
	v.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionObserve}
}

func grown(v *v1alpha1.VolumeClaim) { v.Status.AtProvider.Resize = &v1alpha1.ResizeObservation{} }

func mr(m ...modifier) *v1alpha1.VolumeClaim {
	v := &v1alpha1.VolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "claim"},
		Spec: v1alpha1.VolumeClaimSpec{ForProvider: v1alpha1.VolumeClaimParameters{
			StorageClassName: ptr.To("fast"), Size: resource.MustParse("10Gi"), Labels: map[string]string{"a": "b"},
		}},
	}
	for _, f := range m {
		f(v)
	}
	return v
}

type claimModifier func(*corev1.PersistentVolumeClaim)

func bound(capacity string) claimModifier {
	return func(p *corev1.PersistentVolumeClaim) {
		p.Spec.VolumeName = "pv"
		p.Status.Phase = corev1.ClaimBound
		p.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(capacity)}
	}
}

func class(name *string) claimModifier {
	return func(p *corev1.PersistentVolumeClaim) { p.Spec.StorageClassName = name }
}

func holding(t corev1.PersistentVolumeClaimConditionType, msg string) claimModifier {
	return func(p *corev1.PersistentVolumeClaim) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PersistentVolumeClaimCondition{Type: t, Status: corev1.ConditionTrue, Message: msg})
	}
}

func allocated(s corev1.ClaimResourceStatus) claimModifier {
	return func(p *corev1.PersistentVolumeClaim) {
		p.Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: s}
	}
}

func owner(controller bool) claimModifier {
	return func(p *corev1.PersistentVolumeClaim) {
		p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "s", UID: "s", Controller: &controller}}
	}
}

func unlabelled(p *corev1.PersistentVolumeClaim) { p.Labels = map[string]string{"theirs": "too"} }

func terminating(p *corev1.PersistentVolumeClaim) {
	p.DeletionTimestamp = &day
	p.Finalizers = []string{"kubernetes.io/pvc-protection"}
}

func pvc(m ...claimModifier) *corev1.PersistentVolumeClaim {
	p := build(mr())
	p.Status.Phase = corev1.ClaimPending
	for _, f := range m {
		f(p)
	}
	return p
}

type classModifier func(*storagev1.StorageClass)

func late(s *storagev1.StorageClass) {
	s.VolumeBindingMode = ptr.To(storagev1.VolumeBindingWaitForFirstConsumer)
}

func expands(s *storagev1.StorageClass) { s.AllowVolumeExpansion = ptr.To(true) }

func byDefault(s *storagev1.StorageClass) {
	s.Annotations = map[string]string{annotationDefaultClass: "true"}
}

func younger(s *storagev1.StorageClass) { s.CreationTimestamp = metav1.NewTime(day.Add(time.Hour)) }

func sc(name string, m ...classModifier) *storagev1.StorageClass {
	s := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: day}}
	for _, f := range m {
		f(s)
	}
	return s
}

func arrange(t *testing.T, funcs interceptor.Funcs, objs ...client.Object) *external {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), storagev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return &external{kube: fake.NewClientBuilder().WithScheme(s).WithObjects(objs...).WithInterceptorFuncs(funcs).Build()}
}

// readOnly fails a test that writes.
func readOnly(t *testing.T) interceptor.Funcs {
	t.Helper()
	return interceptor.Funcs{
		Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			t.Error("Create was called")
			return errBoom
		},
		Update: func(context.Context, client.WithWatch, client.Object, ...client.UpdateOption) error {
			t.Error("Update was called")
			return errBoom
		},
		Patch: func(context.Context, client.WithWatch, client.Object, client.Patch, ...client.PatchOption) error {
			t.Error("Patch was called")
			return errBoom
		},
		Delete: func(context.Context, client.WithWatch, client.Object, ...client.DeleteOption) error {
			t.Error("Delete was called")
			return errBoom
		},
	}
}

func TestObserve(t *testing.T) {
	type want struct {
		o     managed.ExternalObservation
		ready corev1.ConditionStatus
		sized xpv2.ConditionReason
		err   error
	}
	there := managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}
	behind := managed.ExternalObservation{ResourceExists: true}
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.VolumeClaim
		objs   []client.Object
		want   want
	}{
		"Absent": {reason: "Without a claim there is nothing.", mg: mr(), want: want{ready: corev1.ConditionUnknown}},
		"Bound": {
			reason: "A bound claim is ready.", mg: mr(), objs: []client.Object{pvc(bound("10Gi")), sc("fast")},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"OtherName": {
			reason: "The external name is the name of the claim.", mg: mr(func(v *v1alpha1.VolumeClaim) { meta.SetExternalName(v, "other") }),
			objs: []client.Object{pvc(bound("10Gi"), func(p *corev1.PersistentVolumeClaim) { p.Name = "other" }), sc("fast")},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"WaitsForPod": {
			reason: "Whoever waits for a claim before creating its pod must not wait forever.", mg: mr(), objs: []client.Object{pvc(), sc("fast", late)},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"WaitsForVolume": {
			reason: "A claim is not ready that a volume is being made for.", mg: mr(), objs: []client.Object{pvc(), sc("fast")},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
		"DefaultClass": {
			reason: "Of several default classes the youngest counts.", mg: mr(),
			objs: []client.Object{pvc(class(nil)), sc("a", byDefault), sc("b", byDefault, younger, late), sc("c", late)},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"NoDefaultClass": {
			reason: "A claim without any class is not ready.", mg: mr(), objs: []client.Object{pvc(class(nil)), sc("c", late)},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
		"EmptyClass": {
			reason: "A claim for an existing volume is not ready before it has one.", mg: mr(), objs: []client.Object{pvc(class(ptr.To(""))), sc("c", late, byDefault)},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
		"MissingClass": {
			reason: "A class that does not exist binds nothing.", mg: mr(), objs: []client.Object{pvc()},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
		"Lost": {
			reason: "A lost volume is not ready.", mg: mr(), objs: []client.Object{pvc(func(p *corev1.PersistentVolumeClaim) { p.Status.Phase = corev1.ClaimLost }), sc("fast")},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
		"Terminating": {
			reason: "A claim that is being deleted cannot be changed, and is not ready.", mg: mr(size("20Gi")), objs: []client.Object{pvc(bound("10Gi"), unlabelled, terminating), sc("fast", expands)},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonResizing},
		},
		"Unlabelled": {
			reason: "Labels that are missing are to be added.", mg: mr(), objs: []client.Object{pvc(bound("10Gi"), unlabelled), sc("fast")},
			want: want{o: behind, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"Grow": {
			reason: "A claim that can grow is to grow.", mg: mr(size("20Gi")), objs: []client.Object{pvc(bound("10Gi")), sc("fast", expands)},
			want: want{o: behind, ready: corev1.ConditionTrue, sized: ReasonResizing},
		},
		"CannotExpand": {
			reason: "A claim that cannot grow is left alone and says so.", mg: mr(size("20Gi")), objs: []client.Object{pvc(bound("10Gi")), sc("fast")},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonCannotExpand},
		},
		"CannotShrink": {
			reason: "An adopted claim that is larger is used as it is.", mg: mr(size("5Gi")), objs: []client.Object{pvc(bound("10Gi")), sc("fast", expands)},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonCannotShrink},
		},
		"Controlled": {
			reason: "A claim that somebody controls is not adopted.", mg: mr(), objs: []client.Object{pvc(bound("10Gi"), owner(true)), sc("fast")},
			want: want{ready: corev1.ConditionUnknown, err: errOwned},
		},
		"OnlyObserved": {
			reason: "Anybody's claim may be observed.", mg: mr(observed), objs: []client.Object{pvc(bound("10Gi"), owner(true)), sc("fast")},
			want: want{o: there, ready: corev1.ConditionTrue, sized: ReasonSized},
		},
		"DeletedOwned": {
			reason: "A claim of somebody else does not hold up a deletion.", mg: mr(deleted), objs: []client.Object{pvc(bound("10Gi"), owner(false)), sc("fast")},
			want: want{ready: corev1.ConditionUnknown},
		},
		"DeletedTerminating": {
			reason: "A claim is there until it is gone.", mg: mr(deleted), objs: []client.Object{pvc(bound("10Gi"), terminating), sc("fast")},
			want: want{o: there, ready: corev1.ConditionFalse, sized: ReasonSized},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := arrange(t, readOnly(t), tc.objs...)
			o, err := e.Observe(context.Background(), tc.mg)
			got := want{o: o, ready: tc.mg.GetCondition(xpv2.TypeReady).Status, sized: tc.mg.GetCondition(TypeSized).Reason, err: err}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nObserve(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestObservation(t *testing.T) {
	q := func(s string) *resource.Quantity { return ptr.To(resource.MustParse(s)) }
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.VolumeClaim
		pvc    *corev1.PersistentVolumeClaim
		class  *storagev1.StorageClass
		want   *v1alpha1.ResizeObservation
	}{
		"NeverGrew": {reason: "A claim that never grew has nothing to say.", mg: mr(), pvc: pvc(bound("10Gi"))},
		"Grown":     {reason: "A growth that is over is remembered.", mg: mr(grown), pvc: pvc(bound("10Gi")), want: &v1alpha1.ResizeObservation{Requested: q("10Gi")}},
		"Grows":     {reason: "A volume that is smaller than asked for is pending.", mg: mr(), pvc: pvc(bound("5Gi")), want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Pending: true}},
		"FileSystem": {
			reason: "A file system that is to grow waits for a pod.", mg: mr(), pvc: pvc(bound("5Gi"), holding(corev1.PersistentVolumeClaimFileSystemResizePending, "")),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Pending: true, FileSystemResizePending: true},
		},
		"Resizing": {
			reason: "The storage is at it.", mg: mr(), pvc: pvc(bound("10Gi"), holding(corev1.PersistentVolumeClaimResizing, "")),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Pending: true},
		},
		"Infeasible": {
			reason: "Storage that cannot grow a volume says so.", mg: mr(), pvc: pvc(bound("5Gi"), allocated(corev1.PersistentVolumeClaimControllerResizeInfeasible)),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Pending: true, Error: "the storage cannot make the volume that large: ControllerResizeInfeasible"},
		},
		"ControllerError": {
			reason: "An error of the storage is passed on.", mg: mr(), pvc: pvc(bound("5Gi"), holding(corev1.PersistentVolumeClaimControllerResizeError, "full")),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Pending: true, Error: "ControllerResizeError: full"},
		},
		"CannotExpand": {
			reason: "A class that does not let volumes grow is named.", mg: mr(size("20Gi")), pvc: pvc(bound("10Gi")), class: sc("fast"),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Error: "StorageClass fast does not allow volumes to grow"},
		},
		"ClassGone": {
			reason: "A class that is gone is named.", mg: mr(size("20Gi")), pvc: pvc(bound("10Gi")),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Error: `StorageClass "fast" of spec.forProvider.storageClassName does not exist, so that the volume cannot grow`},
		},
		"NoClass": {
			reason: "A volume that no class made cannot grow.", mg: mr(size("20Gi")), pvc: pvc(bound("10Gi"), class(nil)), class: sc("default", expands),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Error: "the claim has no StorageClass, so that its volume cannot grow"},
		},
		"NotBound": {
			reason: "A claim without a volume cannot grow yet, which is no error.", mg: mr(size("20Gi")), pvc: pvc(), class: sc("fast", expands),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi")},
		},
		"CannotShrink": {
			reason: "A claim that is larger says why.", mg: mr(size("5Gi")), pvc: pvc(bound("10Gi")), class: sc("fast", expands),
			want: &v1alpha1.ResizeObservation{Requested: q("10Gi"), Error: "the claim asks for 10Gi and cannot shrink to 5Gi"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := observation(tc.mg, tc.pvc, plan(tc.mg, tc.pvc, tc.class))
			want := v1alpha1.VolumeClaimObservation{
				Phase: tc.pvc.Status.Phase, Capacity: quantity(tc.pvc.Status.Capacity),
				VolumeName: tc.pvc.Spec.VolumeName, StorageClassName: tc.pvc.Spec.StorageClassName, Resize: tc.want,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\nobservation(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	ctx := context.Background()
	type call = func(*external, *v1alpha1.VolumeClaim) error
	create := func(e *external, mg *v1alpha1.VolumeClaim) error { _, err := e.Create(ctx, mg); return err }
	update := func(e *external, mg *v1alpha1.VolumeClaim) error { _, err := e.Update(ctx, mg); return err }
	remove := func(e *external, mg *v1alpha1.VolumeClaim) error { _, err := e.Delete(ctx, mg); return err }
	sized := func(s string) *corev1.PersistentVolumeClaim {
		return pvc(bound("10Gi"), func(p *corev1.PersistentVolumeClaim) {
			p.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse(s)
		})
	}
	type want struct {
		pvc *corev1.PersistentVolumeClaim
		err error
	}
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.VolumeClaim
		objs   []client.Object
		calls  []call
		want   want
	}{
		"CreateTwice": {
			reason: "A claim should be created once, and have no owner.", mg: mr(), calls: []call{create, create},
			want: want{pvc: pvc(func(p *corev1.PersistentVolumeClaim) {
				p.Status.Phase = ""
				p.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			})},
		},
		"CreateFound": {
			reason: "A claim that appeared meanwhile should be left.", mg: mr(size("99Gi")), objs: []client.Object{pvc(bound("10Gi"))}, calls: []call{create},
			want: want{pvc: pvc(bound("10Gi"))},
		},
		"GrowTwice": {
			reason: "A claim should grow once.", mg: mr(size("20Gi")), objs: []client.Object{pvc(bound("10Gi")), sc("fast", expands)}, calls: []call{update, update},
			want: want{pvc: sized("20Gi")},
		},
		"NeverShrink": {
			reason: "A claim should never shrink.", mg: mr(size("5Gi")), objs: []client.Object{pvc(bound("10Gi")), sc("fast", expands)}, calls: []call{update},
			want: want{pvc: pvc(bound("10Gi"))},
		},
		"CannotExpand": {
			reason: "A claim that cannot grow should not be asked to, and still get its labels.", mg: mr(size("20Gi")),
			objs: []client.Object{pvc(bound("10Gi"), unlabelled), sc("fast")}, calls: []call{update},
			want: want{pvc: pvc(bound("10Gi"), func(p *corev1.PersistentVolumeClaim) { p.Labels = map[string]string{"a": "b", "theirs": "too"} })},
		},
		"UpdateGone": {reason: "A claim that went meanwhile is an error.", mg: mr(), calls: []call{update}, want: want{err: cmpopts.AnyError}},
		"DeleteTwice": {
			reason: "Deletion should be repeatable.", mg: mr(), objs: []client.Object{pvc(bound("10Gi"))}, calls: []call{remove, remove},
		},
		"DeleteTerminating": {
			reason: "A claim that is being deleted should be waited for.", mg: mr(), objs: []client.Object{pvc(bound("10Gi"), terminating)}, calls: []call{remove},
			want: want{pvc: pvc(bound("10Gi"), terminating)},
		},
		"DeleteOwned": {
			reason: "A claim that is somebody's should not be deleted.", mg: mr(), objs: []client.Object{pvc(bound("10Gi"), owner(false))}, calls: []call{remove},
			want: want{pvc: pvc(bound("10Gi"), owner(false))},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := arrange(t, interceptor.Funcs{}, tc.objs...)
			var err error
			for _, f := range tc.calls {
				err = f(e, tc.mg)
			}
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\n-want error, +got error:\n%s", tc.reason, diff)
			}
			got, err := e.claim(ctx, mr())
			if kerrors.IsNotFound(err) {
				got = nil
			}
			if diff := cmp.Diff(tc.want.pvc, got, cmpopts.IgnoreFields(metav1.ObjectMeta{}, "ResourceVersion", "DeletionTimestamp")); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	ctx := context.Background()
	noClass := interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, ok := obj.(*storagev1.StorageClass); ok {
				return errBoom
			}
			return c.Get(ctx, key, obj, opts...)
		},
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return errBoom },
	}
	broken := &external{kube: &test.MockClient{MockGet: test.NewMockGetFn(errBoom), MockCreate: test.NewMockCreateFn(errBoom)}}
	exists := &external{kube: &test.MockClient{MockCreate: test.NewMockCreateFn(kerrors.NewForbidden(schema.GroupResource{}, "", errBoom))}}
	named, unnamed := arrange(t, noClass, pvc()), arrange(t, noClass, pvc(class(nil)))
	cases := map[string]struct {
		call func() error
		want error
	}{
		"Observe":             {call: func() error { _, err := broken.Observe(ctx, mr()); return err }, want: errBoom},
		"ObserveClass":        {call: func() error { _, err := named.Observe(ctx, mr()); return err }, want: errBoom},
		"ObserveDefaultClass": {call: func() error { _, err := unnamed.Observe(ctx, mr()); return err }, want: errBoom},
		"Create":              {call: func() error { _, err := broken.Create(ctx, mr()); return err }, want: errBoom},
		"CreateForbidden":     {call: func() error { _, err := exists.Create(ctx, mr()); return err }, want: cmpopts.AnyError},
		"Update":              {call: func() error { _, err := broken.Update(ctx, mr()); return err }, want: errBoom},
		"UpdateClass":         {call: func() error { _, err := named.Update(ctx, mr()); return err }, want: errBoom},
		"Delete":              {call: func() error { _, err := broken.Delete(ctx, mr()); return err }, want: errBoom},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.call(), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("An API server that does not answer says nothing about the claim: -want error, +got error:\n%s", diff)
			}
		})
	}
}
