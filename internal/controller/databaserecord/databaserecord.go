// Package databaserecord keeps the records of databases.
package databaserecord

import (
	"cmp"
	"slices"
	"strings"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/record"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// cellPrefix is what the IDs of cells begin with, which are parts of a record of their own: others may list cells in it, too.
const cellPrefix = "cell:"

// SetupGated sets up the controller of DatabaseRecords once the API server serves them, and what may need them.
func SetupGated(mgr ctrl.Manager, o setup.Options, l *topology.Layer) {
	record.SetupGated(mgr, o, l, kind(mgr.GetClient()))
}

func kind(kube client.Reader) record.Kind[*v1alpha1.DatabaseRecord, *clustermetadatapb.Database] {
	return record.Kind[*v1alpha1.DatabaseRecord, *clustermetadatapb.Database]{
		GroupVersionKind: v1alpha1.DatabaseRecordGroupVersionKind,
		Needs:            []schema.GroupVersionKind{v1alpha1.ShardRecordGroupVersionKind},
		Managed:          &v1alpha1.DatabaseRecord{},
		List:             &v1alpha1.DatabaseRecordList{},
		Watches: []setup.Watch{
			topology.Dependents(kube, v1alpha1.ShardRecordKind, &v1alpha1.ShardRecord{}, &v1alpha1.DatabaseRecordList{}),
		},
		Path:     path,
		Records:  func(s *topo.Store) topo.Records[*clustermetadatapb.Database] { return s.Databases() },
		Desired:  desired,
		Observed: observed,
		Apply:    apply,
		Report:   report,
		Free:     free,
		Clear:    empty,
	}
}

func path(mg *v1alpha1.DatabaseRecord) topo.Path {
	return topo.DatabasePath(mg.Spec.ForProvider.Database)
}

// content is what a managed resource says about a record, apart from its cells.
type content struct {
	Name           string
	BackupLocation v1alpha1.BackupLocation
	Policy         policy
}

func desired(mg *v1alpha1.DatabaseRecord) (claims.Items, error) {
	p := mg.Spec.ForProvider
	h, err := claims.Hash(content{Name: p.Database, BackupLocation: p.BackupLocation, Policy: policyOf(p.DurabilityPolicy)})
	items := claims.Items{string(path(mg)): h}
	for _, c := range p.Cells {
		items[cellPrefix+c] = ""
	}
	return items, err
}

func observed(p topo.Path, m *clustermetadatapb.Database) (claims.Observed, error) {
	h, err := claims.Hash(content{Name: m.GetName(), BackupLocation: locationOf(m.GetBackupLocation()), Policy: policyIn(m.GetBootstrapDurabilityPolicy())})
	out := claims.Observed{string(p): h}
	for _, c := range m.GetCells() {
		out[cellPrefix+c] = ""
	}
	return out, err
}

// apply the managed resource to a record. Cells that others listed stay where they are.
func apply(mg *v1alpha1.DatabaseRecord, remove []string, m *clustermetadatapb.Database) error {
	p := mg.Spec.ForProvider
	m.Name = p.Database
	if m.GetBackupLocation() == nil {
		m.BackupLocation = &clustermetadatapb.BackupLocation{}
	}
	setLocation(m.GetBackupLocation(), p.BackupLocation)
	if m.GetBootstrapDurabilityPolicy() == nil {
		m.BootstrapDurabilityPolicy = &clustermetadatapb.DurabilityPolicy{}
	}
	setPolicy(m.GetBootstrapDurabilityPolicy(), policyOf(p.DurabilityPolicy))
	m.Cells = slices.DeleteFunc(m.GetCells(), func(c string) bool { return slices.Contains(remove, cellPrefix+c) })
	for _, c := range p.Cells {
		if !slices.Contains(m.GetCells(), c) {
			m.Cells = append(m.Cells, c)
		}
	}
	return nil
}

func report(mg *v1alpha1.DatabaseRecord, rec topo.Record[*clustermetadatapb.Database]) {
	location := locationOf(rec.Message.GetBackupLocation())
	mg.Status.AtProvider = v1alpha1.DatabaseRecordObservation{
		Database:         rec.Message.GetName(),
		Cells:            rec.Message.GetCells(),
		BackupLocation:   &location,
		DurabilityPolicy: rec.Message.GetBootstrapDurabilityPolicy().GetPolicyName(),
		Revision:         rec.Revision,
	}
}

// A policy is a durability policy as Multigres keeps it.
type policy struct {
	Name   string
	Quorum clustermetadatapb.QuorumType
	Count  int32
}

// policyOf is the policy of a name, as Multigres v0.1.0 makes it from the name (topoclient.AtLeastN and MultiCellAtLeastN).
func policyOf(name v1alpha1.DurabilityPolicy) policy {
	name = cmp.Or(name, v1alpha1.DurabilityAtLeast2)
	p := policy{Name: string(name), Quorum: clustermetadatapb.QuorumType_QUORUM_TYPE_AT_LEAST_N, Count: 2}
	if strings.HasPrefix(p.Name, "MULTI_CELL_") {
		p.Quorum = clustermetadatapb.QuorumType_QUORUM_TYPE_MULTI_CELL_AT_LEAST_N
	}
	return p
}

func policyIn(m *clustermetadatapb.DurabilityPolicy) policy {
	return policy{Name: m.GetPolicyName(), Quorum: m.GetQuorumType(), Count: m.GetRequiredCount()}
}

// setPolicy changes what makes a policy. Its version and description are left alone: nothing depends on them.
func setPolicy(m *clustermetadatapb.DurabilityPolicy, p policy) {
	m.PolicyName, m.QuorumType, m.RequiredCount = p.Name, p.Quorum, p.Count
}

func locationOf(m *clustermetadatapb.BackupLocation) v1alpha1.BackupLocation {
	out := v1alpha1.BackupLocation{}
	if f := m.GetFilesystem(); f != nil {
		out.Filesystem = &v1alpha1.FilesystemBackup{Path: f.GetPath()}
	}
	if s := m.GetS3(); s != nil {
		out.S3 = &v1alpha1.S3Backup{
			Bucket: s.GetBucket(), Region: s.GetRegion(), Endpoint: s.GetEndpoint(), KeyPrefix: s.GetKeyPrefix(), UseEnvCredentials: s.GetUseEnvCredentials(),
		}
	}
	return out
}

// setLocation changes a location field by field. What later versions of Multigres keep there besides stays.
func setLocation(m *clustermetadatapb.BackupLocation, l v1alpha1.BackupLocation) {
	if l.Filesystem != nil {
		f := m.GetFilesystem()
		if f == nil {
			f = &clustermetadatapb.FilesystemBackup{}
			m.Location = &clustermetadatapb.BackupLocation_Filesystem{Filesystem: f}
		}
		f.Path = l.Filesystem.Path
	}
	if l.S3 != nil {
		s := m.GetS3()
		if s == nil {
			s = &clustermetadatapb.S3Backup{}
			m.Location = &clustermetadatapb.BackupLocation_S3{S3: s}
		}
		s.Bucket, s.Region, s.Endpoint, s.KeyPrefix, s.UseEnvCredentials = l.S3.Bucket, l.S3.Region, l.S3.Endpoint, l.S3.KeyPrefix, l.S3.UseEnvCredentials
	}
}
