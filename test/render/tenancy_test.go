package render

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// TestOwnNamespace shows that the function asks for nothing, and composes nothing, outside the namespace of the composite, or of the
// claim behind it. Crossplane gets it what it asks for with rights of its own.
func TestOwnNamespace(t *testing.T) {
	for _, name := range valid(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			for _, c := range tree(t, name).calls {
				xr := &unstructured.Unstructured{Object: c.req.GetObserved().GetComposite().GetResource().AsMap()}

				own := xr.GetNamespace()
				if own == "" {
					own, _, _ = unstructured.NestedString(xr.Object, "spec", "claimRef", "namespace")
				}

				if own == "" {
					t.Fatalf("%s %s has no namespace", xr.GetKind(), xr.GetName())
				}

				for what, r := range c.rsp.GetRequirements().GetResources() {
					if r.GetNamespace() != own {
						t.Errorf("%s %s asks for %s, a %s in namespace %q: it should be %q", xr.GetKind(), xr.GetName(), what, r.GetKind(), r.GetNamespace(), own)
					}
				}

				for key, r := range c.rsp.GetDesired().GetResources() {
					o := &unstructured.Unstructured{Object: r.GetResource().AsMap()}
					ns := o.GetNamespace()

					// What is there stays where it is, and what names no namespace is made in the composite's.
					if ns == "" {
						there := &unstructured.Unstructured{Object: c.req.GetObserved().GetResources()[key].GetResource().AsMap()}
						ns = cmp.Or(there.GetNamespace(), xr.GetNamespace())
					}

					if ns != own {
						t.Errorf("%s %s composes %s in namespace %q: it should be %q", xr.GetKind(), xr.GetName(), key, ns, own)
					}
				}
			}
		})
	}
}

// TestNoFieldNamesANamespace shows that no field of a kind that tenants have can say where something else is: what it refers to by name
// is in its own namespace.
func TestNoFieldNamesANamespace(t *testing.T) {
	var files []string

	for _, pattern := range []string{"../../package/configuration/xrd-*.yaml", "../../package/provider/crds/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("cannot find %s: %v", pattern, err)
		}

		files = append(files, found...)
	}

	for _, file := range files {
		all, err := manifest.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		// Only platform teams have those that are in no namespace.
		scope, _, _ := unstructured.NestedString(all[0].Object, "spec", "scope")
		if scope == "Cluster" {
			continue
		}

		versions, _, _ := unstructured.NestedSlice(all[0].Object, "spec", "versions")
		if len(versions) == 0 {
			t.Errorf("%s has no version", file)
		}

		for _, v := range versions {
			version, _ := v.(map[string]any)
			schema, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema")

			for _, path := range namespaces("", schema) {
				t.Errorf("%s: %s should not name a namespace", filepath.Base(file), path)
			}
		}
	}
}

// namespaces are the fields of a schema that name a namespace.
func namespaces(path string, schema map[string]any) []string {
	var found []string

	properties, _ := schema["properties"].(map[string]any)
	for field, s := range properties {
		name := path + "." + field
		if strings.HasSuffix(strings.ToLower(field), "namespace") {
			found = append(found, name)
		}

		s, _ := s.(map[string]any)
		found = append(found, namespaces(name, s)...)
	}

	for _, of := range []string{"items", "additionalProperties"} {
		if s, ok := schema[of].(map[string]any); ok {
			found = append(found, namespaces(path+"[]", s)...)
		}
	}

	slices.Sort(found)

	return found
}

// TestNamespacesFound shows that the search finds what it looks for.
func TestNamespacesFound(t *testing.T) {
	all, err := manifest.ReadFile("../../package/provider/crds/m.multigres.com_clusterproviderconfigs.yaml")
	if err != nil {
		t.Fatal(err)
	}

	versions, _, _ := unstructured.NestedSlice(all[0].Object, "spec", "versions")
	version, _ := versions[0].(map[string]any)
	schema, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema")

	want := []string{".spec.credentials.secretRef.namespace", ".spec.tls.caSecretRef.namespace", ".spec.tls.clientCertSecretRef.namespace"}
	if got := namespaces("", schema); !slices.Equal(got, want) {
		t.Errorf("fields that name a namespace should be %v, not %v", want, got)
	}
}
