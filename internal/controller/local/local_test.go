package local

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

var errBoom = errors.New("boom")

func mr(uid types.UID, generation int64) *v1alpha1.Password {
	return &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pw", UID: uid, Generation: generation}}
}

func TestGuarded(t *testing.T) {
	type want struct {
		calls    int
		conflict bool
		err      error
	}
	reads := func(live *v1alpha1.Password) test.MockGetFn {
		return func(_ context.Context, _ client.ObjectKey, obj client.Object) error {
			live.DeepCopyInto(obj.(*v1alpha1.Password))
			return nil
		}
	}
	cases := map[string]struct {
		reason string
		get    test.MockGetFn
		want   want
	}{
		"Current": {
			reason: "What is as it was read should be acted for.", get: reads(mr("one", 2)), want: want{calls: 2},
		},
		"NewerSpec": {
			reason: "An old desire should not undo a newer one.", get: reads(mr("one", 3)), want: want{conflict: true, err: cmpopts.AnyError},
		},
		"Successor": {
			reason: "What belongs to a successor of the same name should be left alone.", get: reads(mr("two", 2)), want: want{conflict: true, err: cmpopts.AnyError},
		},
		"Gone": {
			reason: "Nobody wants anything for a managed resource that is gone.", get: test.NewMockGetFn(kerrors.NewNotFound(schema.GroupResource{}, "pw")),
			want: want{conflict: true, err: cmpopts.AnyError},
		},
		"Unknown": {
			reason: "Doubt should stop every change.", get: test.NewMockGetFn(errBoom), want: want{err: errBoom},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			calls := 0
			g := &Guarded[*v1alpha1.Password]{
				Live: &test.MockClient{MockGet: tc.get},
				TypedExternalClient: managed.TypedExternalClientFns[*v1alpha1.Password]{
					UpdateFn: func(context.Context, *v1alpha1.Password) (managed.ExternalUpdate, error) {
						calls++
						return managed.ExternalUpdate{}, nil
					},
					DeleteFn: func(context.Context, *v1alpha1.Password) (managed.ExternalDelete, error) {
						calls++
						return managed.ExternalDelete{}, nil
					},
				},
			}
			_, update := g.Update(context.Background(), mr("one", 2))
			_, remove := g.Delete(context.Background(), mr("one", 2))
			for _, err := range []error{update, remove} {
				got := want{calls: calls, conflict: kerrors.IsConflict(err), err: err}
				if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{}), cmpopts.EquateErrors()); diff != "" {
					t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
				}
			}
		})
	}
}

func TestWake(t *testing.T) {
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	names := func(o client.Object) []string { return []string{o.(*v1alpha1.Password).Spec.ForProvider.SecretName} }
	pw := func(ns, name, secret string) *v1alpha1.Password {
		return &v1alpha1.Password{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
			Spec:       v1alpha1.PasswordSpec{ForProvider: v1alpha1.PasswordParameters{SecretName: secret}},
		}
	}
	kube := fake.NewClientBuilder().WithScheme(s).WithIndex(&v1alpha1.Password{}, index, names).
		WithObjects(pw("ns", "a", "secret"), pw("ns", "b", "secret"), pw("ns", "c", "other"), pw("elsewhere", "a", "secret")).Build()
	request := func(name string) reconcile.Request {
		return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}}
	}
	cases := map[string]struct {
		reason string
		kube   client.Reader
		list   client.ObjectList
		want   []reconcile.Request
	}{
		"Named": {
			reason: "A Secret should wake those of its namespace that name it.", kube: kube, list: &v1alpha1.PasswordList{},
			want: []reconcile.Request{request("a"), request("b")},
		},
		"Unavailable": {
			reason: "A cache that does not answer should wake nobody.", kube: &test.MockClient{MockList: test.NewMockListFn(errBoom)}, list: &v1alpha1.PasswordList{},
		},
		"OtherList": {
			reason: "A list that is not one of managed resources should wake nobody.", kube: kube, list: &corev1.SecretList{},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := wake(tc.kube, tc.list)(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "secret"}})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nwake(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
