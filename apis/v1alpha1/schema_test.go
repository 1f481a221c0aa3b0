package v1alpha1

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-tools/pkg/crd"
	crdmarkers "sigs.k8s.io/controller-tools/pkg/crd/markers"
	"sigs.k8s.io/controller-tools/pkg/loader"
	"sigs.k8s.io/controller-tools/pkg/markers"
	"sigs.k8s.io/yaml"
)

// generate makes the definitions of all kinds from the markers of this package.
// Loading the package takes a second, so it happens once.
var generate = sync.OnceValues(func() (map[string]extv1.CustomResourceDefinition, error) {
	roots, err := loader.LoadRoots(".")
	if err != nil {
		return nil, err
	}
	reg := &markers.Registry{}
	if err := crdmarkers.Register(reg); err != nil {
		return nil, err
	}
	p := &crd.Parser{Collector: &markers.Collector{Registry: reg}, Checker: &loader.TypeChecker{}}
	crd.AddKnownTypes(p)
	for _, r := range roots {
		p.NeedPackage(r)
	}
	for _, gvk := range crd.FindKubeKinds(p, crd.FindMetav1(roots)) {
		p.NeedCRDFor(schema.GroupKind{Group: gvk.Group, Kind: gvk.Kind}, nil)
	}
	out := map[string]extv1.CustomResourceDefinition{}
	for gk, d := range p.CustomResourceDefinitions {
		crd.FixTopLevelMetadata(d)
		out[gk.Kind] = d
	}
	return out, nil
})

// definition returns the definition of a kind as the API server holds it.
func definition(t *testing.T, kind string) *apiextensions.CustomResourceDefinition {
	t.Helper()
	defs, err := generate()
	if err != nil {
		t.Fatalf("cannot generate definitions: %v", err)
	}
	d, ok := defs[kind]
	if !ok {
		t.Fatalf("there is no definition of %s", kind)
	}
	in := d.DeepCopy()
	extv1.SetDefaults_CustomResourceDefinition(in)
	extv1.SetDefaults_CustomResourceDefinitionSpec(&in.Spec)
	out := &apiextensions.CustomResourceDefinition{}
	if err := extv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(in, out, nil); err != nil {
		t.Fatalf("cannot convert the definition of %s: %v", kind, err)
	}
	out.Status.StoredVersions = []string{Version}
	return out
}

// A checker refuses objects as the API server would.
type checker struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func newChecker(t *testing.T, kind string) *checker {
	t.Helper()
	s := definition(t, kind).Spec.Validation.OpenAPIV3Schema
	structural, err := structuralschema.NewStructural(s)
	if err != nil {
		t.Fatalf("the schema of %s is not structural: %v", kind, err)
	}
	v, _, err := validation.NewSchemaValidator(s)
	if err != nil {
		t.Fatalf("cannot make a validator of %s: %v", kind, err)
	}
	return &checker{structural: structural, schema: v, rules: cel.NewValidator(structural, true, math.MaxInt64)}
}

// check returns what is wrong with an object that replaces old, if there is one.
func (c *checker) check(object, old map[string]any) field.ErrorList {
	var errs field.ErrorList
	pruned := runtime.DeepCopyJSON(object)
	unknown := pruning.PruneWithOptions(pruned, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		errs = append(errs, field.Forbidden(field.NewPath(path), "unknown field"))
	}
	errs = append(errs, validation.ValidateCustomResource(nil, object, c.schema)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, c.structural, object)...)
	var before any
	if old != nil {
		before = old
	}
	violations, _ := c.rules.Validate(context.Background(), nil, c.structural, object, before, math.MaxInt64)
	return append(errs, violations...)
}

// parse reads a YAML object.
func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("cannot parse the object of the test: %v", err)
	}
	u := map[string]any{}
	if err := json.Unmarshal(b, &u); err != nil {
		t.Fatalf("cannot parse the object of the test: %v", err)
	}
	return integers(u).(map[string]any)
}

// integers turns whole numbers into integers, as the API server's decoder does.
func integers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = integers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case float64:
		if v == math.Trunc(v) {
			return int64(v)
		}
	}
	return v
}

func TestDefinitions(t *testing.T) {
	for gvk := range kinds {
		t.Run(gvk.Kind, func(t *testing.T) {
			d := definition(t, gvk.Kind)
			for _, err := range crdvalidation.ValidateCustomResourceDefinition(t.Context(), d) {
				t.Errorf("The API server must accept the schema, the cost of its rules included: %v", err)
			}
		})
	}
}
