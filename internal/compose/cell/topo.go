package cell

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// buildTopoServer builds the cell's own topology server. It runs where the cell runs: away from it, it would tie the cell to
// another failure domain.
func buildTopoServer(c *v1alpha1.Cell) *v1alpha1.TopoServer {
	etcd := *c.Spec.TopoServer.Etcd
	if etcd.Image == "" {
		etcd.Image = c.Spec.Images.Etcd
	}
	return &v1alpha1.TopoServer{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.TopoServerKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        naming.LocalTopoServer(c.Spec.ClusterName, string(c.Spec.Name)),
			Labels:      naming.CellLabels(c.Spec.ClusterName, string(c.Spec.Name), naming.ComponentLocalTopo),
			Annotations: map[string]string{naming.AnnotationProjectRef: project(c)},
		},
		Spec: v1alpha1.TopoServerSpec{
			ImagePullSpec:     c.Spec.Images.ImagePullSpec,
			ClusterName:       c.Spec.ClusterName,
			CellName:          c.Spec.Name,
			ProjectRef:        c.Spec.ProjectRef,
			Etcd:              &etcd,
			PVCDeletionPolicy: c.Spec.PVCDeletionPolicy,
			Placement:         c.Spec.MultigatewayPlacement,
			NodeSelector:      c.Spec.TopologyLabels,
		},
	}
}

func project(c *v1alpha1.Cell) string {
	if c.Spec.ProjectRef != "" {
		return c.Spec.ProjectRef
	}
	return c.Spec.ClusterName
}
