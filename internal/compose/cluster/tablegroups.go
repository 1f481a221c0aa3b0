package cluster

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// addTableGroups adds the table groups. A pooler exits without the records of its cell and database, and initialises its data
// directory with the superuser's password, so they wait for all of these.
func (a *assembly) addTableGroups() {
	cells := make([]string, 0, len(a.c.Cells))
	for i := range a.c.Cells {
		cells = append(cells, naming.KeyCellRecord(a.c.Cells[i].Name))
	}
	open := a.s.IsReady(cells...) && a.passwordReady()
	settings := dataPlaneSettings(a.c)
	for i := range a.c.Databases {
		db := &a.c.Databases[i]
		settings.DurabilityPolicy = db.Durability
		open := open && a.s.IsReady(naming.KeyDatabaseRecord(db.Name))
		for j := range db.TableGroups {
			tg := &db.TableGroups[j]
			a.addNamed(open, "records and password", naming.KeyTableGroup(db.Name, tg.Name), buildTableGroup(a.c, db, tg, settings), db.Name+"/"+tg.Name)
		}
	}
}

// dataPlaneSettings returns what is the same for all shards of the cluster. The durability policy is the database's.
func dataPlaneSettings(c *cluster) v1alpha1.DataPlaneSettings {
	labels := make(map[v1alpha1.CellName]map[string]string, len(c.Cells))
	for i := range c.Cells {
		labels[v1alpha1.CellName(c.Cells[i].Name)] = c.Cells[i].TopologyLabels
	}
	return v1alpha1.DataPlaneSettings{
		ClusterName:               c.Name,
		ProjectRef:                c.ProjectRef,
		Images:                    c.Images.ForShard(),
		GlobalTopoServer:          c.GlobalTopo.Ref,
		ProviderConfigRef:         c.managed,
		CertificateIssuerRef:      c.CertificateIssuerRef,
		InternalTLS:               internalTLSConfig(c),
		Observability:             c.Observability,
		LogLevels:                 c.LogLevels,
		TopologyPruning:           &v1alpha1.TopologyPruningConfig{Enabled: ptr.To(c.TopologyPruning)},
		PostgresSuperuser:         c.Superuser,
		PostgresPasswordSecretRef: c.PasswordSecret,
		CellTopologyLabels:        labels,
	}
}

func buildTableGroup(c *cluster, db *resolve.Database, tg *resolve.TableGroup, settings v1alpha1.DataPlaneSettings) *v1alpha1.TableGroup {
	shards := make([]v1alpha1.ShardResolvedSpec, 0, len(tg.Shards))
	for i := range tg.Shards {
		shards = append(shards, tg.Shards[i].ShardResolvedSpec)
	}
	return &v1alpha1.TableGroup{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.TableGroupKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:        naming.TableGroup(c.Name, db.Name, tg.Name),
			Labels:      naming.TableGroupLabels(c.Name, db.Name, tg.Name, naming.ComponentTableGroup),
			Annotations: naming.Merge(c.rollout, c.annotations()),
		},
		Spec: v1alpha1.TableGroupSpec{
			DataPlaneSettings: settings,
			DatabaseName:      v1alpha1.DatabaseName(db.Name),
			TableGroupName:    v1alpha1.TableGroupName(tg.Name),
			IsDefault:         tg.Default,
			Shards:            shards,
			PVCDeletionPolicy: &tg.PVCDeletionPolicy,
			Backup:            &tg.Backup,
		},
	}
}
