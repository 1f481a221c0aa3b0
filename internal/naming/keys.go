package naming

import "strconv"

// A key identifies one composed resource within its composite for as long as
// it lives, so it is made of the names a user wrote and never of a position in
// a list. No key is made by two different calls: names are separated by a
// character that is escaped inside names, and no key's fixed start is the
// start of another's.

// Keys of the resources a MultigresCluster is composed of.
const (
	KeyCluster                    = "cluster"
	KeyGlobalTopo                 = "global-topo"
	KeyProviderConfig             = "provider-config"
	KeyPostgresPassword           = "postgres-password"
	KeyConnectionSecret           = "connection-secret"
	KeyMultiAdminDeployment       = "multiadmin-deployment"
	KeyMultiAdminService          = "multiadmin-service"
	KeyMultiAdminWebDeployment    = "multiadmin-web-deployment"
	KeyMultiAdminWebService       = "multiadmin-web-service"
	KeyMultiGatewayService        = "multigateway-service"
	KeyMultiGatewayReplicaService = "multigateway-replica-service"
	KeyGatewayTLS                 = "gateway-tls"
	KeyMultiAdminPDB              = "multiadmin-pdb"
	KeyMultiAdminWebPDB           = "multiadmin-web-pdb"
)

// Keys of the resources a TopoServer is composed of.
const (
	KeyTopoStatefulSet     = "topo-statefulset"
	KeyTopoService         = "topo-service"
	KeyTopoHeadlessService = "topo-headless-service"
	KeyTopoPDB             = "topo-pdb"
)

// Keys of the resources a Cell is composed of.
const (
	KeyLocalTopo         = "local-topo"
	KeyGatewayDeployment = "gateway-deployment"
	KeyGatewayService    = "gateway-service"
	KeyGatewayPDB        = "gateway-pdb"
)

// Keys of the resources a Shard is composed of once.
const (
	KeyShardRecord     = "record-shard"
	KeyBackupClaim     = "backup-claim"
	KeyShardPDB        = "pdb-shard"
	KeyPgHbaConfig     = "config-pg-hba"
	KeyPostgresConfig  = "config-postgres"
	KeyExporterQueries = "config-exporter-queries"
	KeyPgBackRestTLS   = "pgbackrest-tls"
)

// Fixed starts of the keys that end in names.
const (
	prefixCell             = "cell-"
	prefixCellRecord       = "record-cell-"
	prefixDatabaseRecord   = "record-database-"
	prefixTableGroup       = "tablegroup-"
	prefixShard            = "shard-"
	prefixPod              = "pod-"
	prefixDataClaim        = "data-claim-"
	prefixHeadlessService  = "headless-service-"
	prefixMultiOrch        = "multiorch-"
	prefixMultiOrchService = "service-multiorch-"
	prefixMultiOrchPDB     = "pdb-multiorch-"
	prefixInternalTLS      = "internal-tls-"
	prefixUsage            = "usage-"
)

// KeyCell is the key of a Cell.
func KeyCell(cell string) string {
	return key(prefixCell, cell)
}

// KeyCellRecord is the key of a cell's record in the topology.
func KeyCellRecord(cell string) string {
	return key(prefixCellRecord, cell)
}

// KeyDatabaseRecord is the key of a database's record in the topology.
func KeyDatabaseRecord(database string) string {
	return key(prefixDatabaseRecord, database)
}

// KeyTableGroup is the key of a TableGroup.
func KeyTableGroup(database, tableGroup string) string {
	return key(prefixTableGroup, database, tableGroup)
}

// KeyInternalTLS is the key of the certificate a component shows to others.
func KeyInternalTLS(component string) string {
	return key(prefixInternalTLS, component)
}

// KeyShard is the key of a Shard within its TableGroup.
func KeyShard(shard string) string {
	return key(prefixShard, shard)
}

// KeyPod is the key of one member of a pool in a cell.
func KeyPod(pool, cell string, index int) string {
	return key(prefixPod, pool, cell, strconv.Itoa(index))
}

// KeyDataClaim is the key of the volume claim of one member of a pool in a
// cell.
func KeyDataClaim(pool, cell string, index int) string {
	return key(prefixDataClaim, pool, cell, strconv.Itoa(index))
}

// KeyHeadlessService is the key of the Service of a pool in a cell.
func KeyHeadlessService(pool, cell string) string {
	return key(prefixHeadlessService, pool, cell)
}

// KeyMultiOrch is the key of the StatefulSet of a cell's orchestrators.
func KeyMultiOrch(cell string) string {
	return key(prefixMultiOrch, cell)
}

// KeyMultiOrchService is the key of the Service of a cell's orchestrators.
func KeyMultiOrchService(cell string) string {
	return key(prefixMultiOrchService, cell)
}

// KeyMultiOrchPDB is the key of the PodDisruptionBudget of a cell's
// orchestrators.
func KeyMultiOrchPDB(cell string) string {
	return key(prefixMultiOrchPDB, cell)
}

// KeyUsage is the key of the Usage that keeps one composed resource for as
// long as another one lives. Both are given by their keys.
func KeyUsage(of, by string) string {
	return prefixUsage + of + "/" + by
}

// key appends names to a prefix, separated by dots.
func key(prefix string, names ...string) string {
	size := len(prefix) + len(names)
	for _, n := range names {
		size += len(n)
	}
	b := append(make([]byte, 0, size), prefix...)
	for i, n := range names {
		if i > 0 {
			b = append(b, '.')
		}
		b = appendEscaped(b, n)
	}
	return string(b)
}

// appendEscaped writes every byte that is not a letter, digit, dash or
// underscore as a percent sign and two hexadecimal digits. The names our
// schemas accept come out unchanged.
func appendEscaped(b []byte, name string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(name) {
		c := name[i]
		if alphanumeric(c) || c == '-' || c == '_' {
			b = append(b, c)
			continue
		}
		b = append(b, '%', digits[c>>4], digits[c&0xf])
	}
	return b
}
