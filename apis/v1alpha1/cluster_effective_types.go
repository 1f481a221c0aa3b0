package v1alpha1

// An EffectiveConfig is a compact view of the configuration that applies to a
// cluster, after templates, overrides and defaults.
type EffectiveConfig struct {
	// Templates that apply to the components outside cells and shards.
	// +optional
	Templates EffectiveTemplates `json:"templates,omitzero"`

	// GlobalTopoServer is the topology server of the cluster.
	// +optional
	GlobalTopoServer *EffectiveTopoServer `json:"globalTopoServer,omitempty"`

	// DurabilityPolicy of the databases that set none.
	// +optional
	DurabilityPolicy string `json:"durabilityPolicy,omitempty"`

	// Backup of the shards that set none.
	// +optional
	Backup *EffectiveBackup `json:"backup,omitempty"`

	// PVCDeletionPolicy of the volume claims whose owners set none.
	// +optional
	PVCDeletionPolicy *EffectivePVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Superuser is the name of the superuser role.
	// +optional
	Superuser string `json:"superuser,omitempty"`

	// Cells of the cluster.
	// +optional
	// +listType=atomic
	Cells []EffectiveCell `json:"cells,omitempty"`

	// Shards of the cluster.
	// +optional
	// +listType=atomic
	Shards []EffectiveShard `json:"shards,omitempty"`

	// Images by component.
	// +optional
	Images map[string]string `json:"images,omitempty"`
}

// EffectiveTemplates name the CoreTemplate of each component that uses one.
type EffectiveTemplates struct {
	// GlobalTopoServer is the name of the CoreTemplate of the topology server.
	// +optional
	GlobalTopoServer string `json:"globalTopoServer,omitempty"`

	// Multiadmin is the name of the CoreTemplate of the admin API.
	// +optional
	Multiadmin string `json:"multiadmin,omitempty"`

	// MultiadminWeb is the name of the CoreTemplate of the admin user interface.
	// +optional
	MultiadminWeb string `json:"multiadminWeb,omitempty"`
}

// An EffectiveTopoServer is the topology server that applies.
type EffectiveTopoServer struct {
	// Implementation of the server, for example etcd.
	// +optional
	Implementation string `json:"implementation,omitempty"`

	// Address is a comma separated list of host:port.
	// +optional
	Address string `json:"address,omitempty"`

	// RootPath of the keys.
	// +optional
	RootPath string `json:"rootPath,omitempty"`

	// Replicas is the number of members, if the server is managed.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Image of the members, if the server is managed.
	// +optional
	Image string `json:"image,omitempty"`

	// Size of each member's volume, if the server is managed.
	// +optional
	Size string `json:"size,omitempty"`
}

// An EffectiveBackup is the backup that applies.
type EffectiveBackup struct {
	// Type of the repository: filesystem or s3.
	// +optional
	Type string `json:"type,omitempty"`

	// Location of the repository: a path, or an s3:// URL.
	// +optional
	Location string `json:"location,omitempty"`

	// Schedule of backups, for example full=24h incremental=1h. It is empty if
	// none are taken but the first.
	// +optional
	Schedule string `json:"schedule,omitempty"`

	// RetainedFull is how many full backups are kept, if that is not left to
	// Multigres.
	// +optional
	RetainedFull int32 `json:"retainedFull,omitempty"`
}

// An EffectivePVCDeletionPolicy is the fate of volume claims that applies.
type EffectivePVCDeletionPolicy struct {
	// WhenDeleted applies to the claims of an object that is deleted.
	// +optional
	WhenDeleted string `json:"whenDeleted,omitempty"`

	// WhenScaled applies to the claims of replicas that are scaled away.
	// +optional
	WhenScaled string `json:"whenScaled,omitempty"`
}

// An EffectiveCell is the configuration of one cell that applies.
type EffectiveCell struct {
	// Name of the cell.
	// +optional
	Name string `json:"name"`

	// GatewayReplicas is the number of gateways that are wanted.
	// +optional
	GatewayReplicas int32 `json:"gatewayReplicas"`

	// LocalTopo is the cell's own topology server: etcd or external. Empty if the
	// cell uses the global one.
	// +optional
	LocalTopo string `json:"localTopo,omitempty"`

	// Template is the name of the CellTemplate, if one applies.
	// +optional
	Template string `json:"template,omitempty"`

	// NodeSelector of the cell's pods.
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
}

// An EffectiveShard is the configuration of one shard that applies.
type EffectiveShard struct {
	// Database of the shard.
	// +optional
	Database string `json:"database"`

	// TableGroup of the shard.
	// +optional
	TableGroup string `json:"tableGroup"`

	// Name of the shard.
	// +optional
	Name string `json:"name"`

	// Template is the name of the ShardTemplate, if one applies.
	// +optional
	Template string `json:"template,omitempty"`

	// MultiorchCells are the cells that run an orchestrator.
	// +optional
	// +listType=atomic
	MultiorchCells []string `json:"multiorchCells,omitempty"`

	// Pools of the shard.
	// +optional
	// +listType=atomic
	Pools []EffectivePool `json:"pools,omitempty"`

	// TotalPoolers is the number of PostgreSQL instances that are wanted.
	// +optional
	TotalPoolers int32 `json:"totalPoolers"`
}

// An EffectivePool is the configuration of one pool that applies.
type EffectivePool struct {
	// Name of the pool.
	// +optional
	Name string `json:"name"`

	// Cells that the pool runs in.
	// +optional
	// +listType=atomic
	Cells []string `json:"cells,omitempty"`

	// ReplicasPerCell is the number of instances in each cell.
	// +optional
	ReplicasPerCell int32 `json:"replicasPerCell"`

	// Size of each instance's volume.
	// +optional
	Size string `json:"size,omitempty"`

	// Postgres is a compact view of the PostgreSQL container's resources, for
	// example cpu=100m memory=256Mi/512Mi: requests, then limits after a slash.
	// +optional
	Postgres string `json:"postgres,omitempty"`
}
