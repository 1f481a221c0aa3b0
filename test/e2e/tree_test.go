package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// annotationKey is on every composed object.
const annotationKey = "crossplane.io/composition-resource-name"

// TestTree shows that what is on the API server is what the user's tool renders
// without one: every object, every field that we set, of every example, made by a
// user who may edit clusters there and nothing else.
func TestTree(t *testing.T) {
	t.Parallel()

	for _, example := range examples(t) {
		if others[example] != "" {
			continue
		}

		t.Run(example, func(t *testing.T) {
			t.Parallel()

			shown := scenario(t)
			ns := namespace(t)
			root, required := readExample(t, example, ns)

			if prepare := beside[example]; prepare != nil {
				prepare(t, ns)
			}

			for _, o := range required {
				create(t, shared.Client(), o.DeepCopy())
			}

			o := root.DeepCopy()
			create(t, team(t, ns, "dave-"+example), o)

			eventually(t, "example is ready", func(ctx context.Context) error {
				if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
					return err
				}
				if !is(o, "Ready") {
					phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
					message, _, _ := unstructured.NestedString(o.Object, "status", "message")

					return errors.Wrapf(errNotYet, "%s %s", phase, message)
				}

				return nil
			})

			tree, err := render.Render(t.Context(), fn.New(), root, render.Options{Others: required, UntilReady: true})
			if err != nil {
				t.Fatal(err)
			}

			shown("%d objects as rendered", compareTree(t, ns, tree))
		})
	}
}

// compareTree compares a rendered tree with what is in a namespace and returns
// the number of objects.
func compareTree(t *testing.T, ns string, tree *render.Node) int {
	t.Helper()

	live := objects(t, ns)
	want := map[string]*unstructured.Unstructured{}

	tree.Walk(func(n *render.Node, depth int) {
		// What a claim becomes is in no namespace, and its name is drawn.
		if depth > 0 && n.Object.GetNamespace() != "" {
			want[n.Object.GetKind()+" "+n.Object.GetName()] = n.Object
		}
	})

	for _, name := range slices.Sorted(maps.Keys(want)) {
		o := live[name]
		if o == nil {
			t.Errorf("%s is rendered and not there", name)
			continue
		}

		for _, difference := range differences("", want[name].Object, o.Object) {
			t.Errorf("%s: %s", name, difference)
		}
	}

	for _, name := range slices.Sorted(maps.Keys(live)) {
		if live[name].GetAnnotations()[annotationKey] != "" && want[name] == nil {
			t.Errorf("%s is there and not rendered", name)
		}
	}

	return len(want)
}

// passing are the paths of fields that only a real cluster knows, or whose values
// are drawn.
var passing = []string{
	".status", ".metadata.ownerReferences", ".metadata.creationTimestamp", ".metadata.uid", ".metadata.resourceVersion",
	".metadata.generation", ".metadata.labels.crossplane.io/composite", ".data.password", ".data.connection_string", ".data.uri", ".data.dsn",
	".spec.crossplane", ".spec.forProvider.probe",
}

// differences says where a value that was applied is not what is there. Fields
// that others add are no difference.
func differences(path string, want, got any) []string {
	if slices.ContainsFunc(passing, func(p string) bool { return path == p }) {
		return nil
	}

	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok && len(want) > 0 {
			return []string{fmt.Sprintf("%s is missing", path)}
		}

		var all []string
		for _, key := range slices.Sorted(maps.Keys(want)) {
			all = append(all, differences(path+"."+key, want[key], got[key])...)
		}

		return all
	case []any:
		got, _ := got.([]any)
		if len(want) != len(got) {
			return []string{fmt.Sprintf("%s has %d items, not %d: %v", path, len(got), len(want), got)}
		}

		var all []string
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])...)
		}

		return all
	default:
		if equalValues(want, got) {
			return nil
		}

		return []string{fmt.Sprintf("%s is %v, not %v", path, got, want)}
	}
}

// equalValues compares scalars. The API server writes numbers and quantities in
// its own way, and leaves out what is empty.
func equalValues(want, got any) bool {
	w, g := fmt.Sprint(want), fmt.Sprint(got)
	if w == g || got == nil && (w == "" || w == "0" || w == "false") {
		return true
	}

	a, err := resource.ParseQuantity(w)
	if err != nil {
		return false
	}

	b, err := resource.ParseQuantity(g)

	return err == nil && a.Cmp(b) == 0
}

// TestDifferences shows that the comparison finds what differs.
func TestDifferences(t *testing.T) {
	want := map[string]any{"a": "1", "b": map[string]any{"c": []any{int64(1), "1Gi"}}, "status": "x"}

	for name, tc := range map[string]struct {
		reason string
		got    map[string]any
		want   string
	}{
		"Same":  {"What others add, other spellings and status are no difference.", map[string]any{"a": "1", "b": map[string]any{"c": []any{int64(1), "1024Mi"}, "d": 1}, "status": "y"}, ""},
		"Value": {"Another value is one.", map[string]any{"a": "2", "b": map[string]any{"c": []any{int64(1), "1Gi"}}}, ".a is 2, not 1"},
		"Less":  {"A missing field is one.", map[string]any{"a": "1"}, ".b is missing"},
		"Items": {"Another number of items is one.", map[string]any{"a": "1", "b": map[string]any{"c": []any{int64(1)}}}, ".b.c has 1 items, not 2: [1]"},
	} {
		if got := strings.Join(differences("", want, tc.got), "; "); got != tc.want {
			t.Errorf("%s: %s\n-want, +got:\n-%s\n+%s", name, tc.reason, tc.want, got)
		}
	}
}
