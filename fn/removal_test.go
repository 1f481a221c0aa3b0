package fn_test

import (
	"context"
	"strings"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

const (
	removalCluster = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app}
spec:
  pvcDeletionPolicy: {whenScaled: Delete}
  cells:
  - {name: zone-a, zone: a}
  - {name: zone-b, zone: b, spec: {localTopoServer: {etcd: {}}}}
`
	removalGroup = `
apiVersion: multigres.com/v1alpha1
kind: TableGroup
metadata: {name: orders-postgres-default, namespace: app}
spec:
  clusterName: orders
  databaseName: postgres
  tableGroupName: default
  images: {multiorch: m:1, multipooler: m:1, postgres: p:1}
  globalTopoServer: {address: "t:2379", rootPath: /m, implementation: etcd}
  durabilityPolicy: AT_LEAST_2
  postgresPasswordSecretRef: {name: pw, key: password}
  shards:
  - {name: left, multiorch: {cells: [a]}, pools: {main: {type: readWrite, cells: [a], replicasPerCell: 3}}}
  - {name: right, multiorch: {cells: [a]}, pools: {main: {type: readWrite, cells: [a], replicasPerCell: 3}}}
`
)

// observedOf returns the objects of a rendered tree as an API server would serve them: with who composes them, who owns their
// fields, and what they say of themselves.
func observedOf(n *render.Node, parent *unstructured.Unstructured) []*unstructured.Unstructured {
	u := n.Object.DeepCopy()
	u.SetUID(types.UID(u.GetKind() + "/" + u.GetName()))
	var out []*unstructured.Unstructured
	if parent != nil {
		own := map[string]any{"f:metadata": map[string]any{"f:labels": map[string]any{}, "f:annotations": map[string]any{}}}
		for _, f := range []string{"spec", "data"} {
			if _, ok := u.Object[f]; ok {
				own["f:"+f] = map[string]any{}
			}
		}
		// They cannot fail: the metadata of an object is a map.
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{
			"manager": object.ManagerPrefix + "x", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": own,
		}}, "metadata", "managedFields")
		_ = unstructured.SetNestedSlice(u.Object, []any{map[string]any{
			"apiVersion": parent.GetAPIVersion(), "kind": parent.GetKind(), "name": parent.GetName(), "uid": string(parent.GetUID()), "controller": true,
		}}, "metadata", "ownerReferences")
		out = append(out, u)
	}
	for _, c := range n.Children {
		out = append(out, observedOf(c, u)...)
	}
	return out
}

// An identifier is a function that gets to see pods with UIDs, and records that know them: a rendered tree has none.
type identifier struct{ render.Function }

func (i identifier) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	req = proto.CloneOf(req)
	identify := func(r *fnv1.Resource) {
		fields := r.GetResource().GetFields()
		switch fields["kind"].GetStringValue() {
		case "Pod":
			meta := fields["metadata"].GetStructValue().GetFields()
			meta["uid"] = structpb.NewStringValue("uid-of-" + meta["name"].GetStringValue())
		case "ShardRecord":
			at := fields["status"].GetStructValue().GetFields()["atProvider"].GetStructValue()
			for _, p := range at.GetFields()["poolers"].GetListValue().GetValues() {
				f := p.GetStructValue().GetFields()
				f["podUID"] = structpb.NewStringValue("uid-of-" + f["pod"].GetStringValue())
			}
		}
	}
	for _, r := range req.GetObserved().GetResources() {
		identify(r)
	}
	for _, rs := range req.GetRequiredResources() {
		for _, r := range rs.GetItems() {
			identify(r)
		}
	}
	return i.Function.RunFunction(ctx, req)
}

// TestRemoval takes a part out of a complete tree and composes all its levels, as long as anything changes: in the end the part
// is gone, and everything else is as if it had never been there.
func TestRemoval(t *testing.T) {
	cases := map[string]struct {
		reason string
		before string
		after  string
		// gone is a part of the names of what goes.
		gone string
	}{
		"Cell": {
			reason: "A cell goes with its gateways, its topology server, its record, and the pods of pools in it.",
			before: removalCluster, gone: "zone-b",
			after: strings.Replace(removalCluster, "  - {name: zone-b, zone: b, spec: {localTopoServer: {etcd: {}}}}\n", "", 1),
		},
		"Shard": {
			reason: "One shard of two goes.",
			before: removalGroup, gone: "right",
			after: strings.Replace(removalGroup, "  - {name: right, multiorch: {cells: [a]}, pools: {main: {type: readWrite, cells: [a], replicasPerCell: 3}}}\n", "", 1),
		},
		"TableGroup": {
			reason: "A table group that drains loses all of its shards.",
			before: removalGroup, gone: "orders-postgres-default-",
			after: strings.Replace(removalGroup, "spec:\n", "spec:\n  drain: true\n", 1),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tree := rendered(t, tc.before, nil)
			there := false
			tree.Walk(func(n *render.Node, depth int) {
				there = there || depth > 0 && strings.Contains(n.Object.GetName(), tc.gone)
			})
			if !there {
				t.Fatalf("%s should be there before", tc.gone)
			}
			tree = rendered(t, tc.after, observedOf(tree, nil))
			tree.Walk(func(n *render.Node, depth int) {
				if depth > 0 && strings.Contains(n.Object.GetName(), tc.gone) {
					t.Errorf("%s\n%s %s should be gone", tc.reason, n.Object.GetKind(), n.Object.GetName())
				}
			})
			if rs, _, _ := unstructured.NestedSlice(tree.Object.Object, "status", "retiring"); len(rs) > 0 {
				t.Errorf("%s\nnothing should be retiring: %v", tc.reason, rs)
			}
		})
	}
}

func rendered(t *testing.T, root string, observed []*unstructured.Unstructured) *render.Node {
	t.Helper()
	us, err := manifest.Decode([]byte(root))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := render.Render(context.Background(), identifier{newFunction()}, us[0], render.Options{UntilReady: true, Observed: observed})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
