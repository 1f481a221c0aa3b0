package shard

import (
	"maps"
	"slices"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// buildRecord builds the record by which the shard learns what the topology and the poolers say. Poolers that the
// specification no longer asks for are among the expected ones for as long as they live, and among the removed ones until
// nothing is left of them.
func buildRecord(sh *shard, f *facts) *mv1alpha1.ShardRecord {
	expected, removed := f.listed(rollout.Expected), f.listed(rollout.Removed)
	return &mv1alpha1.ShardRecord{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.ShardRecordKind},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.Record(), Labels: sh.id.Labels(naming.ComponentTopology)},
		Spec: mv1alpha1.ShardRecordSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: sh.provider, ManagementPolicies: policiesDelete},
			ForProvider: mv1alpha1.ShardRecordParameters{
				Database:      sh.id.Database,
				TableGroup:    sh.id.TableGroup,
				Shard:         sh.id.Shard,
				Cells:         recordCells(sh, expected, removed),
				Poolers:       expected,
				Removed:       removed,
				Orchestrators: recordOrchestrators(sh),
				Settings:      &mv1alpha1.ShardSettings{Hash: f.conf.ReloadHash, ReloadPort: portPgctldGRPC},
				Backups:       recordBackups(sh.backup),
				Probe:         f.plan.Probe,
				TLS:           recordTLS(sh),
			},
		},
	}
}

// recordCells returns the cells whose topology holds records of the shard, sorted. A cell is among them until nothing of its
// last pooler is left.
func recordCells(sh *shard, poolers ...[]mv1alpha1.ShardPooler) []string {
	cells := map[string]bool{}
	for _, c := range sh.cells {
		cells[c] = true
	}
	for _, p := range slices.Concat(poolers...) {
		cells[p.Cell] = true
	}
	return slices.Sorted(maps.Keys(cells))
}

// recordOrchestrators returns how the orchestrators of the shard are named in the topology.
func recordOrchestrators(sh *shard) []mv1alpha1.ShardOrchestrators {
	out := make([]mv1alpha1.ShardOrchestrators, 0, len(sh.orchCells))
	for _, c := range sh.orchCells {
		out = append(out, mv1alpha1.ShardOrchestrators{Cell: c, StatefulSet: sh.id.MultiOrch(c), ServiceIDPrefix: sh.id.MultiOrchServiceIDPrefix(c)})
	}
	return out
}

// recordBackups returns which backups the provider takes and removes, nil if it does neither.
func recordBackups(b v1alpha1.BackupConfig) *mv1alpha1.ShardBackups {
	out := mv1alpha1.ShardBackups{}
	if scheduled(b) {
		out.Schedule = &mv1alpha1.BackupSchedule{Full: b.Schedule.Full, Differential: b.Schedule.Differential, Incremental: b.Schedule.Incremental}
	}
	if b.Retention != nil && b.Retention.Full != nil {
		out.RetainedFull = *b.Retention.Full
	}
	if out == (mv1alpha1.ShardBackups{}) {
		return nil
	}
	return &out
}

// scheduled is true if there is an interval at which backups are taken. An empty schedule is none.
func scheduled(b v1alpha1.BackupConfig) bool {
	s := b.Schedule
	return s != nil && (s.Full != nil || s.Differential != nil || s.Incremental != nil)
}

// recordTLS returns how the provider speaks to the poolers: it calls them as an orchestrator does, so it shows an
// orchestrator's certificate. The poolers' own carries one name for all of them.
func recordTLS(sh *shard) *mv1alpha1.ShardTLS {
	secret := sh.internalTLS(naming.ComponentMultiOrch)
	if secret == "" {
		return nil
	}
	return &mv1alpha1.ShardTLS{
		CASecretName:   secret,
		CertSecretName: secret,
		ServerName:     naming.InternalTLSHost(naming.ComponentMultiPooler, sh.id.Cluster, sh.namespace),
	}
}
