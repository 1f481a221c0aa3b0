package cell

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

const minimal = `
apiVersion: multigres.com/v1alpha1
kind: Cell
metadata: {name: orders-zone-a-x, namespace: app, generation: 3}
spec:
  name: zone-a
  clusterName: orders
  zone: a
  topologyLabels: {topology.kubernetes.io/zone: a}
  cellRecordName: orders-zone-a
  images: {multigateway: multigres:v0.1.0, imagePullPolicy: IfNotPresent}
  multigateway:
    replicas: 1
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
    buffer: {enabled: true}
  globalTopoServer: {address: "orders-global-topo.app.svc:2379", rootPath: /multigres/global, implementation: etcd}
  logLevels: {multigateway: info}
`

const everything = `
apiVersion: multigres.com/v1alpha1
kind: Cell
metadata: {name: orders-zone-b-x, namespace: app}
spec:
  name: zone-b
  clusterName: orders
  projectRef: shop
  region: eu
  topologyLabels: {topology.kubernetes.io/region: eu}
  cellRecordName: orders-zone-b
  images: {multigateway: multigres:v0.1.0, etcd: etcd:v3.6.7, imagePullPolicy: Always, imagePullSecrets: [{name: registry}]}
  multigateway:
    replicas: 3
    podLabels: {team: shop, multigres.com/cell: hijack}
    podAnnotations: {prometheus.io/scrape: "true", note: x}
    buffer: {window: 20s, maxFailoverDuration: 20s, minTimeBetweenFailovers: 30s, size: 500, drainConcurrency: 4}
  multigatewayPlacement: {tolerations: [{key: db, operator: Exists}]}
  globalTopoServer: {address: "e1:2379,e2:2379", rootPath: /m, implementation: etcd, caSecret: etcd-ca, clientCertSecret: etcd-client}
  topoServer: {etcd: {replicas: 3, storage: {size: 1Gi}}}
  pvcDeletionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  observability: {otlpEndpoint: "http://otel:4318", samplingConfigRef: {name: sampling}}
  internalTLS: {enabled: true}
  gatewayTLSSecretName: orders-gateway-tls
`

// input returns the input of a cell whose record is ready or not.
func input(t *testing.T, xr string, registered bool, observed map[string]string) compose.Input {
	t.Helper()
	rec := `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord}`
	if registered {
		rec = `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, status: {conditions: [{type: Ready, status: "True"}]}}`
	}
	return compose.Input{
		XR:       composetest.Object(t, xr),
		Observed: composetest.Objects(t, observed),
		Required: map[string][]object.Object{requireRecord: {composetest.Object(t, rec)}, requireInternalTLS: nil, requireGatewayTLS: nil},
	}
}

func TestCompose(t *testing.T) {
	const gateway = `{apiVersion: apps/v1, kind: Deployment, metadata: {generation: 1}, spec: {replicas: 1},
		status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}}`
	const stalled = `{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 3},
		status: {replicas: 3, updatedReplicas: 3, readyReplicas: 1, availableReplicas: 1,
			conditions: [{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]}}`
	const service = `{apiVersion: v1, kind: Service}`
	cases := map[string]compose.Input{
		"MinimalWaiting":    input(t, minimal, false, nil),
		"MinimalRegistered": input(t, minimal, true, nil),
		"MinimalReady":      input(t, minimal, true, map[string]string{naming.KeyGatewayDeployment: gateway, naming.KeyGatewayService: service}),
		// The gate delays creation and never removes: the record's trouble does not touch a gateway that runs.
		"MinimalRecordLost": input(t, minimal+"status: {phase: Healthy}", false, map[string]string{naming.KeyGatewayDeployment: gateway, naming.KeyGatewayService: service}),
		"EverythingNew":     input(t, everything, true, nil),
		"EverythingStalled": input(t, everything, true, map[string]string{naming.KeyGatewayDeployment: stalled}),
		"TopoServerRemoved": input(t, minimal, true, map[string]string{
			naming.KeyGatewayDeployment: gateway, naming.KeyGatewayService: service,
			naming.KeyLocalTopo: `{apiVersion: multigres.com/v1alpha1, kind: TopoServer, metadata: {name: orders-zone-a-topo}, status: {conditions: [{type: Ready, status: "True"}]}}`,
		}),
	}
	for name, in := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(in)
			if err != nil {
				t.Fatal(err)
			}
			composetest.Golden(t, name, out)
		})
	}
}

// TestArgs holds the gateway's flags against those of the Multigres v0.1.0 binary.
func TestArgs(t *testing.T) {
	cases := map[string]struct {
		xr   string
		want []string
	}{
		"Minimal": {
			xr: minimal,
			want: []string{
				"multigateway", "--http-port=15100", "--grpc-port=15170", "--pg-port=5432", "--pg-replica-port=5433",
				"--topo-global-server-addresses=orders-global-topo.app.svc:2379", "--topo-global-root=/multigres/global",
				"--cell=zone-a", "--hostname=$(POD_IP)", "--log-level=info", "--buffer-enabled=true",
			},
		},
		"Everything": {
			xr: everything,
			want: []string{
				"multigateway", "--http-port=15100", "--grpc-port=15170", "--pg-port=5432", "--pg-replica-port=5433",
				"--topo-global-server-addresses=e1:2379,e2:2379", "--topo-global-root=/m",
				"--topo-etcd-tls-cert=/etc/multigres/topology-tls/tls.crt", "--topo-etcd-tls-key=/etc/multigres/topology-tls/tls.key",
				"--topo-etcd-tls-ca=/etc/multigres/topology-tls/ca.crt",
				"--cell=zone-b", "--hostname=$(POD_IP)", "--log-level=info",
				"--buffer-enabled=true", "--buffer-window=20s", "--buffer-max-failover-duration=20s", "--buffer-min-time-between-failovers=30s",
				"--buffer-size=500", "--buffer-drain-concurrency=4",
				"--pg-tls-cert-file=/etc/multigres/gateway-tls/tls.crt", "--pg-tls-key-file=/etc/multigres/gateway-tls/tls.key",
				"--grpc-cert=/etc/multigres/tls/tls.crt", "--grpc-key=/etc/multigres/tls/tls.key",
				"--grpc-ca=/etc/multigres/tls/ca.crt", "--grpc-server-ca=/etc/multigres/tls/ca.crt",
				"--multipooler-grpc-cert=/etc/multigres/tls/tls.crt", "--multipooler-grpc-key=/etc/multigres/tls/tls.key",
				"--multipooler-grpc-ca=/etc/multigres/tls/ca.crt",
				"--multipooler-grpc-server-name=multipooler.orders.app.multigres.internal", "--multipooler-grpc-require-tls",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(input(t, tc.xr, true, nil))
			if err != nil {
				t.Fatal(err)
			}
			c := composetest.Get(t, out, naming.KeyGatewayDeployment).List("spec", "template", "spec", "containers")[0]
			if diff := cmp.Diff(tc.want, c.Strings("args")); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
		})
	}
}

// TestUserLabelsCannotRedirect proves that a user's pod labels never take a pod out of its selector.
func TestUserLabelsCannotRedirect(t *testing.T) {
	out, err := Compose(input(t, everything, true, nil))
	if err != nil {
		t.Fatal(err)
	}
	d := composetest.Get(t, out, naming.KeyGatewayDeployment)
	labels := d.StringMap("spec", "template", "metadata", "labels")
	for k, v := range d.StringMap("spec", "selector", "matchLabels") {
		if labels[k] != v {
			t.Errorf("label %s: the selector wants %q, the pod has %q", k, v, labels[k])
		}
	}
	if labels["team"] != "shop" {
		t.Error("a user's own label should be there")
	}
}

func TestComposeAsks(t *testing.T) {
	in := input(t, minimal, true, map[string]string{naming.KeyGatewayDeployment: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: g}}`})
	in.Required = nil
	out, err := Compose(in)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]compose.Requirement{requireRecord: {APIVersion: "m.multigres.com/v1alpha1", Kind: "CellRecord", Namespace: "app", Name: "orders-zone-a"}}
	if diff := cmp.Diff(want, out.Requirements); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if !out.Resources[naming.KeyGatewayDeployment].Kept.Exists() {
		t.Error("while the cell waits for an answer its gateways stay")
	}
}

func TestComposeInvalid(t *testing.T) {
	_, err := Compose(compose.Input{XR: composetest.Object(t, `
kind: Cell
spec: {multigateway: {replicas: many, buffer: {window: soon, maxFailoverDuration: 1s}}}
`)})
	var invalid *compose.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v", err)
	}
	var fields []string
	for _, p := range invalid.Problems {
		f, _, _ := strings.Cut(p, ":")
		fields = append(fields, f)
	}
	want := []string{"spec.globalTopoServer.address", "spec.images.multigateway", "spec.multigateway.buffer.window", "spec.multigateway.replicas", "spec.name"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("every problem at once: -want, +got:\n%s", diff)
	}
}
