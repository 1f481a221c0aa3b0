package fn

import (
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// FuzzRunFunction runs the function on arbitrary composites, observed and required objects, without the net that turns a panic
// into a fatal result. Whatever comes in, the response can be encoded, and a fatal one changes nothing.
func FuzzRunFunction(f *testing.F) {
	const v = `"apiVersion":"multigres.com/v1alpha1"`
	f.Add([]byte(`{`+v+`,"kind":"MultigresCluster","metadata":{"name":"c","namespace":"n"},"spec":{"cells":[{"name":"a","zone":"z"}]}}`), []byte(`{}`), []byte(`{}`))
	f.Add([]byte(`{`+v+`,"kind":"MultigresCluster","metadata":{"name":"c","namespace":"n"},"spec":{"cells":[{"name":"a","zoneId":"z"}],"templateDefaults":{"coreTemplate":"t"},
		"globalTopoServer":{"external":{"endpoints":["https://e:2379"],"clientCertSecret":"s"}},"databases":[{"name":"postgres","default":true}]}}`),
		[]byte(`{"record-cell-b":{"apiVersion":"m.multigres.com/v1alpha1","kind":"CellRecord","metadata":{"name":"x"}}}`),
		[]byte(`{"core-template/t":[{`+v+`,"kind":"CoreTemplate","metadata":{"name":"t"},"spec":{"globalTopoServer":{"etcd":{"replicas":5}}}}]}`))
	f.Add([]byte(`{`+v+`,"kind":"XMultigresCluster","metadata":{"name":"c"},"spec":{"claimRef":{"namespace":"n","name":"c"},"cells":[]}}`), []byte(`{}`), []byte(`{}`))
	f.Add([]byte(`{`+v+`,"kind":"TopoServer","metadata":{"name":"t"},"spec":{"etcd":{"image":"e","replicas":3,"storage":{"size":"1Gi"}}}}`),
		[]byte(`{"topo-statefulset":{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"volumeClaimTemplates":[{"spec":{"resources":{"requests":{"storage":"x"}}}}]}}}`), []byte(`{}`))
	f.Add([]byte(`{`+v+`,"kind":"Cell","metadata":{"name":"c"},"spec":{"name":"a","images":{"multigateway":"i"},"globalTopoServer":{"address":"a:1"},"cellRecordName":"r"}}`), []byte(`{}`), []byte(`{"cell-record":[]}`))
	f.Add([]byte(`{`+v+`,"kind":"TableGroup","metadata":{"name":"c"},"spec":{"databaseName":"d","tableGroupName":"t","shards":[{"name":"s"}]}}`),
		[]byte(`{"shard-x":{"kind":"Shard","metadata":{"name":"x","managedFields":[{"manager":"apiextensions.crossplane.io/composed/x","operation":"Apply","fieldsV1":{"f:spec":{"f:pools":{}}}}]},"spec":{"pools":{}}}}`), []byte(`{}`))
	f.Add([]byte(`{`+v+`,"kind":"Shard","metadata":{"name":"s","namespace":"n"},"spec":{"clusterName":"c","databaseName":"postgres","tableGroupName":"default","shardName":"0-inf",
		"images":{"multiorch":"i","multipooler":"i","postgres":"i"},"globalTopoServer":{"address":"a:1","rootPath":"/r","implementation":"etcd"},
		"postgresPasswordSecretRef":{"name":"p","key":"k"},"pools":{"main":{"cells":["a"],"replicasPerCell":3,"storage":{"size":"1Gi"}}},"multiorch":{"cells":["a"]}}}`),
		[]byte(`{"pod-main.a.0":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{"multigres.com/spec-hash":"x"}}}}`), []byte(`{}`))

	fn := New(WithClock(func() time.Time { return time.Unix(0, 0) }))
	f.Fuzz(func(t *testing.T, xr, observed, required []byte) {
		req := fuzzRequest(xr, observed, required)
		if req == nil {
			return
		}
		rsp := fn.run(req)
		if _, err := proto.Marshal(rsp); err != nil {
			t.Fatalf("cannot encode the response: %v", err)
		}
		for _, r := range rsp.GetResults() {
			if r.GetSeverity() == fnv1.Severity_SEVERITY_FATAL && (len(rsp.GetDesired().GetResources()) > 0 || r.GetMessage() == "") {
				t.Fatalf("a fatal response must change nothing and say why: %v", rsp)
			}
		}
	})
}

// fuzzRequest returns nil if the JSON makes no request.
func fuzzRequest(xr, observed, required []byte) *fnv1.RunFunctionRequest {
	x, o, r := &structpb.Struct{}, &structpb.Struct{}, &structpb.Struct{}
	if x.UnmarshalJSON(xr) != nil || o.UnmarshalJSON(observed) != nil || r.UnmarshalJSON(required) != nil {
		return nil
	}
	req := &fnv1.RunFunctionRequest{
		Observed:          &fnv1.State{Composite: &fnv1.Resource{Resource: x}, Resources: map[string]*fnv1.Resource{}},
		RequiredResources: map[string]*fnv1.Resources{},
	}
	for key, v := range o.GetFields() {
		req.Observed.Resources[key] = &fnv1.Resource{Resource: v.GetStructValue()}
	}
	for name, v := range r.GetFields() {
		rs := &fnv1.Resources{}
		for _, item := range v.GetListValue().GetValues() {
			rs.Items = append(rs.Items, &fnv1.Resource{Resource: item.GetStructValue()})
		}
		req.RequiredResources[name] = rs
	}
	return req
}
