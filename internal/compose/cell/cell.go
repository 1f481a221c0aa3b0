// Package cell composes a Cell: the gateways of one failure domain and, if it has one of its own, its topology server.
package cell

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Names of the requirements.
const (
	requireRecord      = "cell-record"
	requireInternalTLS = "internal-tls"
	requireGatewayTLS  = "gateway-tls"
)

// TypeLocalTopoReady is the condition that is True if the cell's own topology server serves, or the cell has none.
const TypeLocalTopoReady = "LocalTopoReady"

// Compose returns what a Cell becomes.
func Compose(in compose.Input) (compose.Output, error) {
	c := &v1alpha1.Cell{}
	errs := object.Decode(in.XR, c)
	errs = append(errs, validate(&c.Spec)...)
	if err := compose.Invalid(errs); err != nil {
		return compose.Output{}, err
	}
	if c.Spec.ClusterName == "" {
		c.Spec.ClusterName = c.Name
	}
	rs := requirements(c)
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}

	s := compose.NewSet(in.Observed)
	if hasLocalEtcd(c) {
		s.Add(naming.KeyLocalTopo, buildTopoServer(c))
	}
	retiring, err := keepTopoServer(s)
	if err != nil {
		return compose.Output{}, err
	}
	if c.Spec.Drain {
		out := drain(in, c, s)
		out.Requirements = rs
		return out, nil
	}
	// A gateway without its cell's record exits after ten seconds, so it waits for it.
	registered := c.Spec.CellRecordName == "" || compose.Ready(in.Find(requireRecord))
	s.Add(naming.KeyGatewayService, buildService(c))
	s.AddWhen(registered, "the record of cell "+string(c.Spec.Name), naming.KeyGatewayDeployment, buildDeployment(c, renewals(in, c, s)))
	if replicas(c) > 1 {
		s.Add(naming.KeyGatewayPDB, buildPDB(c))
	}
	out := output(in, c, s, retiring)
	out.Requirements = rs
	return out, nil
}

func requirements(c *v1alpha1.Cell) map[string]compose.Requirement {
	rs := map[string]compose.Requirement{}
	if c.Spec.CellRecordName != "" {
		rs[requireRecord] = compose.Requirement{
			APIVersion: mv1alpha1.SchemeGroupVersion.String(),
			Kind:       mv1alpha1.CellRecordKind,
			Namespace:  c.Namespace,
			Name:       c.Spec.CellRecordName,
		}
	}
	// The cluster composes these, named as the Secrets that they make.
	for requirement, name := range certificates(c) {
		rs[requirement] = compose.Requirement{
			APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.TLSCertificateKind, Namespace: c.Namespace, Name: name,
		}
	}
	if c.Spec.Drain {
		rs[requireGateways] = compose.Requirement{
			APIVersion: appsv1.SchemeGroupVersion.String(),
			Kind:       "Deployment",
			Namespace:  c.Namespace,
			Name:       naming.GatewayDeployment(c.Spec.ClusterName, string(c.Spec.Name)),
		}
	}
	return rs
}

// keepTopoServer keeps a topology server that the specification no longer wants: it holds the cell's records until they have
// moved.
func keepTopoServer(s *compose.Set) ([]string, error) {
	if s.Has(naming.KeyLocalTopo) || !s.Observed(naming.KeyLocalTopo).Exists() {
		return nil, nil
	}
	return []string{s.Observed(naming.KeyLocalTopo).Describe()}, s.Keep(naming.KeyLocalTopo)
}

func hasLocalEtcd(c *v1alpha1.Cell) bool {
	return c.Spec.TopoServer != nil && c.Spec.TopoServer.Etcd != nil
}

func replicas(c *v1alpha1.Cell) int32 { return ptr.Deref(c.Spec.Multigateway.Replicas, 1) }

func validate(spec *v1alpha1.CellSpec) field.ErrorList {
	p := field.NewPath("spec")
	var errs field.ErrorList
	if spec.Name == "" {
		errs = append(errs, field.Required(p.Child("name"), "name the cell"))
	}
	if spec.GlobalTopoServer.Address == "" {
		errs = append(errs, field.Required(p.Child("globalTopoServer", "address"), "gateways must know where the topology is"))
	}
	if spec.Images.Multigateway == "" {
		errs = append(errs, field.Required(p.Child("images", "multigateway"), "name the gateway's image"))
	}
	b := spec.Multigateway.Buffer
	if b == nil {
		return errs
	}
	bp := p.Child("multigateway", "buffer")
	for name, d := range map[string]v1alpha1.Duration{
		"window": b.Window, "maxFailoverDuration": b.MaxFailoverDuration, "minTimeBetweenFailovers": b.MinTimeBetweenFailovers,
	} {
		if _, err := time.ParseDuration(string(d)); d != "" && err != nil {
			errs = append(errs, field.Invalid(bp.Child(name), d, "must be a duration such as 10s"))
		}
	}
	return errs
}
