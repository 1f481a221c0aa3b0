package naming

// internalDomain ends the DNS names in certificates between components.
const internalDomain = "multigres.internal"

// GlobalTopoServer names the TopoServer every cell of a cluster shares, and
// the StatefulSet and client Service behind it.
func GlobalTopoServer(cluster string) string {
	return plain(StatefulSet, cluster, ComponentGlobalTopo)
}

// TopoServerHeadlessService names the Service that gives each member of a
// TopoServer its own DNS name.
func TopoServerHeadlessService(topoServer string) string {
	return plain(Service, topoServer, "headless")
}

// TopoServerJoinSecret names the Secret that is there while a member of a
// TopoServer that has lost its data is to join the others.
func TopoServerJoinSecret(topoServer string) string {
	return plain(Default, topoServer, "join")
}

// KeyTopoJoinState is the key in that Secret of the state in which etcd shall
// find its cluster when it starts without data.
const KeyTopoJoinState = "initial-cluster-state"

// WorkloadPDB names the PodDisruptionBudget of a workload by the workload.
func WorkloadPDB(workload string) string {
	return plain(Service, workload, "pdb")
}

// MultiAdmin names the Deployment and the Service of multiadmin.
func MultiAdmin(cluster string) string {
	return plain(Service, cluster, ComponentMultiAdmin)
}

// MultiAdminWeb names the Deployment and the Service of multiadmin-web.
func MultiAdminWeb(cluster string) string {
	return plain(Service, cluster, ComponentMultiAdminWeb)
}

// MultiGateway names the Service that reaches the gateways of all cells for
// reading and writing.
func MultiGateway(cluster string) string {
	return plain(Service, cluster, ComponentMultiGateway)
}

// MultiGatewayReplica names the Service that reaches the gateways of all cells
// for reading from replicas.
func MultiGatewayReplica(cluster string) string {
	return plain(Service, cluster, ComponentMultiGateway, "replica")
}

// PostgresPasswordSecret names the Secret with the generated superuser
// password.
func PostgresPasswordSecret(cluster string) string {
	return plain(Default, cluster, ComponentPostgresPassword)
}

// ConnectionSecret names the Secret an application mounts to connect.
func ConnectionSecret(cluster string) string {
	return plain(Default, cluster, ComponentConnection)
}

// GatewayTLSSecret names the Secret with the certificate gateways show to
// PostgreSQL clients.
func GatewayTLSSecret(cluster string) string {
	return plain(Default, cluster, "gateway-tls")
}

// InternalCASecret names the Secret with the authority that signs the
// certificates components show to each other.
func InternalCASecret(cluster string) string {
	return plain(Default, cluster, "internal-ca")
}

// InternalTLSSecret names the Secret with the certificate a component of a
// cluster shows to the others. The name is the certificate's DNS name.
func InternalTLSSecret(component, cluster, namespace string) string {
	return InternalTLSHost(component, cluster, namespace)
}

// InternalTLSHost is the DNS name in the certificate a component of a cluster
// shows to the others. It is never resolved; clients only compare it, so one
// certificate serves every replica.
func InternalTLSHost(component, cluster, namespace string) string {
	return component + "." + cluster + "." + namespace + "." + internalDomain
}

// ProviderConfig names the ProviderConfig through which managed resources
// reach the topology of a cluster.
func ProviderConfig(cluster string) string {
	return cluster
}

// TableGroup names a TableGroup.
func TableGroup(cluster, database, tableGroup string) string {
	return Join(XR, cluster, database, tableGroup)
}

// Shard names a Shard.
func Shard(cluster, database, tableGroup, shard string) string {
	return Join(XR, cluster, database, tableGroup, shard)
}

// CellRecord names the managed resource for a cell's record in the topology.
func CellRecord(cluster, cell string) string {
	return Join(Default, cluster, cell)
}

// DatabaseRecord names the managed resource for a database's record in the
// topology.
func DatabaseRecord(cluster, database string) string {
	return Join(Default, cluster, database)
}

// Usage names the Usage of a cluster that has the key.
func Usage(cluster, key string) string {
	return Join(Default, cluster, key)
}

// TopologyRoot is the key below which a cluster keeps its global records. It
// contains the namespace so that clusters of the same name can share an
// external topology server.
func TopologyRoot(namespace, cluster string) string {
	return "/multigres/" + namespace + "/" + cluster + "/global"
}
