package render

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// ours is true for the kinds whose schemas are ours.
func ours(u *unstructured.Unstructured) bool {
	g := u.GroupVersionKind().Group
	return g == v1alpha1.Group || strings.HasSuffix(g, "."+v1alpha1.Group)
}

// own returns all objects of our kinds: those that the user wrote, and those of the tree with their status.
func (e *example) own() []*unstructured.Unstructured {
	us := append([]*unstructured.Unstructured{e.root}, e.others...)
	if e.tree != nil {
		e.tree.Walk(func(n *render.Node, _ int) { us = append(us, n.Object) })
	}
	out := us[:0:0]
	for _, u := range us {
		if !ours(u) {
			continue
		}
		// The plugin makes up no times.
		u = u.DeepCopy()
		if st, ok := u.Object["status"].(map[string]any); ok {
			stamp(st, metav1.NewTime(started))
		}
		out = append(out, u)
	}
	return out
}

// TestValidate has Crossplane's own tool validate all objects of our kinds.
func TestValidate(t *testing.T) {
	l := start(t)
	t.Run("Examples", func(t *testing.T) {
		for _, name := range names(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				missing, err := l.CLI.Validate(t.Context(), []string{configurationDir, crdsDir}, load(t, name).own()...)
				if err != nil {
					t.Errorf("Every object fits its schema.\nValidate(...): %v", err)
				}
				if diff := cmp.Diff([]string(nil), missing); diff != "" {
					t.Errorf("Every kind has a schema.\nValidate(...): -want missing, +got missing:\n%s", diff)
				}
			})
		}
	})
}

// TestSchemas does to all objects of our kinds what an API server with strict field validation does.
func TestSchemas(t *testing.T) {
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			for _, u := range load(t, name).own() {
				s, ok := schemas(t)[u.GroupVersionKind().GroupKind()]
				if !ok {
					t.Errorf("there is no schema for %s", identity(u))
					continue
				}
				obj := u.DeepCopy().Object
				if unknown := s.PruneUnknown(obj); len(unknown) > 0 {
					t.Errorf("%s: unknown fields %v", identity(u), unknown)
				}
				s.Default(obj)
				if errs := s.Validate(obj, nil); len(errs) > 0 {
					t.Errorf("%s: %v", identity(u), errs.ToAggregate())
				}
			}
		})
	}
}

var loadSchemas = sync.OnceValues(func() (map[schema.GroupKind]*schematest.Schema, error) {
	out := map[schema.GroupKind]*schematest.Schema{}
	add := func(glob string, loads ...func(string) (*schematest.Schema, error)) error {
		files, err := filepath.Glob(glob)
		if err != nil {
			return err
		}
		for _, f := range files {
			for _, load := range loads {
				s, err := load(f)
				if err != nil {
					return err
				}
				d := s.Definition()
				out[schema.GroupKind{Group: d.Spec.Group, Kind: d.Spec.Names.Kind}] = s
			}
		}
		return nil
	}
	if err := add(crdsDir+"/*.yaml", schematest.LoadCRD); err != nil {
		return nil, err
	}
	if err := add(configurationDir+"/xrd-*.yaml", schematest.LoadXRD); err != nil {
		return nil, err
	}
	return out, add(configurationDir+"/xrd-x*.yaml", schematest.LoadClaim)
})

func schemas(t *testing.T) map[schema.GroupKind]*schematest.Schema {
	t.Helper()
	out, err := loadSchemas()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
