package shard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// minimal is a shard of three members in one cell, with its backups on a volume.
const minimal = `
apiVersion: multigres.com/v1alpha1
kind: Shard
metadata: {name: orders-postgres-default-0-inf-x, namespace: app, generation: 2}
spec:
  clusterName: orders
  databaseName: postgres
  tableGroupName: default
  shardName: 0-inf
  durabilityPolicy: AT_LEAST_2
  images: {postgres: pgctld:v0.1.0, multipooler: multigres:v0.1.0, multiorch: multigres:v0.1.0, postgresExporter: exporter:v0.20.1, imagePullPolicy: IfNotPresent}
  globalTopoServer: {address: "orders-global-topo.app.svc:2379", rootPath: /multigres/global, implementation: etcd}
  postgresPasswordSecretRef: {name: orders-postgres-password, key: password}
  cellTopologyLabels: {z1: {topology.kubernetes.io/zone: a}}
  multiorch: {replicas: 1, resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}}
  backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}
  pools:
    main:
      type: readWrite
      cells: [z1]
      replicasPerCell: 3
      storage: {size: 1Gi}
      postgres: {resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 512Mi}}}
      multipooler: {resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}}
`

// everything sets whatever can be set.
const everything = `
apiVersion: multigres.com/v1alpha1
kind: Shard
metadata: {name: shop-postgres-default-0-inf-x, namespace: app, generation: 7}
spec:
  clusterName: shop
  projectRef: retail
  databaseName: postgres
  tableGroupName: default
  shardName: 0-inf
  durabilityPolicy: MULTI_CELL_AT_LEAST_2
  images: {postgres: pgctld:v0.1.0, multipooler: multigres:v0.1.0, multiorch: multigres:v0.1.0, postgresExporter: exporter:v0.20.1, imagePullPolicy: Always, imagePullSecrets: [{name: registry}]}
  globalTopoServer: {address: "e1:2379,e2:2379", rootPath: /m, implementation: etcd, caSecret: etcd-ca, clientCertSecret: etcd-client}
  providerConfigRef: {kind: ClusterProviderConfig, name: shared}
  certificateIssuerRef: {name: corp, kind: ClusterIssuer, group: cert-manager.io}
  internalTLS: {enabled: true}
  observability: {otlpEndpoint: "http://otel:4318", tracesExporter: otlp, samplingConfigRef: {name: sampling}}
  logLevels: {pgctld: debug, multipooler: warn, multiorch: error}
  postgresSuperuser: admin
  postgresPasswordSecretRef: {name: root, key: pw}
  cellTopologyLabels: {z1: {topology.kubernetes.io/zone: a}, z2: {topology.kubernetes.io/zone: b}}
  initdbArgs: --data-checksums
  postgresConfigRef: {name: tuning, key: postgresql.conf}
  postgresConfig: {work_mem: 8MB}
  pvcDeletionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  backup: {type: s3, s3: {bucket: b, region: eu-1, credentialsSecret: aws, useEnvCredentials: true}}
  multiorch:
    replicas: 2
    cells: [z3, z1]
    placement: {tolerations: [{key: orch, operator: Exists}]}
    podLabels: {team: shop, multigres.com/cell: hijack}
    podAnnotations: {note: x}
  pools:
    main:
      cells: [z2, z1]
      replicasPerCell: 1
      storage: {size: 20Gi, class: fast, accessModes: [ReadWriteOncePod]}
      postgres: {resources: {requests: {cpu: "4", memory: 4Gi}, limits: {cpu: "8", memory: 8Gi}}, runAsUser: 1000, runAsGroup: 1001}
      multipooler: {runAsUser: 1000, runAsGroup: 1002}
      tolerations: [{key: db, operator: Exists}]
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}}}
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {team: shop}}}]
      priorityClassName: high
      podLabels: {team: shop, multigres.com/pool: hijack}
      podAnnotations: {note: yes-please, prometheus.io/scrape: "false"}
      fsGroup: 2000
      pvcDeletionPolicy: {whenDeleted: Retain}
    side: {cells: [z1], replicasPerCell: 1}
`

const certificateReady = `{apiVersion: m.multigres.com/v1alpha1, kind: TLSCertificate, status: {conditions: [{type: Ready, status: "True"}]}}`

// answers are what the requirements of everything find.
func answers(t testing.TB) map[string][]object.Object {
	t.Helper()
	return map[string][]object.Object{
		requirePostgresConfig: {composetest.Object(t, `{apiVersion: v1, kind: ConfigMap, data: {postgresql.conf: "random_page_cost = 1.5\n"}}`)},
		requirePoolerTLS:      {composetest.Object(t, certificateReady)},
		requireOrchTLS:        {composetest.Object(t, certificateReady)},
	}
}

// change returns YAML with one piece of it replaced.
func change(t testing.TB, y, old, with string) string {
	t.Helper()
	if strings.Count(y, old) != 1 {
		t.Fatalf("want %q exactly once, it is there %d times", old, strings.Count(y, old))
	}
	return strings.Replace(y, old, with, 1)
}

var (
	created = "2026-01-01T00:00:00Z"
	now     = time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
)

// A world is what a Kubernetes cluster makes of a shard's outputs.
type world struct {
	t   testing.TB
	in  compose.Input
	out compose.Output

	// record says whether the provider observes the shard, with the first pooler leading, or the named one.
	record bool
	leader string
	// lingers says whether a pod that is no longer composed takes its time to go; lingering are those that do.
	lingers   bool
	lingering []object.Object
	// leftovers are service ids that the topology does not let go.
	leftovers []any
	pods      int
	// source is the composite as it was last set.
	source string
}

func newWorld(t testing.TB, xr string, required map[string][]object.Object) *world {
	t.Helper()
	w := &world{t: t, record: true, in: compose.Input{
		XR: composetest.Object(t, xr), Observed: map[string]object.Object{}, Required: map[string][]object.Object{requirePods: nil}, Now: now,
	}}
	maps.Copy(w.in.Required, required)
	return w
}

// set changes the composite.
func (w *world) set(xr string) { w.source, w.in.XR = xr, composetest.Object(w.t, xr) }

// compose composes once, without applying the result.
func (w *world) compose() compose.Output {
	w.t.Helper()
	w.in.Required[requirePods] = slices.Clone(w.lingering)
	for _, key := range slices.Sorted(maps.Keys(w.in.Observed)) {
		if o := w.in.Observed[key]; o.Kind() == "Pod" {
			w.in.Required[requirePods] = append(w.in.Required[requirePods], o)
		}
	}
	out, err := Compose(w.in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.out = out
	return out
}

// settle composes and applies until nothing new comes up, and returns the last output.
func (w *world) settle() compose.Output {
	w.t.Helper()
	for range 5 {
		w.compose()
		w.apply()
	}
	return w.out
}

// apply makes what was composed exist, and work.
func (w *world) apply() {
	w.t.Helper()
	for key, o := range w.in.Observed {
		if _, ok := w.out.Resources[key]; ok {
			continue
		}
		if o.Kind() == "Pod" && w.lingers {
			w.edit(key, "2026-01-01T01:01:30Z", "metadata", "deletionTimestamp")
			w.edit(key, "90", "metadata", "deletionGracePeriodSeconds")
			w.lingering = append(w.lingering, w.in.Observed[key])
		}
		delete(w.in.Observed, key)
	}
	for _, key := range slices.Sorted(maps.Keys(w.out.Resources)) {
		m := composetest.Get(w.t, w.out, key).Struct().AsMap()
		if old := w.in.Observed[key]; old.Exists() && w.out.Resources[key].Object == nil && old.Kind() == "Pod" {
			continue
		}
		if key != naming.KeyShardRecord {
			w.put(key, m)
		}
	}
	// What the record says follows from what there is.
	if _, ok := w.out.Resources[naming.KeyShardRecord]; ok {
		w.put(naming.KeyShardRecord, composetest.Get(w.t, w.out, naming.KeyShardRecord).Struct().AsMap())
	}
}

// put makes an object exist and work.
func (w *world) put(key string, m map[string]any) {
	w.t.Helper()
	meta := m["metadata"].(map[string]any)
	meta["namespace"], meta["creationTimestamp"] = "app", created
	meta["managedFields"] = []any{map[string]any{
		"manager": object.ManagerPrefix + "x", "operation": "Apply",
		"fieldsV1": map[string]any{"f:metadata": map[string]any{"f:annotations": map[string]any{}, "f:labels": map[string]any{}}, "f:spec": map[string]any{}},
	}}
	ready := []any{map[string]any{"type": "Ready", "status": "True"}}
	switch m["kind"] {
	case "Pod":
		meta["uid"] = w.in.Observed[key].UID()
		if meta["uid"] == "" {
			w.pods++
			meta["uid"] = fmt.Sprintf("uid-%d", w.pods)
		}
		m["status"] = map[string]any{"conditions": ready}
	case "VolumeClaim", "TLSCertificate":
		m["status"] = map[string]any{"conditions": ready}
	case "StatefulSet":
		n := m["spec"].(map[string]any)["replicas"]
		m["status"] = map[string]any{"readyReplicas": n, "replicas": n, "currentRevision": "a", "updateRevision": "a"}
	case "ShardRecord":
		ready = append(ready, map[string]any{"type": "Synced", "status": "True"})
		m["status"] = map[string]any{"conditions": ready}
		if w.record {
			m["status"] = map[string]any{"conditions": ready, "atProvider": w.observe(m)}
		}
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.in.Observed[key] = object.New(s)
}

// observe returns what a provider says of a record whose first pooler leads.
func (w *world) observe(record map[string]any) map[string]any {
	params, _ := record["spec"].(map[string]any)["forProvider"].(map[string]any)
	ps, _ := params["poolers"].([]any)
	uids := map[string]any{}
	for _, o := range w.in.Observed {
		if o.Kind() == "Pod" {
			uids[o.Name()] = o.UID()
		}
	}
	poolers := make([]any, 0, len(ps))
	leader := w.leader
	for _, p := range ps {
		p := p.(map[string]any)
		here := uids[p["pod"].(string)] != nil
		role := "REPLICA"
		if leader == "" && here {
			leader = p["pod"].(string)
		}
		if leader == p["pod"] {
			role = "PRIMARY"
		}
		poolers = append(poolers, map[string]any{
			"pod": p["pod"], "serviceID": p["serviceID"], "cell": p["cell"], "role": role, "podUID": uids[p["pod"].(string)],
			"inCohort": here, "registered": true, "reachable": here, "initialized": here, "postgresReady": here, "lagWithinLimit": here,
		})
	}
	return map[string]any{
		"leaderPod": leader, "term": 3, "poolers": poolers, "probe": params["probe"], "leftovers": w.leftovers,
		"lastBackup": map[string]any{"id": "20260101-120000F", "type": "full", "startedAt": "2026-01-01T12:00:00Z"},
	}
}

// edit changes an observed object in place: value is YAML, and null deletes.
func (w *world) edit(key, value string, path ...string) {
	w.t.Helper()
	m := w.in.Observed[key].Struct().AsMap()
	at := m
	for _, p := range path[:len(path)-1] {
		next, ok := at[p].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	at[path[len(path)-1]] = composetest.Object(w.t, "v: "+value).Struct().AsMap()["v"]
	s, err := structpb.NewStruct(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.in.Observed[key] = object.New(s)
}

// TestCompose holds whole outputs against golden files: what a new shard starts with, what it becomes when its volumes and
// certificates are there, and how it reports when all of it works.
func TestCompose(t *testing.T) {
	cases := map[string]struct {
		xr    string
		steps int
	}{
		"MinimalNew":          {xr: minimal, steps: 1},
		"MinimalVolumesReady": {xr: minimal, steps: 2},
		"MinimalReady":        {xr: minimal, steps: 5},
		"EverythingReady":     {xr: everything, steps: 5},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.xr, answers(t))
			for range tc.steps {
				w.compose()
				w.apply()
			}
			composetest.Golden(t, name, w.out)
		})
	}
}

// TestManagedResourcesFitTheirSchemas holds every managed resource that is composed against the definition that ships.
func TestManagedResourcesFitTheirSchemas(t *testing.T) {
	files := map[string]string{
		"VolumeClaim": "volumeclaims", "TLSCertificate": "tlscertificates", "ShardRecord": "shardrecords",
	}
	for name, w := range map[string]*world{"Minimal": newWorld(t, minimal, nil), "Everything": newWorld(t, everything, answers(t))} {
		t.Run(name, func(t *testing.T) {
			out := w.settle()
			seen := map[string]bool{}
			for key := range out.Resources {
				o := composetest.Get(t, out, key)
				file, ok := files[o.Kind()]
				if !ok {
					continue
				}
				seen[o.Kind()] = true
				schema, err := schematest.LoadCRD("../../../package/provider/crds/m.multigres.com_" + file + ".yaml")
				if err != nil {
					t.Fatal(err)
				}
				m := schematest.Encode(t, o.Struct().AsMap())
				if unknown := schema.PruneUnknown(m); len(unknown) > 0 {
					t.Errorf("%s has fields that its schema does not know: %v", key, unknown)
				}
				if errs := schema.Validate(m, nil); len(errs) > 0 {
					t.Errorf("%s does not fit its schema: %v", key, errs)
				}
			}
			if len(seen) != len(files) {
				t.Errorf("want all of %v, got %v", files, seen)
			}
		})
	}
}

// TestFitsItsOwnSchema holds the shards of these tests, with the status that they get, against the definition that ships: a
// single field that it does not declare would blank the whole status.
func TestFitsItsOwnSchema(t *testing.T) {
	schema, err := schematest.LoadXRD("../../../package/configuration/xrd-shards.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, xr := range map[string]string{"Minimal": minimal, "Everything": everything} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, xr, answers(t))
			w.settle()
			w.edit(naming.KeyPod("old", "z9", 0), "{name: retiring}", "metadata")
			w.edit(naming.KeyPod("old", "z9", 0), "Pod", "kind")
			st, err := object.NewEncoder().EncodeWithStatus(w.compose().Status)
			if err != nil {
				t.Fatal(err)
			}
			m := schematest.With(t, schematest.Decode(t, xr), st.AsMap(), "status")
			if unknown := schema.PruneUnknown(m); len(unknown) > 0 {
				t.Errorf("the schema does not know %v", unknown)
			}
			if errs := schema.Validate(m, nil); len(errs) > 0 {
				t.Errorf("the schema refuses it: %v", errs)
			}
		})
	}
}

func TestComposeAsks(t *testing.T) {
	w := newWorld(t, everything, answers(t))
	w.settle()
	w.in.Required = nil
	out, err := Compose(w.in)
	if err != nil {
		t.Fatal(err)
	}
	m := "m.multigres.com/v1alpha1"
	want := map[string]compose.Requirement{
		requirePods: {APIVersion: "v1", Kind: "Pod", Namespace: "app", Labels: map[string]string{
			naming.LabelComponent: "shard-pool", naming.LabelInstance: "shop", naming.LabelCluster: "shop", naming.LabelDatabase: "postgres",
			naming.LabelTableGroup: "default", naming.LabelShard: "0-inf",
		}},
		requirePostgresConfig: {APIVersion: "v1", Kind: "ConfigMap", Namespace: "app", Name: "tuning"},
		requirePoolerTLS:      {APIVersion: m, Kind: "TLSCertificate", Namespace: "app", Name: "multipooler.shop.app.multigres.internal"},
		requireOrchTLS:        {APIVersion: m, Kind: "TLSCertificate", Namespace: "app", Name: "multiorch.shop.app.multigres.internal"},
	}
	if diff := cmp.Diff(want, out.Requirements); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(w.in.Observed)), slices.Sorted(maps.Keys(out.Resources))); diff != "" {
		t.Errorf("while nobody answers everything stays: -want, +got:\n%s", diff)
	}
}

// TestReferencedConfig holds what a ConfigMap of the user's can do wrong. Each is fatal: live objects stay as they are.
func TestReferencedConfig(t *testing.T) {
	cases := map[string]struct {
		reason string
		found  []object.Object
		want   string
	}{
		"Missing":    {reason: "The error names the reference.", want: `spec.postgresConfigRef.name: Not found: "tuning"`},
		"KeyMissing": {reason: "The error names the key.", found: composetestObjects(t, `{kind: ConfigMap, data: {other: x}}`), want: `spec.postgresConfigRef.key: Not found: "postgresql.conf"`},
		"Broken":     {reason: "A setting that Multigres manages is refused.", found: composetestObjects(t, `{kind: ConfigMap, data: {postgresql.conf: "port = 1"}}`), want: `spec.postgresConfigRef: Forbidden: line 1: port: is set on the server's command line`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, everything, answers(t))
			w.in.Required[requirePostgresConfig] = tc.found
			_, err := Compose(w.in)
			var invalid *compose.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("%s: want an InvalidError, got %v", tc.reason, err)
			}
			if diff := cmp.Diff([]string{tc.want}, invalid.Problems); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func composetestObjects(t testing.TB, ys ...string) []object.Object {
	t.Helper()
	var out []object.Object
	for _, y := range ys {
		out = append(out, composetest.Object(t, y))
	}
	return out
}

// TestSizing holds the settings that follow from what the pods may use against the largest memory and the smallest disk.
func TestSizing(t *testing.T) {
	w := newWorld(t, everything, answers(t))
	conf := composetest.Get(t, w.compose(), naming.KeyPostgresConfig).String("data", "postgresql.conf")
	for _, want := range []string{
		"shared_buffers = 2GB", "max_worker_processes = 8", "max_wal_size = 256MB", "random_page_cost = 1.5", "work_mem = '8MB'",
		"cluster_name = 'shop/postgres/default/0-inf'",
	} {
		if !strings.Contains(conf, "\n"+want+"\n") {
			t.Errorf("want the line %q in\n%s", want, conf)
		}
	}
}
