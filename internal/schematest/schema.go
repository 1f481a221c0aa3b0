package schematest

import (
	"context"
	"os"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xcrd"
	xpextv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// A Schema is the schema of the storage version of one kind.
type Schema struct {
	crd        *extv1.CustomResourceDefinition
	props      *extv1.JSONSchemaProps
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	cel        *schemacel.Validator

	// bare is the schema without CEL rules, once somebody asked for it.
	bare *Schema
}

// LoadCRD loads the CustomResourceDefinition in the YAML file at the supplied path. It returns an error if the file cannot
// be read, holds unknown fields, or holds no schema that objects can be validated with.
func LoadCRD(path string) (*Schema, error) {
	crd := &extv1.CustomResourceDefinition{}
	if err := load(path, crd); err != nil {
		return nil, err
	}

	return New(crd)
}

// LoadXRD loads the CompositeResourceDefinition (of version v1 or v2) in the YAML file at the supplied path, and returns
// the schema of the composite resource, with what Crossplane leaves out of it and adds to it.
func LoadXRD(path string) (*Schema, error) {
	xrd, err := loadXRD(path)
	if err != nil {
		return nil, err
	}

	crd, err := xcrd.ForCompositeResource(xrd)
	if err != nil {
		return nil, errors.Wrap(err, "cannot derive CRD of composite resource")
	}

	return New(crd)
}

// LoadClaim loads the CompositeResourceDefinition in the YAML file at the supplied path, and returns the schema of the
// claim that it offers. It returns an error if it offers none.
func LoadClaim(path string) (*Schema, error) {
	xrd, err := loadXRD(path)
	if err != nil {
		return nil, err
	}

	crd, err := xcrd.ForCompositeResourceClaim(xrd)
	if err != nil {
		return nil, errors.Wrap(err, "cannot derive CRD of claim")
	}

	return New(crd)
}

// New returns the schema of the storage version of the supplied definition.
func New(crd *extv1.CustomResourceDefinition) (*Schema, error) {
	for _, v := range crd.Spec.Versions {
		if !v.Storage || v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
			continue
		}

		return newSchema(crd, v.Schema.OpenAPIV3Schema)
	}

	return nil, errors.Errorf("cannot use CRD %q: no storage version with a schema", crd.GetName())
}

// CheckDefinition returns what an API server would have against the definition: a schema that is not structural, a default
// that is not valid, a CEL rule that does not compile or may cost too much.
func (s *Schema) CheckDefinition() field.ErrorList {
	crd := s.crd.DeepCopy()
	extv1.SetDefaults_CustomResourceDefinition(crd)
	extv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)

	out := &apiextensions.CustomResourceDefinition{}
	if err := extv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, out, nil); err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}

	// The API server records the storage version before it validates a new definition.
	for _, v := range out.Spec.Versions {
		if v.Storage {
			out.Status.StoredVersions = []string{v.Name}
		}
	}

	return extvalidation.ValidateCustomResourceDefinition(context.Background(), out)
}

// Definition returns the definition that the schema is part of. For a CompositeResourceDefinition it is the one that
// Crossplane derives from it.
func (s *Schema) Definition() *extv1.CustomResourceDefinition { return s.crd.DeepCopy() }

func newSchema(crd *extv1.CustomResourceDefinition, props *extv1.JSONSchemaProps) (*Schema, error) {
	in := &apiextensions.JSONSchemaProps{}
	if err := extv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(props.DeepCopy(), in, nil); err != nil {
		return nil, errors.Wrap(err, "cannot convert schema")
	}

	ss, err := structuralschema.NewStructural(in)
	if err != nil {
		return nil, errors.Wrap(err, "cannot read structural schema")
	}

	sv, _, err := validation.NewSchemaValidator(in)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make schema validator")
	}

	return &Schema{
		crd:        crd,
		props:      props,
		structural: ss,
		validator:  sv,
		cel:        schemacel.NewValidator(ss, true, celconfig.PerCallLimit),
	}, nil
}

func loadXRD(path string) (*xpextv1.CompositeResourceDefinition, error) {
	xrd := &xpextv1.CompositeResourceDefinition{}
	if err := load(path, xrd); err != nil {
		return nil, err
	}

	// The definition that Crossplane derives is owned by this one, which an API server would have given an identity.
	xrd.SetUID("c0ffee00-0000-4000-8000-000000000000")

	// Both versions are stored as one, and differ only in the scope that is meant by default.
	if xrd.APIVersion == xpextv2.SchemeGroupVersion.String() && xrd.Spec.Scope == nil {
		namespaced := xpextv1.CompositeResourceScopeNamespaced
		xrd.Spec.Scope = &namespaced
	}

	return xrd, nil
}

func load(path string, into any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return errors.Wrap(err, "cannot read definition")
	}

	return errors.Wrapf(yaml.UnmarshalStrict(b, into), "cannot decode %q", path)
}
