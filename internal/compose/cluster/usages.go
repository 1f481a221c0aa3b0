package cluster

import (
	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/cell"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A function does not run while its composite is deleted: then everything that the cluster is composed of goes at once. Usages
// hold back what others need on their way out. Kubernetes retries a deletion that was refused.
//
// Three rules keep them from holding back for ever. What uses something is never made anew before what it uses has gone, or a
// cluster of the same name, made at once, would keep the old one alive. No chain of usages, owners and finalizers is a circle.
// And in a cluster that lives, a Usage goes before what it protects, or the refused deletion would stop the whole composition.
//
// They are few, because each costs a write per minute and, at the end, up to half a minute for each stage (Crossplane v2.4.0
// polls them). The order among the records is the provider's, which keeps their finalizers.

// kindUsage is that of what protects something from deletion.
var kindUsage = schema.GroupKind{Group: protection.Group, Kind: protection.UsageKind}

// A usage says that one object needs another one.
type usage struct {
	of, by schema.GroupVersionKind
	ofName string
	byName string

	// replay deletes what was used as soon as it is not any more, if somebody tried before. It is only for what is gone for
	// good when its last Usage goes: an attempt is remembered for as long as the object lives.
	replay bool

	reason string
}

// addUsages adds what gives the deletion of the cluster its order: the gateways stop before the table groups, and topology
// servers when no record is left in them.
func (a *assembly) addUsages() {
	for i := range a.c.Cells {
		c := &a.c.Cells[i]
		a.addTopologyUsage(c.Name)
		local := c.LocalTopo != nil && c.LocalTopo.Etcd != nil && a.s.Observed(naming.KeyCell(c.Name)).IsTrue(cell.TypeLocalTopoReady)
		a.addUsage(local && a.s.Observed(naming.KeyCellRecord(c.Name)).Exists(), keyLocalTopoUsage(c.Name), localTopoUsage(a.c.Name, c.Name))
		for j := range a.c.Databases {
			db := &a.c.Databases[j]
			for k := range db.TableGroups {
				a.addGatewayUsage(c.Name, db.Name, db.TableGroups[k].Name)
			}
		}
	}
}

// addTopologyUsage keeps the global topology server for as long as a cell has a record in it. The record of a cell is the last
// of all to go.
func (a *assembly) addTopologyUsage(cellName string) {
	open := a.c.GlobalTopo.Managed != nil && a.s.Observed(naming.KeyGlobalTopo).Exists() && a.s.Observed(naming.KeyCellRecord(cellName)).Exists()
	a.addUsage(open, keyGlobalTopoUsage(cellName), usage{
		of: topoServerKind, ofName: naming.GlobalTopoServer(a.c.Name),
		by: cellRecordKind, byName: naming.CellRecord(a.c.Name, cellName),
		replay: true, reason: "the topology server holds the record of cell " + cellName,
	})
}

func localTopoUsage(cluster, cellName string) usage {
	return usage{
		of: topoServerKind, ofName: naming.LocalTopoServer(cluster, cellName),
		by: cellRecordKind, byName: naming.CellRecord(cluster, cellName),
		replay: true, reason: "the topology server holds records of cell " + cellName,
	}
}

// addGatewayUsage keeps a table group for as long as a cell has gateways: what clients hold is closed before their server stops.
func (a *assembly) addGatewayUsage(cellName, database, tableGroup string) {
	open := a.s.Observed(naming.KeyTableGroup(database, tableGroup)).Exists() && a.s.Observed(naming.KeyCell(cellName)).Int("status", "gatewayReadyReplicas") > 0
	a.addUsage(open, naming.KeyUsage(naming.KeyTableGroup(database, tableGroup), naming.KeyCell(cellName)), usage{
		of: tableGroupKind, ofName: naming.TableGroup(a.c.Name, database, tableGroup),
		by: deploymentKind, byName: naming.GatewayDeployment(a.c.Name, cellName),
		reason: "gateways of cell " + cellName + " serve the table group",
	})
}

// addUsage adds a Usage once both of its ends exist. It is no part that the cluster waits for: it matters only at its end.
func (a *assembly) addUsage(open bool, key string, u usage) {
	a.s.AddWhen(open, "", key, buildUsage(a.c, key, u))
}

// keepLastTopologyUsage keeps one Usage of the global topology server while the cluster wants that server: when the last one
// goes, a deletion that was refused long ago would be made good for.
func (a *assembly) keepLastTopologyUsage() error {
	for i := range a.c.Cells {
		if a.s.Has(keyGlobalTopoUsage(a.c.Cells[i].Name)) {
			return nil
		}
	}
	if a.c.GlobalTopo.Managed == nil {
		return nil
	}
	for _, key := range a.leftover(kindUsage) {
		of := a.s.Observed(key).At("spec", "of")
		if of.GroupKind() == kindTopoServer && of.String("resourceRef", "name") == naming.GlobalTopoServer(a.c.Name) {
			return a.s.Keep(key)
		}
	}
	return nil
}

func keyGlobalTopoUsage(cellName string) string {
	return naming.KeyUsage(naming.KeyGlobalTopo, naming.KeyCellRecord(cellName))
}

func keyLocalTopoUsage(cellName string) string {
	return naming.KeyUsage(naming.KeyCell(cellName), naming.KeyCellRecord(cellName))
}

var (
	topoServerKind = v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.TopoServerKind)
	cellKind       = v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.CellKind)
	tableGroupKind = v1alpha1.SchemeGroupVersion.WithKind(v1alpha1.TableGroupKind)
	cellRecordKind = mv1alpha1.SchemeGroupVersion.WithKind(mv1alpha1.CellRecordKind)
	deploymentKind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
)

func buildUsage(c *cluster, key string, u usage) *protection.Usage {
	out := &protection.Usage{
		TypeMeta:   metav1.TypeMeta{APIVersion: protection.SchemeGroupVersion.String(), Kind: protection.UsageKind},
		ObjectMeta: metav1.ObjectMeta{Name: naming.Usage(c.Name, key), Labels: c.labels(naming.ComponentProtection)},
		Spec: protection.UsageSpec{
			Of: protection.NamespacedResource{
				APIVersion: u.of.GroupVersion().String(), Kind: u.of.Kind, ResourceRef: &protection.NamespacedResourceRef{Name: u.ofName},
			},
			By: &protection.Resource{
				APIVersion: u.by.GroupVersion().String(), Kind: u.by.Kind, ResourceRef: &protection.ResourceRef{Name: u.byName},
			},
			Reason: &u.reason,
		},
	}
	if u.replay {
		out.Spec.ReplayDeletion = ptr.To(true)
	}
	return out
}
