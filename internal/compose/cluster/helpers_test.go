package cluster

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// The Secret that the Password of a cluster named orders makes. It holds "s3cret/pass".
const generatedSecret = `{apiVersion: v1, kind: Secret, metadata: {name: orders-postgres-password, namespace: app}, data: {password: czNjcmV0L3Bhc3M=}}`

const minimal = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app, generation: 2}
spec:
  cells: [{name: zone-a, zone: a}]
`

const everything = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app, generation: 7, annotations: {multigres.com/project-ref: shop}}
spec:
  templateDefaults: {coreTemplate: house, cellTemplate: house, shardTemplate: house}
  images: {imagePullPolicy: Always, imagePullSecrets: [{name: registry}], multiadmin: multiadmin:v9}
  logLevels: {multiadmin: debug, multigateway: warn}
  globalTopoServer:
    external:
      endpoints: ["https://etcd-0.infra:2379", "https://etcd-1.infra:2379"]
      caSecret: etcd-ca
      clientCertSecret: etcd-client
  cells:
  - {name: zone-a, zoneId: use1-az1}
  - name: zone-b
    region: eu
    spec: {multigateway: {replicas: 2}, localTopoServer: {etcd: {replicas: 3}}}
  backup: {type: s3, s3: {bucket: b, region: eu-1, endpoint: "https://s3", keyPrefix: p/, useEnvCredentials: true}}
  pvcDeletionPolicy: {whenDeleted: Delete, whenScaled: Delete}
  topologyPruning: {enabled: false}
  durabilityPolicy: MULTI_CELL_AT_LEAST_2
  postgresSuperuser: root
  postgresPasswordSecretRef: {name: mine, key: pw}
  connectionSecretName: app-db
  internalTLS: {enabled: true}
  certCommonName: db.orders.example.com
  certificateIssuerRef: {name: ca, kind: ClusterIssuer}
  observability: {otlpEndpoint: "http://otel:4318", samplingConfigRef: {name: sampling}}
  externalGateway: {enabled: true, serviceType: LoadBalancer, annotations: {lb: nlb}}
  externalAdminWeb: {enabled: true, externalIPs: [192.0.2.10, 192.0.2.11]}
`

// givenEverything is what the cluster above refers to.
var givenEverything = []string{
	`{apiVersion: v1, kind: Secret, metadata: {name: mine, namespace: app}, data: {pw: cHc=}}`,
	`
apiVersion: multigres.com/v1alpha1
kind: CoreTemplate
metadata: {name: house, namespace: app}
spec:
  multiadmin:
    replicas: 2
    podLabels: {team: dba, app.kubernetes.io/component: hijack}
    podAnnotations: {note: x, prometheus.io/scrape: "true"}
    resources: {requests: {cpu: 200m}}
  multiadminPlacement: {tolerations: [{key: db, operator: Exists}]}
  multiadminWeb: {replicas: 3}
  multiadminWebPlacement: {tolerations: [{key: web, operator: Exists}]}
`,
	`{apiVersion: multigres.com/v1alpha1, kind: CellTemplate, metadata: {name: house, namespace: app}, spec: {multigateway: {replicas: 3}}}`,
	`
apiVersion: multigres.com/v1alpha1
kind: ShardTemplate
metadata: {name: house, namespace: app}
spec: {postgresConfigRef: {name: rules, key: conf}}
`,
	`{apiVersion: v1, kind: ConfigMap, metadata: {name: rules, namespace: app}, data: {conf: "work_mem = 64MB\n"}}`,
}

// run composes a cluster. Whatever it requires is answered from the given objects.
func run(t testing.TB, in compose.Input, given ...string) (compose.Output, error) {
	t.Helper()
	var objects []object.Object
	for _, y := range given {
		objects = append(objects, composetest.Object(t, y))
	}
	return runWith(t, in, objects)
}

// runWith is run with objects that are there beside those observed.
func runWith(t testing.TB, in compose.Input, objects []object.Object) (compose.Output, error) {
	t.Helper()
	in.Required = map[string][]object.Object{}
	for range 4 {
		out, err := Compose(in)
		if err != nil || !in.Unanswered(out.Requirements) {
			return out, err
		}
		for name, r := range out.Requirements {
			in.Required[name] = nil
			for _, o := range objects {
				if o.APIVersion() == r.APIVersion && o.Kind() == r.Kind && o.Namespace() == r.Namespace && answers(o, r) {
					in.Required[name] = append(in.Required[name], o)
				}
			}
		}
	}
	t.Fatal("the requirements never settle")
	return compose.Output{}, nil
}

// answers is true if an object is what a requirement asks for, by name or by labels.
func answers(o object.Object, r compose.Requirement) bool {
	if r.Name != "" {
		return o.Name() == r.Name
	}
	for k, v := range r.Labels {
		if o.Label(k) != v {
			return false
		}
	}
	return true
}

// mustRun is run for a cluster with which nothing is wrong.
func mustRun(t testing.TB, in compose.Input, given ...string) compose.Output {
	t.Helper()
	out, err := run(t, in, given...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// grow composes a cluster so often that everything is there and ready, and returns what is then observed.
func grow(t testing.TB, xr string, given ...string) map[string]object.Object {
	t.Helper()
	observed := map[string]object.Object{}
	for range 5 {
		observed = observe(t, mustRun(t, compose.Input{XR: composetest.Object(t, xr), Observed: observed}, given...))
	}
	return observed
}

// observe returns what is observed of an output once everything in it is ready.
func observe(t testing.TB, out compose.Output) map[string]object.Object {
	t.Helper()
	observed := make(map[string]object.Object, len(out.Resources))
	for key := range out.Resources {
		observed[key] = withStatus(t, composetest.Get(t, out, key), readyStatus(composetest.Get(t, out, key)))
	}
	return observed
}

const ready = `conditions: [{type: Ready, status: "True"}, {type: LocalTopoReady, status: "True"}]`

func readyStatus(o object.Object) string {
	switch {
	case o.GroupKind() == kindDeployment:
		return `{replicas: 1, readyReplicas: 9, availableReplicas: 9, updatedReplicas: 9}`
	case o.GroupKind() == kindCell:
		return `{phase: Healthy, message: Ready, gatewayReadyReplicas: 1, ` + ready + `}`
	case o.GroupKind() == kindTableGroup:
		return `{phase: Healthy, message: Ready, readyShards: 1, totalShards: 1, ` + ready + `}`
	case o.GroupKind().Group == v1alpha1.Group:
		return `{phase: Healthy, message: Ready, ` + ready + `}`
	case o.GroupKind().Group == mv1alpha1.Group:
		return `{` + ready + `}`
	}
	return ""
}

// withStatus returns a copy of an object with another status.
func withStatus(t testing.TB, o object.Object, status string) object.Object {
	t.Helper()
	m := o.Struct().AsMap()
	st := map[string]any{}
	if err := yaml.Unmarshal([]byte(status), &st); err != nil {
		t.Fatal(err)
	}
	if len(st) > 0 {
		m["status"] = st
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

// with returns a copy of observed resources with one more, or another one. An empty document takes one away.
func with(t testing.TB, observed map[string]object.Object, key, y string) map[string]object.Object {
	t.Helper()
	out := maps.Clone(observed)
	delete(out, key)
	if y != "" {
		out[key] = composetest.Object(t, y)
	}
	return out
}

// resolved returns a cluster as the builders see it.
func resolved(t testing.TB, xr string, given ...string) *cluster {
	t.Helper()
	in := compose.Input{XR: composetest.Object(t, xr), Required: map[string][]object.Object{}}
	for _, y := range given {
		o := composetest.Object(t, y)
		prefix := map[string]string{
			v1alpha1.CoreTemplateKind: requireCoreTemplate, v1alpha1.CellTemplateKind: requireCellTemplate, v1alpha1.ShardTemplateKind: requireShardTemplate,
		}[o.Kind()]
		in.Required[prefix+o.Name()] = []object.Object{o}
		if o.Kind() == "Secret" {
			in.Required[requirePassword] = []object.Object{o}
		}
	}
	mc, errs := decode(in.XR)
	templates, more := decodeTemplates(in, resolve.Names(&mc.Spec))
	rc, _, invalid := resolve.Resolve(mc, templates, resolve.DefaultImages)
	if err := compose.Invalid(slices.Concat(errs, more, invalid)); err != nil {
		t.Fatal(err)
	}
	return newCluster(in, mc, rc)
}

// same holds a whole object against YAML.
func same(t testing.TB, reason string, got compose.Object, want string) {
	t.Helper()
	s, err := object.NewEncoder().Encode(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(composetest.Object(t, want).Struct().AsMap(), s.AsMap()); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", reason, diff)
	}
}

// labels are those of every object of a component of the cluster orders, as YAML without braces.
func labels(component string) string {
	return strings.Join([]string{
		"app.kubernetes.io/name: multigres", "app.kubernetes.io/instance: orders", "app.kubernetes.io/component: " + component,
		"app.kubernetes.io/part-of: multigres", "app.kubernetes.io/managed-by: crossplane-multigres", "multigres.com/cluster: orders",
	}, ", ")
}

func conditionOf(t testing.TB, out compose.Output, typ string) compose.Condition {
	t.Helper()
	for _, c := range out.Conditions {
		if c.Type == typ {
			return c
		}
	}
	t.Fatalf("there is no condition %s", typ)
	return compose.Condition{}
}

func statusOf(t testing.TB, out compose.Output) *v1alpha1.MultigresClusterStatus {
	t.Helper()
	st, ok := out.Status.(*v1alpha1.MultigresClusterStatus)
	if !ok {
		t.Fatalf("the status is a %T", out.Status)
	}
	return st
}

func toYAML(t testing.TB, m map[string]any) string {
	t.Helper()
	y, err := yaml.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(y)
}
