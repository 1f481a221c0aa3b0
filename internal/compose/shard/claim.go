package shard

import (
	"cmp"
	"slices"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// annotationExternalName is how Crossplane calls the name of what a managed resource stands for.
const annotationExternalName = "crossplane.io/external-name"

// What a managed resource may do to what it stands for. Without Delete that outlives it, which is the only way to keep
// something that Crossplane v2 composed.
var (
	policiesDelete = xpv2.ManagementPolicies{xpv2.ManagementActionAll}
	policiesRetain = xpv2.ManagementPolicies{
		xpv2.ManagementActionObserve, xpv2.ManagementActionCreate, xpv2.ManagementActionUpdate, xpv2.ManagementActionLateInitialize,
	}
)

// A storage is a StorageSpec with its defaults.
type storage struct {
	size  resource.Quantity
	class string
	modes []corev1.PersistentVolumeAccessMode
}

// sizeOf returns the size of a volume. It expects one that was validated.
func sizeOf(st v1alpha1.StorageSpec, size string) resource.Quantity {
	q, err := object.ParseQuantity(cmp.Or(st.Size, size))
	if err != nil {
		return resource.Quantity{}
	}
	return q
}

func settle(st v1alpha1.StorageSpec, size string, mode corev1.PersistentVolumeAccessMode) storage {
	out := storage{size: sizeOf(st, size), class: st.Class, modes: st.AccessModes}
	if len(out.modes) == 0 {
		out.modes = []corev1.PersistentVolumeAccessMode{mode}
	}
	return out
}

func dataStorage(g *group) storage {
	return settle(g.spec.Storage, defaultDataSize, corev1.ReadWriteOnce)
}

// backupStorage is shared by all members by default: each restores what another one backed up.
func backupStorage(sh *shard) storage {
	return settle(sh.backup.Filesystem.Storage, defaultBackupSize, corev1.ReadWriteMany)
}

// buildDataClaims returns a function that builds the volume claims of the members of a group. What they have in common is
// made once.
func buildDataClaims(sh *shard, g *group) func(name string) *mv1alpha1.VolumeClaim {
	spec := claimSpec(sh, sh.volumePolicy(g), dataStorage(g), g.labels)
	return func(name string) *mv1alpha1.VolumeClaim { return buildClaim(name, g.labels, spec) }
}

// buildBackupClaim builds the claim of the volume that all members keep their backups on. It belongs to no pool, so the
// shard's policy decides about it.
func buildBackupClaim(sh *shard) *mv1alpha1.VolumeClaim {
	labels := sh.id.Labels(naming.ComponentShardPool)
	return buildClaim(sh.id.BackupClaim(), labels, claimSpec(sh, settlePolicy(sh.spec.PVCDeletionPolicy), backupStorage(sh), labels))
}

func buildClaim(name string, labels map[string]string, spec mv1alpha1.VolumeClaimSpec) *mv1alpha1.VolumeClaim {
	return &mv1alpha1.VolumeClaim{
		TypeMeta: metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.VolumeClaimKind},
		// The PersistentVolumeClaim has the same name, by which a cluster of the same name finds it again.
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{annotationExternalName: name}},
		Spec:       spec,
	}
}

func claimSpec(sh *shard, policy v1alpha1.PVCDeletionPolicy, st storage, labels map[string]string) mv1alpha1.VolumeClaimSpec {
	spec := mv1alpha1.VolumeClaimSpec{
		ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: sh.provider, ManagementPolicies: managementPolicies(policy.WhenDeleted)},
		ForProvider:         mv1alpha1.VolumeClaimParameters{AccessModes: st.modes, Size: st.size, Labels: labels},
	}
	if st.class != "" {
		spec.ForProvider.StorageClassName = &st.class
	}
	return spec
}

// managementPolicies returns what the claim of a volume may do to it.
func managementPolicies(p v1alpha1.PVCRetentionPolicy) xpv2.ManagementPolicies {
	if p == v1alpha1.PVCDelete {
		return policiesDelete
	}
	return policiesRetain
}

// settlePolicy returns a policy with its defaults: what nobody wants deleted is retained.
func settlePolicy(p *v1alpha1.PVCDeletionPolicy) v1alpha1.PVCDeletionPolicy {
	out := v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain, WhenScaled: v1alpha1.PVCRetain}
	if p != nil {
		out.WhenDeleted = cmp.Or(p.WhenDeleted, out.WhenDeleted)
		out.WhenScaled = cmp.Or(p.WhenScaled, out.WhenScaled)
	}
	return out
}

// volumePolicy returns what applies to the volumes of a group: its pool's policy if the specification has the pool, wherever
// it runs by now, and else the shard's.
func (sh *shard) volumePolicy(g *group) v1alpha1.PVCDeletionPolicy {
	pool, ok := sh.spec.Pools[v1alpha1.PoolName(g.pool)]
	if !ok {
		return settlePolicy(sh.spec.PVCDeletionPolicy)
	}
	return settlePolicy(v1alpha1.MergePVCDeletionPolicy(pool.PVCDeletionPolicy, sh.spec.PVCDeletionPolicy))
}

// released is true if the volume goes when its claim does.
func released(claim object.Object) bool {
	policies := claim.Strings("spec", "managementPolicies")
	// Crossplane takes a claim that says nothing for one that may do everything.
	return claim.Exists() && (len(policies) == 0 || slices.ContainsFunc(policies, func(p string) bool {
		return p == string(xpv2.ManagementActionAll) || p == string(xpv2.ManagementActionDelete)
	}))
}

// keepClaim leaves the claim of a member that is not wanted any more as it is, except for what it may do to its volume.
func keepClaim(s *compose.Set, key string, policies xpv2.ManagementPolicies) error {
	o := s.Observed(key)
	fields, err := object.Owned(o, object.ManagerPrefix)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(policies))
	for _, p := range policies {
		names = append(names, string(p))
	}
	s.KeepAs(key, o, fields.WithStrings(names, "spec", "managementPolicies"))
	return nil
}
