package cluster

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// wasHealthy adds a status to a cluster that has been complete.
const wasHealthy = "status: {phase: Healthy, message: Ready}\n"

func TestPhase(t *testing.T) {
	external := minimal + "  globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}\n"
	full, fullExternal := grow(t, minimal, generatedSecret), grow(t, external, generatedSecret)
	cell, tableGroup := naming.KeyCell("zone-a"), naming.KeyTableGroup("postgres", "default")
	type state struct {
		phase             v1alpha1.Phase
		message           string
		ready, inProgress bool
		degraded          string
		event             string
	}
	cases := map[string]struct {
		reason   string
		xr       string
		observed map[string]object.Object
		key      string
		status   string
		want     state
	}{
		"Initializing": {
			reason: "Nothing is there.",
			xr:     minimal,
			want: state{
				phase: v1alpha1.PhaseInitializing, inProgress: true,
				message: "Not ready, waiting for TopoServer orders-global-topo, ProviderConfig orders, Password orders-postgres-password, Cell zone-a, Service orders-multigateway and 6 more",
			},
		},
		"Healthy": {
			reason: "Everything is there and ready.", xr: minimal, observed: full,
			want: state{phase: v1alpha1.PhaseHealthy, message: "Ready", ready: true},
		},
		"TopologyStarting": {
			reason: "Without its topology server nothing works; its own words say why.", xr: minimal, observed: full,
			key: naming.KeyGlobalTopo, status: `{phase: Progressing, message: 1 of 3 members ready}`,
			want: state{phase: v1alpha1.PhaseProgressing, message: "Not ready, waiting for TopoServer orders-global-topo (1 of 3 members ready)", inProgress: true},
		},
		"CellStarting": {
			reason: "A cell without gateways cannot be used.", xr: minimal, observed: full,
			key: cell, status: `{phase: Progressing, message: 0 of 1 gateways ready}`,
			want: state{phase: v1alpha1.PhaseProgressing, message: "Not ready, waiting for Cell zone-a (0 of 1 gateways ready)", inProgress: true},
		},
		"CellIncomplete": {
			reason: "A cell that lacks a gateway serves.", xr: minimal, observed: full,
			key: cell, status: `{phase: Progressing, message: 1 of 2 gateways ready, gatewayReadyReplicas: 1, conditions: [{type: Ready, status: "True"}]}`,
			want: state{phase: v1alpha1.PhaseProgressing, message: "Ready, waiting for Cell zone-a (1 of 2 gateways ready)", ready: true, inProgress: true},
		},
		"CellDegraded": {
			reason: "A broken cell breaks the cluster, and that is told once.", xr: minimal + wasHealthy, observed: full,
			key: cell, status: `{phase: Degraded, message: 0 of 1 gateways ready}`,
			want: state{
				phase: v1alpha1.PhaseDegraded, message: "Not ready, degraded: Cell zone-a (0 of 1 gateways ready)", inProgress: true,
				degraded: "Cell zone-a (0 of 1 gateways ready)",
				event:    "phase changed from Healthy to Degraded: Not ready, degraded: Cell zone-a (0 of 1 gateways ready)",
			},
		},
		"ShardDegraded": {
			reason: "A table group may be degraded and serve.", xr: minimal, observed: full,
			key: tableGroup, status: `{phase: Degraded, message: shard 0-inf lost a replica, readyShards: 1, conditions: [{type: Ready, status: "True"}]}`,
			want: state{
				phase: v1alpha1.PhaseDegraded, message: "Ready, degraded: TableGroup postgres/default (shard 0-inf lost a replica)", ready: true, inProgress: true,
				degraded: "TableGroup postgres/default (shard 0-inf lost a replica)",
			},
		},
		"AdminStalled": {
			reason: "The admin API that Kubernetes gave up on is broken, the databases are not.", xr: minimal, observed: full,
			key: naming.KeyMultiAdminDeployment, status: `{conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}`,
			want: state{
				phase: v1alpha1.PhaseDegraded, message: "Ready, degraded: Deployment orders-multiadmin", ready: true, inProgress: true,
				degraded: "Deployment orders-multiadmin",
			},
		},
		"RecordLost": {
			reason: "A record that is not ready is waited for.", xr: minimal, observed: full,
			key: naming.KeyDatabaseRecord("postgres"), status: `{conditions: []}`,
			want: state{phase: v1alpha1.PhaseProgressing, message: "Ready, waiting for DatabaseRecord postgres", ready: true, inProgress: true},
		},
		"ExternalTopology": {
			reason: "A server that something else runs serves while any record can be read.", xr: external, observed: fullExternal,
			key: naming.KeyDatabaseRecord("postgres"), status: `{conditions: []}`,
			want: state{phase: v1alpha1.PhaseProgressing, message: "Ready, waiting for DatabaseRecord postgres", ready: true, inProgress: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			observed := map[string]object.Object{}
			maps.Copy(observed, tc.observed)
			if tc.key != "" {
				observed[tc.key] = withStatus(t, observed[tc.key], tc.status)
			}
			out := mustRun(t, compose.Input{XR: composetest.Object(t, tc.xr), Observed: observed}, generatedSecret)
			st := statusOf(t, out)
			got := state{
				phase: st.Phase, message: st.Message, ready: out.Ready, inProgress: out.InProgress,
				degraded: conditionOf(t, out, compose.TypeDegraded).Message,
			}
			for _, e := range out.Events {
				got.event += e.Message
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(state{})); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
			if available := conditionOf(t, out, TypeAvailable).Status == "True"; available != out.Ready {
				t.Error("available means ready")
			}
		})
	}
}

func TestExternalTopologyLost(t *testing.T) {
	xr := minimal + "  globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}\n"
	observed := grow(t, xr, generatedSecret)
	for _, key := range []string{naming.KeyCellRecord("zone-a"), naming.KeyDatabaseRecord("postgres")} {
		observed[key] = withStatus(t, observed[key], "{conditions: []}")
	}
	out := mustRun(t, compose.Input{XR: composetest.Object(t, xr+wasHealthy), Observed: observed}, generatedSecret)
	if c := conditionOf(t, out, TypeTopologyReady); c.Status != "False" || c.Reason != "NotReachable" {
		t.Errorf("without any record the server cannot be told to serve, got %+v", c)
	}
	if d := conditionOf(t, out, compose.TypeDegraded).Message; !strings.Contains(d, "etcd:2379") {
		t.Errorf("what worked once is broken, got %q", d)
	}
	out = mustRun(t, compose.Input{XR: composetest.Object(t, xr), Observed: observed}, generatedSecret)
	if d := conditionOf(t, out, compose.TypeDegraded); d.Status != "False" {
		t.Errorf("what never worked is on its way, got %+v", d)
	}
}

func TestOutdatedChildren(t *testing.T) {
	observed := grow(t, minimal, generatedSecret)
	key := naming.KeyCell("zone-a")
	m := observed[key].Struct().AsMap()
	meta, ok := m["metadata"].(map[string]any)
	if !ok {
		t.Fatal("the cell has no metadata")
	}
	meta["generation"] = 2
	observed[key] = withStatus(t, composetest.Object(t, toYAML(t, m)), `{phase: Degraded, observedGeneration: 1, conditions: [{type: Ready, status: "True"}]}`)
	out := mustRun(t, compose.Input{XR: composetest.Object(t, minimal), Observed: observed}, generatedSecret)
	if p := statusOf(t, out).Phase; p != v1alpha1.PhaseProgressing {
		t.Errorf("what a cell said of an older specification neither breaks nor completes the cluster, got %s", p)
	}
}

func TestImagesChange(t *testing.T) {
	at := func(r string) *v1alpha1.ImagesStatus { return &v1alpha1.ImagesStatus{AppliedRevision: r} }
	cases := map[string]struct {
		reason   string
		old, now *v1alpha1.ImagesStatus
		want     []compose.Event
	}{
		"New":     {reason: "The first set is no change.", now: at("b")},
		"Same":    {reason: "Nothing changes.", old: at("b"), now: at("b")},
		"Pinned":  {reason: "A cluster that pins everything has no revision.", old: at("b"), now: at("")},
		"Changed": {reason: "Another set is told.", old: at("a"), now: at("b"), want: []compose.Event{{Reason: "ImagesUpdated", Message: "default images changed from revision a to b"}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, imagesChange(tc.old, tc.now)); diff != "" {
				t.Errorf("%s -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
