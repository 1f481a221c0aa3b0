package render

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/engine"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// What Crossplane adds to composed objects.
const (
	annotationKey  = "crossplane.io/composition-resource-name"
	labelComposite = "crossplane.io/composite"
)

// A lab is our function as a process, with Crossplane's programs around it.
type lab struct {
	engine.Programs

	address string
}

// start starts the function.
func start(t *testing.T) lab {
	t.Helper()
	p, err := engine.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	f, err := engine.StartFunction(t.Context(), p.Function, "--at", told.Format(time.RFC3339))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Stop)
	return lab{Programs: p, address: f.Address}
}

// TestEngines renders every composite of every example once more with Crossplane's core and its CLI, against the function as a
// process, with the whole finished tree around it. Objects and status must be what the plugin has, and nothing may be deleted.
func TestEngines(t *testing.T) {
	l := start(t)
	t.Run("Examples", func(t *testing.T) {
		for _, name := range valid(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := tree(t, name)
				all := e.everything(t)
				e.tree.Walk(func(n *render.Node, _ int) {
					if !n.Composite {
						return
					}
					t.Run(n.Object.GetKind()+"/"+n.Object.GetName(), func(t *testing.T) { l.compare(t, n, all) })
				})
			})
		}
	})
}

// compare renders a composite with both programs.
func (l lab) compare(t *testing.T, n *render.Node, all []*unstructured.Unstructured) {
	t.Helper()
	in := l.input(t, n, all)
	core, err := l.Core.Render(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]*unstructured.Unstructured, 0, len(n.Children))
	for _, c := range n.Children {
		want = append(want, applied(c.Object))
	}
	if diff := cmp.Diff(byKey(want), byKey(composed(core.Composed))); diff != "" {
		t.Errorf("Crossplane composes what the plugin does.\nCore: -plugin, +core:\n%s", diff)
	}
	if len(core.Deleted) > 0 {
		t.Errorf("Nothing is deleted from a finished tree.\nCore: deleted %v", byKey(core.Deleted))
	}
	if core.Fatal != "" {
		t.Errorf("Core: fatal: %s", core.Fatal)
	}
	// The plugin watches nothing that could fall behind.
	if diff := cmp.Diff(status(n.Object), status(core.Composite, "Responsive")); diff != "" {
		t.Errorf("Crossplane writes the status that the plugin does.\nCore: -plugin, +core:\n%s", diff)
	}

	cli, err := l.CLI.Render(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byKey(composed(core.Composed)), byKey(composed(cli.Composed))); diff != "" {
		t.Errorf("The user's tool composes what Crossplane does.\nCLI: -core, +cli:\n%s", diff)
	}
	if diff := cmp.Diff(status(core.Composite, "Responsive", "Synced"), status(cli.Composite)); diff != "" {
		t.Errorf("The user's tool shows the status that Crossplane does.\nCLI: -core, +cli:\n%s", diff)
	}
}

// TestSteps renders every step that the plugin took on the way to a finished tree with Crossplane's core.
func TestSteps(t *testing.T) {
	l := start(t)
	t.Run("Examples", func(t *testing.T) {
		for _, name := range valid(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				e := tree(t, name)
				for i, c := range e.calls {
					if c.complete() {
						t.Run(fmt.Sprintf("%d-%s", i, c.kind()), func(t *testing.T) { l.step(t, c) })
					}
				}
			})
		}
	})
}

// step renders one call's composite with the core.
func (l lab) step(t *testing.T, c call) {
	t.Helper()
	xr := decode(t, c.req.GetObserved().GetComposite())
	n := &render.Node{Object: xr}
	for key, r := range c.req.GetObserved().GetResources() {
		n.Children = append(n.Children, &render.Node{Key: key, Object: decode(t, r)})
	}
	var all []*unstructured.Unstructured
	for _, rs := range c.req.GetRequiredResources() {
		for _, r := range rs.GetItems() {
			all = append(all, decode(t, r))
		}
	}
	core, err := l.Core.Render(t.Context(), l.input(t, n, distinct(all)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]any{}
	for key, r := range c.rsp.GetDesired().GetResources() {
		want[key] = bare(decode(t, r), xr).Object
	}
	got := map[string]map[string]any{}
	for _, u := range core.Composed {
		got[u.GetAnnotations()[annotationKey]] = bare(u, xr).Object
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Crossplane applies what the function answered.\nCore: -plugin, +core:\n%s", diff)
	}
	if len(core.Deleted) > 0 {
		t.Errorf("Nothing is deleted on the way.\nCore: deleted %v", byKey(core.Deleted))
	}
}

// TestInvalidEngines has both programs refuse the invalid example with the messages that the plugin has.
func TestInvalidEngines(t *testing.T) {
	l := start(t)
	e := load(t, invalid)
	var fatal *render.FatalError
	if !errorsAs(e.err, &fatal) {
		t.Fatalf("want a FatalError, got %v", e.err)
	}
	in := l.input(t, &render.Node{Object: e.root}, e.others)
	for name, r := range map[string]engine.Renderer{"Core": l.Core, "CLI": l.CLI} {
		t.Run(name, func(t *testing.T) {
			got, err := r.Render(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Join(fatal.Messages, "; "), got.Fatal); diff != "" {
				t.Errorf("The refusal is the function's own words.\n-plugin, +got:\n%s", diff)
			}
			if len(got.Composed)+len(got.Deleted) > 0 {
				t.Errorf("A refused composite changes nothing, got %d composed and %d deleted", len(got.Composed), len(got.Deleted))
			}
		})
	}
}

// input returns what a program needs to render a composite around which all the given objects exist.
func (l lab) input(t *testing.T, n *render.Node, all []*unstructured.Unstructured) engine.Input {
	t.Helper()
	xr := n.Object.DeepCopy()
	if xr.GetUID() == "" {
		xr.SetUID(uidOf(xr))
	}
	plural := strings.ToLower(xr.GetKind()) + "s"
	in := engine.Input{
		Composite:   xr,
		Composition: one(t, configurationDir+"/composition-"+plural+".yaml"),
		Definition:  one(t, configurationDir+"/xrd-"+plural+".yaml"),
	}
	step, _, _ := unstructured.NestedSlice(in.Composition.Object, "spec", "pipeline")
	name, _, _ := unstructured.NestedString(step[0].(map[string]any), "functionRef", "name")
	in.Functions = map[string]string{name: l.address}
	for _, c := range n.Children {
		u := c.Object.DeepCopy()
		if len(u.GetOwnerReferences()) == 0 {
			u.SetOwnerReferences(controlledBy(xr))
		}
		in.Observed = append(in.Observed, u)
	}
	// The core keeps all objects in one store: the composite and what it composes must not stand there a second time otherwise.
	for _, u := range distinct(append(slices.Clone(all), in.Observed...)) {
		if identity(u) != identity(xr) {
			in.Required = append(in.Required, u)
		}
	}
	return in
}

// everything returns all objects of a finished tree and beside it.
func (e *example) everything(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	out := slices.Clone(e.others)
	for _, c := range e.calls {
		for _, rs := range c.req.GetRequiredResources() {
			for _, r := range rs.GetItems() {
				out = append(out, decode(t, r))
			}
		}
	}
	// What is in the tree is newer than what calls found.
	e.tree.Walk(func(n *render.Node, _ int) { out = append(out, n.Object) })
	return distinct(out)
}

// distinct returns the last of the objects with each identity.
func distinct(us []*unstructured.Unstructured) []*unstructured.Unstructured {
	last := map[string]*unstructured.Unstructured{}
	for _, u := range us {
		last[identity(u)] = u
	}
	out := make([]*unstructured.Unstructured, 0, len(last))
	for _, k := range slices.Sorted(maps.Keys(last)) {
		out = append(out, last[k])
	}
	return out
}

// one reads the only object of a file.
func one(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	us, err := manifest.ReadFile(path)
	if err != nil || len(us) != 1 {
		t.Fatalf("cannot read the object in %s: %v", path, err)
	}
	return us[0]
}
