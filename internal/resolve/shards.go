package resolve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// shard resolves one shard of a table group.
func (r *resolver) shard(tg TableGroup, e shardEntry) Shard {
	r.fail(capabilities.checkShard(string(e.config.Name), e.path.Child("name")))
	template := r.shardTemplate(r.shardChoice(e))
	paths := shardPaths{base: e.path, overrides: e.config.Overrides, spec: e.config.Spec}
	r.warnPoolsAdded(e, template)

	merged := mergeShard(template.spec, e.config.Overrides, e.config.Spec)
	backup := inheritBackup(e.config.Backup, tg.Backup)
	policy := inheritPVC(merged.PVCDeletionPolicy, tg.PVCDeletionPolicy)
	out := Shard{
		Template: template.name,
		ShardResolvedSpec: v1alpha1.ShardResolvedSpec{
			Name:              string(e.config.Name),
			Multiorch:         r.multiorch(merged.Multiorch),
			InitdbArgs:        merged.InitdbArgs,
			PostgresConfigRef: merged.PostgresConfigRef,
			PostgresConfig:    merged.PostgresConfig,
			PVCDeletionPolicy: &policy,
			Backup:            &backup,
		},
	}
	out.Pools = r.pools(merged.Pools, out.Multiorch.Cells, policy)
	out.TotalPoolers = totalPoolers(out.Pools)

	r.fail(fromTemplate("ShardTemplate", template.name, r.validateShard(out.ShardResolvedSpec, paths))...)
	return out
}

func (r *resolver) multiorch(m *v1alpha1.MultiorchSpec) v1alpha1.MultiorchSpec {
	var out v1alpha1.MultiorchSpec
	if m != nil {
		out = *m
	}
	multiorchDefaults.apply(&out.StatelessSpec)
	if len(out.Cells) == 0 {
		out.Cells = r.cellNames()
	}
	return out
}

// pools completes the pools of a shard. A shard that neither a template nor the spec gives one gets one where its orchestrators
// are.
func (r *resolver) pools(pools v1alpha1.PoolMap, multiorchCells []v1alpha1.CellName, policy v1alpha1.PVCDeletionPolicy) v1alpha1.PoolMap {
	if len(pools) == 0 {
		pools = v1alpha1.PoolMap{defaultPoolName: {Cells: slices.Clone(multiorchCells)}}
	}
	out := make(v1alpha1.PoolMap, len(pools))
	all := r.cellNames()
	for name, pool := range pools {
		applyPool(&pool, all, policy)
		out[name] = pool
	}
	return out
}

// totalPoolers is the number of PostgreSQL instances in all pools and cells.
func totalPoolers(pools v1alpha1.PoolMap) int32 {
	var n int32
	for _, p := range pools {
		n += ptr.Deref(p.ReplicasPerCell, 0) * int32(len(p.Cells))
	}
	return n
}

// warnPoolsAdded warns of pools in overrides that the template does not have: the name is probably misspelt.
func (r *resolver) warnPoolsAdded(e shardEntry, template applied[v1alpha1.ShardTemplateSpec]) {
	if e.config.Overrides == nil || len(template.spec.Pools) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(e.config.Overrides.Pools)) {
		if _, ok := template.spec.Pools[name]; ok {
			continue
		}
		path := e.path.Child("overrides", "pools").Key(string(name))
		r.warn(ReasonPoolAdded, fmt.Sprintf("%s: ShardTemplate %q has no pool of this name, so another one is added", path, template.name))
	}
}

// ConfigRefs returns the ConfigMap keys that shards refer to, sorted and distinct.
func (c *Cluster) ConfigRefs() []v1alpha1.PostgresConfigRef {
	var out []v1alpha1.PostgresConfigRef
	for _, db := range c.Databases {
		for _, tg := range db.TableGroups {
			for _, sh := range tg.Shards {
				if sh.PostgresConfigRef != nil {
					out = append(out, *sh.PostgresConfigRef)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b v1alpha1.PostgresConfigRef) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(out)
}

// shardPaths knows where in the spec the parts of a shard stand.
type shardPaths struct {
	base      *field.Path
	overrides *v1alpha1.ShardOverrides
	spec      *v1alpha1.ShardInlineSpec
}

// multiorch returns the path of the orchestrators: what a template says of them is changed there, too.
func (p shardPaths) multiorch() *field.Path {
	switch {
	case p.spec != nil && p.spec.Multiorch != nil:
		return p.base.Child("spec", "multiorch")
	case p.overrides != nil && p.overrides.Multiorch != nil:
		return p.base.Child("overrides", "multiorch")
	}
	return p.base.Child("multiorch")
}

// pool returns the path of a pool.
func (p shardPaths) pool(name v1alpha1.PoolName) *field.Path {
	base := p.base
	if p.overrides != nil && has(p.overrides.Pools, name) {
		base = p.base.Child("overrides")
	}
	if p.spec != nil && has(p.spec.Pools, name) {
		base = p.base.Child("spec")
	}
	return base.Child("pools").Key(string(name))
}

// setting returns the path of the settings that set a parameter.
func (p shardPaths) setting(name string) *field.Path {
	base := p.base
	if p.overrides != nil && has(p.overrides.PostgresConfig, name) {
		base = p.base.Child("overrides")
	}
	if p.spec != nil && has(p.spec.PostgresConfig, name) {
		base = p.base.Child("spec")
	}
	return base.Child("postgresConfig")
}

func has[M ~map[K]V, K comparable, V any](m M, key K) bool {
	_, ok := m[key]
	return ok
}
