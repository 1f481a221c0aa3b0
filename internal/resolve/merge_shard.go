package resolve

import (
	"cmp"
	"maps"
	"strings"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// mergeShard lays the overrides and then the spec of a shard on its template.
func mergeShard(template v1alpha1.ShardTemplateSpec, overrides *v1alpha1.ShardOverrides, spec *v1alpha1.ShardInlineSpec) v1alpha1.ShardTemplateSpec {
	out := template
	if o := overrides; o != nil {
		out.Multiorch = mergeMultiorch(out.Multiorch, o.Multiorch)
		out.InitdbArgs = cmp.Or(o.InitdbArgs, out.InitdbArgs)
		out.PostgresConfigRef = cmp.Or(o.PostgresConfigRef, out.PostgresConfigRef)
		out.PostgresConfig = mergeSettings(out.PostgresConfig, o.PostgresConfig)
		out.Pools = mergePools(out.Pools, o.Pools)
	}
	if s := spec; s != nil {
		out.Multiorch = mergeMultiorch(out.Multiorch, s.Multiorch)
		out.InitdbArgs = cmp.Or(s.InitdbArgs, out.InitdbArgs)
		out.PostgresConfigRef = cmp.Or(s.PostgresConfigRef, out.PostgresConfigRef)
		out.PostgresConfig = mergeSettings(out.PostgresConfig, s.PostgresConfig)
		out.Pools = mergePools(out.Pools, s.Pools)
		out.PVCDeletionPolicy = cmp.Or(s.PVCDeletionPolicy, out.PVCDeletionPolicy)
	}
	return out
}

// mergeSettings merges PostgreSQL settings. Their names are case-insensitive, so a setting replaces one that is written in
// another case.
func mergeSettings(base, over v1alpha1.PostgresConfig) v1alpha1.PostgresConfig {
	if len(base) == 0 || len(over) == 0 {
		return mergeMap(base, over)
	}
	replaced := make(map[string]bool, len(over))
	for name := range over {
		replaced[strings.ToLower(name)] = true
	}
	out := make(v1alpha1.PostgresConfig, len(base)+len(over))
	for name, value := range base {
		if !replaced[strings.ToLower(name)] {
			out[name] = value
		}
	}
	maps.Copy(out, over)
	return out
}

func mergeMultiorch(base, over *v1alpha1.MultiorchSpec) *v1alpha1.MultiorchSpec {
	if base == nil || over == nil {
		return cmp.Or(over, base)
	}
	return &v1alpha1.MultiorchSpec{
		StatelessSpec: mergeStateless(base.StatelessSpec, over.StatelessSpec),
		Placement:     cmp.Or(over.Placement, base.Placement),
		Cells:         mergeList(base.Cells, over.Cells),
	}
}

func mergePools(base, over v1alpha1.PoolMap) v1alpha1.PoolMap {
	if len(over) == 0 {
		return base
	}
	out := make(v1alpha1.PoolMap, len(base)+len(over))
	maps.Copy(out, base)
	for name, pool := range over {
		out[name] = mergePool(base[name], pool)
	}
	return out
}

func mergePool(base, over v1alpha1.PoolSpec) v1alpha1.PoolSpec {
	return v1alpha1.PoolSpec{
		Type:                      cmp.Or(over.Type, base.Type),
		Cells:                     mergeList(base.Cells, over.Cells),
		ReplicasPerCell:           cmp.Or(over.ReplicasPerCell, base.ReplicasPerCell),
		Storage:                   mergeStorage(base.Storage, over.Storage),
		Postgres:                  mergeContainer(base.Postgres, over.Postgres),
		Multipooler:               mergeContainer(base.Multipooler, over.Multipooler),
		Affinity:                  cmp.Or(over.Affinity, base.Affinity),
		Tolerations:               mergeList(base.Tolerations, over.Tolerations),
		TopologySpreadConstraints: mergeList(base.TopologySpreadConstraints, over.TopologySpreadConstraints),
		PriorityClassName:         cmp.Or(over.PriorityClassName, base.PriorityClassName),
		PodAnnotations:            mergeMap(base.PodAnnotations, over.PodAnnotations),
		PodLabels:                 mergeMap(base.PodLabels, over.PodLabels),
		FSGroup:                   cmp.Or(over.FSGroup, base.FSGroup),
		PVCDeletionPolicy:         cmp.Or(over.PVCDeletionPolicy, base.PVCDeletionPolicy),
	}
}

func mergeContainer(base, over v1alpha1.ContainerConfig) v1alpha1.ContainerConfig {
	return v1alpha1.ContainerConfig{
		Resources:  mergeResources(base.Resources, over.Resources),
		RunAsUser:  cmp.Or(over.RunAsUser, base.RunAsUser),
		RunAsGroup: cmp.Or(over.RunAsGroup, base.RunAsGroup),
	}
}
