package quiet

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

func TestUpdate(t *testing.T) {
	errBoom := errors.New("boom")

	cases := map[string]struct {
		reason string
		change func(*v1alpha1.Password)
		get    error
		write  error
		want   error
		writes int
	}{
		"Same":    {reason: "What is there already is not written.", change: func(*v1alpha1.Password) {}},
		"Status":  {reason: "A status that differs is written.", change: func(p *v1alpha1.Password) { p.SetConditions(xpv2.Available()) }, writes: 1},
		"Version": {reason: "Of another version nothing is known: the API server decides.", change: func(p *v1alpha1.Password) { p.SetResourceVersion("7") }, write: errBoom, want: errBoom, writes: 1},
		"Unread":  {reason: "What cannot be read is written.", change: func(*v1alpha1.Password) {}, get: errBoom, writes: 1},
		"Failure": {reason: "A write that fails is an error.", change: func(p *v1alpha1.Password) { p.SetConditions(xpv2.Available()) }, write: errBoom, want: errBoom, writes: 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := runtime.NewScheme()
			if err := v1alpha1.AddToScheme(s); err != nil {
				t.Fatal(err)
			}
			p := &v1alpha1.Password{ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: "p"}}
			inner := fake.NewClientBuilder().WithScheme(s).WithObjects(p).WithStatusSubresource(p).Build()
			if err := inner.Get(t.Context(), client.ObjectKeyFromObject(p), p); err != nil {
				t.Fatal(err)
			}
			tc.change(p)
			writes := 0
			c := Client{Client: interceptor.NewClient(inner, interceptor.Funcs{
				Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
					if tc.get != nil {
						return tc.get
					}
					return c.Get(ctx, key, o, opts...)
				},
				SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, o client.Object, opts ...client.SubResourceUpdateOption) error {
					writes++
					if tc.write != nil {
						return tc.write
					}
					return c.SubResource(sub).Update(ctx, o, opts...)
				},
			})}
			err := c.Status().Update(t.Context(), p)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
			if writes != tc.writes {
				t.Errorf("%s\n-want, +got:\n-%d writes\n+%d writes", tc.reason, tc.writes, writes)
			}
		})
	}
}
