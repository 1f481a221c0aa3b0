package cluster

import (
	"slices"

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
	a.add(naming.KeyProviderConfig, buildProviderConfig(a.c, a.dedicatedEndpoints()))
}

// topologyOpen is true if there is no reason to expect that a record cannot be written: the topology server that the cluster
// runs itself serves. What else there is to know, the record says itself. The provider's configuration must be the cluster's
// own: one of a cluster of the same name, made and deleted before, goes when nothing uses it, and would not go any more.
func (a *assembly) topologyOpen() bool {
	return a.s.IsReady(naming.KeyProviderConfig) && (a.c.GlobalTopo.Managed == nil || a.s.IsReady(naming.KeyGlobalTopo))
}

// dedicatedEndpoints returns the endpoints of the topology servers that the cluster runs itself, each as it is written where it
// is used, sorted. Those of cells on their way out are among them.
func (a *assembly) dedicatedEndpoints() []string {
	var out []string
	managed := a.c.GlobalTopo.Managed != nil
	if managed {
		out = append(out, a.c.GlobalTopo.Endpoints...)
	}
	for i := range a.c.Cells {
		c := &a.c.Cells[i]
		if c.LocalTopo == nil && managed || c.LocalTopo != nil && c.LocalTopo.Etcd != nil {
			out = append(out, c.Record.Addresses...)
		}
	}
	for _, name := range a.leavingCells() {
		if a.s.Observed(naming.KeyCell(name)).Has("spec", "topoServer", "etcd") {
			out = append(out, a.s.Observed(naming.KeyCellRecord(name)).Strings("spec", "forProvider", "serverAddresses")...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
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

// buildProviderConfig builds what tells the provider how to reach the records of this cluster. It says which servers end with
// the cluster: of those nothing is left to clean up when they cannot be reached any more.
func buildProviderConfig(c *cluster, dedicated []string) *mv1alpha1.ProviderConfig {
	return &mv1alpha1.ProviderConfig{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.ProviderConfigKind},
		ObjectMeta: metav1.ObjectMeta{Name: naming.ProviderConfig(c.Name), Labels: c.labels(naming.ComponentTopology)},
		Spec: mv1alpha1.ProviderConfigSpec{
			Topology: mv1alpha1.Topology{
				Implementation: mv1alpha1.TopologyImplementation(c.GlobalTopo.Ref.Implementation),
				Endpoints:      c.GlobalTopo.Endpoints,
				Root:           string(c.GlobalTopo.Ref.RootPath),
			},
			TLS:                topologyTLS(c.GlobalTopo.Ref),
			DedicatedEndpoints: dedicated,
		},
	}
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
