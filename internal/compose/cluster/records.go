package cluster

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/cell"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// addRecords adds the records of cells and databases. They wait for the servers that hold and serve them.
func (a *assembly) addRecords() {
	open := a.topologyOpen()
	for i := range a.c.Cells {
		c := &a.c.Cells[i]
		a.addNamed(open && a.localTopoReady(c), "the topology server", naming.KeyCellRecord(c.Name), buildCellRecord(a.c, c), c.Name)
	}
	cells := a.recordedCells()
	for i := range a.c.Databases {
		db := &a.c.Databases[i]
		a.addNamed(open, "the topology server", naming.KeyDatabaseRecord(db.Name), buildDatabaseRecord(a.c, db, cells), db.Name)
	}
}

// localTopoReady is true if the cell's own topology server serves, or the cell runs none.
func (a *assembly) localTopoReady(c *resolve.Cell) bool {
	if c.LocalTopo == nil || c.LocalTopo.Etcd == nil {
		return true
	}
	return a.s.Observed(naming.KeyCell(c.Name)).IsTrue(cell.TypeLocalTopoReady)
}

// recordedCells returns the cells that the records of databases list: those of the cluster, and those on their way out for as
// long as anything runs there. A database that did not list them would allow their record to go too early.
func (a *assembly) recordedCells() []string {
	out := make([]string, 0, len(a.c.Cells))
	for i := range a.c.Cells {
		out = append(out, a.c.Cells[i].Name)
	}
	for _, name := range a.leavingCells() {
		if a.cellUse(name) != "" {
			out = append(out, name)
		}
	}
	return out
}

// recordSpec returns what the records of cells and databases have in common. Where stale records are not to be removed, a
// record outlives what asks for it.
func recordSpec(c *cluster) xpv2.ManagedResourceSpec {
	spec := xpv2.ManagedResourceSpec{ProviderConfigReference: c.managed, ManagementPolicies: policiesDelete}
	if !c.TopologyPruning {
		spec.ManagementPolicies = policiesRetain
	}
	return spec
}

func buildCellRecord(c *cluster, rc *resolve.Cell) *mv1alpha1.CellRecord {
	return &mv1alpha1.CellRecord{
		TypeMeta: metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.CellRecordKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:   naming.CellRecord(c.Name, rc.Name),
			Labels: naming.CellLabels(c.Name, rc.Name, naming.ComponentTopology),
		},
		Spec: mv1alpha1.CellRecordSpec{
			ManagedResourceSpec: recordSpec(c),
			ForProvider:         mv1alpha1.CellRecordParameters{Cell: rc.Name, ServerAddresses: rc.Record.Addresses, Root: rc.Record.Root},
		},
	}
}

// buildDatabaseRecord builds the record from which poolers learn where to keep backups, and orchestrators how many members must
// hold a write.
func buildDatabaseRecord(c *cluster, db *resolve.Database, cells []string) *mv1alpha1.DatabaseRecord {
	return &mv1alpha1.DatabaseRecord{
		TypeMeta: metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.DatabaseRecordKind},
		ObjectMeta: metav1.ObjectMeta{
			Name:   naming.DatabaseRecord(c.Name, db.Name),
			Labels: naming.DatabaseLabels(c.Name, db.Name, naming.ComponentTopology),
		},
		Spec: mv1alpha1.DatabaseRecordSpec{
			ManagedResourceSpec: recordSpec(c),
			ForProvider: mv1alpha1.DatabaseRecordParameters{
				Database:         db.Name,
				Cells:            cells,
				BackupLocation:   backupLocation(db.Backup),
				DurabilityPolicy: mv1alpha1.DurabilityPolicy(db.Durability),
			},
		},
	}
}

func backupLocation(b v1alpha1.BackupConfig) mv1alpha1.BackupLocation {
	if b.S3 != nil {
		return mv1alpha1.BackupLocation{S3: &mv1alpha1.S3Backup{
			Bucket:    b.S3.Bucket,
			Region:    b.S3.Region,
			Endpoint:  b.S3.Endpoint,
			KeyPrefix: b.S3.KeyPrefix,
			// The pods of a shard find the credentials of a Secret in their environment.
			UseEnvCredentials: b.S3.UseEnvCredentials || b.S3.CredentialsSecret != "",
		}}
	}
	if b.Filesystem != nil {
		return mv1alpha1.BackupLocation{Filesystem: &mv1alpha1.FilesystemBackup{Path: b.Filesystem.Path}}
	}
	return mv1alpha1.BackupLocation{}
}
