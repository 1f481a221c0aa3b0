package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/xcrd"
	xpextv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// ClaimKind is the kind of the claim of a cluster.
const ClaimKind = "MultigresClusterClaim"

// legacyComposite returns the cluster-scoped composite that Crossplane makes for a claim. Its name ends with a fixed suffix here:
// Crossplane's is random.
func legacyComposite(claim *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	ns := claim.GetNamespace()
	if ns == "" {
		ns = "default"
	}
	spec, _, err := unstructured.NestedMap(claim.Object, "spec")
	if err != nil {
		return nil, errors.Wrapf(err, "cannot render claim %q", claim.GetName())
	}
	if spec == nil {
		spec = map[string]any{}
	}
	maps.DeleteFunc(spec, func(f string, _ any) bool { return isMachinery(f) })
	spec["claimRef"] = map[string]any{
		"apiVersion": claim.GetAPIVersion(), "kind": claim.GetKind(), "namespace": ns, "name": claim.GetName(),
	}
	xr := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	xr.SetAPIVersion(claim.GetAPIVersion())
	xr.SetKind(v1alpha1.XMultigresClusterKind)
	xr.SetName(claim.GetName() + "-claim")
	xr.SetAnnotations(withoutKubernetes(claim.GetAnnotations()))
	xr.SetLabels(withoutKubernetes(claim.GetLabels()))
	setLabel(xr, labelComposite, xr.GetName())
	setLabel(xr, labelClaim, claim.GetName())
	setLabel(xr, labelClaimSpace, ns)
	return xr, nil
}

// isMachinery is true for the fields of a claim's spec that are Crossplane's own and stay with the claim, such as the name of its
// connection Secret.
func isMachinery(f string) bool {
	if slices.Contains(xcrd.PropagateSpecProps, f) {
		return false
	}
	_, ofClaim := xcrd.CompositeResourceClaimSpecProps(nil)[f]
	_, ofComposite := xcrd.CompositeResourceSpecProps(xpextv1.CompositeResourceScopeLegacyCluster, nil)[f]
	return ofClaim || ofComposite
}

// withoutKubernetes leaves out labels or annotations that are Kubernetes' own. Crossplane does not hand them on to a composite.
func withoutKubernetes(in map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range in {
		domain, _, _ := strings.Cut(k, "/")
		if !strings.HasSuffix(domain, "kubernetes.io") && !strings.HasSuffix(domain, "k8s.io") {
			out[k] = v
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
