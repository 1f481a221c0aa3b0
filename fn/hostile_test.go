package fn_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/api/validation"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// full is a cluster that uses about everything, so that there is something to break.
const full = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: full, namespace: app}
spec:
  images: {multigateway: "r/m:1", imagePullPolicy: Always, imagePullSecrets: [{name: reg}]}
  imageUpdatePolicy: {strategy: lazy, acknowledgedRevision: abc}
  logLevels: {pgctld: debug}
  globalTopoServer:
    etcd: {replicas: 3, storage: {size: 1Gi, class: c}, resources: {requests: {cpu: 1}}, pvcDeletionPolicy: {whenDeleted: Delete}}
    placement: {tolerations: [{key: a, operator: Exists}]}
  multiadmin: {spec: {replicas: 2, podLabels: {a: b}}}
  multiadminWeb: {spec: {replicas: 1}}
  cells:
  - {name: a, zone: za, spec: {multigateway: {replicas: 2, buffer: {window: 10s}}, localTopoServer: {etcd: {replicas: 1}}}}
  - {name: b, zoneId: zb}
  databases:
  - name: postgres
    default: true
    durabilityPolicy: MULTI_CELL_AT_LEAST_2
    tablegroups:
    - name: default
      default: true
      pvcDeletionPolicy: {whenScaled: Delete}
      shards:
      - name: 0-inf
        spec:
          multiorch: {cells: [a, b]}
          initdbArgs: --data-checksums
          postgresConfig: {work_mem: 8MB}
          pools:
            main: {type: readWrite, cells: [a, b], replicasPerCell: 2, storage: {size: 2Gi}, postgres: {resources: {limits: {memory: 1Gi}}, runAsUser: 999}, tolerations: [{key: x}]}
  pvcDeletionPolicy: {whenDeleted: Retain}
  observability: {otlpEndpoint: "http://o:4318", samplingConfigRef: {name: s}}
  backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}
  externalGateway: {enabled: true, externalIPs: ["10.0.0.1"], annotations: {a: b}}
  externalAdminWeb: {enabled: true, serviceType: LoadBalancer}
  durabilityPolicy: AT_LEAST_2
  postgresSuperuser: admin
  internalTLS: {enabled: true}
  certCommonName: db.example.org
  certificateIssuerRef: {name: issuer}
`

// every returns the last request of each kind of composite in the complete tree of a root.
func every(t *testing.T, xr string) map[string]*fnv1.RunFunctionRequest {
	t.Helper()
	us, err := manifest.Decode([]byte(xr))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Function: newFunction(), last: map[string]*fnv1.RunFunctionRequest{}}
	if _, err := render.Render(context.Background(), r, us[0], render.Options{UntilReady: true}); err != nil {
		t.Fatal(err)
	}
	return r.last
}

// holdData are the kinds that hold data or stand for something that does. What is observed of them never vanishes by an accident
// of input.
var holdData = map[string]bool{
	"Pod": true, "VolumeClaim": true, "Shard": true, "TableGroup": true, "Cell": true, "TopoServer": true, "CellRecord": true,
	"DatabaseRecord": true, "ShardRecord": true, "StatefulSet": true, "MultigresCluster": true,
}

// check fails unless the function refuses the request with a message, or keeps everything that holds data and returns objects that
// have proper names.
func check(t *testing.T, what string, req *fnv1.RunFunctionRequest) {
	t.Helper()
	rsp, err := newFunction().RunFunction(context.Background(), req)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for _, res := range rsp.GetResults() {
		if strings.HasPrefix(res.GetMessage(), "internal error") {
			t.Fatalf("%s: %s", what, res.GetMessage())
		}
		if res.GetSeverity() != fnv1.Severity_SEVERITY_FATAL {
			continue
		}
		if len(rsp.GetDesired().GetResources()) > 0 || res.GetMessage() == "" || len(res.GetMessage()) > 1<<16 {
			t.Fatalf("%s: a refusal must say why and change nothing: %d bytes, %d resources", what, len(res.GetMessage()), len(rsp.GetDesired().GetResources()))
		}
		return
	}
	for key, o := range req.GetObserved().GetResources() {
		kind := o.GetResource().GetFields()["kind"].GetStringValue()
		if _, ok := rsp.GetDesired().GetResources()[key]; !ok && holdData[kind] {
			t.Errorf("%s: the observed %s %q vanished", what, kind, key)
		}
	}
	for key, d := range rsp.GetDesired().GetResources() {
		name := d.GetResource().GetFields()["metadata"].GetStructValue().GetFields()["name"].GetStringValue()
		if bad := validation.NameIsDNSSubdomain(name, false); len(bad) > 0 {
			t.Errorf("%s: resource %q has the name %q: %v", what, key, name, bad)
		}
	}
}

// hostile are the values that take the place of every value.
func hostile() map[string]*structpb.Value {
	return map[string]*structpb.Value{
		"null":     structpb.NewNullValue(),
		"number":   structpb.NewNumberValue(-1e300),
		"fraction": structpb.NewNumberValue(0.5),
		"huge":     structpb.NewNumberValue(1 << 30),
		"bool":     structpb.NewBoolValue(true),
		"empty":    structpb.NewStringValue(""),
		"long":     structpb.NewStringValue(strings.Repeat("x", 10000)),
		"unicode":  structpb.NewStringValue("ö/../💥\x00\n"),
		"list":     structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{structpb.NewNullValue(), structpb.NewStringValue("a")}}),
		"object":   structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"": structpb.NewNullValue(), "ö": structpb.NewStructValue(&structpb.Struct{})}}),
	}
}

// TestHostileValues replaces every value of the specification of every kind of composite by everything that does not belong
// there.
func TestHostileValues(t *testing.T) {
	values := hostile()
	for kind, req := range every(t, full) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			n := 0
			mutate(req.GetObserved().GetComposite().GetResource().GetFields()["spec"], "spec", func(path string, old *structpb.Value, set func(*structpb.Value)) {
				for _, name := range slices.Sorted(maps.Keys(values)) {
					set(values[name])
					check(t, fmt.Sprintf("%s = %s", path, name), req)
					n++
				}
				set(old)
			})
			t.Logf("%d mutations", n)
		})
	}
}

// mutate visits every value below one, maps and lists themselves included, with a function that puts another in its place.
func mutate(v *structpb.Value, path string, visit func(path string, old *structpb.Value, set func(*structpb.Value))) {
	switch k := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		fs := k.StructValue.GetFields()
		for _, name := range slices.Sorted(maps.Keys(fs)) {
			old := fs[name]
			visit(path+"."+name, old, func(n *structpb.Value) { fs[name] = n })
			mutate(old, path+"."+name, visit)
		}
	case *structpb.Value_ListValue:
		for i, old := range k.ListValue.GetValues() {
			p := fmt.Sprintf("%s[%d]", path, i)
			visit(p, old, func(n *structpb.Value) { k.ListValue.Values[i] = n })
			mutate(old, p, visit)
		}
	}
}

// TestHostileObserved replaces every observed resource of every kind of composite by something foreign.
func TestHostileObserved(t *testing.T) {
	foreign := map[string]*structpb.Struct{
		"empty":   {},
		"strange": {Fields: map[string]*structpb.Value{"apiVersion": structpb.NewNumberValue(1), "kind": structpb.NewStringValue("Pod"), "metadata": structpb.NewStringValue("x"), "status": structpb.NewListValue(nil)}},
	}
	for kind, req := range every(t, full) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, key := range slices.Sorted(maps.Keys(req.GetObserved().GetResources())) {
				old := req.GetObserved().GetResources()[key].GetResource()
				for _, name := range slices.Sorted(maps.Keys(foreign)) {
					req.GetObserved().GetResources()[key].Resource = foreign[name]
					rsp, err := newFunction().RunFunction(context.Background(), req)
					if err != nil {
						t.Fatal(err)
					}
					for _, res := range rsp.GetResults() {
						if strings.HasPrefix(res.GetMessage(), "internal error") {
							t.Fatalf("%s = %s: %s", key, name, res.GetMessage())
						}
					}
				}
				req.GetObserved().GetResources()[key].Resource = old
			}
		})
	}
}

// TestForeignPod proves that a pod whose specification is not ours stays desired, and that nothing of it is claimed that we do not
// own.
func TestForeignPod(t *testing.T) {
	req := every(t, full)["Shard"]
	for key, o := range req.GetObserved().GetResources() {
		if o.GetResource().GetFields()["kind"].GetStringValue() != "Pod" {
			continue
		}
		name := o.GetResource().GetFields()["metadata"].GetStructValue().GetFields()["name"]
		pod, err := structpb.NewStruct(map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": name.GetStringValue(), "labels": map[string]any{"their": "own"}},
			"spec": map[string]any{"containers": []any{map[string]any{"name": "theirs", "image": "x"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.Resource = pod
		rsp, err := newFunction().RunFunction(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		want := &structpb.Struct{Fields: map[string]*structpb.Value{
			"apiVersion": structpb.NewStringValue("v1"), "kind": structpb.NewStringValue("Pod"),
			"metadata": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"name": name}}),
		}}
		if got := rsp.GetDesired().GetResources()[key].GetResource(); !proto.Equal(want, got) {
			t.Errorf("want pod %q kept by its identity only, got %v (%v)", key, got, rsp.GetResults())
		}
		return
	}
	t.Fatal("the shard has no pod")
}

// TestManyPools proves that very many pools are refused or composed, in a moment.
func TestManyPools(t *testing.T) {
	for kind, req := range every(t, full) {
		if kind != "Shard" && kind != "MultigresCluster" && kind != "TableGroup" {
			continue
		}
		mutate(req.GetObserved().GetComposite().GetResource().GetFields()["spec"], "spec", func(path string, old *structpb.Value, set func(*structpb.Value)) {
			if !strings.HasSuffix(path, ".pools") {
				return
			}
			many := &structpb.Struct{Fields: map[string]*structpb.Value{}}
			main := old.GetStructValue().GetFields()["main"]
			many.Fields["main"] = main
			for i := range 1000 {
				many.Fields[fmt.Sprintf("pool-%d", i)] = main
			}
			set(structpb.NewStructValue(many))
			check(t, kind+" with 1,000 pools", req)
			set(old)
		})
	}
}

// TestMissingTemplate proves that a template which refers to nothing is named, and that live objects stay.
func TestMissingTemplate(t *testing.T) {
	req := every(t, full)["MultigresCluster"]
	spec := req.GetObserved().GetComposite().GetResource().GetFields()["spec"].GetStructValue()
	defaults, err := structpb.NewStruct(map[string]any{"coreTemplate": "nowhere", "cellTemplate": "nowhere", "shardTemplate": "nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	spec.Fields["templateDefaults"] = structpb.NewStructValue(defaults)
	// The first call asks for the templates, the second knows that there are none.
	rsp, err := newFunction().RunFunction(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(rsp.GetDesired().GetResources()) < len(req.GetObserved().GetResources()) {
		t.Error("while the function asks for templates, everything observed stays desired")
	}
	for name := range rsp.GetRequirements().GetResources() {
		if _, ok := req.GetRequiredResources()[name]; !ok {
			req.RequiredResources[name] = &fnv1.Resources{}
		}
	}
	if rsp, err = newFunction().RunFunction(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	var fatal string
	for _, res := range rsp.GetResults() {
		if res.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
			fatal = res.GetMessage()
		}
	}
	for _, field := range []string{"spec.templateDefaults.coreTemplate", "spec.templateDefaults.cellTemplate", "spec.templateDefaults.shardTemplate"} {
		if !strings.Contains(fatal, field) {
			t.Errorf("want a fatal result that names %s, got %q", field, fatal)
		}
	}
}
