package xrdgen

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

var marshaler = reflect.TypeFor[json.Marshaler]()

// goFields returns the paths of all fields that a Go type reads and writes.
// Elements of lists and values of maps are [*].
func goFields(typ reflect.Type, path string) []string {
	// Such a type is a string or a number in JSON: a quantity, a time.
	if typ.Implements(marshaler) || reflect.PointerTo(typ).Implements(marshaler) {
		return nil
	}

	switch typ.Kind() { //nolint:exhaustive // All others have no fields.
	case reflect.Pointer:
		return goFields(typ.Elem(), path)
	case reflect.Slice, reflect.Map:
		return goFields(typ.Elem(), path+"[*]")
	case reflect.Struct:
	default:
		return nil
	}

	var out []string

	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && strings.Contains(options, "inline") {
			out = append(out, goFields(f.Type, path)...)
			continue
		}

		at := strings.TrimPrefix(path+"."+name, ".")
		out = append(out, at)
		out = append(out, goFields(f.Type, at)...)
	}

	return out
}

// schemaFields returns the paths of all fields that a schema knows.
func schemaFields(node *extv1.JSONSchemaProps, path string) []string {
	var out []string

	for name, child := range node.Properties {
		at := strings.TrimPrefix(path+"."+name, ".")
		out = append(out, at)
		out = append(out, schemaFields(&child, at)...)
	}

	if node.Items != nil && node.Items.Schema != nil {
		out = append(out, schemaFields(node.Items.Schema, path+"[*]")...)
	}

	if node.AdditionalProperties != nil && node.AdditionalProperties.Schema != nil {
		out = append(out, schemaFields(node.AdditionalProperties.Schema, path+"[*]")...)
	}

	return out
}

// undocumented returns the paths of all fields that say nothing about
// themselves.
func undocumented(node *extv1.JSONSchemaProps, path string) []string {
	var out []string

	for name, child := range node.Properties {
		at := strings.TrimPrefix(path+"."+name, ".")
		if child.Description == "" {
			out = append(out, at)
		}

		out = append(out, undocumented(&child, at)...)
	}

	if node.Items != nil && node.Items.Schema != nil {
		out = append(out, undocumented(node.Items.Schema, path+"[*]")...)
	}

	if node.AdditionalProperties != nil && node.AdditionalProperties.Schema != nil {
		out = append(out, undocumented(node.AdditionalProperties.Schema, path+"[*]")...)
	}

	return out
}

// own is true for a field that we declare: not the metadata of the object, and
// not the conditions, which Crossplane declares.
func own(path string) bool {
	return (strings.HasPrefix(path, "spec") || strings.HasPrefix(path, "status")) && !strings.HasPrefix(path, "status.conditions")
}

func TestFields(t *testing.T) {
	types := map[string]reflect.Type{
		"cells":              reflect.TypeFor[v1alpha1.Cell](),
		"celltemplates":      reflect.TypeFor[v1alpha1.CellTemplate](),
		"coretemplates":      reflect.TypeFor[v1alpha1.CoreTemplate](),
		"multigresclusters":  reflect.TypeFor[v1alpha1.MultigresCluster](),
		"shards":             reflect.TypeFor[v1alpha1.Shard](),
		"shardtemplates":     reflect.TypeFor[v1alpha1.ShardTemplate](),
		"tablegroups":        reflect.TypeFor[v1alpha1.TableGroup](),
		"toposervers":        reflect.TypeFor[v1alpha1.TopoServer](),
		"xmultigresclusters": reflect.TypeFor[v1alpha1.XMultigresCluster](),
	}

	found := map[string]*extv1.JSONSchemaProps{}

	for _, plural := range composites {
		found[plural] = written(t, definition(t, plural))
	}

	for _, plural := range templates {
		crd := &extv1.CustomResourceDefinition{}
		decode(t, filepath.Join(provider, "multigres.com_"+plural+".yaml"), crd)
		found[plural] = crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	}

	if diff := cmp.Diff(len(types), len(found)); diff != "" {
		t.Errorf("number of kinds: -want, +got:\n%s", diff)
	}

	for plural, typ := range types {
		t.Run(plural, func(t *testing.T) {
			want := filter(goFields(typ, ""))
			got := filter(schemaFields(found[plural], ""))

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("A field that only the type or only the schema knows would be lost: -want, +got:\n%s", diff)
			}

			if got := filter(undocumented(found[plural], "")); len(got) > 0 {
				t.Errorf("Every field must say what it is for; these do not: %v", got)
			}
		})
	}
}

// filter returns the paths that are ours, sorted and each once.
func filter(paths []string) []string {
	paths = slices.DeleteFunc(paths, func(p string) bool { return !own(p) })
	slices.Sort(paths)

	return slices.Compact(paths)
}
