package shard

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// Limits of the schemas, which hold for a Shard from wherever it comes. A cell of at most 30 characters also keeps
// "<cell>_<service id>" within the 63 that PostgreSQL leaves of an application_name.
const (
	maxDatabaseName = 30
	maxCellName     = 30
	maxShortName    = 25
	maxPools        = 8
	maxPoolCells    = 10
	maxOrchCells    = 50
	maxReplicas     = 32
	maxOrchReplicas = 128
	// maxPoolers is how many poolers a ShardRecord takes.
	maxPoolers = 100
)

// quorum is the number of members that must hold a write under every durability policy that the data plane knows. Below two
// members no leader is ever appointed (multigres v0.1.0).
const quorum = 2

// validate returns what is wrong with a specification by itself. A cluster that resolves its shards has checked most of it;
// here it keeps a Shard that somebody made or changed by hand from becoming something that cannot work.
func validate(xr object.Object, spec *v1alpha1.ShardSpec) field.ErrorList {
	p := field.NewPath("spec")
	var errs field.ErrorList
	if xr.Namespace() == "" {
		errs = append(errs, field.Required(field.NewPath("metadata", "namespace"), "a shard is namespaced"))
	}
	errs = append(errs, dnsLabel(p.Child("databaseName"), string(spec.DatabaseName), maxDatabaseName)...)
	errs = append(errs, dnsLabel(p.Child("tableGroupName"), string(spec.TableGroupName), maxShortName)...)
	errs = append(errs, dnsLabel(p.Child("shardName"), string(spec.ShardName), maxShortName)...)
	for _, r := range []struct {
		path  *field.Path
		value string
		why   string
	}{
		{p.Child("images", "postgres"), string(spec.Images.Postgres), "name the image with PostgreSQL and pgctld"},
		{p.Child("images", "multipooler"), string(spec.Images.Multipooler), "name the pooler's image"},
		{p.Child("images", "multiorch"), string(spec.Images.Multiorch), "name the orchestrator's image"},
		{p.Child("globalTopoServer", "address"), spec.GlobalTopoServer.Address, "poolers must know where the topology is"},
		{p.Child("globalTopoServer", "rootPath"), string(spec.GlobalTopoServer.RootPath), "poolers must know where the topology is"},
		{p.Child("postgresPasswordSecretRef", "name"), spec.PostgresPasswordSecretRef.Name, "name the Secret with the superuser's password"},
		{p.Child("postgresPasswordSecretRef", "key"), spec.PostgresPasswordSecretRef.Key, "name the key of the superuser's password"},
	} {
		if r.value == "" {
			errs = append(errs, field.Required(r.path, r.why))
		}
	}
	errs = append(errs, validatePolicy(p.Child("pvcDeletionPolicy"), spec.PVCDeletionPolicy)...)
	errs = append(errs, validateOrch(p.Child("multiorch"), &spec.Multiorch)...)
	errs = append(errs, validateBackup(p.Child("backup"), spec.Backup)...)
	errs = append(errs, pgconf.Validate(spec.PostgresConfig, p.Child("postgresConfig"))...)
	return append(errs, validatePools(p, spec)...)
}

// validatePools returns what is wrong with the pools, each of them and all together.
func validatePools(p *field.Path, spec *v1alpha1.ShardSpec) field.ErrorList {
	pools := p.Child("pools")
	if len(spec.Pools) == 0 {
		return field.ErrorList{field.Required(pools, "a shard needs a pool")}
	}
	if len(spec.Pools) > maxPools {
		return field.ErrorList{field.TooMany(pools, len(spec.Pools), maxPools)}
	}
	var errs field.ErrorList
	total := 0
	cells := map[v1alpha1.CellName]bool{}
	for _, name := range slices.Sorted(maps.Keys(spec.Pools)) {
		pool := spec.Pools[name]
		errs = append(errs, validatePool(pools.Key(short(string(name))), string(name), &pool)...)
		total += len(pool.Cells) * int(ptr.Deref(pool.ReplicasPerCell, defaultReplicas))
		for _, c := range pool.Cells {
			cells[c] = true
		}
	}
	if len(errs) > 0 {
		return errs
	}
	if total > maxPoolers {
		errs = append(errs, tooManyPoolers(total, 0))
	}
	return append(errs, validateDurability(p, spec.DurabilityPolicy, total, len(cells))...)
}

func tooManyPoolers(total, retiring int) *field.Error {
	msg := fmt.Sprintf("%d instances", total)
	if retiring > 0 {
		msg += fmt.Sprintf(", %d of which are being removed,", retiring)
	}
	return field.Invalid(field.NewPath("spec", "pools"), total, fmt.Sprintf("%s are more than the %d that a shard can have", msg, maxPoolers))
}

// validateDurability returns why the policy can never be met, if it cannot.
func validateDurability(p *field.Path, policy v1alpha1.DurabilityPolicy, poolers, cells int) field.ErrorList {
	path := p.Child("durabilityPolicy")
	switch policy {
	case "", v1alpha1.DurabilityAtLeast2:
	case v1alpha1.DurabilityMultiCellAtLeast2:
		if cells < quorum {
			return field.ErrorList{field.Invalid(path, policy, fmt.Sprintf("wants members in %d cells, the pools are in %d", quorum, cells))}
		}
	default:
		return field.ErrorList{field.NotSupported(path, policy, []v1alpha1.DurabilityPolicy{v1alpha1.DurabilityAtLeast2, v1alpha1.DurabilityMultiCellAtLeast2})}
	}
	if poolers < quorum {
		return field.ErrorList{field.Invalid(p.Child("pools"), poolers, fmt.Sprintf("a shard needs at least %d instances: every write is held by two", quorum))}
	}
	return nil
}

func validatePool(p *field.Path, name string, pool *v1alpha1.PoolSpec) field.ErrorList {
	errs := dnsLabel(p, name, maxShortName)
	if pool.Type != "" && pool.Type != v1alpha1.PoolReadWrite {
		errs = append(errs, field.NotSupported(p.Child("type"), pool.Type, []v1alpha1.PoolType{v1alpha1.PoolReadWrite}))
	}
	if len(pool.Cells) == 0 {
		errs = append(errs, field.Required(p.Child("cells"), "a pool needs a cell to run in"))
	}
	errs = append(errs, validateCells(p.Child("cells"), pool.Cells, maxPoolCells)...)
	if r := pool.ReplicasPerCell; r != nil && (*r < 1 || *r > maxReplicas) {
		errs = append(errs, field.Invalid(p.Child("replicasPerCell"), *r, fmt.Sprintf("must be between 1 and %d", maxReplicas)))
	}
	errs = append(errs, validateStorage(p.Child("storage"), pool.Storage)...)
	errs = append(errs, validateContainer(p.Child("postgres"), pool.Postgres)...)
	errs = append(errs, validateContainer(p.Child("multipooler"), pool.Multipooler)...)
	errs = append(errs, validateMetadata(p, pool.PodLabels, pool.PodAnnotations)...)
	errs = append(errs, validatePolicy(p.Child("pvcDeletionPolicy"), pool.PVCDeletionPolicy)...)
	// Both containers write the same data directory, whose owner may change its mode and nobody else.
	if u := pool.Multipooler.RunAsUser; u != nil && *u != poolUser(pool) {
		errs = append(errs, field.Invalid(p.Child("multipooler", "runAsUser"), *u, fmt.Sprintf("must be the user of postgres, %d", poolUser(pool))))
	}
	if pool.FSGroup != nil && *pool.FSGroup < 1 {
		errs = append(errs, field.Invalid(p.Child("fsGroup"), *pool.FSGroup, "must be at least 1"))
	}
	return errs
}

func validateContainer(p *field.Path, c v1alpha1.ContainerConfig) field.ErrorList {
	errs := validateResources(p.Child("resources"), c.Resources)
	if c.RunAsUser != nil && *c.RunAsUser < 1 {
		errs = append(errs, field.Invalid(p.Child("runAsUser"), *c.RunAsUser, "must be at least 1: PostgreSQL refuses to run as root"))
	}
	if c.RunAsGroup != nil && *c.RunAsGroup < 0 {
		errs = append(errs, field.Invalid(p.Child("runAsGroup"), *c.RunAsGroup, "must not be negative"))
	}
	return errs
}

// validateResources returns the requests that are above their limits: no pod could be created.
func validateResources(p *field.Path, r corev1.ResourceRequirements) field.ErrorList {
	var errs field.ErrorList
	for _, name := range slices.Sorted(maps.Keys(r.Requests)) {
		request := r.Requests[name]
		limit, limited := r.Limits[name]
		if limited && request.Cmp(limit) > 0 {
			errs = append(errs, field.Invalid(p.Child("requests").Key(string(name)), request.String(), "must not be more than the limit of "+limit.String()))
		}
		if request.Sign() < 0 {
			errs = append(errs, field.Invalid(p.Child("requests").Key(string(name)), request.String(), "must not be negative"))
		}
	}
	return errs
}

func validateOrch(p *field.Path, o *v1alpha1.MultiorchSpec) field.ErrorList {
	errs := validateCells(p.Child("cells"), o.Cells, maxOrchCells)
	if r := o.Replicas; r != nil && (*r < 0 || *r > maxOrchReplicas) {
		errs = append(errs, field.Invalid(p.Child("replicas"), *r, fmt.Sprintf("must be between 0 and %d", maxOrchReplicas)))
	}
	errs = append(errs, validateResources(p.Child("resources"), o.Resources)...)
	return append(errs, validateMetadata(p, o.PodLabels, o.PodAnnotations)...)
}

func validateCells(p *field.Path, cells []v1alpha1.CellName, most int) field.ErrorList {
	if len(cells) > most {
		return field.ErrorList{field.TooMany(p, len(cells), most)}
	}
	var errs field.ErrorList
	seen := map[v1alpha1.CellName]bool{}
	for i, c := range cells {
		errs = append(errs, dnsLabel(p.Index(i), string(c), maxCellName)...)
		if seen[c] {
			errs = append(errs, field.Duplicate(p.Index(i), short(string(c))))
		}
		seen[c] = true
	}
	return errs
}

// validateMetadata returns the labels and annotations with which the API server would refuse a pod.
func validateMetadata(p *field.Path, labels v1alpha1.PodLabels, annotations v1alpha1.PodAnnotations) field.ErrorList {
	var errs field.ErrorList
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		for _, msg := range append(validation.IsQualifiedName(k), validation.IsValidLabelValue(labels[k])...) {
			errs = append(errs, field.Invalid(p.Child("podLabels").Key(short(k)), short(labels[k]), msg))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		for _, msg := range validation.IsQualifiedName(k) {
			errs = append(errs, field.Invalid(p.Child("podAnnotations"), short(k), msg))
		}
	}
	return errs
}

// dnsLabel returns what keeps a name from being part of host names and of ids in the topology.
func dnsLabel(p *field.Path, name string, most int) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(p, "")}
	case len(name) > most:
		return field.ErrorList{field.TooLong(p, "", most)}
	case len(validation.IsDNS1123Label(name)) > 0:
		return field.ErrorList{field.Invalid(p, name, "must be lower-case letters, digits and dashes, and start and end with a letter or digit")}
	default:
		return nil
	}
}

// short cuts what a message repeats of something that may be of any length.
func short(s string) string {
	const most = 63
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
