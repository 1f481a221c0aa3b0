package cluster

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

func TestBuildTopoServer(t *testing.T) {
	same(t, "A managed server is complete and carries how its images are pulled.", buildTopoServer(resolved(t, minimal)), `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata:
  name: orders-global-topo
  labels: {`+labels("global-topo")+`}
  annotations: {multigres.com/project-ref: orders}
spec:
  clusterName: orders
  imagePullPolicy: IfNotPresent
  pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  etcd:
    image: gcr.io/etcd-development/etcd:v3.6.7
    replicas: 3
    rootPath: /multigres/global
    storage: {size: 1Gi, accessModes: [ReadWriteOnce]}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}
`)
}

func TestBuildProviderConfig(t *testing.T) {
	same(t, "A managed server is reached by its Service, without TLS; it goes with the cluster, as those of cells do.", buildProviderConfig(resolved(t, minimal), []string{"zone-b:2379"}), `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfig
metadata: {name: orders, labels: {`+labels("topology")+`}}
spec:
  implementation: etcd
  endpoints: ["http://orders-global-topo.app.svc:2379"]
  root: /multigres/global
  dedicatedEndpoints: ["zone-b:2379"]
`)
	same(t, "All endpoints of an external server are used, with its certificates.", buildProviderConfig(resolved(t, everything, givenEverything...), nil), `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfig
metadata: {name: orders, labels: {`+labels("topology")+`}}
spec:
  implementation: etcd
  endpoints: ["https://etcd-0.infra:2379", "https://etcd-1.infra:2379"]
  root: /multigres/app/orders/global
  tls: {caSecretRef: {name: etcd-ca}, clientCertSecretRef: {name: etcd-client}}
`)
}

func TestDedicatedEndpoints(t *testing.T) {
	local := strings.ReplaceAll(minimal, "zone: a}", "zone: a}, {name: zone-b, zone: b, spec: {localTopoServer: {etcd: {}}}}, {name: zone-c, zone: c, spec: {localTopoServer: {external: {endpoints: [\"http://own:2379\"]}}}}")
	external := "  globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}\n"
	localB := naming.LocalTopoServer("orders", "zone-b") + ".app.svc:2379"
	leaving := composetest.Objects(t, map[string]string{
		naming.KeyCell("zone-d"):       `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: d}, spec: {name: zone-d, topoServer: {etcd: {}}}}`,
		naming.KeyCellRecord("zone-d"): `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, metadata: {name: d}, spec: {forProvider: {cell: zone-d, serverAddresses: ["d:2379"]}}}`,
		naming.KeyCell("zone-e"):       `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: e}, spec: {name: zone-e, topoServer: {external: {}}}}`,
		naming.KeyCellRecord("zone-e"): `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, metadata: {name: e}, spec: {forProvider: {cell: zone-e, serverAddresses: ["e:2379"]}}}`,
	})
	cases := map[string]struct {
		reason   string
		xr       string
		observed map[string]object.Object
		want     []string
	}{
		"Managed":  {reason: "The global server goes with the cluster, as it is written for the provider and in the records of cells.", xr: minimal, want: []string{"http://orders-global-topo.app.svc:2379", "orders-global-topo.app.svc:2379"}},
		"Local":    {reason: "So does a server of a cell's own, but not one that somebody else runs.", xr: local, want: []string{"http://orders-global-topo.app.svc:2379", localB, "orders-global-topo.app.svc:2379"}},
		"External": {reason: "A server that others use as well outlives the cluster.", xr: minimal + external},
		"Mixed":    {reason: "Each cell's server counts by itself.", xr: local + external, want: []string{localB}},
		"Leaving":  {reason: "That of a cell on its way out still holds its records.", xr: minimal + external, observed: leaving, want: []string{"d:2379"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out := mustRun(t, compose.Input{XR: composetest.Object(t, tc.xr), Observed: tc.observed}, generatedSecret)
			got := composetest.Get(t, out, naming.KeyProviderConfig).Strings("spec", "dedicatedEndpoints")
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
