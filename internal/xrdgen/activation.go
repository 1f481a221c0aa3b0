package xrdgen

import (
	"slices"

	xpextv1alpha1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1alpha1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// alwaysActive are the kinds of a Provider package that Crossplane installs as
// they are. All others become ManagedResourceDefinitions, which a provider with
// the safe-start capability starts with inactive. Source: Crossplane v2.4.0,
// controller/pkg/revision.
var alwaysActive = []string{"ProviderConfig", "ClusterProviderConfig", "ProviderConfigUsage", "ClusterProviderConfigUsage"}

// ActivationPolicy returns the policy that activates the kinds of the Provider
// package: the plain kinds and the managed resources, in the order of their
// names.
func ActivationPolicy(crds []*extv1.CustomResourceDefinition) *xpextv1alpha1.ManagedResourceActivationPolicy {
	policy := &xpextv1alpha1.ManagedResourceActivationPolicy{
		TypeMeta: metav1.TypeMeta{
			APIVersion: xpextv1alpha1.SchemeGroupVersion.String(),
			Kind:       xpextv1alpha1.ManagedResourceActivationPolicyKind,
		},
		ObjectMeta: metav1.ObjectMeta{Name: "configuration-multigres"},
	}

	for _, crd := range crds {
		if !slices.Contains(alwaysActive, crd.Spec.Names.Kind) {
			policy.Spec.Activations = append(policy.Spec.Activations, xpextv1alpha1.ActivationPolicy(crd.GetName()))
		}
	}

	slices.Sort(policy.Spec.Activations)

	return policy
}
