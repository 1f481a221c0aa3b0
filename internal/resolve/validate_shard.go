package resolve

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// maxPoolName is the longest name of a pool, which is part of the names of pods and Services.
const maxPoolName = 25

// validateShard returns what is wrong with a complete shard.
func (r *resolver) validateShard(s v1alpha1.ShardResolvedSpec, paths shardPaths) field.ErrorList {
	orch := paths.multiorch()
	errs := validateResources(s.Multiorch.Resources, orch.Child("resources"))
	errs = append(errs, r.validateCells(s.Multiorch.Cells, orch.Child("cells"))...)
	for _, name := range slices.Sorted(maps.Keys(s.Pools)) {
		path := paths.pool(name)
		errs = append(errs, validatePool(name, s.Pools[name], path)...)
		errs = append(errs, r.validateCells(s.Pools[name].Cells, path.Child("cells"))...)
	}
	return append(errs, validateSettings(s.PostgresConfig, paths)...)
}

// validateCells returns the cells that the cluster does not have.
func (r *resolver) validateCells(cells []v1alpha1.CellName, path *field.Path) field.ErrorList {
	all := r.cellNames()
	var errs field.ErrorList
	for i, cell := range cells {
		if _, ok := slices.BinarySearch(all, cell); !ok {
			errs = append(errs, notACell(path.Index(i), cell))
		}
	}
	return errs
}

func notACell(path *field.Path, cell v1alpha1.CellName) *field.Error {
	err := field.NotFound(path, string(cell))
	err.Detail = "spec.cells has no cell of this name"
	return err
}

// validatePool returns what is wrong with a complete pool, except for its cells.
func validatePool(name v1alpha1.PoolName, p v1alpha1.PoolSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(name) > maxPoolName || len(validation.IsDNS1123Label(string(name))) > 0 {
		errs = append(errs, field.Invalid(path, string(name), fmt.Sprintf("must be a DNS label of at most %d characters", maxPoolName)))
	}
	if ptr.Deref(p.ReplicasPerCell, 0) < 1 {
		errs = append(errs, field.Invalid(path.Child("replicasPerCell"), ptr.Deref(p.ReplicasPerCell, 0), "must be at least 1"))
	}
	errs = append(errs, validateStorage(p.Storage, path.Child("storage"))...)
	errs = append(errs, validateResources(p.Postgres.Resources, path.Child("postgres", "resources"))...)
	errs = append(errs, validateResources(p.Multipooler.Resources, path.Child("multipooler", "resources"))...)

	// Both containers write the same data directory, which must belong to the one that runs.
	pooler, postgres := p.Multipooler.RunAsUser, p.Postgres.RunAsUser
	if pooler != nil && (postgres == nil || *postgres != *pooler) {
		errs = append(errs, field.Invalid(path.Child("multipooler", "runAsUser"), *pooler, "must be set to the same value as postgres.runAsUser: both containers write the same files"))
	}
	return errs
}

// validateSettings returns what is wrong with the settings of a shard, source by source.
func validateSettings(settings v1alpha1.PostgresConfig, paths shardPaths) field.ErrorList {
	sources := make(map[string]map[string]string)
	at := make(map[string]*field.Path)
	for name, value := range settings {
		path := paths.setting(name)
		if sources[path.String()] == nil {
			sources[path.String()] = make(map[string]string)
		}
		sources[path.String()][name] = value
		at[path.String()] = path
	}
	var errs field.ErrorList
	for _, path := range slices.Sorted(maps.Keys(sources)) {
		errs = append(errs, pgconf.Validate(sources[path], at[path])...)
	}
	return errs
}

// durabilityPolicies are those that the data plane knows.
var durabilityPolicies = []v1alpha1.DurabilityPolicy{v1alpha1.DurabilityAtLeast2, v1alpha1.DurabilityMultiCellAtLeast2}

func (r *resolver) checkDurabilityName(p v1alpha1.DurabilityPolicy, path *field.Path) {
	if p != "" && !slices.Contains(durabilityPolicies, p) {
		r.fail(field.NotSupported(path, p, durabilityPolicies))
	}
}

// checkDurability refuses a policy that a shard can never fulfil, and warns of one that it fulfils only while nothing fails.
func (r *resolver) checkDurability(db Database, tg TableGroup, sh Shard, policyPath, shardPath *field.Path) {
	if len(r.spec.Cells) == 0 {
		return
	}
	cells := make(map[v1alpha1.CellName]bool)
	for _, p := range sh.Pools {
		for _, c := range p.Cells {
			cells[c] = true
		}
	}
	id := db.Name + "/" + tg.Name + "/" + sh.Name
	multiCell := db.Durability == v1alpha1.DurabilityMultiCellAtLeast2

	if err := capabilities.checkPoolers(sh.TotalPoolers, shardPath); err != nil {
		r.fail(fromTemplate("ShardTemplate", sh.Template, field.ErrorList{err})...)
	}
	if multiCell && len(cells) < 2 {
		r.fail(field.Invalid(policyPath, db.Durability, fmt.Sprintf("can never be fulfilled by shard %s, which has poolers in one cell only", id)))
		return
	}
	if sh.TotalPoolers == 2 {
		r.warn(ReasonFragileDurability, fmt.Sprintf("%s: shard %s has two poolers: the loss of one stops writes", shardPath, id))
		return
	}
	if multiCell && len(cells) == 2 {
		r.warn(ReasonFragileDurability, fmt.Sprintf("%s: shard %s has poolers in two cells: the loss of one stops writes", policyPath, id))
	}
}
