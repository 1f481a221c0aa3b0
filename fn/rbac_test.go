package fn_test

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/yaml"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// TestClusterRole proves that the role for Crossplane allows just the kinds that clusters are composed of: one that is missing
// would stop a composite without a word, one too many would be a right that nothing needs.
func TestClusterRole(t *testing.T) {
	b, err := os.ReadFile("../package/install/crossplane-rbac.yaml")
	if err != nil {
		t.Fatal(err)
	}
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict(b, role); err != nil {
		t.Fatal(err)
	}
	all := []string{"get", "list", "watch", "create", "update", "patch", "delete"}
	var granted []string
	for _, r := range role.Rules {
		if slices.Equal(r.Verbs, []string{"get", "list", "watch"}) {
			continue
		}
		if diff := cmp.Diff(all, r.Verbs); diff != "" {
			t.Errorf("verbs for %v: -want, +got:\n%s", r.Resources, diff)
		}
		for _, res := range r.Resources {
			granted = append(granted, r.APIGroups[0]+"/"+res)
		}
	}
	// Not composed, but asked for by Crossplane's own check of its rights.
	needed := map[string]bool{"/pods/status": true}
	us, err := manifest.Decode([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := render.Render(context.Background(), newFunction(), us[0], render.Options{UntilReady: true})
	if err != nil {
		t.Fatal(err)
	}
	tree.Walk(func(n *render.Node, _ int) {
		gvk := n.Object.GroupVersionKind()
		if gvk.Group == v1alpha1.Group || gvk.Group == mv1alpha1.Group {
			return
		}
		plural, _ := meta.UnsafeGuessKindToResource(gvk)
		needed[gvk.Group+"/"+plural.Resource] = true
	})
	var want []string
	for k := range needed {
		want = append(want, k)
	}
	slices.Sort(want)
	slices.Sort(granted)
	if diff := cmp.Diff(want, granted); diff != "" {
		t.Errorf("-needed, +granted:\n%s", diff)
	}
}
