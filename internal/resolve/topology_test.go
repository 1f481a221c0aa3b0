package resolve

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// withExternal gives a cluster an external topology server.
func withExternal(e v1alpha1.ExternalTopoServerSpec) func(*v1alpha1.MultigresCluster) {
	return func(c *v1alpha1.MultigresCluster) {
		c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &e}
	}
}

// withLocal gives the first cell of a cluster a topology server of its own.
func withLocal(l v1alpha1.LocalTopoServerSpec) func(*v1alpha1.MultigresCluster) {
	return func(c *v1alpha1.MultigresCluster) {
		c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &l}
	}
}

func TestTopology(t *testing.T) {
	tls := v1alpha1.ExternalTopoServerSpec{
		Endpoints: []v1alpha1.EndpointURL{"https://a.example:2379", "https://b.example:2379/"},
		CASecret:  "ca", ClientCertSecret: "client",
	}
	tlsRef := v1alpha1.GlobalTopoServerRef{
		Address: "a.example:2379,b.example:2379", RootPath: "/multigres/ns/c/global", Implementation: "etcd", CASecret: "ca", ClientCertSecret: "client",
	}
	managedRef := v1alpha1.GlobalTopoServerRef{Address: "c-global-topo.ns.svc:2379", RootPath: "/multigres/global", Implementation: "etcd"}

	cases := map[string]struct {
		reason    string
		spec      []func(*v1alpha1.MultigresCluster)
		ref       v1alpha1.GlobalTopoServerRef
		endpoints []string
		record    CellRecord
	}{
		"Managed": {
			reason:    "A managed server is reached through its Service, and cells without their own use it.",
			ref:       managedRef,
			endpoints: []string{"http://c-global-topo.ns.svc:2379"},
			record:    CellRecord{Addresses: []string{"c-global-topo.ns.svc:2379"}, Root: "/multigres/global"},
		},
		"ManagedRoot": {
			reason: "The root of a managed server can be chosen.",
			spec: []func(*v1alpha1.MultigresCluster){func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{RootPath: "/r"}}
			}},
			ref:       v1alpha1.GlobalTopoServerRef{Address: "c-global-topo.ns.svc:2379", RootPath: "/r", Implementation: "etcd"},
			endpoints: []string{"http://c-global-topo.ns.svc:2379"},
			record:    CellRecord{Addresses: []string{"c-global-topo.ns.svc:2379"}, Root: "/r"},
		},
		"ExternalPlain": {
			reason: "All endpoints are used, each once, and the root names the cluster because the server may be shared.",
			spec: []func(*v1alpha1.MultigresCluster){withExternal(v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"http://a:2379", "http://[2001:db8::1]:2379", "http://a:2379/"},
			})},
			ref:       v1alpha1.GlobalTopoServerRef{Address: "a:2379,[2001:db8::1]:2379", RootPath: "/multigres/ns/c/global", Implementation: "etcd"},
			endpoints: []string{"http://a:2379", "http://[2001:db8::1]:2379"},
			record:    CellRecord{Addresses: []string{"a:2379", "[2001:db8::1]:2379"}, Root: "/multigres/ns/c/global"},
		},
		"ExternalTLS": {
			reason:    "TLS is in the URLs for us and in the Secrets for the components, whose addresses have no scheme.",
			spec:      []func(*v1alpha1.MultigresCluster){withExternal(tls)},
			ref:       tlsRef,
			endpoints: []string{"https://a.example:2379", "https://b.example:2379"},
			record:    CellRecord{Addresses: []string{"a.example:2379", "b.example:2379"}, Root: "/multigres/ns/c/global"},
		},
		"ManagedCellBesideManaged": {
			reason:    "A cell's own server is reached through its Service and has a root of its own.",
			spec:      []func(*v1alpha1.MultigresCluster){withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{}})},
			ref:       managedRef,
			endpoints: []string{"http://c-global-topo.ns.svc:2379"},
			record:    CellRecord{Addresses: []string{naming.LocalTopoServer("c", "z1") + ".ns.svc:2379"}, Root: "/multigres/z1"},
		},
		"ManagedCellBesideTLS": {
			reason:    "A component uses its certificate for every address that does not say http.",
			spec:      []func(*v1alpha1.MultigresCluster){withExternal(tls), withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{RootPath: "/r"}})},
			ref:       tlsRef,
			endpoints: []string{"https://a.example:2379", "https://b.example:2379"},
			record:    CellRecord{Addresses: []string{"http://" + naming.LocalTopoServer("c", "z1") + ".ns.svc:2379"}, Root: "/r"},
		},
		"ExternalCellBesideManaged": {
			reason:    "An external server of a cell has a root that names cluster and cell.",
			spec:      []func(*v1alpha1.MultigresCluster){withLocal(v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://x:1", "http://y:2"}}})},
			ref:       managedRef,
			endpoints: []string{"http://c-global-topo.ns.svc:2379"},
			record:    CellRecord{Addresses: []string{"x:1", "y:2"}, Root: "/multigres/ns/c/z1"},
		},
		"ExternalCellBesideTLS": {
			reason:    "The same holds for an external server without TLS.",
			spec:      []func(*v1alpha1.MultigresCluster){withExternal(tls), withLocal(v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://x:1"}}})},
			ref:       tlsRef,
			endpoints: []string{"https://a.example:2379", "https://b.example:2379"},
			record:    CellRecord{Addresses: []string{"http://x:1"}, Root: "/multigres/ns/c/z1"},
		},
		"TLSCellBesideTLS": {
			reason: "Two servers with the same certificates can both have TLS.",
			spec: []func(*v1alpha1.MultigresCluster){withExternal(tls), withLocal(v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"https://x:1"}, CASecret: "ca", ClientCertSecret: "client", RootPath: "/r",
			}})},
			ref:       tlsRef,
			endpoints: []string{"https://a.example:2379", "https://b.example:2379"},
			record:    CellRecord{Addresses: []string{"x:1"}, Root: "/r"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := mustResolve(t, cluster(tc.spec...), Templates{})
			if diff := cmp.Diff(tc.ref, got.GlobalTopo.Ref); diff != "" {
				t.Errorf("\n%s\nref: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.endpoints, got.GlobalTopo.Endpoints); diff != "" {
				t.Errorf("\n%s\nendpoints: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.record, got.Cells[0].Record); diff != "" {
				t.Errorf("\n%s\nrecord: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestEndpointErrorsHideSecrets proves that a password in a URL does not end up in a condition.
func TestEndpointErrorsHideSecrets(t *testing.T) {
	for _, url := range []v1alpha1.EndpointURL{"http://user:hunter2@a:2379", "http://user:hunter2@a:bad", "http://user:hunter2@%zz:1", "ftp://user:hunter2@a:1"} {
		_, _, errs := Resolve(cluster(withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{url}})), Templates{}, ImageDefaults{})
		if len(errs) == 0 {
			t.Errorf("Resolve(...) accepts %q", url)
		}
		if strings.Contains(errs.ToAggregate().Error(), "hunter2") {
			t.Errorf("Resolve(...) tells a password: %v", errs)
		}
	}
}

func TestEffectiveTopology(t *testing.T) {
	got := mustResolve(t, cluster(
		withCells("z1", "z2", "z3"),
		withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://a:1"}, RootPath: "/r"}),
		func(c *v1alpha1.MultigresCluster) {
			c.Spec.Cells[1].Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{}}}
			c.Spec.Cells[2].Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://b:1"}}}}
		},
	), Templates{}).Effective()

	if diff := cmp.Diff(&v1alpha1.EffectiveTopoServer{Implementation: "etcd", Address: "a:1", RootPath: "/r"}, got.GlobalTopoServer); diff != "" {
		t.Errorf("Effective(): -want, +got:\n%s", diff)
	}
	var local []string
	for _, c := range got.Cells {
		local = append(local, c.LocalTopo)
	}
	if diff := cmp.Diff([]string{"", "etcd", "external"}, local); diff != "" {
		t.Errorf("Effective(): -want, +got:\n%s", diff)
	}
}

func TestLocalTopoHasOnePolicy(t *testing.T) {
	got := mustResolve(t, cluster(withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{
		Replicas: ptr.To[int32](1), PVCDeletionPolicy: &v1alpha1.PVCDeletionPolicy{WhenScaled: v1alpha1.PVCDelete},
	}})), Templates{})
	if got.Cells[0].LocalTopo.Etcd.PVCDeletionPolicy != nil {
		t.Error("the policy of an etcd block must go up to the object that owns the etcd")
	}
	if diff := cmp.Diff(&v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain, WhenScaled: v1alpha1.PVCDelete}, got.Cells[0].LocalTopoPVC); diff != "" {
		t.Errorf("LocalTopoPVC: -want, +got:\n%s", diff)
	}
}
