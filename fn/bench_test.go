package fn_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// scenarios are what the benchmarks run: the last request for a composite of a kind in a tree that is complete and ready, as an
// API server would serve it.
var scenarios = []struct {
	name, kind, xr string
}{
	{name: "MinimalCluster", kind: "MultigresCluster", xr: clusterXR("minimal", 1, 1, 1)},
	{name: "NinePoolerShard", kind: "Shard", xr: clusterXR("nine", 3, 3, 1)},
	{name: "Shard96Pods", kind: "Shard", xr: clusterXR("large", 3, 32, 1)},
	{name: "TableGroup32Shards", kind: "TableGroup", xr: tableGroupXR(32)},
}

func clusterXR(name string, cells, perCell, pools int) string {
	y := fmt.Sprintf("apiVersion: multigres.com/v1alpha1\nkind: MultigresCluster\nmetadata: {name: %s, namespace: app}\nspec:\n  cells:\n", name)
	for c := range cells {
		y += fmt.Sprintf("  - {name: z%d, zone: zone-%d}\n", c, c)
	}
	if cells*perCell == 1 {
		return y
	}
	y += "  databases:\n  - name: postgres\n    default: true\n    tablegroups:\n    - name: default\n      default: true\n      shards:\n      - name: 0-inf\n        spec:\n          pools:\n"
	for p := range pools {
		y += fmt.Sprintf("            p%d: {type: readWrite, replicasPerCell: %d, storage: {size: 10Gi}}\n", p, perCell)
	}
	return y
}

func tableGroupXR(shards int) string {
	y := &strings.Builder{}
	y.WriteString(`
apiVersion: multigres.com/v1alpha1
kind: TableGroup
metadata: {name: many, namespace: app}
spec:
  clusterName: many
  databaseName: postgres
  tableGroupName: default
  images: {multiorch: m:1, multipooler: m:1, postgres: p:1, postgresExporter: e:1}
  globalTopoServer: {address: "t:2379", rootPath: /m, implementation: etcd}
  postgresPasswordSecretRef: {name: pw, key: password}
  cellTopologyLabels: {a: {topology.kubernetes.io/zone: a}, b: {topology.kubernetes.io/zone: b}, c: {topology.kubernetes.io/zone: c}}
  shards:
`)
	for i := range shards {
		fmt.Fprintf(y, `
  - name: s%d
    multiorch: {cells: [a, b, c], resources: {requests: {cpu: 50m, memory: 64Mi}}}
    pools: {main: {type: readWrite, cells: [a, b, c], replicasPerCell: 1, storage: {size: 1Gi}, postgres: {resources: {requests: {cpu: 100m, memory: 256Mi}}}}}
    backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi, accessModes: [ReadWriteMany]}}}
`, i)
	}
	return y.String()
}

// recorder keeps the last request for each kind of composite.
type recorder struct {
	*fn.Function

	last map[string]*fnv1.RunFunctionRequest
}

func (r *recorder) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	kind := req.GetObserved().GetComposite().GetResource().GetFields()["kind"].GetStringValue()
	r.last[kind] = proto.Clone(req).(*fnv1.RunFunctionRequest)
	return r.Function.RunFunction(ctx, req)
}

// request returns the last request for a composite of the kind in the complete tree of a root.
func lastRequest(tb testing.TB, kind, xr string) *fnv1.RunFunctionRequest {
	tb.Helper()
	us, err := manifest.Decode([]byte(xr))
	if err != nil {
		tb.Fatal(err)
	}
	r := &recorder{Function: newFunction(), last: map[string]*fnv1.RunFunctionRequest{}}
	if _, err := render.Render(context.Background(), r, us[0], render.Options{UntilReady: true}); err != nil {
		tb.Fatal(err)
	}
	req := r.last[kind]
	if req == nil {
		tb.Fatalf("no %s was composed", kind)
	}
	for key, o := range req.GetObserved().GetResources() {
		u, err := manifest.FromStruct(o.GetResource())
		if err != nil {
			tb.Fatal(err)
		}
		serve(u)
		if o.Resource, err = manifest.ToStruct(u); err != nil {
			tb.Fatal(key, err)
		}
	}
	return req
}

func newFunction() *fn.Function {
	return fn.New(fn.WithClock(func() time.Time { return time.Unix(1767225600, 0) }))
}

// serve adds what an API server and a kubelet add to an object: identity, managed fields, and for pods defaults and a status.
func serve(u *unstructured.Unstructured) {
	owned := fields(u.Object)
	u.SetUID("0b7a6a6e-0000-4000-8000-000000000001")
	u.SetResourceVersion("123456")
	u.SetGeneration(1)
	_ = unstructured.SetNestedField(u.Object, "2026-01-01T00:00:00Z", "metadata", "creationTimestamp")
	_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{
		"manager": "apiextensions.crossplane.io/composed/0123456789abcdef0123456789abcdef", "operation": "Apply", "apiVersion": u.GetAPIVersion(),
		"time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": owned,
	}}, "metadata", "managedFields")
	if u.GetKind() != "Pod" {
		return
	}
	var statuses []any
	for _, list := range []string{"initContainers", "containers"} {
		cs, _, _ := unstructured.NestedSlice(u.Object, "spec", list)
		for _, c := range cs {
			m := c.(map[string]any)
			m["terminationMessagePath"], m["terminationMessagePolicy"] = "/dev/termination-log", "File"
			statuses = append(statuses, map[string]any{
				"name": m["name"], "image": m["image"], "imageID": "registry.example.org/image@sha256:0123456789abcdef", "containerID": "containerd://0123456789abcdef",
				"ready": true, "started": true, "restartCount": int64(0), "state": map[string]any{"running": map[string]any{"startedAt": "2026-01-01T00:00:10Z"}},
			})
		}
		_ = unstructured.SetNestedSlice(u.Object, cs, "spec", list)
	}
	_ = unstructured.SetNestedField(u.Object, "node-1", "spec", "nodeName")
	var conditions []any
	for _, c := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, map[string]any{"type": c, "status": "True", "lastProbeTime": nil, "lastTransitionTime": "2026-01-01T00:00:10Z"})
	}
	u.Object["status"] = map[string]any{
		"phase": "Running", "podIP": "10.0.0.7", "hostIP": "10.1.0.1", "qosClass": "Burstable", "startTime": "2026-01-01T00:00:01Z",
		"conditions": conditions, "containerStatuses": statuses,
	}
}

// fields returns the managed fields of one who applied all of a value: list items with a name are found by it, others by index.
func fields(v any) map[string]any {
	out := map[string]any{}
	switch t := v.(type) {
	case map[string]any:
		for k, c := range t {
			out["f:"+k] = fields(c)
		}
	case []any:
		for i, c := range t {
			key := fmt.Sprintf("i:%d", i)
			if m, ok := c.(map[string]any); ok && m["name"] != nil {
				key = fmt.Sprintf(`k:{"name":%q}`, m["name"])
			}
			out[key] = fields(c)
		}
	}
	return out
}

// BenchmarkRunFunction measures decoding a request, composing and encoding the response, and beside it the floor: decoding and
// encoding the same two messages and nothing else. Both alternate in one run, and x-floor is their ratio.
func BenchmarkRunFunction(b *testing.B) {
	for _, sc := range scenarios {
		b.Run(sc.name, func(b *testing.B) {
			f := newFunction()
			req := lastRequest(b, sc.kind, sc.xr)
			in, out := messages(b, f, req)
			b.Run("function", func(b *testing.B) {
				b.ReportAllocs()
				var floor, whole time.Duration
				for b.Loop() {
					b.StopTimer()
					start := time.Now()
					roundTrip(b, in, out)
					floor += time.Since(start)
					b.StartTimer()
					start = time.Now()
					call(b, f, in)
					whole += time.Since(start)
				}
				b.ReportMetric(float64(whole)/float64(floor), "x-floor")
				b.ReportMetric(float64(len(in))/1024, "KiB-in")
				b.ReportMetric(float64(proto.Size(out))/1024, "KiB-out")
			})
			b.Run("floor", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					roundTrip(b, in, out)
				}
			})
			b.Run("compose", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.RunFunction(context.Background(), req); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("grpc", func(b *testing.B) {
				c := dial(b, f)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.RunFunction(context.Background(), req); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// messages returns a request as bytes, and the response to it.
func messages(b *testing.B, f *fn.Function, req *fnv1.RunFunctionRequest) ([]byte, *fnv1.RunFunctionResponse) {
	b.Helper()
	rsp, err := f.RunFunction(context.Background(), req)
	if err != nil {
		b.Fatal(err)
	}
	if len(rsp.GetDesired().GetResources()) < len(req.GetObserved().GetResources()) {
		b.Fatalf("want all %d observed resources desired, got %d: %v", len(req.GetObserved().GetResources()), len(rsp.GetDesired().GetResources()), rsp.GetResults())
	}
	in, err := proto.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	return in, rsp
}

func roundTrip(b *testing.B, in []byte, out *fnv1.RunFunctionResponse) {
	b.Helper()
	if err := proto.Unmarshal(in, &fnv1.RunFunctionRequest{}); err != nil {
		b.Fatal(err)
	}
	if _, err := proto.Marshal(out); err != nil {
		b.Fatal(err)
	}
}

func call(b *testing.B, f *fn.Function, in []byte) {
	b.Helper()
	req := &fnv1.RunFunctionRequest{}
	if err := proto.Unmarshal(in, req); err != nil {
		b.Fatal(err)
	}
	rsp, err := f.RunFunction(context.Background(), req)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := proto.Marshal(rsp); err != nil {
		b.Fatal(err)
	}
}

// dial serves the function on a loopback port and returns a client.
func dial(b *testing.B, f *fn.Function) fnv1.FunctionRunnerServiceClient {
	b.Helper()
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	const most = 64 << 20
	srv := grpc.NewServer(grpc.MaxRecvMsgSize(most))
	fnv1.RegisterFunctionRunnerServiceServer(srv, f)
	go func() { _ = srv.Serve(lis) }()
	b.Cleanup(srv.Stop)
	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(most)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return fnv1.NewFunctionRunnerServiceClient(conn)
}
