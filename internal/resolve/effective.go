package resolve

import (
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// Templates are the templates of a cluster's namespace by name. An entry is never nil.
type Templates struct {
	Core  map[string]*v1alpha1.CoreTemplate
	Cell  map[string]*v1alpha1.CellTemplate
	Shard map[string]*v1alpha1.ShardTemplate
}

// A Warning tells of something that works but is fragile or has no effect. It is no reason to refuse a cluster.
type Warning struct {
	// Reason is a CamelCase word.
	Reason string

	// Message is one sentence that starts with the path of a field where there is one.
	Message string
}

// A Cluster is the configuration that applies to a cluster. Every default is filled in.
type Cluster struct {
	// Name of the MultigresCluster.
	Name string

	// Namespace of the MultigresCluster.
	Namespace string

	// ProjectRef is the identity of the project that the cluster belongs to. Empty if there is none.
	ProjectRef string

	// Templates that apply to the components outside cells and shards.
	Templates v1alpha1.EffectiveTemplates

	// ResolvedTemplates are the names of all templates that apply, sorted. One named default is among them if it exists and
	// something uses it.
	ResolvedTemplates v1alpha1.ResolvedTemplates

	// GlobalTopo is the topology server of the cluster.
	GlobalTopo GlobalTopo

	// MultiAdmin is the admin API.
	MultiAdmin Admin

	// MultiAdminWeb is the admin user interface.
	MultiAdminWeb Admin

	// Cells of the cluster, in the order of the spec.
	Cells []Cell

	// Databases of the cluster, in the order of the spec.
	Databases []Database

	// Images that the cluster runs.
	Images Images

	// LogLevels of the components, all set.
	LogLevels v1alpha1.ComponentLogLevels

	// PVCDeletionPolicy of volume claims whose owners set none. Both fields are set.
	PVCDeletionPolicy v1alpha1.PVCDeletionPolicy

	// Backup of databases that set none.
	Backup v1alpha1.BackupConfig

	// Superuser is the name of the superuser role.
	Superuser string

	// PasswordSecret holds the password of the superuser.
	PasswordSecret v1alpha1.PostgresPasswordSecretRef

	// PasswordGenerated says that the password is ours to make: the spec names no Secret.
	PasswordGenerated bool

	// ConnectionSecret is the name of the Secret that tells applications how to connect.
	ConnectionSecret string

	// Durability of databases that set none.
	Durability v1alpha1.DurabilityPolicy

	// TopologyPruning says whether records that the spec no longer asks for are removed.
	TopologyPruning bool

	// Observability configures OpenTelemetry, as the spec has it. Nil means none.
	Observability *v1alpha1.ObservabilityConfig

	// InternalTLS says whether the components authenticate each other.
	InternalTLS bool

	// CertCommonName is the common name of the gateways' certificate. Empty means no TLS for clients.
	CertCommonName string

	// CertificateIssuerRef is the cert-manager issuer, with kind and group set. Nil means an authority of the cluster's own.
	CertificateIssuerRef *v1alpha1.CertificateIssuerRef

	// ExternalGateway exposes the gateways, as the spec has it, with the Service type set.
	ExternalGateway *v1alpha1.ExternalServiceSpec

	// ExternalAdminWeb exposes the admin user interface, as the spec has it, with the Service type set.
	ExternalAdminWeb *v1alpha1.ExternalServiceSpec
}

// A GlobalTopo is the topology server that holds the records of a whole cluster.
type GlobalTopo struct {
	// Managed is the spec of the TopoServer, complete. Nil if something else runs the server.
	Managed *v1alpha1.TopoServerSpec

	// Ref is what components are told: addresses without a scheme.
	Ref v1alpha1.GlobalTopoServerRef

	// Endpoints are the URLs of the server's members.
	Endpoints []string
}

// An Admin is the admin API or its user interface.
type Admin struct {
	// Spec has its replicas and resources set.
	Spec v1alpha1.StatelessSpec

	// Placement of the pods. May be nil.
	Placement *v1alpha1.PodPlacementSpec
}

// A Cell is one failure domain of the cluster.
type Cell struct {
	Name string

	// ZoneID, Region and Zone are as the spec has them: exactly one is set.
	ZoneID string
	Region string
	Zone   string

	// TopologyLabels select the nodes of the cell.
	TopologyLabels map[string]string

	// Template is the name of the CellTemplate that applies. Empty if none does.
	Template string

	// Gateway has its replicas, resources and buffering set.
	Gateway v1alpha1.MultigatewaySpec

	// Placement of the gateways. May be nil.
	Placement *v1alpha1.PodPlacementSpec

	// LocalTopo is the cell's own topology server, complete. Nil if the cell uses the global one.
	LocalTopo *v1alpha1.LocalTopoServerSpec

	// LocalTopoPVC is the fate of the volume claims of a managed LocalTopo, both fields set. Else nil.
	LocalTopoPVC *v1alpha1.PVCDeletionPolicy

	// Record is what the global topology server says about the cell.
	Record CellRecord
}

// A CellRecord says where the records of one cell are.
type CellRecord struct {
	// Addresses are host:port. A scheme is before them only if the cell's server has no TLS and the global one does: a component
	// then uses its certificate for every address without one.
	Addresses []string

	// Root is the prefix of the cell's keys.
	Root string
}

// A Database is one logical database.
type Database struct {
	Name string

	// Backup says where the backups of all shards of the database are.
	Backup v1alpha1.BackupConfig

	// Durability of every shard.
	Durability v1alpha1.DurabilityPolicy

	// TableGroups in the order of the spec.
	TableGroups []TableGroup
}

// A TableGroup is a set of tables that are sharded alike.
type TableGroup struct {
	Name string

	// Default marks the table group of all tables that no other one claims.
	Default bool

	// PVCDeletionPolicy of shards that set none. Both fields are set.
	PVCDeletionPolicy v1alpha1.PVCDeletionPolicy

	// Backup of shards that set none.
	Backup v1alpha1.BackupConfig

	// Shards in the order of the spec.
	Shards []Shard
}

// A Shard is one shard, complete: its cells, replicas, resources, storage, backup and volume claim policies are set.
type Shard struct {
	v1alpha1.ShardResolvedSpec

	// Template is the name of the ShardTemplate that applies. Empty if none does.
	Template string

	// TotalPoolers is the number of PostgreSQL instances in all pools and cells.
	TotalPoolers int32
}
