package v1alpha1_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// A change is the creation of something, if old is empty, or an update of it.
// Both are YAML and are merged over what an object has in the place of a rule.
type change struct{ old, new string }

// A ruleCase shows what a rule does, wherever a schema has it.
type ruleCase struct {
	reason  string
	message string

	accepted, refused change
}

// base returns an object of each kind that is valid and has what the places of
// all rules need, by the plural of the kind.
func base(t *testing.T) map[string]map[string]any {
	t.Helper()

	const (
		cluster = `
spec:
  cells:
  - {name: a, zone: z}
  databases:
  - name: postgres
    default: true
    tablegroups:
    - name: default
      default: true
      shards:
      - name: 0-inf
`
		settings = `
  clusterName: sample
  images: {multiorch: o, multipooler: p, postgres: g}
  globalTopoServer: {address: "topo:2379", rootPath: /multigres/global, implementation: etcd}
  postgresPasswordSecretRef: {name: admin, key: password}
  databaseName: postgres
  tableGroupName: default
`
		cell = `
spec:
  name: a
  zone: z
  globalTopoServer: {address: "topo:2379", rootPath: /multigres/global, implementation: etcd}
`
	)

	specs := map[string]struct{ kind, spec string }{
		"multigresclusters":      {kind: "MultigresCluster", spec: cluster},
		"multigresclusterclaims": {kind: "MultigresClusterClaim", spec: cluster},
		"xmultigresclusters":     {kind: "XMultigresCluster", spec: cluster},
		"toposervers":            {kind: "TopoServer", spec: "spec: {etcd: {}}"},
		"cells":                  {kind: "Cell", spec: cell},
		"tablegroups":            {kind: "TableGroup", spec: "spec:" + settings + "  shards: [{name: 0-inf}]"},
		"shards":                 {kind: "Shard", spec: "spec:" + settings + "  shardName: 0-inf"},
		"coretemplates":          {kind: "CoreTemplate", spec: "spec: {}"},
		"celltemplates":          {kind: "CellTemplate", spec: "spec: {}"},
		"shardtemplates":         {kind: "ShardTemplate", spec: "spec: {}"},
	}

	out := map[string]map[string]any{}
	for plural, s := range specs {
		out[plural] = schematest.Decode(t, fmt.Sprintf("apiVersion: multigres.com/v1alpha1\nkind: %s\nmetadata: {name: sample}\n%s", s.kind, s.spec))
	}

	return out
}

// scaffold is what must be beside the place of a rule, by the field that the
// place is in.
func scaffold(field string) map[string]any {
	switch field {
	case "backup":
		return map[string]any{"type": "filesystem", "filesystem": map[string]any{}}
	case "s3":
		return map[string]any{"bucket": "b", "region": "r"}
	case "externalGateway", "externalAdminWeb":
		return map[string]any{"enabled": true}
	}

	return map[string]any{}
}

// place returns a copy of an object with YAML merged over what is at a path as
// schematest.Rules has it. The first element stands for all elements of a list,
// and main for all names in a map.
func place(t *testing.T, obj map[string]any, path, document string) map[string]any {
	t.Helper()

	out := schematest.With(t, obj, "sample", "metadata", "name")

	var at any = out

	for _, step := range strings.FieldsFunc(strings.ReplaceAll(path, "[*]", ".*"), func(r rune) bool { return r == '.' }) {
		if list, ok := at.([]any); ok {
			at = list[0]
			continue
		}

		parent, ok := at.(map[string]any)
		if !ok {
			t.Fatalf("place(%q): there is no object to find %q in", path, step)
		}

		if step == "*" {
			step = "main"
		}

		if _, ok := parent[step]; !ok {
			parent[step] = scaffold(step)
		}

		at = parent[step]
	}

	merge(at.(map[string]any), schematest.Decode(t, document))

	return out
}

// merge merges a patch into an object as RFC 7386 describes: objects field by
// field, null removes, all else replaces.
func merge(into, patch map[string]any) {
	for k, v := range patch {
		child, ok := v.(map[string]any)

		switch {
		case v == nil:
			delete(into, k)
		case !ok:
			into[k] = v
		default:
			if _, ok := into[k].(map[string]any); !ok {
				into[k] = map[string]any{}
			}

			merge(into[k].(map[string]any), child)
		}
	}
}

func changed(t *testing.T, obj map[string]any, path string, c change) schematest.Change {
	t.Helper()

	out := schematest.Change{New: place(t, obj, path, c.new)}
	if c.old != "" {
		out.Old = place(t, obj, path, c.old)
	}

	return out
}

// Every rule of every kind accepts and refuses what it is there for, in every
// place it is in.
func TestEveryRule(t *testing.T) {
	unused := map[string]bool{}
	for name := range ruleCases {
		unused[name] = true
	}

	objs := base(t)

	for plural, s := range definitions(t) {
		cases := map[string]schematest.RuleCase{}

		for _, r := range schematest.Rules(s) {
			for name, tc := range ruleCases {
				if tc.message != r.Message {
					continue
				}

				delete(unused, name)

				cases[name+" "+r.Path] = schematest.RuleCase{
					Reason:   tc.reason,
					Path:     r.Path,
					Message:  r.Message,
					Accepted: changed(t, objs[plural], r.Path, tc.accepted),
					Refused:  changed(t, objs[plural], r.Path, tc.refused),
				}
			}
		}

		t.Run(plural, func(t *testing.T) {
			t.Logf("%d rules, %d cases", len(schematest.Rules(s)), len(cases))
			schematest.CheckRules(t, s, cases)
		})
	}

	for name := range unused {
		t.Errorf("no kind has the rule of case %s", name)
	}
}
