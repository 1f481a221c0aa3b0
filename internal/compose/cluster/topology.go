package cluster

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// addTopology adds the topology server, unless something else runs it, and how the provider reaches it.
func (a *assembly) addTopology() {
	if a.c.GlobalTopo.Managed != nil {
		a.add(naming.KeyGlobalTopo, buildTopoServer(a.c))
	}
	a.add(naming.KeyProviderConfig, buildProviderConfig(a.c, a.localTopoCells()))
}

// topologyOpen is true if there is no reason to expect that a record cannot be written: the topology server that the cluster
// runs itself serves. What else there is to know, the record says itself.
func (a *assembly) topologyOpen() bool {
	return a.c.GlobalTopo.Managed == nil || a.s.IsReady(naming.KeyGlobalTopo)
}

// localTopoCells returns the cells that have a topology server of their own, those among them that are on their way out.
func (a *assembly) localTopoCells() []string {
	var out []string
	for i := range a.c.Cells {
		if c := &a.c.Cells[i]; c.LocalTopo != nil && c.LocalTopo.Etcd != nil {
			out = append(out, c.Name)
		}
	}
	for _, name := range a.leavingCells() {
		if a.s.Observed(naming.KeyCell(name)).Has("spec", "topoServer", "etcd") {
			out = append(out, name)
		}
	}
	return out
}

func buildTopoServer(c *cluster) *v1alpha1.TopoServer {
	return &v1alpha1.TopoServer{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.TopoServerKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        naming.GlobalTopoServer(c.Name),
			Labels:      c.labels(naming.ComponentGlobalTopo),
			Annotations: c.annotations(),
		},
		Spec: *c.GlobalTopo.Managed,
	}
}

// buildProviderConfig builds what tells the provider how to reach the records of this cluster.
// It names the topology servers that go with the cluster: of those nothing is left to clean up when they cannot be reached.
func buildProviderConfig(c *cluster, localTopoCells []string) *mv1alpha1.ProviderConfig {
	out := &mv1alpha1.ProviderConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.ProviderConfigKind},
		ObjectMeta: metav1.ObjectMeta{Name: naming.ProviderConfig(c.Name), Labels: c.labels(naming.ComponentTopology)},
		Spec: mv1alpha1.ProviderConfigSpec{
			Topology: mv1alpha1.Topology{
				Implementation: mv1alpha1.TopologyImplementation(c.GlobalTopo.Ref.Implementation),
				Endpoints:      c.GlobalTopo.Endpoints,
				Root:           string(c.GlobalTopo.Ref.RootPath),
			},
			TLS: topologyTLS(c.GlobalTopo.Ref),
		},
	}
	if c.GlobalTopo.Managed != nil {
		out.Spec.TopoServerRef = &mv1alpha1.TopoServerReference{Name: naming.GlobalTopoServer(c.Name)}
	}
	for _, name := range localTopoCells {
		out.Spec.CellTopoServerRefs = append(out.Spec.CellTopoServerRefs, mv1alpha1.CellTopoServerReference{
			Cell: name, Name: naming.LocalTopoServer(c.Name, name),
		})
	}
	return out
}

// topologyTLS returns how the topology server is trusted, and nothing if it speaks plainly.
func topologyTLS(ref v1alpha1.GlobalTopoServerRef) *mv1alpha1.ProviderConfigTLS {
	if ref.CASecret == "" && ref.ClientCertSecret == "" {
		return nil
	}
	out := &mv1alpha1.ProviderConfigTLS{}
	if ref.CASecret != "" {
		out.CASecretRef = &xpv2.LocalSecretReference{Name: string(ref.CASecret)}
	}
	if ref.ClientCertSecret != "" {
		out.ClientCertSecretRef = &xpv2.LocalSecretReference{Name: string(ref.ClientCertSecret)}
	}
	return out
}
