package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// addCells adds the cells. They wait for nothing: a cell holds its gateways back itself until it is registered, and the
// registration may wait for the cell's own topology server.
func (a *assembly) addCells() {
	all := make([]v1alpha1.CellName, 0, len(a.c.Cells))
	for i := range a.c.Cells {
		all = append(all, v1alpha1.CellName(a.c.Cells[i].Name))
	}
	for i := range a.c.Cells {
		c := &a.c.Cells[i]
		a.addNamed(true, "", naming.KeyCell(c.Name), buildCell(a.c, c, all), c.Name)
	}
}

func buildCell(c *cluster, rc *resolve.Cell, all []v1alpha1.CellName) *v1alpha1.Cell {
	return &v1alpha1.Cell{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.CellKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        naming.Cell(c.Name, rc.Name),
			Labels:      naming.CellLabels(c.Name, rc.Name, naming.ComponentCell),
			Annotations: c.annotations(),
		},
		Spec: v1alpha1.CellSpec{
			Name:                  v1alpha1.CellName(rc.Name),
			ClusterName:           c.Name,
			ProjectRef:            c.ProjectRef,
			ZoneID:                v1alpha1.ZoneName(rc.ZoneID),
			Region:                v1alpha1.ZoneName(rc.Region),
			Zone:                  v1alpha1.ZoneName(rc.Zone),
			TopologyLabels:        rc.TopologyLabels,
			CellRecordName:        naming.CellRecord(c.Name, rc.Name),
			Images:                c.Images.ForCell(),
			Multigateway:          rc.Gateway,
			MultigatewayPlacement: rc.Placement,
			GlobalTopoServer:      c.GlobalTopo.Ref,
			TopoServer:            rc.LocalTopo,
			PVCDeletionPolicy:     rc.LocalTopoPVC,
			AllCells:              all,
			TopologyReconciliation: &v1alpha1.TopologyReconciliation{
				RegisterCell: ptr.To(true), PrunePoolers: ptr.To(c.TopologyPruning),
			},
			Observability:         c.Observability,
			LogLevels:             c.LogLevels,
			InternalTLS:           internalTLSConfig(c),
			InternalTLSSecretName: v1alpha1.SecretName(c.internalTLS(naming.ComponentMultiGateway)),
			CertCommonName:        c.CertCommonName,
			GatewayTLSSecretName:  v1alpha1.SecretName(c.gatewayTLS()),
		},
	}
}

// internalTLSConfig returns what the composites below the cluster are told of TLS between components, and nothing if there is
// none.
func internalTLSConfig(c *cluster) *v1alpha1.InternalTLSConfig {
	if !c.InternalTLS {
		return nil
	}
	return &v1alpha1.InternalTLSConfig{Enabled: ptr.To(true)}
}
