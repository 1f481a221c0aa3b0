package xrdgen

import (
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpextv1 "github.com/crossplane/crossplane/apis/v2/apiextensions/v1"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	// DefaultRegistry is where the packages are published unless something else
	// is asked for.
	DefaultRegistry = "ghcr.io/crossplane-multigres"

	// repository of the Function package within the registry.
	repository = "function-multigres"

	// step is the name of the only step of every pipeline.
	step = "compose"

	// secretsNamespace is where Crossplane keeps the connection Secrets of claimed
	// composite resources, from which it fills those of the claims. It is the
	// namespace that Crossplane's chart installs to.
	secretsNamespace = "crossplane-system"

	// maxLabel is the length of a DNS label (RFC 1035, section 2.3.4).
	maxLabel = 63
)

// FunctionName returns the name of the Function when the package manager
// installs it as a dependency of the Configuration from the supplied registry.
//
// A Composition calls functions by the names of their objects. Only people can
// choose one; the package manager derives it from the path of the package
// without the host, so ghcr.io/crossplane-multigres/function-multigres is
// installed as crossplane-multigres-function-multigres. Source: Crossplane
// v2.4.0, controller/pkg/resolver, and ToDNSLabel of crossplane-runtime.
func FunctionName(registry string) string {
	path := registry + "/" + repository

	// As in an image reference, the first part is a host if it cannot be anything
	// else.
	if host, rest, _ := strings.Cut(path, "/"); strings.ContainsAny(host, ".:") || host == "localhost" {
		path = rest
	}

	label := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case strings.ContainsRune("-./:", r):
			return '-'
		}

		return -1
	}, path[:min(len(path), maxLabel)])

	return strings.Trim(label, "-")
}

// Composition returns the Composition of a composite resource: a pipeline that
// calls the supplied function once. It returns an error if there is no version
// that a Composition may refer to.
func Composition(crd *extv1.CustomResourceDefinition, function string) (*xpextv1.Composition, error) {
	i := slices.IndexFunc(crd.Spec.Versions, func(v extv1.CustomResourceDefinitionVersion) bool { return v.Storage })
	if i < 0 {
		return nil, errors.New("cannot find a storage version")
	}

	comp := &xpextv1.Composition{
		TypeMeta: metav1.TypeMeta{
			APIVersion: xpextv1.SchemeGroupVersion.String(),
			Kind:       xpextv1.CompositionKind,
		},
		ObjectMeta: metav1.ObjectMeta{Name: crd.GetName()},
		Spec: xpextv1.CompositionSpec{
			CompositeTypeRef: xpextv1.TypeReference{
				APIVersion: crd.Spec.Group + "/" + crd.Spec.Versions[i].Name,
				Kind:       crd.Spec.Names.Kind,
			},
			Mode: xpextv1.CompositionModePipeline,
			Pipeline: []xpextv1.PipelineStep{{
				Step:        step,
				FunctionRef: xpextv1.FunctionReference{Name: function},
			}},
		},
	}

	// Without it a claim never gets the connection Secret that it asks for.
	if crd.Spec.Scope == extv1.ClusterScoped {
		comp.Spec.WriteConnectionSecretsToNamespace = ptr.To(secretsNamespace)
	}

	return comp, nil
}
