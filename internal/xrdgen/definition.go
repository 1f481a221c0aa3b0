package xrdgen

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpextv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	xpextv2 "github.com/crossplane/crossplane/apis/v2/apiextensions/v2"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

// crossplaneColumns are the printer columns that Crossplane gives every
// composite resource and claim, in lower case. Source: crossplane-runtime,
// pkg/xcrd, functions CompositeResource(Claim)PrinterColumns.
var crossplaneColumns = []string{"synced", "ready", "composition", "compositionrevision", "connection-secret", "age"}

// claims are the names of the claims of cluster-scoped composite resources, by
// the kind of the composite resource.
var claims = map[string]extv1.CustomResourceDefinitionNames{
	"XMultigresCluster": {
		Kind:       "MultigresClusterClaim",
		ListKind:   "MultigresClusterClaimList",
		Plural:     "multigresclusterclaims",
		Singular:   "multigresclusterclaim",
		ShortNames: []string{"mgcc"},
		Categories: []string{"multigres"},
	},
}

// IsComposite is true if the kind of a definition is a composite resource: if
// it has a status.
func IsComposite(crd *extv1.CustomResourceDefinition) bool {
	return slices.ContainsFunc(crd.Spec.Versions, func(v extv1.CustomResourceDefinitionVersion) bool {
		return v.Subresources != nil && v.Subresources.Status != nil
	})
}

// Definition returns the CompositeResourceDefinition of a composite resource.
// It returns an error if a version has no schema, or if a cluster-scoped kind
// has no claim.
//
// The Go type is that of v1 for both API versions: they are stored as one and
// have the same fields, but v1 knows all scopes.
func Definition(crd *extv1.CustomResourceDefinition) (*xpextv1.CompositeResourceDefinition, error) {
	xrd := &xpextv1.CompositeResourceDefinition{
		TypeMeta:   metav1.TypeMeta{Kind: xpextv1.CompositeResourceDefinitionKind},
		ObjectMeta: metav1.ObjectMeta{Name: crd.GetName()},
		Spec: xpextv1.CompositeResourceDefinitionSpec{
			Group:                 crd.Spec.Group,
			Names:                 crd.Spec.Names,
			DefaultCompositionRef: &xpextv1.CompositionReference{Name: crd.GetName()},
		},
	}

	if err := setScope(xrd, crd.Spec.Scope); err != nil {
		return nil, err
	}

	for i := range crd.Spec.Versions {
		v, err := version(&crd.Spec.Versions[i])
		if err != nil {
			return nil, errors.Wrapf(err, "cannot derive version %q", crd.Spec.Versions[i].Name)
		}

		xrd.Spec.Versions = append(xrd.Spec.Versions, *v)
	}

	return xrd, nil
}

// setScope sets the scope and, with it, the API version that offers the scope.
func setScope(xrd *xpextv1.CompositeResourceDefinition, scope extv1.ResourceScope) error {
	if scope == extv1.NamespaceScoped {
		xrd.APIVersion = xpextv2.SchemeGroupVersion.String()
		xrd.Spec.Scope = ptr.To(xpextv1.CompositeResourceScopeNamespaced)

		return nil
	}

	names, ok := claims[xrd.Spec.Names.Kind]
	if !ok {
		return errors.Errorf("cannot find the claim of cluster-scoped kind %q", xrd.Spec.Names.Kind)
	}

	// There are no connectionSecretKeys: without them all keys that the function
	// sets are published, with them those that are missing from the list are not.
	xrd.APIVersion = xpextv1.SchemeGroupVersion.String()
	xrd.Spec.Scope = ptr.To(xpextv1.CompositeResourceScopeLegacyCluster)
	xrd.Spec.ClaimNames = &names

	return nil
}

func version(in *extv1.CustomResourceDefinitionVersion) (*xpextv1.CompositeResourceDefinitionVersion, error) {
	if in.Schema == nil || in.Schema.OpenAPIV3Schema == nil {
		return nil, errors.New("there is no schema")
	}

	raw, err := json.Marshal(schema(in.Schema.OpenAPIV3Schema))
	if err != nil {
		return nil, errors.Wrap(err, "cannot encode schema")
	}

	out := &xpextv1.CompositeResourceDefinitionVersion{
		Name:          in.Name,
		Referenceable: in.Storage,
		Served:        in.Served,
		Schema:        &xpextv1.CompositeResourceValidation{OpenAPIV3Schema: runtime.RawExtension{Raw: raw}},
	}

	if in.Deprecated {
		out.Deprecated = ptr.To(true)
		out.DeprecationWarning = in.DeprecationWarning
	}

	for _, c := range in.AdditionalPrinterColumns {
		if !slices.Contains(crossplaneColumns, strings.ToLower(c.Name)) {
			out.AdditionalPrinterColumns = append(out.AdditionalPrinterColumns, c)
		}
	}

	if in.Subresources != nil && in.Subresources.Scale != nil {
		out.Subresources = &xpextv1.CompositeResourceDefinitionVersionSubresources{Scale: in.Subresources.Scale}
	}

	return out, nil
}

// schema returns a schema without what Crossplane writes itself: the type, the
// metadata (of which it reads the maximum length of a name) and the conditions.
func schema(in *extv1.JSONSchemaProps) *extv1.JSONSchemaProps {
	out := in.DeepCopy()

	delete(out.Properties, "apiVersion")
	delete(out.Properties, "kind")
	delete(out.Properties, "metadata")

	if limit := in.Properties["metadata"].Properties["name"].MaxLength; limit != nil {
		out.Properties["metadata"] = extv1.JSONSchemaProps{
			Type:       "object",
			Properties: map[string]extv1.JSONSchemaProps{"name": {Type: "string", MaxLength: limit}},
		}
	}

	delete(out.Properties["status"].Properties, "conditions")

	return out
}
