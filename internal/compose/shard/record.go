package shard

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// buildRecord builds the record by which the shard learns what the topology and the poolers say. Poolers that the
// specification no longer asks for are among the expected ones for as long as they live.
func buildRecord(sh *shard, poolers []mv1alpha1.ShardPooler) *mv1alpha1.ShardRecord {
	return &mv1alpha1.ShardRecord{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.ShardRecordKind},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.Record(), Labels: sh.id.Labels(naming.ComponentTopology)},
		Spec: mv1alpha1.ShardRecordSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: sh.provider, ManagementPolicies: policiesDelete},
			ForProvider: mv1alpha1.ShardRecordParameters{
				Database:   sh.id.Database,
				TableGroup: sh.id.TableGroup,
				Shard:      sh.id.Shard,
				Cells:      recordCells(sh, poolers),
				Poolers:    poolers,
				TLS:        recordTLS(sh),
			},
		},
	}
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
