package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// owned returns a copy of an object of which Crossplane owns one field of the specification.
func owned(t testing.TB, o object.Object, fieldsV1 map[string]any) object.Object {
	t.Helper()
	m := o.Struct().AsMap()
	meta, ok := m["metadata"].(map[string]any)
	if !ok {
		t.Fatal("the object has no metadata")
	}
	meta["managedFields"] = []any{map[string]any{"manager": object.ManagerPrefix + "x", "operation": "Apply", "fieldsV1": fieldsV1}}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

func TestRetiring(t *testing.T) {
	two := strings.ReplaceAll(minimal, "[{name: zone-a, zone: a}]", "[{name: zone-b, zone: b}, {name: zone-a, zone: a}]")
	external := minimal + "  globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}\n"
	observed := grow(t, two+"  internalTLS: {enabled: true}\n  multiadmin: {spec: {replicas: 2}}\n", generatedSecret)
	observed[naming.KeyTableGroup("postgres", "old")] = composetest.Object(t, `
{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: tg-old}, spec: {databaseName: postgres, tableGroupName: old}}`)
	observed[naming.KeyDatabaseRecord("old")] = composetest.Object(t, `
{apiVersion: m.multigres.com/v1alpha1, kind: DatabaseRecord, metadata: {name: db-old}, spec: {forProvider: {database: old}}}`)
	cell := naming.KeyCell("zone-b")
	observed[cell] = owned(t, observed[cell], map[string]any{"f:spec": map[string]any{"f:name": map[string]any{}}})

	out := mustRun(t, compose.Input{XR: composetest.Object(t, external), Observed: observed}, generatedSecret)
	want := []string{"Cell zone-b", "CellRecord zone-b", "DatabaseRecord old", "TableGroup postgres/old", "TopoServer orders-global-topo"}
	var got []string
	for _, r := range statusOf(t, out).Retiring {
		got = append(got, r.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what holds data or serves it is told as retiring: -want, +got:\n%s", diff)
	}
	for _, key := range []string{cell, naming.KeyCellRecord("zone-b"), naming.KeyGlobalTopo, naming.KeyDatabaseRecord("old"), naming.KeyTableGroup("postgres", "old")} {
		if !out.Resources[key].Kept.Exists() {
			t.Errorf("%s is kept as it is", key)
		}
	}
	if diff := cmp.Diff(map[string]any{
		"apiVersion": "multigres.com/v1alpha1", "kind": "Cell",
		"metadata": map[string]any{"name": "orders-zone-b-bbfdd4f7"}, "spec": map[string]any{"name": "zone-b"},
	}, out.Resources[cell].Kept.Struct().AsMap()); diff != "" {
		t.Errorf("of what is kept we apply what we did before: -want, +got:\n%s", diff)
	}
	for _, key := range []string{naming.KeyInternalTLS("multiorch"), naming.KeyMultiAdminPDB} {
		if _, ok := out.Resources[key]; ok {
			t.Errorf("%s goes as soon as nobody wants it", key)
		}
	}
	cells := composetest.Get(t, out, naming.KeyDatabaseRecord("postgres")).Strings("spec", "forProvider", "cells")
	if diff := cmp.Diff([]string{"zone-a", "zone-b"}, cells); diff != "" {
		t.Errorf("databases list a cell for as long as it has a record: -want, +got:\n%s", diff)
	}
	if p := conditionOf(t, out, compose.TypeProgressing); !strings.Contains(p.Message, "removal of Cell zone-b, which waits for draining") {
		t.Errorf("the condition says what waits for draining, got %q", p.Message)
	}
	if out.InProgress || !out.Ready || statusOf(t, out).Phase != v1alpha1.PhaseProgressing {
		t.Errorf("a cluster with something that waits for draining serves and is at rest, got %v %v %v", out.InProgress, out.Ready, statusOf(t, out).Phase)
	}
}

func TestRetiringUnreadable(t *testing.T) {
	observed := composetest.Objects(t, map[string]string{naming.KeyCell("zone-b"): `
{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: b, managedFields: [{manager: apiextensions.crossplane.io/composed/x, operation: Apply, fieldsV1: {"k:{": {}}}]}}`})
	if _, err := run(t, compose.Input{XR: composetest.Object(t, minimal), Observed: observed}); err == nil {
		t.Error("without knowing how to keep a cell there is no output")
	}
}
