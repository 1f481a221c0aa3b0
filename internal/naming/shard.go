package naming

import (
	"strconv"
	"strings"
)

const (
	partPool   = "pool"
	partPDB    = "pdb"
	dataPrefix = "data-"
)

// A ShardID says which shard of which cluster an object belongs to. Its parts
// are the names a user wrote, never names of objects, so that names are hashed
// once and stay readable.
type ShardID struct {
	Cluster    string
	Database   string
	TableGroup string
	Shard      string
}

// join makes a name from the parts of the shard, followed by more.
func (s ShardID) join(c Constraint, more ...string) string {
	parts := make([]string, 0, 8)
	parts = append(parts, s.Cluster, s.Database, s.TableGroup, s.Shard)
	return Join(c, append(parts, more...)...)
}

// Name of the Shard.
func (s ShardID) Name() string {
	return Shard(s.Cluster, s.Database, s.TableGroup, s.Shard)
}

// Record names the managed resource for the shard's records in the topology.
func (s ShardID) Record() string {
	return s.Name()
}

// PodName names one member of a pool in a cell. The index is below 100, which
// keeps the name within the 63 characters of a host name.
func (s ShardID) PodName(pool, cell string, index int) string {
	return s.join(Pod, partPool, pool, cell) + "-" + strconv.Itoa(index)
}

// DataClaim names the volume claim of one member of a pool in a cell.
func (s ShardID) DataClaim(pool, cell string, index int) string {
	return dataPrefix + s.PodName(pool, cell, index)
}

// HeadlessService names the Service that gives each member of a pool in a cell
// its own DNS name.
func (s ShardID) HeadlessService(pool, cell string) string {
	return s.join(Service, partPool, pool, cell, "headless")
}

// PDB names the PodDisruptionBudget that covers all members of the shard. There
// is one per shard because quorum is counted over pools and cells.
func (s ShardID) PDB() string {
	return s.join(Service, partPDB)
}

// MultiOrch names the StatefulSet of a cell's orchestrators. It is a
// StatefulSet because an orchestrator must keep its id over a restart.
func (s ShardID) MultiOrch(cell string) string {
	return s.join(StatefulSet, ComponentMultiOrch, cell)
}

// MultiOrchService names the Service of a cell's orchestrators.
func (s ShardID) MultiOrchService(cell string) string {
	return s.join(Service, ComponentMultiOrch, cell)
}

// MultiOrchPDB names the PodDisruptionBudget of a cell's orchestrators.
func (s ShardID) MultiOrchPDB(cell string) string {
	return s.join(Service, ComponentMultiOrch, cell, partPDB)
}

// MultiOrchServiceIDPrefix is what the ids of a cell's orchestrators start
// with; a dash and the ordinal of the pod follow. It is 10 characters long
// because Multigres limits a cell, an underscore and an id to 63 together.
func (s ShardID) MultiOrchServiceIDPrefix(cell string) string {
	return "o-" + Hash(s.MultiOrch(cell))
}

// BackupClaim names the volume claim that holds the backups of the shard. All
// cells share it: replicas restore what the leader backed up.
func (s ShardID) BackupClaim() string {
	return Join(Service, "backup-data", s.Cluster, s.Database, s.TableGroup, s.Shard)
}

// PgHbaConfigMap names the ConfigMap with the pg_hba.conf template.
func (s ShardID) PgHbaConfigMap() string {
	return s.Name() + "-pg-hba"
}

// PostgresConfigMap names the ConfigMap with the rendered postgresql.conf.
func (s ShardID) PostgresConfigMap() string {
	return s.Name() + "-postgres-config"
}

// ExporterQueriesConfigMap names the ConfigMap with the queries of the
// postgres exporter.
func (s ShardID) ExporterQueriesConfigMap() string {
	return s.Name() + "-exporter-queries"
}

// PgBackRestTLSSecret names the Secret with the certificate pgBackRest uses
// between members, and the managed resource that issues it.
func (s ShardID) PgBackRestTLSSecret() string {
	return s.Name() + "-pgbackrest-tls"
}

// PgBackRestCASecret names the Secret with the authority that signs the
// pgBackRest certificate.
func (s ShardID) PgBackRestCASecret() string {
	return s.Name() + "-pgbackrest-ca"
}

// ServiceID is the id under which the pooler in a pod registers itself. It is
// always 10 characters long: PostgreSQL cuts an application_name, which
// contains it, at 63.
func ServiceID(podName string) string {
	return "p-" + Hash(podName)
}

// PodIndex returns the number after the last dash of a pod's or a claim's
// name, and false if there is none in the form PodName writes it.
func PodIndex(name string) (int, bool) {
	dash := strings.LastIndexByte(name, '-')
	if dash < 0 {
		return 0, false
	}
	digits := name[dash+1:]
	index, err := strconv.Atoi(digits)
	if err != nil || index < 0 || strconv.Itoa(index) != digits {
		return 0, false
	}
	return index, true
}
