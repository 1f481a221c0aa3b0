package toposerver

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

const global = `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata: {name: orders-global-topo, namespace: app, generation: 4}
spec:
  clusterName: orders
  projectRef: shop
  imagePullPolicy: IfNotPresent
  imagePullSecrets: [{name: registry}]
  etcd:
    image: etcd:v3.6.7
    replicas: 3
    storage: {size: 10Gi, class: fast}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}
  pvcDeletionPolicy: {whenDeleted: Delete}
  placement: {tolerations: [{key: infra, operator: Exists}]}
`

const local = `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata: {name: orders-zone-a-topo, namespace: app}
spec:
  clusterName: orders
  cellName: zone-a
  nodeSelector: {topology.kubernetes.io/zone: a}
  etcd: {image: etcd:v3.6.7, replicas: 1}
`

// members returns a StatefulSet of which so many members are ready.
func members(ready string) string {
	return `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: orders-global-topo, generation: 1},
		spec: {replicas: 3, volumeClaimTemplates: [{spec: {resources: {requests: {storage: 10Gi}}}}]},
		status: {observedGeneration: 1, readyReplicas: ` + ready + `, currentRevision: a, updateRevision: a}}`
}

func TestCompose(t *testing.T) {
	all := func(ready string) map[string]string {
		return map[string]string{
			naming.KeyTopoStatefulSet:     members(ready),
			naming.KeyTopoService:         `{apiVersion: v1, kind: Service}`,
			naming.KeyTopoHeadlessService: `{apiVersion: v1, kind: Service}`,
			naming.KeyTopoPDB:             `{apiVersion: policy/v1, kind: PodDisruptionBudget}`,
		}
	}
	cases := map[string]struct {
		xr       string
		observed map[string]string
	}{
		"GlobalNew":      {xr: global},
		"GlobalReady":    {xr: global, observed: all("3")},
		"GlobalStarting": {xr: global, observed: all("1")},
		"GlobalQuorum":   {xr: global + "status: {phase: Healthy}", observed: all("2")},
		"GlobalLost":     {xr: global + "status: {phase: Degraded}", observed: all("1")},
		"LocalNew":       {xr: local},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(compose.Input{XR: composetest.Object(t, tc.xr), Observed: composetest.Objects(t, tc.observed)})
			if err != nil {
				t.Fatal(err)
			}
			composetest.Golden(t, name, out)
		})
	}
}

// TestEtcd holds the member's container against what an etcd of a static cluster needs.
func TestEtcd(t *testing.T) {
	out, err := Compose(compose.Input{XR: composetest.Object(t, global)})
	if err != nil {
		t.Fatal(err)
	}
	sts := composetest.Get(t, out, naming.KeyTopoStatefulSet)
	c := sts.List("spec", "template", "spec", "containers")[0]
	env := map[string]string{}
	for _, e := range c.List("env") {
		env[e.String("name")] = e.String("value")
	}
	delete(env, "POD_NAME")
	delete(env, "POD_NAMESPACE")
	// GlobalNew.yaml shows where that comes from.
	delete(env, "ETCD_INITIAL_CLUSTER_STATE")
	want := map[string]string{
		"ETCD_NAME":                        "$(POD_NAME)",
		"ETCD_DATA_DIR":                    "/var/lib/etcd/data",
		"ETCD_LISTEN_CLIENT_URLS":          "http://[::]:2379",
		"ETCD_LISTEN_PEER_URLS":            "http://[::]:2380",
		"ETCD_LISTEN_METRICS_URLS":         "http://[::]:2381",
		"ETCD_ADVERTISE_CLIENT_URLS":       "http://$(POD_NAME).orders-global-topo-headless.$(POD_NAMESPACE).svc:2379",
		"ETCD_INITIAL_ADVERTISE_PEER_URLS": "http://$(POD_NAME).orders-global-topo-headless.$(POD_NAMESPACE).svc:2380",
		"ETCD_INITIAL_CLUSTER": strings.Join([]string{
			"orders-global-topo-0=http://orders-global-topo-0.orders-global-topo-headless.$(POD_NAMESPACE).svc:2380",
			"orders-global-topo-1=http://orders-global-topo-1.orders-global-topo-headless.$(POD_NAMESPACE).svc:2380",
			"orders-global-topo-2=http://orders-global-topo-2.orders-global-topo-headless.$(POD_NAMESPACE).svc:2380",
		}, ","),
		"ETCD_INITIAL_CLUSTER_TOKEN":     "orders-global-topo",
		"ETCD_AUTO_COMPACTION_MODE":      "periodic",
		"ETCD_AUTO_COMPACTION_RETENTION": "1h",
		"ETCD_QUOTA_BACKEND_BYTES":       "6442450920",
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment: -want, +got:\n%s", diff)
	}
	if got := sts.String("spec", "podManagementPolicy"); got != "Parallel" {
		t.Errorf("no member becomes ready alone, so all must start at once; got %q", got)
	}
}

// TestSelectorsAreDisjoint proves that no Service of a global topology server ever reaches a member of a local one.
func TestSelectorsAreDisjoint(t *testing.T) {
	pods := func(xr string) object.Object {
		out, err := Compose(compose.Input{XR: composetest.Object(t, xr)})
		if err != nil {
			t.Fatal(err)
		}
		return composetest.Get(t, out, naming.KeyTopoStatefulSet)
	}
	g, l := pods(global), pods(local)
	selects := func(selector, labels map[string]string) bool {
		for k, v := range selector {
			if labels[k] != v {
				return false
			}
		}
		return true
	}
	sel := func(o object.Object) map[string]string { return o.StringMap("spec", "selector", "matchLabels") }
	lab := func(o object.Object) map[string]string { return o.StringMap("spec", "template", "metadata", "labels") }
	if !selects(sel(g), lab(g)) || !selects(sel(l), lab(l)) {
		t.Error("a topology server must select its own members")
	}
	if selects(sel(g), lab(l)) || selects(sel(l), lab(g)) {
		t.Error("a topology server must not select another one's members")
	}
}

// TestSizeOfLiveVolumesStays proves that a wish for larger volumes neither breaks the apply nor passes in silence.
func TestSizeOfLiveVolumesStays(t *testing.T) {
	xr := strings.Replace(global, "10Gi", "20Gi", 1)
	out, err := Compose(compose.Input{
		XR: composetest.Object(t, xr), Observed: composetest.Objects(t, map[string]string{naming.KeyTopoStatefulSet: members("3")}),
	})
	if err != nil {
		t.Fatal(err)
	}
	sts := composetest.Get(t, out, naming.KeyTopoStatefulSet)
	if q, _ := liveSize(sts); q.String() != "10Gi" {
		t.Errorf("want the claim template as it was made, got %s", q.String())
	}
	for _, c := range out.Conditions {
		if c.Type == typeStorage && c.Status != "False" {
			t.Errorf("want condition %s to be False, got %+v", typeStorage, c)
		}
	}
}

func TestComposeInvalid(t *testing.T) {
	out, err := Compose(compose.Input{XR: composetest.Object(t, `
apiVersion: multigres.com/v1alpha1
kind: TopoServer
metadata: {name: x}
spec: {etcd: {replicas: 2, storage: {size: big}}}
`)})
	var invalid *compose.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v and %v", out, err)
	}
	var fields []string
	for _, p := range invalid.Problems {
		f, _, _ := strings.Cut(p, ":")
		fields = append(fields, f)
	}
	want := []string{"spec.etcd.image", "spec.etcd.replicas", "spec.etcd.storage.size"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("every problem at once: -want, +got:\n%s", diff)
	}
	if _, err := Compose(compose.Input{XR: composetest.Object(t, `{kind: TopoServer}`)}); !errors.As(err, &invalid) {
		t.Errorf("a topology server without etcd is invalid, got %v", err)
	}
}
