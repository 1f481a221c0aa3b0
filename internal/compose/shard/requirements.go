package shard

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// Names of the requirements.
const (
	requirePods           = "pods"
	requirePostgresConfig = "postgres-config"
	requireCertificate    = "pgbackrest-certificate"
	requirePoolerTLS      = "internal-tls-multipooler"
	requireOrchTLS        = "internal-tls-multiorch"
)

// requirements returns the objects that decide what the shard becomes or when, and that the shard does not compose itself.
func requirements(sh *shard) map[string]compose.Requirement {
	rs := map[string]compose.Requirement{
		// A pod that is composed no longer is not observed any more while it is terminating.
		requirePods: {APIVersion: "v1", Kind: "Pod", Namespace: sh.namespace, Labels: naming.Selector(sh.id.Labels(naming.ComponentShardPool))},
	}
	ask := func(requirement, apiVersion, kind, name string) {
		rs[requirement] = compose.Requirement{APIVersion: apiVersion, Kind: kind, Namespace: sh.namespace, Name: name}
	}
	if ref := sh.spec.PostgresConfigRef; ref != nil {
		ask(requirePostgresConfig, "v1", "ConfigMap", ref.Name)
	}
	if name := sh.userCertificate(); name != "" {
		ask(requireCertificate, "v1", "Secret", name)
	}
	if sh.spec.InternalTLS.IsEnabled() {
		// The cluster composes these, named as the Secrets that they make.
		m := mv1alpha1.SchemeGroupVersion.String()
		ask(requirePoolerTLS, m, mv1alpha1.TLSCertificateKind, sh.internalTLS(naming.ComponentMultiPooler))
		ask(requireOrchTLS, m, mv1alpha1.TLSCertificateKind, sh.internalTLS(naming.ComponentMultiOrch))
	}
	return rs
}

// closed returns what all pods of the shard wait for, the first of it if there is more. Empty means nothing.
func closed(in compose.Input, sh *shard, s *compose.Set) string {
	// A shard that is made anew under the name of one that is going has the same poolers: they wait until the record of the old
	// one has unregistered them and gone, so that there is one of the shard's own.
	if rec := s.Observed(naming.KeyShardRecord); !rec.Exists() || rec.Deleting() {
		return "ShardRecord " + sh.id.Record()
	}
	for _, key := range []string{naming.KeyPgHbaConfig, naming.KeyPostgresConfig, naming.KeyExporterQueries} {
		if !s.Observed(key).Exists() {
			return "ConfigMaps"
		}
	}
	if sh.onFilesystem() && !s.IsReady(naming.KeyBackupClaim) {
		return "VolumeClaim " + sh.id.BackupClaim()
	}
	if sh.userCertificate() != "" && !hasKeys(in, requireCertificate, mv1alpha1.SecretKeyCA, corev1.TLSCertKey, corev1.TLSPrivateKeyKey) {
		return "Secret " + sh.userCertificate() + " with the keys ca.crt, tls.crt and tls.key"
	}
	if sh.userCertificate() == "" && !s.IsReady(naming.KeyPgBackRestTLS) {
		return "TLSCertificate " + sh.id.PgBackRestTLSSecret()
	}
	return closedTLS(in, sh, requirePoolerTLS, naming.ComponentMultiPooler)
}

// closedTLS returns what a component waits for before it can speak to the others.
func closedTLS(in compose.Input, sh *shard, requirement, component string) string {
	name := sh.internalTLS(component)
	if name == "" || compose.Ready(in.Find(requirement)) {
		return ""
	}
	return "TLSCertificate " + name
}

// hasKeys is true if the required Secret exists and none of the keys is empty.
func hasKeys(in compose.Input, requirement string, keys ...string) bool {
	data := in.Find(requirement).At("data")
	return !slices.ContainsFunc(keys, func(k string) bool { return data.String(k) == "" })
}

// postgresConfig renders the postgresql.conf of the shard's servers.
func postgresConfig(in compose.Input, sh *shard) (pgconf.Config, field.ErrorList) {
	body, errs := referencedConfig(in, sh.spec.PostgresConfigRef)
	if len(errs) > 0 {
		return pgconf.Config{}, errs
	}
	floor, _ := standing(in).bounds(overrides(in))
	return pgconf.Render(pgconf.Input{
		Floor:       floor,
		ClusterName: pgconf.ClusterName(sh.id.Name(), sh.id.Cluster, sh.id.Database, sh.id.TableGroup, sh.id.Shard),
		Resources:   serverResources(sh),
		RefBody:     body,
		Inline:      sh.spec.PostgresConfig,
	}), nil
}

func referencedConfig(in compose.Input, ref *v1alpha1.PostgresConfigRef) (string, field.ErrorList) {
	if ref == nil {
		return "", nil
	}
	path := field.NewPath("spec", "postgresConfigRef")
	cm := in.Find(requirePostgresConfig)
	if !cm.Exists() {
		return "", field.ErrorList{field.NotFound(path.Child("name"), ref.Name)}
	}
	if !cm.Has("data", ref.Key) {
		return "", field.ErrorList{field.NotFound(path.Child("key"), ref.Key)}
	}
	body := cm.String("data", ref.Key)
	return body, pgconf.ValidateText(body, path)
}

// serverResources returns what the servers of the shard may use. All members share one configuration, since any may become
// the leader: the most memory and CPU of any pool count, and the least disk.
func serverResources(sh *shard) pgconf.Resources {
	var r pgconf.Resources
	for _, g := range sh.groups {
		r.MemoryBytes = max(r.MemoryBytes, amount(g.spec.Postgres.Resources, corev1.ResourceMemory).Value())
		r.CPUMillis = max(r.CPUMillis, amount(g.spec.Postgres.Resources, corev1.ResourceCPU).MilliValue())
		disk := sizeOf(g.spec.Storage, defaultDataSize)
		if r.DiskBytes == 0 || disk.Value() < r.DiskBytes {
			r.DiskBytes = disk.Value()
		}
	}
	return r
}

// amount returns the limit of a container for a resource, or else its request.
func amount(r corev1.ResourceRequirements, name corev1.ResourceName) *resource.Quantity {
	if q, ok := r.Limits[name]; ok {
		return &q
	}
	q := r.Requests[name]
	return &q
}
