package cluster

import (
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

// allOwned returns a copy of an object whose whole specification and labels Crossplane owns.
func allOwned(t testing.TB, o object.Object) object.Object {
	t.Helper()
	return owned(t, o, map[string]any{"f:spec": map[string]any{}, "f:metadata": map[string]any{"f:labels": map[string]any{}, "f:namespace": map[string]any{}}})
}

const (
	twoCells = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app, generation: 2}
spec:
  cells: [{name: zone-a, zone: a}, {name: zone-b, zone: b, spec: {localTopoServer: {etcd: {}}}}]
`
	healthyCell = `{phase: Healthy, gatewayReadyReplicas: 1, conditions: [{type: Ready, status: "True"}, {type: LocalTopoReady, status: "True"}]}`
)

// A stage is what there is while something leaves a cluster, and what the cluster does about it.
type stage struct {
	name string
	// change is made to what is observed before.
	change func(observed map[string]object.Object)
	// there are objects that are not observed, with their keys.
	there map[string]object.Object

	// kept, drained and gone are keys. What is gone was observed before and is not composed any more.
	kept, drained, gone []string
	// removal, its reason and a part of its message.
	removal, reason, message string
	// listed are the cells in the database's record.
	listed []string
}

// walk composes one stage after the other; each sees the status of the one before.
func walk(t *testing.T, xr string, observed map[string]object.Object, stages []stage) {
	t.Helper()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	status := ""
	for _, st := range stages {
		if st.change != nil {
			st.change(observed)
		}
		given := []object.Object{composetest.Object(t, generatedSecret)}
		for _, o := range observed {
			given = append(given, inNamespace(t, o))
		}
		for _, o := range st.there {
			given = append(given, inNamespace(t, o))
		}
		out, err := runWith(t, compose.Input{XR: composetest.Object(t, xr+status), Observed: observed, Now: now}, given)
		if err != nil {
			t.Fatalf("%s: %v", st.name, err)
		}
		for _, key := range st.kept {
			if k := out.Resources[key].Kept; !k.Exists() || k.Bool("spec", "drain") {
				t.Errorf("%s: %s should be kept as it is", st.name, key)
			}
		}
		for _, key := range st.drained {
			if k := out.Resources[key].Kept; !k.Bool("spec", "drain") {
				t.Errorf("%s: %s should be asked to drain", st.name, key)
			}
		}
		for _, key := range st.gone {
			if _, there := out.Resources[key]; there || !observed[key].Exists() {
				t.Errorf("%s: %s should be let go now", st.name, key)
			}
			delete(observed, key)
		}
		rs := statusOf(t, out).Retiring
		status = "status: {retiring: ["
		i := -1
		for n, r := range rs {
			if r.Name == st.removal {
				i = n
			}
			status += `{name: "` + r.Name + `", since: "` + r.Since.UTC().Format(time.RFC3339) + `", reason: ` + r.Reason + `, reasonSince: "` + r.ReasonSince.UTC().Format(time.RFC3339) + `"},`
		}
		status += "]}\n"
		switch {
		case st.removal == "" && len(rs) > 0:
			t.Errorf("%s: nothing should be retiring, got %v", st.name, rs)
		case st.removal == "":
		case i < 0:
			t.Errorf("%s: %s should be retiring, got %v", st.name, st.removal, rs)
		case rs[i].Reason != st.reason || !strings.Contains(rs[i].Message, st.message):
			t.Errorf("%s: want reason %s and a message with %q, got %s: %s", st.name, st.reason, st.message, rs[i].Reason, rs[i].Message)
		case !out.InProgress:
			t.Errorf("%s: a removal is in progress", st.name)
		}
		if st.listed != nil {
			got := composetest.Get(t, out, naming.KeyDatabaseRecord("postgres")).Strings("spec", "forProvider", "cells")
			if diff := cmp.Diff(st.listed, got); diff != "" {
				t.Errorf("%s: cells of the database: -want, +got:\n%s", st.name, diff)
			}
		}
		// What was applied is observed with the status that it had.
		for key := range out.Resources {
			o := composetest.Get(t, out, key)
			if before := observed[key]; before.Exists() {
				o = withStatus(t, o, toYAML(t, before.At("status").Struct().AsMap()))
			}
			observed[key] = allOwned(t, o)
		}
		now = now.Add(time.Minute)
	}
}

func inNamespace(t testing.TB, o object.Object) object.Object {
	t.Helper()
	m := o.Struct().AsMap()
	if meta, ok := m["metadata"].(map[string]any); ok {
		meta["namespace"] = "app"
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

// grown returns what is observed of a cluster that is complete, every object wholly owned.
func grown(t testing.TB, xr string) map[string]object.Object {
	t.Helper()
	observed := grow(t, xr, generatedSecret)
	for key, o := range observed {
		observed[key] = allOwned(t, o)
	}
	return observed
}

// setStatus returns a change that gives an observed object another status.
func setStatus(t testing.TB, key, status string) func(map[string]object.Object) {
	t.Helper()
	return func(observed map[string]object.Object) { observed[key] = withStatus(t, observed[key], status) }
}

func tgStatus(cells string) string {
	return `{phase: Healthy, readyShards: 1, totalShards: 1, cellsInUse: [` + cells + `], conditions: [{type: Ready, status: "True"}]}`
}

func recordStatus(cells string) string {
	return `{atProvider: {cells: [` + cells + `]}, conditions: [{type: Ready, status: "True"}]}`
}

func TestCellLeaves(t *testing.T) {
	tg, db := naming.KeyTableGroup("postgres", "default"), naming.KeyDatabaseRecord("postgres")
	cell, record := naming.KeyCell("zone-b"), naming.KeyCellRecord("zone-b")
	global, local := keyGlobalTopoUsage("zone-b"), keyLocalTopoUsage("zone-b")
	observed := grown(t, twoCells)
	for _, key := range []string{global, local, naming.KeyUsage(tg, cell)} {
		if !observed[key].Exists() {
			t.Fatalf("%s should be there", key)
		}
	}
	observed[tg] = withStatus(t, observed[tg], tgStatus("zone-a, zone-b"))
	observed[db] = withStatus(t, observed[db], recordStatus("zone-a, zone-b"))
	usage, rec, cl := observed[local], observed[record], observed[cell]

	stages := func() []stage {
		return []stage{
			{
				name: "Placed", kept: []string{cell, record, global, local}, gone: []string{naming.KeyUsage(tg, cell)},
				removal: "Cell zone-b", reason: compose.WaitInUse, message: "is to leave it", listed: []string{"zone-a", "zone-b"},
			},
			{
				name: "Occupied", kept: []string{cell, record, global, local},
				removal: "Cell zone-b", reason: compose.WaitInUse, message: "poolers or orchestrators of TableGroup postgres/default", listed: []string{"zone-a", "zone-b"},
			},
			{
				name: "Silent", change: setStatus(t, tg, "{observedGeneration: -1}"), kept: []string{cell, record, global, local},
				removal: "Cell zone-b", reason: compose.WaitInUse, message: "has not answered yet", listed: []string{"zone-a", "zone-b"},
			},
			{
				name: "Empty", change: setStatus(t, tg, tgStatus("zone-a")), kept: []string{cell, record, global, local},
				removal: "Cell zone-b", reason: compose.WaitInUse, message: "the record of database postgres lists it", listed: []string{"zone-a"},
			},
			{
				name: "Listed", kept: []string{cell, record, global, local},
				removal: "Cell zone-b", reason: compose.WaitInUse, message: "the record of database postgres lists it", listed: []string{"zone-a"},
			},
			{
				name: "Unlisted", change: setStatus(t, db, recordStatus("zone-a")), kept: []string{record, global, local}, drained: []string{cell},
				removal: "Cell zone-b", reason: compose.WaitDraining,
			},
			{
				name: "Drained", change: setStatus(t, cell, `{conditions: [{type: Drained, status: "True"}]}`), kept: []string{global, local}, drained: []string{cell}, gone: []string{record},
				removal: "Cell zone-b", reason: compose.WaitDeleting, message: "its record",
			},
			{
				name: "RecordGoes", there: map[string]object.Object{record: rec}, kept: []string{global, local}, drained: []string{cell},
				removal: "Cell zone-b", reason: compose.WaitDeleting, message: "its record",
			},
			{
				name: "Protected", there: map[string]object.Object{local: usage}, drained: []string{cell}, gone: []string{global, local},
				removal: "Cell zone-b", reason: compose.WaitProtected, message: usage.Name(),
			},
			{
				name: "Goes", gone: []string{cell},
				removal: "Cell zone-b", reason: compose.WaitDeleting,
			},
			{
				name: "Lingers", there: map[string]object.Object{cell: cl},
				removal: "Cell zone-b", reason: compose.WaitDeleting,
			},
			{name: "Gone"},
		}
	}
	walk(t, minimal, observed, stages())

	// Whoever puts the cell back has it back, from every stage.
	all := stages()
	for n := range all {
		t.Run("BackAfter"+all[n].name, func(t *testing.T) {
			observed := grown(t, twoCells)
			observed[tg] = withStatus(t, observed[tg], tgStatus("zone-a, zone-b"))
			observed[db] = withStatus(t, observed[db], recordStatus("zone-a, zone-b"))
			walk(t, minimal, observed, stages()[:n+1])
			for range 5 {
				var there []object.Object
				for _, o := range observed {
					there = append(there, inNamespace(t, o))
				}
				out, err := runWith(t, compose.Input{XR: composetest.Object(t, twoCells), Observed: observed}, append(there, composetest.Object(t, generatedSecret)))
				if err != nil {
					t.Fatal(err)
				}
				if len(statusOf(t, out).Retiring) > 0 {
					t.Errorf("nothing should be retiring, got %v", statusOf(t, out).Retiring)
				}
				observed = observe(t, out)
			}
			for _, key := range []string{cell, record, global, local, naming.KeyUsage(tg, cell)} {
				if !observed[key].Exists() || observed[key].Bool("spec", "drain") {
					t.Errorf("%s should be back as it was", key)
				}
			}
			if got := observed[db].Strings("spec", "forProvider", "cells"); !slices.Contains(got, "zone-b") {
				t.Errorf("the database should list the cell again, got %v", got)
			}
		})
	}
}

func TestTableGroupLeaves(t *testing.T) {
	const old = "old"
	tg, db := naming.KeyTableGroup(old, "default"), naming.KeyDatabaseRecord(old)
	usageKey := naming.KeyUsage(tg, naming.KeyCell("zone-a"))
	observed := grown(t, minimal)
	observed[naming.KeyTableGroup("postgres", "default")] = withStatus(t, observed[naming.KeyTableGroup("postgres", "default")], tgStatus("zone-a"))
	group := allOwned(t, composetest.Object(t, `
apiVersion: multigres.com/v1alpha1
kind: TableGroup
metadata: {name: orders-old-default, generation: 3, labels: {`+labels("tablegroup")+`}}
spec: {databaseName: old, tableGroupName: default, shards: [{name: 0-inf, pools: {main: {cells: [zone-a]}}}]}
status: {observedGeneration: 3}
`))
	usage := composetest.Object(t, `
apiVersion: protection.crossplane.io/v1beta1
kind: Usage
metadata: {name: u}
spec: {of: {apiVersion: multigres.com/v1alpha1, kind: TableGroup, resourceRef: {name: orders-old-default}}}
`)
	record := allOwned(t, composetest.Object(t, `
apiVersion: m.multigres.com/v1alpha1
kind: DatabaseRecord
metadata: {name: orders-old, labels: {`+labels("topology")+`}}
spec: {forProvider: {database: old, cells: [zone-a]}}
status: {conditions: [{type: Synced, status: "False", message: no etcd}]}
`))
	observed[tg], observed[db], observed[usageKey] = group, record, usage
	drained := withStatus(t, group, `{observedGeneration: 4, conditions: [{type: Drained, status: "True"}]}`)
	walk(t, minimal, observed, []stage{
		{
			name: "Begins", kept: []string{db}, drained: []string{tg}, gone: []string{usageKey},
			removal: "TableGroup old/default", reason: compose.WaitDraining, message: "waits until it has drained",
		},
		{
			name: "Draining", change: setStatus(t, tg, `{observedGeneration: 4, conditions: [{type: Drained, status: "False", message: waiting for a pod}]}`),
			kept: []string{db}, drained: []string{tg}, removal: "TableGroup old/default", reason: compose.WaitDraining, message: "drains: waiting for a pod",
		},
		{
			name: "Foreign", change: setStatus(t, tg, `{observedGeneration: 4, conditions: [{type: Drained, status: "True"}]}`), there: map[string]object.Object{"u": usage},
			kept: []string{db}, drained: []string{tg}, removal: "TableGroup old/default", reason: compose.WaitProtected, message: "Usage u",
		},
		{
			name: "Goes", kept: []string{db}, gone: []string{tg}, removal: "TableGroup old/default", reason: compose.WaitDeleting,
		},
		{
			name: "Lingers", there: map[string]object.Object{"tg": drained}, kept: []string{db},
			removal: "Database old", reason: compose.WaitInUse, message: "TableGroup old/default is there",
		},
		{
			name: "RecordGoes", gone: []string{db}, removal: "Database old", reason: compose.WaitDeleting, message: "no etcd",
		},
		{
			name: "RecordLingers", there: map[string]object.Object{"db": record}, removal: "Database old", reason: compose.WaitDeleting, message: "no etcd",
		},
		{name: "Gone"},
	})
}

func TestTrouble(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   string
	}{
		"None":    {reason: "All is well.", in: `{conditions: [{type: Synced, status: "True", message: x}, {type: Settled, status: "True", message: y}]}`},
		"Synced":  {reason: "It could not be reconciled.", in: `{conditions: [{type: Synced, status: "False", message: no etcd}]}`, want: "no etcd"},
		"Settled": {reason: "What the provider says of the record comes first.", in: `{conditions: [{type: Synced, status: "False", message: long}, {type: Settled, status: "False", message: short}]}`, want: "short"},
		"Silent":  {reason: "Nothing was said.", in: `{conditions: [{type: Settled, status: "False"}]}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := withStatus(t, composetest.Object(t, `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, metadata: {name: x}}`), tc.in)
			if got := trouble(o); got != tc.want {
				t.Errorf("\n%s\ntrouble(...): want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

// TestTopologyServerStays holds that nobody can tell when a topology server that was replaced is not needed any more.
func TestTopologyServerStays(t *testing.T) {
	external := minimal + "  globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}\n"
	observed := grown(t, minimal)
	walk(t, external, observed, []stage{{
		name: "Replaced", kept: []string{naming.KeyGlobalTopo}, removal: "TopoServer orders-global-topo", reason: compose.WaitInUse, message: "is kept",
	}})
}

// TestGoesAtOnce holds that what holds no data goes as soon as nobody wants it.
func TestGoesAtOnce(t *testing.T) {
	observed := grow(t, minimal+"  internalTLS: {enabled: true}\n  multiadmin: {spec: {replicas: 2}}\n", generatedSecret)
	out := mustRun(t, compose.Input{XR: composetest.Object(t, minimal), Observed: observed}, generatedSecret)
	for _, key := range []string{naming.KeyInternalTLS("multiorch"), naming.KeyMultiAdminPDB} {
		if _, ok := out.Resources[key]; ok || !observed[key].Exists() {
			t.Errorf("%s goes as soon as nobody wants it", key)
		}
	}
}

func TestRetiringUnreadable(t *testing.T) {
	observed := composetest.Objects(t, map[string]string{naming.KeyCell("zone-b"): `
{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: b, managedFields: [{manager: apiextensions.crossplane.io/composed/x, operation: Apply, fieldsV1: {"k:{": {}}}]}, spec: {name: zone-b}}`})
	if _, err := run(t, compose.Input{XR: composetest.Object(t, minimal), Observed: observed}); err == nil {
		t.Error("without knowing how to keep a cell there is no output")
	}
}

// TestUnnamed holds that what does not tell its name is kept, too.
func TestUnnamed(t *testing.T) {
	observed := map[string]object.Object{}
	for key, kind := range map[string]string{"a": "Cell", "b": "TableGroup", "c": "TopoServer"} {
		observed[key] = composetest.Object(t, `{apiVersion: multigres.com/v1alpha1, kind: `+kind+`, metadata: {name: x}}`)
	}
	out := mustRun(t, compose.Input{XR: composetest.Object(t, minimal), Observed: observed}, generatedSecret)
	for key := range observed {
		if !out.Resources[key].Kept.Exists() {
			t.Errorf("%s should be kept", key)
		}
	}
}
