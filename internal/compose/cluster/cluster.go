// Package cluster composes a MultigresCluster: the topology server and its records, the secrets and certificates, the cells and
// table groups with everything that applies to them resolved, the admin components, and the Services that clients connect to.
package cluster

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// Compose returns what a MultigresCluster becomes. Components that it pins no image for run the built-in ones.
func Compose(in compose.Input) (compose.Output, error) { return composeWith(in, resolve.DefaultImages) }

// WithUpdateStrategy returns a Composer like Compose for an installation whose clusters, where they choose no strategy, adopt new
// images by the given one.
func WithUpdateStrategy(s v1alpha1.ImageUpdateStrategy) compose.Composer {
	images := resolve.ImageDefaults{Set: resolve.DefaultImages.Set, Strategy: s}
	return func(in compose.Input) (compose.Output, error) { return composeWith(in, images) }
}

func composeWith(in compose.Input, images resolve.ImageDefaults) (compose.Output, error) {
	mc, errs := decode(in.XR)
	if err := compose.Invalid(append(errs, validateMetadata(mc)...)); err != nil {
		return compose.Output{}, err
	}
	rs := requirements(mc)
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}

	templates, errs := decodeTemplates(in, resolve.Names(&mc.Spec))
	rc, warnings, invalid := resolve.Resolve(mc, templates, images)
	errs = append(errs, validate(&mc.Spec)...)
	errs = append(errs, invalid...)
	errs = append(errs, rc.CheckAgainst(mc.Status.Effective)...)

	// Only the templates say which ConfigMaps there must be. They are asked for even if something is wrong already, so that
	// what is wrong with them is told along with it.
	refs := configRefs(&mc.Spec, rc)
	requireConfigs(rs, refs, mc.Namespace)
	c := newCluster(in, mc, rc)
	if leaving(in, c) {
		requireLeaving(rs, c)
	}
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}
	if err := compose.Invalid(append(errs, checkConfigs(in, refs)...)); err != nil {
		return compose.Output{}, err
	}

	a := newAssembly(in, c)
	a.addTopology()
	a.addPassword()
	a.addCertificates()
	a.addRecords()
	a.addCells()
	a.addTableGroups()
	a.addGateway()
	a.addAdmin()
	if err := a.addConnection(); err != nil {
		return compose.Output{}, err
	}
	a.addUsages()
	if err := a.retire(); err != nil {
		return compose.Output{}, err
	}
	out := a.output(mc, warnings)
	out.Requirements = rs
	return out, nil
}

// decode returns the parts of a MultigresCluster that matter here. Most of its metadata and status does not.
func decode(xr object.Object) (*v1alpha1.MultigresCluster, field.ErrorList) {
	doc := &struct {
		Spec   v1alpha1.MultigresClusterSpec `json:"spec"`
		Status struct {
			Images    *v1alpha1.ImagesStatus    `json:"images"`
			Effective *v1alpha1.EffectiveConfig `json:"effective"`
		} `json:"status"`
	}{}
	errs := object.Decode(xr, doc)
	return &v1alpha1.MultigresCluster{
		ObjectMeta: metav1.ObjectMeta{
			Name:        xr.Name(),
			Namespace:   xr.Namespace(),
			Generation:  xr.Generation(),
			Annotations: xr.StringMap("metadata", "annotations"),
		},
		Spec:   doc.Spec,
		Status: v1alpha1.MultigresClusterStatus{Images: doc.Status.Images, Effective: doc.Status.Effective},
	}, errs
}

// What a managed resource may do to what it stands for. Without Delete that outlives it.
var (
	policiesDelete = xpv2.ManagementPolicies{xpv2.ManagementActionAll}
	policiesRetain = xpv2.ManagementPolicies{
		xpv2.ManagementActionObserve, xpv2.ManagementActionCreate, xpv2.ManagementActionUpdate, xpv2.ManagementActionLateInitialize,
	}
)

// A cluster is a MultigresCluster with everything about it settled.
type cluster struct {
	*resolve.Cluster

	generation int64

	// project that the cluster belongs to, or its own name.
	project string

	// rollout holds the annotations that steer the rollouts of its shards.
	rollout map[string]string

	// password of the superuser. Empty if it is not known yet.
	password string

	// managed names the ProviderConfig of all managed resources of the cluster.
	managed *xpv2.ProviderConfigReference
}

func newCluster(in compose.Input, mc *v1alpha1.MultigresCluster, rc *resolve.Cluster) *cluster {
	c := &cluster{
		Cluster:    rc,
		generation: mc.Generation,
		project:    rc.ProjectRef,
		rollout:    naming.RolloutAnnotations(mc.Annotations),
		password:   secretValue(in.Find(requirePassword), rc.PasswordSecret.Key),
		managed:    &xpv2.ProviderConfigReference{Kind: mv1alpha1.ProviderConfigKind, Name: naming.ProviderConfig(rc.Name)},
	}
	if c.project == "" {
		c.project = c.Name
	}
	return c
}

// labels returns the labels of an object of the cluster as a whole.
func (c *cluster) labels(component string) map[string]string {
	return naming.ClusterLabels(c.Name, component)
}

// annotations returns the annotations of the composites below the cluster.
func (c *cluster) annotations() map[string]string {
	return map[string]string{naming.AnnotationProjectRef: c.project}
}

// internalTLS returns the name of the Secret with the certificate that a component shows to the others, and nothing if they
// speak plainly.
func (c *cluster) internalTLS(component string) string {
	if !c.InternalTLS {
		return ""
	}
	return naming.InternalTLSSecret(component, c.Name, c.Namespace)
}

// gatewayTLS returns the name of the Secret with the certificate that gateways show to clients, and nothing if they show none.
func (c *cluster) gatewayTLS() string {
	if c.CertCommonName == "" {
		return ""
	}
	return naming.GatewayTLSSecret(c.Name)
}
