// Package toposerver composes a TopoServer: the etcd cluster that holds the topology of a Multigres cluster, or of one of its
// cells.
package toposerver

import (
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Defaults of a TopoServer that nobody resolved, as one made by hand.
const (
	defaultReplicas int32 = 3
	defaultSize           = "1Gi"
)

// Compose returns what a TopoServer becomes.
func Compose(in compose.Input) (compose.Output, error) {
	ts := &v1alpha1.TopoServer{}
	errs := object.Decode(in.XR, ts)
	errs = append(errs, validate(&ts.Spec)...)
	if err := compose.Invalid(errs); err != nil {
		return compose.Output{}, err
	}
	t := server{TopoServer: ts, etcd: *ts.Spec.Etcd, labels: labels(ts), replicas: ptr.Deref(ts.Spec.Etcd.Replicas, defaultReplicas)}

	s := compose.NewSet(in.Observed)
	live := s.Observed(naming.KeyTopoStatefulSet)
	s.Add(naming.KeyTopoHeadlessService, buildHeadlessService(t))
	s.Add(naming.KeyTopoService, buildService(t))
	s.Add(naming.KeyTopoStatefulSet, buildStatefulSet(t, live))
	if t.replicas > 1 {
		s.Add(naming.KeyTopoPDB, buildPDB(t))
	}
	return output(in, t, s), nil
}

// A server is a TopoServer with everything about it settled.
type server struct {
	*v1alpha1.TopoServer

	etcd     v1alpha1.EtcdSpec
	labels   map[string]string
	replicas int32
}

// headless returns the name of the Service that gives each member its own host name.
func (s server) headless() string { return naming.TopoServerHeadlessService(s.Name) }

// quorum returns how many members etcd needs to serve.
func (s server) quorum() int32 { return s.replicas/2 + 1 }

// labels tells global from local topology servers in every selector: both belong to the same cluster, and clients of the one
// must never reach a member of the other.
func labels(ts *v1alpha1.TopoServer) map[string]string {
	cluster := ts.Spec.ClusterName
	if cluster == "" {
		cluster = ts.Name
	}
	if ts.Spec.CellName != "" {
		return naming.CellLabels(cluster, string(ts.Spec.CellName), naming.ComponentLocalTopo)
	}
	return naming.ClusterLabels(cluster, naming.ComponentGlobalTopo)
}

func validate(spec *v1alpha1.TopoServerSpec) field.ErrorList {
	p := field.NewPath("spec", "etcd")
	if spec.Etcd == nil {
		return field.ErrorList{field.Required(p, "a topology server needs etcd")}
	}
	var errs field.ErrorList
	if r := spec.Etcd.Replicas; r != nil && (*r < 1 || *r%2 == 0) {
		errs = append(errs, field.Invalid(p.Child("replicas"), *r, "must be an odd number: an even one adds no tolerance for failures"))
	}
	if q := spec.Etcd.Storage.Size; q != "" {
		if size, err := object.ParseQuantity(q); err != nil || size.Sign() <= 0 {
			errs = append(errs, field.Invalid(p.Child("storage", "size"), q, "must be a positive quantity such as 10Gi"))
		}
	}
	if spec.Etcd.Image == "" {
		errs = append(errs, field.Required(p.Child("image"), "name the etcd image"))
	}
	return errs
}
