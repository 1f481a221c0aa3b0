package fn_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// deletionSeeds is how many orders of events each story is played in.
const deletionSeeds = 10

// withLocalTopology is a cluster in which every cell has a topology server of its own.
const withLocalTopology = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: local, namespace: default}
spec:
  pvcDeletionPolicy: {whenDeleted: Delete}
  internalTLS: {enabled: true}
  cells:
  - {name: z1, zone: z1, spec: {localTopoServer: {etcd: {}}}}
  - {name: z2, zone: z2, spec: {localTopoServer: {etcd: {}}}}
`

// deletable returns the complete tree of every example that renders, and of a cluster with everything that matters at its end.
func deletable(t *testing.T) map[string]*render.Node {
	t.Helper()
	out := map[string]*render.Node{}
	add := func(name string, root *unstructured.Unstructured, others []*unstructured.Unstructured) {
		tree, err := render.Render(context.Background(), newFunction(), root, render.Options{UntilReady: true, Others: others})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = tree
	}
	dirs, err := filepath.Glob("../examples/*/xr.yaml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("there should be examples: %v", err)
	}
	for _, xr := range dirs {
		dir := filepath.Dir(xr)
		if _, err := os.Stat(filepath.Join(dir, "expected-error.txt")); err == nil {
			continue
		}
		us, err := manifest.ReadFile(xr)
		if err != nil {
			t.Fatal(err)
		}
		var others []*unstructured.Unstructured
		for _, f := range []string{"templates.yaml", "required.yaml"} {
			more, err := manifest.ReadFile(filepath.Join(dir, f))
			if err != nil && !os.IsNotExist(err) {
				if _, stat := os.Stat(filepath.Join(dir, f)); stat == nil {
					t.Fatal(err)
				}
			}
			others = append(others, more...)
		}
		add(filepath.Base(dir), us[0], others)
	}
	us, err := manifest.Decode([]byte(withLocalTopology))
	if err != nil {
		t.Fatal(err)
	}
	add("local-topology", us[0], nil)
	return out
}

// A deletion is one way to delete a cluster.
type deletion struct {
	reason string
	begin  func(w *deletionWorld)
	// order says whether everything goes in its order: it need not where something was deleted by hand before.
	order bool
}

var deletions = map[string]deletion{
	"Background": {
		reason: "kubectl delete", order: true,
		begin: func(w *deletionWorld) { w.delete(w.root, false) },
	},
	"Foreground": {
		reason: "kubectl delete --cascade=foreground", order: true,
		begin: func(w *deletionWorld) { w.delete(w.root, true) },
	},
	"Namespace": {
		reason: "The namespace goes: everything in it is deleted, in any order, and again if that is refused.",
		begin: func(w *deletionWorld) {
			w.delete(w.root, false)
			ids := slices.Sorted(maps.Keys(w.things))
			w.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
			for _, id := range ids {
				if t := w.things[id]; t != nil && !kept(t) {
					w.delete(t, false)
				}
			}
		},
	},
	"DeadTopology": {
		reason: "The topology servers answer nobody any more, and the cluster goes all the same.",
		begin: func(w *deletionWorld) {
			w.dead = true
			w.delete(w.root, false)
		},
	},
	"Incomplete": {
		reason: "Any part may be missing: the cluster was never complete, or lost something.",
		begin: func(w *deletionWorld) {
			for _, t := range w.of() {
				if t != w.root && w.rng.IntN(4) == 0 && len(w.children(t)) == 0 && !kept(t) {
					w.remove(t, "it never was")
				}
			}
			w.delete(w.root, false)
		},
	},
	"PartsBefore": {
		reason: "Somebody tried to delete parts of it by hand before.",
		begin: func(w *deletionWorld) {
			for _, t := range w.of() {
				if t != w.root && w.rng.IntN(8) == 0 && !kept(t) {
					w.delete(t, w.rng.IntN(2) == 0)
				}
			}
			for range w.rng.IntN(50) {
				w.next()
			}
			w.delete(w.root, false)
		},
	},
}

// TestDeletion deletes the cluster of every example in many orders of events: it always goes without help, and where nothing
// was in disorder before, gateways go before pods, pods before their shard's record, that before its database's record, that
// before the records of its cells, and those before the topology servers that hold them.
func TestDeletion(t *testing.T) {
	for example, tree := range deletable(t) {
		for name, d := range deletions {
			t.Run(example+"/"+name, func(t *testing.T) {
				for seed := range uint64(deletionSeeds) {
					w := newDeletionWorld(seed, tree)
					before := maps.Clone(w.things)
					d.begin(w)
					w.run(t)
					if diff := cmp.Diff([]string{}, w.remaining()); diff != "" {
						t.Fatalf("seed %d: %s\nnothing should remain: -want, +got:\n%s\n%s", seed, d.reason, diff, strings.Join(w.story, "\n"))
					}
					if len(w.left) > 0 && (d.order || len(w.began) == 0) {
						t.Fatalf("seed %d: nothing is given up while its server can be reached, got %v", seed, w.left)
					}
					if w.dead && len(w.left) == 0 && len(w.began) > 0 {
						t.Fatalf("seed %d: what is given up is told", seed)
					}
					if d.order {
						checkOrder(t, seed, w, before)
					}
					checkRetained(t, seed, w, before)
				}
			})
		}
	}
}

// hasPruning is true if the records of the cluster are deleted at all.
func hasPruning(things map[string]*thing) bool {
	for _, t := range things {
		if t.kind == "CellRecord" && retains(t) {
			return false
		}
	}
	return true
}

// checkOrder holds what went against the order in which it should.
func checkOrder(t *testing.T, seed uint64, w *deletionWorld, before map[string]*thing) {
	t.Helper()
	after := func(first, second string) {
		if w.when[first] == 0 || w.when[second] == 0 || w.when[first] >= w.when[second] {
			t.Errorf("seed %d: want %q (%d) before %q (%d)", seed, first, w.when[first], second, w.when[second])
		}
	}
	pruned := hasPruning(before)
	for _, x := range before {
		for _, y := range before {
			switch {
			case y.kind == "TableGroup" && x.kind == "Deployment" && strings.Contains(x.id, "multigateway"):
				after(x.id, "-"+y.id)
			case y.kind == "ShardRecord" && x.kind == "Pod" && x.owner == y.owner:
				after(x.id, y.id)
			case !pruned:
			case y.kind == "DatabaseRecord" && x.kind == "ShardRecord":
				after(x.id, y.id)
			case y.kind == "CellRecord" && x.kind == "DatabaseRecord":
				after(x.id, y.id)
			case y.kind == "TopoServer" && x.kind == "CellRecord" && (y.str("spec", "cellName") == "" || y.str("spec", "cellName") == x.param("cell")):
				after(x.id, "-"+y.id)
			}
		}
	}
}

// checkRetained holds that a volume and a password stay if and only if what made them does not delete them.
func checkRetained(t *testing.T, seed uint64, w *deletionWorld, before map[string]*thing) {
	t.Helper()
	for id, x := range before {
		var want bool
		switch x.kind {
		case "PersistentVolumeClaim":
			want = x.owner == nil
			if c := before["VolumeClaim "+x.name()]; c != nil && w.when["-"+c.id] > 0 {
				want = retains(c)
			}
		case "Secret":
			for _, p := range before {
				if p.kind == "Password" && p.param("secretName") == x.name() {
					want = retains(p) || w.when["-"+p.id] == 0
				}
			}
			if x.spec != nil {
				continue
			}
		default:
			continue
		}
		if w.has(id) != want {
			t.Errorf("seed %d: %s should be there: %v, is there: %v", seed, id, want, w.has(id))
		}
	}
}

// kept is true for what people keep: volumes and Secrets. They are no objects that a cluster is composed of.
func kept(t *thing) bool { return t.kind == "PersistentVolumeClaim" || t.kind == "Secret" }

// TestAnew makes a cluster of the same name while the old one goes, as often as it can: the old one goes all the same, and the
// new one becomes complete. What a composition does is reduced to its gates: a thing is made when nothing of its name is there,
// what it belongs to is there, and what its creation waits for is.
func TestAnew(t *testing.T) {
	for example, tree := range deletable(t) {
		t.Run(example, func(t *testing.T) {
			for seed := range uint64(deletionSeeds) {
				w := newDeletionWorld(seed, tree)
				old := maps.Clone(w.things)
				w.delete(w.root, false)
				n := newAnew(w, old)
				for range 20000 {
					n.make()
					if !w.next() && !n.make() {
						break
					}
				}
				var missing []string
				for id, x := range old {
					if now := w.things[id]; now == nil || now.deleting || now == x && !kept(x) {
						missing = append(missing, id)
					}
				}
				slices.Sort(missing)
				if len(missing) > 0 {
					t.Fatalf("seed %d: not made anew: %v\n%s", seed, missing, strings.Join(w.story, "\n"))
				}
			}
		})
	}
}

// An anew makes a cluster again.
type anew struct {
	w *deletionWorld
	// old are the things of the cluster before, and made those that were made again, by id.
	old, made map[string]*thing
	ids       []string
}

func newAnew(w *deletionWorld, old map[string]*thing) *anew {
	ids := slices.Sorted(maps.Keys(old))
	return &anew{w: w, old: old, made: map[string]*thing{}, ids: ids}
}

// new is true if a thing is there and belongs to the new cluster.
func (n *anew) new(id string) bool {
	return n.made[id] != nil && n.w.things[id] == n.made[id] && !n.made[id].deleting
}

// make makes everything that can be made, and reports whether there was anything.
func (n *anew) make() bool {
	made := false
	for _, id := range n.ids {
		x := n.old[id]
		if n.w.has(id) || x.owner != nil && !n.new(x.owner.id) || !n.open(x) {
			continue
		}
		var owner *thing
		if x.owner != nil {
			owner = n.made[x.owner.id]
		}
		n.made[id] = n.w.put(x.kind, x.name(), x.spec, owner)
		n.w.tellf("%s is made anew", id)
		made = true
	}
	return made
}

// open is true if the creation of a thing is not held back.
func (n *anew) open(x *thing) bool {
	records := func(kinds ...string) bool {
		for _, o := range n.old {
			if slices.Contains(kinds, o.kind) && !n.new(o.id) {
				return false
			}
		}
		return true
	}
	if x.kind == "CellRecord" || x.kind == "DatabaseRecord" {
		for _, o := range n.old {
			if o.kind == "ProviderConfig" && !n.new(o.id) {
				return false
			}
		}
	}
	switch x.kind {
	case "Pod":
		if x.owner.kind == "Shard" && !records("ShardRecord") {
			return false
		}
		for _, c := range claimsOf(x) {
			if !n.new("VolumeClaim " + c) {
				return false
			}
		}
	case "CellRecord":
		for _, s := range n.w.began {
			if cell := s.str("spec", "cellName"); (cell == "" || cell == x.param("cell")) && !n.new(s.id) {
				return false
			}
		}
	case "DatabaseRecord":
		for _, s := range n.w.began {
			if s.str("spec", "cellName") == "" && !n.new(s.id) {
				return false
			}
		}
	case "TableGroup":
		return records("CellRecord", "DatabaseRecord")
	case "Deployment":
		return !strings.Contains(x.id, "multigateway") || n.new("CellRecord "+x.owner.str("spec", "cellRecordName"))
	case "Usage":
		return n.new(x.str("spec", "of", "kind")+" "+x.str("spec", "of", "resourceRef", "name")) && n.new(userOf(x))
	}
	return true
}

// TestUsageTraps holds the world against what is known to go wrong, so that a test that finds nothing does say something.
func TestUsageTraps(t *testing.T) {
	trees := deletable(t)
	usage := func(w *deletionWorld, of, by string, replay bool) {
		ofKind, ofName, _ := strings.Cut(of, " ")
		byKind, byName, _ := strings.Cut(by, " ")
		w.put("Usage", of+"/"+by, map[string]any{"spec": map[string]any{
			"of":             map[string]any{"kind": ofKind, "resourceRef": map[string]any{"name": ofName}},
			"by":             map[string]any{"kind": byKind, "resourceRef": map[string]any{"name": byName}},
			"replayDeletion": replay,
		}}, w.root)
	}
	find := func(w *deletionWorld, kind, part string) string {
		for _, x := range w.of(kind) {
			if strings.Contains(x.id, part) {
				return x.id
			}
		}
		t.Fatalf("there is no %s %s", kind, part)
		return ""
	}
	cases := map[string]struct {
		reason string
		change func(w *deletionWorld)
		anew   bool
	}{
		"Circle": {
			reason: "Gateways that wait for the records of their cell, which wait for pods, which wait for gateways, never go.",
			change: func(w *deletionWorld) { usage(w, find(w, "Cell", ""), find(w, "CellRecord", ""), true) },
		},
		"MadeAnew": {
			reason: "A user that a new cluster makes at once keeps what the old one used.",
			change: func(w *deletionWorld) { usage(w, find(w, "TableGroup", ""), find(w, "Service", "multigateway"), true) },
			anew:   true,
		},
		"ProviderConfig": {
			reason: "A ProviderConfig is made anew at once as well.",
			change: func(w *deletionWorld) { usage(w, find(w, "TopoServer", ""), find(w, "ProviderConfig", ""), true) },
			anew:   true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			stuck := false
			for seed := range uint64(deletionSeeds) {
				w := newDeletionWorld(seed, trees["minimal"])
				old := maps.Clone(w.things)
				tc.change(w)
				w.delete(w.root, false)
				n := newAnew(w, old)
				for range 20000 {
					if tc.anew {
						n.make()
					}
					if !w.next() {
						break
					}
				}
				for id, x := range old {
					stuck = stuck || w.things[id] == x && !kept(x)
				}
			}
			if !stuck {
				t.Errorf("%s\nthe world should get stuck", tc.reason)
			}
		})
	}
}
