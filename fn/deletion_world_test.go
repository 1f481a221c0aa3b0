package fn_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// A thing is one object of a deletionWorld.
type thing struct {
	id    string // Kind and name.
	kind  string
	spec  map[string]any
	owner *thing // Its controller.
	held  bool   // It has a finalizer, or a grace period.

	deleting   bool
	foreground bool // It waits for what it owns.
	attempted  bool // Somebody tried to delete it while it was in use.
}

// A deletionWorld is a model of everything that takes part in deletion: the API server with finalizers and Crossplane's webhook,
// Kubernetes' garbage collector and kubelets, Crossplane's controller of Usages, and the provider by the rules of its kinds. It
// takes one step at a time, each picked at random among those that are possible. What it assumes:
//
//   - a composite has no finalizer that lasts, and no function runs while it is deleted (measured on Crossplane v2.4.0);
//   - the collector deletes in the background what lost its controller, and tries again if that is refused;
//   - a Usage refuses the deletion of what it names; a composed one that is deleted waits until its user is gone, and then
//     deletes what was used if it is to replay and an attempt was made (crossplane v2.4.0, internal/controller/protection/usage);
//   - a ShardRecord waits for its pods, a DatabaseRecord for its shards' records, a CellRecord for all records that list the
//     cell, each for its topology servers, unless these are certain to be gone with the cluster.
type deletionWorld struct {
	rng    *rand.Rand
	things map[string]*thing
	root   *thing
	story  []string

	// began are the topology servers that the cluster began with.
	began []*thing
	// dead topology servers answer nobody.
	dead bool
	// left are records that were given up.
	left []string
	// when holds the steps at which things began to go (with a minus sign before the id) and had gone.
	when map[string]int
}

// newDeletionWorld puts a rendered tree into a world, with the pods of workloads and the claims of volumes.
func newDeletionWorld(seed uint64, tree *render.Node) *deletionWorld {
	w := &deletionWorld{rng: rand.New(rand.NewPCG(seed, 1)), things: map[string]*thing{}, when: map[string]int{}}
	w.root = w.grow(tree, nil)
	w.began = w.of("TopoServer")
	return w
}

func (w *deletionWorld) grow(n *render.Node, owner *thing) *thing {
	t := w.put(n.Object.GetKind(), n.Object.GetName(), n.Object.Object, owner)
	switch t.kind {
	case "Deployment":
		w.put("Pod", n.Object.GetName()+"-0", nil, t)
	case "StatefulSet":
		w.put("Pod", n.Object.GetName()+"-0", nil, t)
		claim := w.put("PersistentVolumeClaim", "data-"+n.Object.GetName(), nil, nil)
		if t.str("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete" {
			claim.owner = t
		}
	case "VolumeClaim":
		w.put("PersistentVolumeClaim", n.Object.GetName(), nil, nil)
	case "Password":
		w.put("Secret", t.str("spec", "forProvider", "secretName"), nil, nil)
	}
	for _, c := range n.Children {
		w.grow(c, t)
	}
	return t
}

func (w *deletionWorld) put(kind, name string, spec map[string]any, owner *thing) *thing {
	t := &thing{id: kind + " " + name, kind: kind, spec: spec, owner: owner, held: slices.Contains(holding, kind)}
	w.things[t.id] = t
	return t
}

// holding are the kinds that do not go the moment they are deleted.
var holding = []string{
	"CellRecord", "DatabaseRecord", "ShardRecord", "VolumeClaim", "Password", "TLSCertificate", "ProviderConfig", "Usage", "Pod",
}

func (t *thing) str(path ...string) string {
	s, _, _ := unstructured.NestedString(t.spec, path...)
	return s
}

func (t *thing) strs(path ...string) []string {
	s, _, _ := unstructured.NestedStringSlice(t.spec, path...)
	return s
}

func (t *thing) name() string { _, n, _ := strings.Cut(t.id, " "); return n }

func (t *thing) param(name string) string { return t.str("spec", "forProvider", name) }

func (w *deletionWorld) has(id string) bool { return w.things[id] != nil }

// of returns the things of some kinds, of all without any, in a stable order.
func (w *deletionWorld) of(kinds ...string) []*thing {
	var out []*thing
	for _, t := range w.things {
		if len(kinds) == 0 || slices.Contains(kinds, t.kind) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *thing) int { return strings.Compare(a.id, b.id) })
	return out
}

func (w *deletionWorld) tellf(format string, a ...any) {
	w.story = append(w.story, fmt.Sprintf(format, a...))
}

// remove takes a thing out of the world.
func (w *deletionWorld) remove(t *thing, why string) {
	w.tellf("%s is gone: %s", t.id, why)
	w.when[t.id] = len(w.story)
	delete(w.things, t.id)
}

// usagesOf returns the Usages that refuse the deletion of a thing.
func (w *deletionWorld) usagesOf(t *thing) []*thing {
	var out []*thing
	for _, u := range w.of("Usage") {
		if u.str("spec", "of", "kind")+" "+u.str("spec", "of", "resourceRef", "name") == t.id {
			out = append(out, u)
		}
	}
	return out
}

func userOf(u *thing) string {
	return u.str("spec", "by", "kind") + " " + u.str("spec", "by", "resourceRef", "name")
}

// delete asks the API server to delete a thing.
func (w *deletionWorld) delete(t *thing, foreground bool) {
	if !w.has(t.id) || w.things[t.id] != t || t.deleting {
		return
	}
	if len(w.usagesOf(t)) > 0 {
		if !t.attempted {
			w.tellf("the deletion of %s is refused", t.id)
		}
		t.attempted = true
		return
	}
	t.deleting, t.foreground = true, foreground
	w.tellf("%s is deleted", t.id)
	w.when["-"+t.id] = len(w.story)
	if !t.held && !foreground {
		w.remove(t, "nothing holds it")
	}
}

func (w *deletionWorld) alive(t *thing) bool { return t != nil && w.things[t.id] == t }

func (w *deletionWorld) children(t *thing) []*thing {
	var out []*thing
	for _, c := range w.things {
		if c.owner == t {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *thing) int { return strings.Compare(a.id, b.id) })
	return out
}

// next takes one step, picked at random among those that are possible, and reports whether there was one.
func (w *deletionWorld) next() bool {
	ids := slices.Sorted(maps.Keys(w.things))
	for len(ids) > 0 {
		i := w.rng.IntN(len(ids))
		if f := w.step(w.things[ids[i]]); f != nil {
			f()
			return true
		}
		ids[i] = ids[len(ids)-1]
		ids = ids[:len(ids)-1]
	}
	return false
}

// step returns what happens next to a thing, and nil if nothing does.
func (w *deletionWorld) step(t *thing) func() {
	refused := len(w.usagesOf(t)) > 0 && t.attempted
	switch {
	case !t.deleting && t.owner != nil && !w.alive(t.owner) && !refused:
		return func() { w.delete(t, false) }
	case !t.deleting && t.owner != nil && t.owner.foreground && !refused:
		return func() { w.delete(t, true) }
	case !t.deleting:
		return nil
	case t.foreground && len(w.children(t)) > 0:
		return nil
	case t.foreground && !t.held:
		return func() { w.remove(t, "all that it owned is gone") }
	}
	return w.release(t)
}

// release returns how a thing that is held goes, and nil if it cannot yet.
func (w *deletionWorld) release(t *thing) func() {
	gone := func(why string) func() { return func() { w.remove(t, why) } }
	switch t.kind {
	case "Pod":
		return gone("its processes have stopped")
	case "Usage":
		return w.releaseUsage(t)
	case "ProviderConfig":
		if len(w.of("CellRecord", "DatabaseRecord", "ShardRecord")) == 0 {
			return gone("nothing uses it")
		}
		return nil
	case "CellRecord", "DatabaseRecord", "ShardRecord":
		return w.releaseRecord(t)
	case "VolumeClaim":
		if w.mounted(t.name()) {
			return nil
		}
	}
	return func() {
		if !retains(t) {
			for _, id := range []string{"PersistentVolumeClaim " + t.name(), "Secret " + t.param("secretName")} {
				if x := w.things[id]; x != nil && (t.kind == "VolumeClaim") == (x.kind == "PersistentVolumeClaim") {
					w.remove(x, "its managed resource deleted it")
				}
			}
		}
		w.remove(t, "the provider is done with it")
	}
}

func retains(t *thing) bool {
	p := t.strs("spec", "managementPolicies")
	return len(p) > 0 && !slices.Contains(p, "*") && !slices.Contains(p, "Delete")
}

func (w *deletionWorld) releaseUsage(u *thing) func() {
	if w.has(userOf(u)) {
		return nil
	}
	return func() {
		w.remove(u, userOf(u)+" is gone")
		of := w.things[u.str("spec", "of", "kind")+" "+u.str("spec", "of", "resourceRef", "name")]
		replay, _, _ := unstructured.NestedBool(u.spec, "spec", "replayDeletion")
		if of == nil {
			return
		}
		if replay && of.attempted {
			w.delete(of, false)
		}
	}
}

// mounted is true if a pod mounts the claim.
func (w *deletionWorld) mounted(claim string) bool {
	for _, p := range w.of("Pod") {
		if slices.Contains(claimsOf(p), claim) {
			return true
		}
	}
	return false
}

// claimsOf returns the claims of the volumes that a pod mounts.
func claimsOf(pod *thing) []string {
	var out []string
	vs, _, _ := unstructured.NestedSlice(pod.spec, "spec", "volumes")
	for _, v := range vs {
		m, _ := v.(map[string]any)
		if s, ok, _ := unstructured.NestedString(m, "persistentVolumeClaim", "claimName"); ok {
			out = append(out, s)
		}
	}
	return out
}

// releaseRecord returns how a record goes.
func (w *deletionWorld) releaseRecord(t *thing) func() {
	if retains(t) {
		return func() { w.remove(t, "its record stays in the topology") }
	}
	if w.needed(t) {
		return nil
	}
	if w.reachable(t) {
		return func() { w.remove(t, "its record is deleted") }
	}
	if w.alive(w.root) && !w.root.deleting {
		return nil
	}
	return func() {
		w.left = append(w.left, t.id)
		w.remove(t, "its topology server went with the cluster")
	}
}

// needed is true while something that exists depends on a record.
func (w *deletionWorld) needed(t *thing) bool {
	switch t.kind {
	case "ShardRecord":
		ps, _, _ := unstructured.NestedSlice(t.spec, "spec", "forProvider", "poolers")
		for _, p := range ps {
			m, _ := p.(map[string]any)
			if pod, _ := m["pod"].(string); w.has("Pod " + pod) {
				return true
			}
		}
	case "DatabaseRecord":
		for _, s := range w.of("ShardRecord") {
			if s.param("database") == t.param("database") {
				return true
			}
		}
	case "CellRecord":
		for _, r := range w.of("ShardRecord", "DatabaseRecord") {
			if slices.Contains(r.strs("spec", "forProvider", "cells"), t.param("cell")) {
				return true
			}
		}
	}
	return false
}

// reachable is true if the topology servers answer in which a record is kept: the global one and, for a shard, those of its
// cells. A server that somebody else runs does.
func (w *deletionWorld) reachable(t *thing) bool {
	var servers []string
	for _, s := range w.began {
		cell := s.str("spec", "cellName")
		if cell == "" || t.kind == "ShardRecord" && slices.Contains(t.strs("spec", "forProvider", "cells"), cell) {
			servers = append(servers, s.name())
		}
	}
	for _, name := range servers {
		if p := w.things["Pod "+name+"-0"]; p == nil || p.deleting || w.dead {
			return false
		}
	}
	return true
}

// run takes steps until nothing can happen any more.
func (w *deletionWorld) run(t *testing.T) {
	t.Helper()
	const most = 20000
	for range most {
		if !w.next() {
			return
		}
	}
	t.Fatalf("it never ends:\n%s", strings.Join(w.story[max(0, len(w.story)-40):], "\n"))
}

// remaining returns what is there beside volumes and Secrets, sorted.
func (w *deletionWorld) remaining() []string {
	out := []string{}
	for id, t := range w.things {
		if t.kind != "PersistentVolumeClaim" && t.kind != "Secret" {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}
