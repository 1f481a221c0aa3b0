// Package shard composes a Shard: the pods of one replicated PostgreSQL with their volumes, configuration and certificates,
// the orchestrators that appoint its leader, and the record of what the topology knows about it.
package shard

import (
	"cmp"
	"maps"
	"slices"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// Defaults of a Shard that nobody resolved, as one made by hand.
const (
	defaultReplicas       int32 = 1
	defaultSuperuser            = "postgres"
	defaultDataSize             = "1Gi"
	defaultBackupSize           = "10Gi"
	defaultBackupPath           = "/backups"
	defaultProviderConfig       = "ProviderConfig"
)

// Compose returns what a Shard becomes.
func Compose(in compose.Input) (compose.Output, error) { return composeWith(in, rollout.New) }

// WithPlanner returns a composer whose rollouts are planned by the given function.
func WithPlanner(plan func(rollout.Input) rollout.Plan) compose.Composer {
	return func(in compose.Input) (compose.Output, error) { return composeWith(in, plan) }
}

func composeWith(in compose.Input, plan planFunc) (compose.Output, error) {
	// The status is ours alone, so nothing in it can be wrong with what the user wrote.
	xr := &struct {
		Spec v1alpha1.ShardSpec `json:"spec"`
	}{}
	// A field that does not fit its type is missing for everything else: what that finds would only mislead.
	if err := compose.Invalid(object.Decode(in.XR, xr)); err != nil {
		return compose.Output{}, err
	}
	if err := compose.Invalid(validate(in.XR, &xr.Spec)); err != nil {
		return compose.Output{}, err
	}
	sh := newShard(in.XR, xr.Spec)
	rs := requirements(sh)
	if in.Unanswered(rs) {
		return compose.Ask(in, rs)
	}
	conf, errs := postgresConfig(in, sh)
	errs = append(errs, validateVolumes(in, sh)...)
	if err := compose.Invalid(errs); err != nil {
		return compose.Output{}, err
	}

	s := compose.NewSet(in.Observed)
	f, err := makePlan(in, sh, s, conf, plan)
	if err != nil {
		return compose.Output{}, err
	}
	rec := buildRecord(sh, f)
	if n := len(rec.Spec.ForProvider.Poolers); n > maxPoolers {
		return compose.Output{}, compose.Invalid(field.ErrorList{tooManyPoolers(n, n-len(f.wanted()))})
	}
	// The orchestrators of a shard that goes take its members out of the cohort, so they go after them.
	if !sh.spec.Drain || f.anyPod() {
		addOrchestrators(in, s, sh)
	}
	s.Add(naming.KeyShardPDB, buildPDB(sh, len(rec.Spec.ForProvider.Poolers)))
	s.Add(naming.KeyShardRecord, rec)
	if err := keepWhatIsNeeded(s, f); err != nil {
		return compose.Output{}, err
	}
	out := output(in, sh, s, f)
	out.Requirements = rs
	return out, nil
}

// A shard is a Shard with everything about it settled.
type shard struct {
	spec       v1alpha1.ShardSpec
	id         naming.ShardID
	namespace  string
	generation int64
	project    string
	superuser  string
	provider   *xpv2.ProviderConfigReference
	backup     v1alpha1.BackupConfig

	// groups are the pools in each of their cells, in the order of their names.
	groups []*group

	// cells that the specification places anything in, and orchCells those with orchestrators, both sorted.
	cells     []string
	orchCells []string
}

// A group is a pool in one of its cells: pods that differ in their index only. One that is not wanted any more has no
// specification if its pool has gone.
type group struct {
	pool     string
	cell     string
	spec     *v1alpha1.PoolSpec
	replicas int
	labels   map[string]string
	headless string
}

func newShard(xr object.Object, spec v1alpha1.ShardSpec) *shard {
	cluster := cmp.Or(spec.ClusterName, xr.Label(naming.LabelCluster), xr.Name())
	sh := &shard{
		spec:       spec,
		id:         naming.ShardID{Cluster: cluster, Database: string(spec.DatabaseName), TableGroup: string(spec.TableGroupName), Shard: string(spec.ShardName)},
		namespace:  xr.Namespace(),
		generation: xr.Generation(),
		project:    cmp.Or(spec.ProjectRef, cluster),
		superuser:  cmp.Or(spec.PostgresSuperuser, defaultSuperuser),
		provider:   spec.ProviderConfigRef,
		backup:     backupOf(spec.Backup),
	}
	if sh.provider == nil {
		sh.provider = &xpv2.ProviderConfigReference{Kind: defaultProviderConfig, Name: naming.ProviderConfig(cluster)}
	}
	cells := map[string]bool{}
	for _, pool := range slices.Sorted(maps.Keys(spec.Pools)) {
		p := spec.Pools[pool]
		for _, cell := range slices.Sorted(slices.Values(p.Cells)) {
			cells[string(cell)] = true
			sh.groups = append(sh.groups, &group{
				pool: string(pool), cell: string(cell), spec: &p, replicas: int(ptr.Deref(p.ReplicasPerCell, defaultReplicas)),
				labels:   sh.id.PoolLabels(string(pool), string(cell)),
				headless: sh.id.HeadlessService(string(pool), string(cell)),
			})
		}
	}
	for _, c := range spec.Multiorch.Cells {
		sh.orchCells = append(sh.orchCells, string(c))
	}
	if len(sh.orchCells) == 0 {
		sh.orchCells = slices.Collect(maps.Keys(cells))
	}
	slices.Sort(sh.orchCells)
	for _, c := range sh.orchCells {
		cells[c] = true
	}
	sh.cells = slices.Sorted(maps.Keys(cells))
	return sh
}

// backupOf returns the backup configuration with its defaults. A shard cannot do without one: it starts by taking a backup
// and restoring it everywhere.
func backupOf(b *v1alpha1.BackupConfig) v1alpha1.BackupConfig {
	out := v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem}
	if b != nil {
		out = *b
	}
	if out.Type != v1alpha1.BackupFilesystem {
		return out
	}
	fs := v1alpha1.FilesystemBackupConfig{}
	if out.Filesystem != nil {
		fs = *out.Filesystem
	}
	fs.Path = cmp.Or(fs.Path, defaultBackupPath)
	out.Filesystem = &fs
	return out
}

// onFilesystem is true if backups are kept on a volume that all pods share.
func (sh *shard) onFilesystem() bool { return sh.backup.Type == v1alpha1.BackupFilesystem }

// userCertificate returns the name of the Secret with the user's pgBackRest certificate. Empty means that one is generated.
func (sh *shard) userCertificate() string {
	if sh.backup.PgBackRestTLS == nil {
		return ""
	}
	return string(sh.backup.PgBackRestTLS.SecretName)
}

// certificate returns the name of the Secret with the pgBackRest certificate.
func (sh *shard) certificate() string {
	return cmp.Or(sh.userCertificate(), sh.id.PgBackRestTLSSecret())
}

// internalTLS returns the name of the Secret with the certificate that a component shows to the others, and nothing if they
// speak plainly.
func (sh *shard) internalTLS(component string) string {
	if !sh.spec.InternalTLS.IsEnabled() {
		return ""
	}
	return naming.InternalTLSSecret(component, sh.id.Cluster, sh.namespace)
}
