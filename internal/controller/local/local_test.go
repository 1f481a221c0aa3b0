package local

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

var errBoom = errors.New("boom")

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
		err    error
	}{
		"Named": {
			reason: "A Secret should wake those of its namespace that name it.", kube: kube, list: &v1alpha1.PasswordList{},
			want: []reconcile.Request{request("a"), request("b")},
		},
		"Unavailable": {
			reason: "A cache that does not answer should be asked again.", kube: &test.MockClient{MockList: test.NewMockListFn(errBoom)}, list: &v1alpha1.PasswordList{},
			err: errBoom,
		},
		"OtherList": {
			reason: "A list that is not one of managed resources should be an error.", kube: kube, list: &corev1.SecretList{}, err: cmpopts.AnyError,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := wake(tc.kube, tc.list)(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "secret"}})
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nwake(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nwake(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
