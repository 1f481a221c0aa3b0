package render

import (
	"context"
	"maps"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// fake is a Function with a plain answer per kind of composite.
type fake map[string]func(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse

// RunFunction implements Function.
func (f fake) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	return f[req.GetObserved().GetComposite().GetResource().GetFields()["kind"].GetStringValue()](req), nil
}

func parse(t *testing.T, y string) *unstructured.Unstructured {
	t.Helper()
	us, err := manifest.Decode([]byte(y))
	if err != nil || len(us) != 1 {
		t.Fatalf("cannot parse one object: %v", err)
	}
	return us[0]
}

func resource(t *testing.T, y string, ready bool) *fnv1.Resource {
	t.Helper()
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(y), &m); err != nil {
		t.Fatal(err)
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	r := &fnv1.Resource{Resource: s, Ready: fnv1.Ready_READY_FALSE}
	if ready {
		r.Ready = fnv1.Ready_READY_TRUE
	}
	return r
}

// respond wants the given resources and says the given about the composite.
func respond(composite *fnv1.Resource, resources map[string]*fnv1.Resource) *fnv1.RunFunctionResponse {
	return &fnv1.RunFunctionResponse{Desired: &fnv1.State{Composite: composite, Resources: maps.Clone(resources)}}
}

func observedReady(req *fnv1.RunFunctionRequest, key string) bool {
	u, err := manifest.FromStruct(req.GetObserved().GetResources()[key].GetResource())
	if err != nil || u == nil {
		return false
	}
	cs, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range cs {
		m, _ := c.(map[string]any)
		if m["type"] == "Ready" && m["status"] == "True" {
			return true
		}
	}
	return false
}
