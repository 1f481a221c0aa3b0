package naming

import "maps"

// The recommended labels of Kubernetes that every object carries.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelPartOf    = "app.kubernetes.io/part-of"
	LabelManagedBy = "app.kubernetes.io/managed-by"
)

// Values of the recommended labels that are the same on every object.
const (
	AppName   = "multigres"
	PartOf    = "multigres"
	ManagedBy = "crossplane-multigres"
)

// Labels that say where in a cluster an object belongs. LabelZoneID holds a
// zone's provider id, LabelZone its Kubernetes topology name.
const (
	LabelCluster    = "multigres.com/cluster"
	LabelCell       = "multigres.com/cell"
	LabelDatabase   = "multigres.com/database"
	LabelTableGroup = "multigres.com/tablegroup"
	LabelShard      = "multigres.com/shard"
	LabelPool       = "multigres.com/pool"
	LabelZoneID     = "multigres.com/zone-id"
	LabelRegion     = "multigres.com/region"
	LabelZone       = "multigres.com/zone"
)

// Node labels that place the objects of a cell. The zone id is the one label
// of the three that only one provider sets.
const (
	NodeLabelZone   = "topology.kubernetes.io/zone"
	NodeLabelRegion = "topology.kubernetes.io/region"
	NodeLabelZoneID = "topology.k8s.aws/zone-id"
)

// Annotations.
const (
	// AnnotationProjectRef is the identity of the project a cluster belongs
	// to outside Kubernetes. Pods fall back to the name of the cluster.
	AnnotationProjectRef = "multigres.com/project-ref"

	// AnnotationSpecHash is the hash of everything in a pod that needs a new
	// pod to change.
	AnnotationSpecHash = "multigres.com/spec-hash"

	// AnnotationPostgresConfigHash is the hash of the PostgreSQL settings
	// that need a restart to change.
	AnnotationPostgresConfigHash = "multigres.com/postgres-config-hash"

	// AnnotationCertificateRenewals is how often the certificates that a pod's
	// programs load when they start have been renewed. A pod of the first ones
	// has none.
	AnnotationCertificateRenewals = "multigres.com/certificate-renewals"

	// AnnotationCertificateHash is the hash of a certificate that a user
	// provides and that a pod's programs load when they start.
	AnnotationCertificateHash = "multigres.com/certificate-hash"

	// AnnotationPostgresReloadHash is the hash of the PostgreSQL settings
	// that a reload changes.
	AnnotationPostgresReloadHash = "multigres.com/postgres-reload-hash"

	// AnnotationStandbySettings is on the ConfigMap with the PostgreSQL settings
	// while a leader runs with others: it says how high those are that no
	// standby may have less of, as in "max_connections=60,max_wal_senders=25".
	AnnotationStandbySettings = "multigres.com/standby-settings"

	// AnnotationRolloutPaused stops voluntary disruption while it is set.
	AnnotationRolloutPaused = "multigres.com/rollout-paused"

	// AnnotationRolloutOverride names what voluntary disruption need not wait
	// for: "roles", "quorum", "settings", or several with commas.
	AnnotationRolloutOverride = "multigres.com/rollout-override"

	// AnnotationAppliedImages records the default images a cluster runs.
	AnnotationAppliedImages = "multigres.com/applied-images"

	// AnnotationPendingDeletion is the time, RFC 3339 in UTC, since when an
	// object drains before it goes.
	AnnotationPendingDeletion = "multigres.com/pending-deletion"
)

// Annotations that tell Prometheus to scrape a pod.
const (
	AnnotationPrometheusScrape = "prometheus.io/scrape"
	AnnotationPrometheusPort   = "prometheus.io/port"
	AnnotationPrometheusPath   = "prometheus.io/path"
)

// Component names. They are the values of LabelComponent and part of the names
// of the objects that run a component.
const (
	ComponentMultiAdmin       = "multiadmin"
	ComponentMultiAdminWeb    = "multiadmin-web"
	ComponentMultiGateway     = "multigateway"
	ComponentMultiOrch        = "multiorch"
	ComponentMultiPooler      = "multipooler"
	ComponentShardPool        = "shard-pool"
	ComponentTopoServer       = "toposerver"
	ComponentGlobalTopo       = "global-topo"
	ComponentLocalTopo        = "local-topo"
	ComponentCell             = "cell"
	ComponentTableGroup       = "tablegroup"
	ComponentShard            = "shard"
	ComponentTopology         = "topology"
	ComponentPgHbaConfig      = "pg-hba-config"
	ComponentPostgresConfig   = "postgres-config"
	ComponentPostgresPassword = "postgres-password"
	ComponentExporterQueries  = "postgres-exporter-queries"
	ComponentPgBackRestTLS    = "pgbackrest-tls"
	ComponentInternalTLS      = "internal-tls"
	ComponentConnection       = "connection"
	ComponentProtection       = "protection"
)

// selectorKeys are the labels that tell objects apart and never change during
// an object's life. Everything else may change, and a selector may not.
var selectorKeys = [...]string{
	LabelComponent,
	LabelInstance,
	LabelCluster,
	LabelDatabase,
	LabelTableGroup,
	LabelShard,
	LabelPool,
	LabelCell,
}

// Labels returns the labels every object of a component carries.
func Labels(cluster, component string) map[string]string {
	return map[string]string{
		LabelName:      AppName,
		LabelInstance:  LabelValue(cluster),
		LabelComponent: LabelValue(component),
		LabelPartOf:    PartOf,
		LabelManagedBy: ManagedBy,
	}
}

// ClusterLabels returns Labels and the cluster's own label.
func ClusterLabels(cluster, component string) map[string]string {
	l := Labels(cluster, component)
	l[LabelCluster] = LabelValue(cluster)
	return l
}

// CellLabels returns ClusterLabels and the cell's label.
func CellLabels(cluster, cell, component string) map[string]string {
	l := ClusterLabels(cluster, component)
	l[LabelCell] = LabelValue(cell)
	return l
}

// DatabaseLabels returns ClusterLabels and the database's label.
func DatabaseLabels(cluster, database, component string) map[string]string {
	l := ClusterLabels(cluster, component)
	l[LabelDatabase] = LabelValue(database)
	return l
}

// TableGroupLabels returns DatabaseLabels and the table group's label.
func TableGroupLabels(cluster, database, tableGroup, component string) map[string]string {
	l := DatabaseLabels(cluster, database, component)
	l[LabelTableGroup] = LabelValue(tableGroup)
	return l
}

// Labels returns the labels of an object of the shard as a whole.
func (s ShardID) Labels(component string) map[string]string {
	l := TableGroupLabels(s.Cluster, s.Database, s.TableGroup, component)
	l[LabelShard] = LabelValue(s.Shard)
	return l
}

// CellLabels returns the labels of an object of the shard in one cell.
func (s ShardID) CellLabels(cell, component string) map[string]string {
	l := s.Labels(component)
	l[LabelCell] = LabelValue(cell)
	return l
}

// PoolLabels returns the labels of the pods, claims and Services of a pool in
// one cell.
func (s ShardID) PoolLabels(pool, cell string) map[string]string {
	l := s.CellLabels(cell, ComponentShardPool)
	l[LabelPool] = LabelValue(pool)
	return l
}

// Selector returns a new map with those labels that may be part of a selector.
func Selector(labels map[string]string) map[string]string {
	selector := make(map[string]string, len(selectorKeys))
	for _, key := range selectorKeys {
		if value, ok := labels[key]; ok {
			selector[key] = value
		}
	}
	return selector
}

// Merge returns a new map with the labels or annotations a user asked for and
// ours on top, so that a user can add but never redirect a selector.
func Merge(users, ours map[string]string) map[string]string {
	merged := make(map[string]string, len(users)+len(ours))
	maps.Copy(merged, users)
	maps.Copy(merged, ours)
	return merged
}

// RolloutAnnotations returns those of the annotations of a composite by which
// somebody steers the rollouts of all shards below it.
func RolloutAnnotations(of map[string]string) map[string]string {
	out := map[string]string{}
	for _, key := range []string{AnnotationRolloutPaused, AnnotationRolloutOverride} {
		if v, ok := of[key]; ok {
			out[key] = v
		}
	}
	return out
}

// LabelValue returns s if it is a valid label value: empty, or at most 63
// characters of [A-Za-z0-9._-] that start and end with a letter or digit.
// Anything else becomes a hashed name, different for different values.
func LabelValue(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > XR.maxLength || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return Join(XR, s)
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return Join(XR, s)
		}
	}
	return s
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
