package topology

import (
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

func TestInUse(t *testing.T) {
	errBoom := errors.New("boom")
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	record := func(namespace, kind, name string) *v1alpha1.ShardRecord {
		r := &v1alpha1.ShardRecord{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "r"}}
		r.Spec.ProviderConfigReference = &xpv2.ProviderConfigReference{Kind: kind, Name: name}
		return r
	}
	local := &v1alpha1.ProviderConfig{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "pc"}}
	global := &v1alpha1.ClusterProviderConfig{ObjectMeta: metav1.ObjectMeta{Name: "pc"}}
	cases := map[string]struct {
		reason  string
		pc      resource.ProviderConfig
		records []client.Object
		fails   error
		want    bool
		err     error
	}{
		"Nobody":         {reason: "Without managed resources nobody uses it.", pc: local},
		"Used":           {reason: "A managed resource of the namespace refers to it.", pc: local, records: []client.Object{record("a", "ProviderConfig", "pc")}, want: true},
		"OtherName":      {reason: "It refers to another one.", pc: local, records: []client.Object{record("a", "ProviderConfig", "other")}},
		"OtherNamespace": {reason: "A configuration of that name in another namespace is another one.", pc: local, records: []client.Object{record("b", "ProviderConfig", "pc")}},
		"OtherKind":      {reason: "So is one of the other kind.", pc: local, records: []client.Object{record("a", "ClusterProviderConfig", "pc")}},
		"Cluster":        {reason: "A cluster's configuration is used from any namespace.", pc: global, records: []client.Object{record("b", "ClusterProviderConfig", "pc")}, want: true},
		"NotServed":      {reason: "A kind that the API server does not serve has no objects.", pc: local, fails: &meta.NoKindMatchError{}},
		"Unknown":        {reason: "What cannot be read is no answer.", pc: local, fails: errBoom, err: errBoom},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var kube client.Reader = fake.NewClientBuilder().WithScheme(s).WithObjects(tc.records...).Build()
			if tc.fails != nil {
				kube = &test.MockClient{MockList: test.NewMockListFn(tc.fails)}
			}
			got, err := InUse(t.Context(), kube, tc.pc)
			if got != tc.want || !errors.Is(err, tc.err) {
				t.Errorf("%s\n-want, +got:\n-%v %v\n+%v %v", tc.reason, tc.want, tc.err, got, err)
			}
		})
	}
}
