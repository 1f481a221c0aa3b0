package v1alpha1

// A DatabaseConfig describes a logical database.
// +kubebuilder:validation:XValidation:rule="!has(self.tablegroups) || self.tablegroups.size() == 0 || self.tablegroups.filter(t, has(t.default) && t.default).size() == 1",message="tablegroups: exactly one table group must be the default",fieldPath=".tablegroups"
type DatabaseConfig struct {
	// Name of the database.
	Name DatabaseName `json:"name"`

	// Default marks the database that clients reach without naming one.
	// +optional
	Default bool `json:"default,omitempty"`

	// TableGroups of the database. Defaults to one, named default.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	TableGroups []TableGroupConfig `json:"tablegroups,omitempty"`

	// Backup is merged over the backup of the cluster.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`

	// DurabilityPolicy of the database. Defaults to that of the cluster.
	// +optional
	DurabilityPolicy DurabilityPolicy `json:"durabilityPolicy,omitempty"`
}

// A TableGroupConfig describes tables that are sharded alike.
type TableGroupConfig struct {
	// Name of the table group.
	Name TableGroupName `json:"name"`

	// Default marks the table group of all tables that no other one claims.
	// +optional
	Default bool `json:"default,omitempty"`

	// Shards of the table group. Defaults to one, which holds everything.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Shards []ShardConfig `json:"shards,omitempty"`

	// Backup is merged over the backup of the database.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`

	// PVCDeletionPolicy of the shards' volume claims. What is left out inherits
	// from the cluster.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`
}

// A ShardConfig describes one shard.
// +kubebuilder:validation:XValidation:rule="!(has(self.spec) && has(self.shardTemplate))",message="spec and shardTemplate of a shard are mutually exclusive"
// +kubebuilder:validation:XValidation:rule="!(has(self.spec) && has(self.overrides))",message="spec and overrides of a shard are mutually exclusive"
type ShardConfig struct {
	// Name of the shard.
	Name ShardName `json:"name"`

	// ShardTemplate is the name of a ShardTemplate. Defaults to that of
	// templateDefaults, else to the template named default if there is one.
	// +optional
	ShardTemplate TemplateName `json:"shardTemplate,omitempty"`

	// Overrides are merged over the template.
	// +optional
	Overrides *ShardOverrides `json:"overrides,omitempty"`

	// Spec configures the shard in place.
	// +optional
	Spec *ShardInlineSpec `json:"spec,omitempty"`

	// Backup is merged over the backup of the table group.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`
}

// ShardOverrides change single settings of a shard's template.
type ShardOverrides struct {
	// Multiorch configures the orchestrators.
	// +optional
	Multiorch *MultiorchSpec `json:"multiorch,omitempty"`

	// InitdbArgs are extra arguments of initdb.
	// +optional
	InitdbArgs InitdbArgs `json:"initdbArgs,omitempty"`

	// PostgresConfigRef refers to lines of postgresql.conf. Prefer postgresConfig.
	// +optional
	PostgresConfigRef *PostgresConfigRef `json:"postgresConfigRef,omitempty"`

	// PostgresConfig is merged over the template, setting by setting.
	// +optional
	PostgresConfig PostgresConfig `json:"postgresConfig,omitempty"`

	// Pools are merged over those of the template by name; a new name adds a pool.
	// +optional
	Pools PoolMap `json:"pools,omitempty"`
}

// A ShardInlineSpec configures a shard in place.
type ShardInlineSpec struct {
	// Multiorch configures the orchestrators.
	// +optional
	Multiorch *MultiorchSpec `json:"multiorch,omitempty"`

	// InitdbArgs are extra arguments of initdb.
	// +optional
	InitdbArgs InitdbArgs `json:"initdbArgs,omitempty"`

	// PostgresConfigRef refers to lines of postgresql.conf. Prefer postgresConfig.
	// +optional
	PostgresConfigRef *PostgresConfigRef `json:"postgresConfigRef,omitempty"`

	// PostgresConfig are PostgreSQL settings. They win over all other sources.
	// +optional
	PostgresConfig PostgresConfig `json:"postgresConfig,omitempty"`

	// Pools of the shard. Defaults to one, named default.
	// +optional
	Pools PoolMap `json:"pools,omitempty"`

	// PVCDeletionPolicy of the shard's volume claims. What is left out inherits
	// from the table group.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`
}
