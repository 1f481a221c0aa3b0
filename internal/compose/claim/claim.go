// Package claim composes an XMultigresCluster, the composite behind a claim: the claimed MultigresCluster, in the namespace of the
// claim.
package claim

import (
	"cmp"
	"encoding/base64"
	"regexp"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// requireConnection names the requirement of the cluster's connection Secret.
const requireConnection = "connection-secret"

// maxName is the longest name of a cluster, which is part of the names of Services.
const maxName = 25

// name is the form of a cluster's name: Services are named after it, and theirs must begin with a letter.
var name = regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`)

// A document is what matters of an XMultigresCluster.
type document struct {
	Spec struct {
		v1alpha1.XMultigresClusterSpec `json:",inline"`

		// ClaimRef is Crossplane's. An XMultigresCluster that nobody claimed has none.
		ClaimRef *reference `json:"claimRef"`
	} `json:"spec"`
}

// A reference names a claim.
type reference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Compose returns what an XMultigresCluster becomes.
func Compose(in compose.Input) (compose.Output, error) {
	doc := &document{}
	errs := object.Decode(in.XR, doc)
	errs = append(errs, validate(doc.Spec.ClaimRef)...)
	if err := compose.Invalid(errs); err != nil {
		return compose.Output{}, err
	}
	claim, spec := *doc.Spec.ClaimRef, &doc.Spec.MultigresClusterSpec
	rs := requirements(claim, spec)
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}
	mc, err := buildCluster(in.XR, claim, spec)
	if err != nil {
		return compose.Output{}, err
	}
	live := in.Observed[naming.KeyCluster]
	out := output(in, claim, live)
	out.Requirements = rs
	out.Resources = map[string]compose.Resource{naming.KeyCluster: {Kept: mc, Ready: compose.Ready(live)}}
	out.ConnectionDetails = connectionDetails(in.Find(requireConnection))
	return out, nil
}

// validate returns why there can be no cluster with the name and in the namespace of the claim. Everything else is the cluster's
// own to refuse.
func validate(claim *reference) field.ErrorList {
	if claim == nil || claim.Namespace == "" || claim.Name == "" {
		return field.ErrorList{field.Required(field.NewPath("spec", "claimRef"),
			"an XMultigresCluster belongs to a MultigresClusterClaim, in whose namespace its cluster is; without a claim create a MultigresCluster")}
	}
	p := field.NewPath("metadata", "name")
	if len(claim.Name) > maxName {
		return field.ErrorList{field.TooLong(p, claim.Name, maxName)}
	}
	if !name.MatchString(claim.Name) {
		return field.ErrorList{field.Invalid(p, claim.Name, "must start with a letter and hold only lower-case letters, digits and dashes")}
	}
	return nil
}

func requirements(claim reference, spec *v1alpha1.MultigresClusterSpec) map[string]compose.Requirement {
	return map[string]compose.Requirement{requireConnection: {
		APIVersion: "v1",
		Kind:       "Secret",
		Namespace:  claim.Namespace,
		Name:       cmp.Or(spec.ConnectionSecretName, naming.ConnectionSecret(claim.Name)),
	}}
}

// buildCluster builds the claimed cluster. Its spec is what the user wrote, to the letter: an empty list of resource requests is
// not the same as none. What Crossplane keeps beside it in the composite stays there.
func buildCluster(xr object.Object, claim reference, spec *v1alpha1.MultigresClusterSpec) (object.Object, error) {
	mc := &v1alpha1.MultigresCluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.MultigresClusterKind},
		ObjectMeta: metav1.ObjectMeta{Name: claim.Name, Namespace: claim.Namespace},
		Spec:       *spec,
	}
	mc.Annotations = naming.RolloutAnnotations(xr.StringMap("metadata", "annotations"))
	if p := xr.Annotation(naming.AnnotationProjectRef); p != "" {
		mc.Annotations[naming.AnnotationProjectRef] = p
	}
	s, err := object.NewEncoder().Encode(mc)
	if err != nil {
		return object.Object{}, errors.Wrap(err, "cannot encode the claimed cluster")
	}
	fields := s.GetFields()["spec"].GetStructValue().GetFields()
	for f := range fields {
		fields[f] = xr.Value("spec", f)
	}
	return object.New(s), nil
}

// connectionDetails returns what the connection Secret holds. A value that is no base64 is left out.
func connectionDetails(secret object.Object) map[string][]byte {
	data := secret.StringMap("data")
	if len(data) == 0 {
		return nil
	}
	out := make(map[string][]byte, len(data))
	for k, v := range data {
		if b, err := base64.StdEncoding.DecodeString(v); err == nil {
			out[k] = b
		}
	}
	return out
}
