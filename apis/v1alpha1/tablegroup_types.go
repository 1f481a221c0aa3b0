package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A TableGroupSpec describes a table group, resolved: it is composed by a
// MultigresCluster.
type TableGroupSpec struct {
	DataPlaneSettings `json:",inline"`

	// DatabaseName is the database of the table group.
	DatabaseName DatabaseName `json:"databaseName"`

	// TableGroupName is the name of the table group in its database.
	TableGroupName TableGroupName `json:"tableGroupName"`

	// IsDefault marks the table group of all tables that no other one claims.
	// +optional
	IsDefault bool `json:"default,omitempty"`

	// Shards of the table group.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Shards []ShardResolvedSpec `json:"shards,omitempty"`

	// PVCDeletionPolicy of the shards' volume claims.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Backup of the table group, for information: each shard has its own.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`

	// Drain makes all shards drain and go, so that the table group can. Its volumes
	// stay until the shards go, and then follow their policy.
	// +optional
	Drain bool `json:"drain,omitempty"`
}

// A ShardResolvedSpec is what a table group knows of one of its shards.
type ShardResolvedSpec struct {
	// Name of the shard.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`

	// Multiorch configures the orchestrators.
	// +optional
	Multiorch MultiorchSpec `json:"multiorch,omitzero"`

	// InitdbArgs are extra arguments of initdb.
	// +optional
	InitdbArgs InitdbArgs `json:"initdbArgs,omitempty"`

	// PostgresConfigRef refers to lines of postgresql.conf.
	// +optional
	PostgresConfigRef *PostgresConfigRef `json:"postgresConfigRef,omitempty"`

	// PostgresConfig are PostgreSQL settings. They win over all other sources.
	// +optional
	PostgresConfig PostgresConfig `json:"postgresConfig,omitempty"`

	// Pools of the shard.
	// +optional
	Pools PoolMap `json:"pools,omitempty"`

	// PVCDeletionPolicy of the shard's volume claims. What is left out inherits
	// from the table group.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Backup of the shard.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`
}

// A TableGroupStatus describes what is there of a table group.
type TableGroupStatus struct {
	CompositeStatus `json:",inline"`

	// ReadyShards is the number of shards that serve.
	// +optional
	ReadyShards int32 `json:"readyShards"`

	// TotalShards is the number of shards that are wanted.
	// +optional
	TotalShards int32 `json:"totalShards"`

	// CellsInUse are the cells that hold anything of any shard, wanted or not.
	// Sorted.
	// +optional
	// +listType=atomic
	CellsInUse []string `json:"cellsInUse,omitempty"`

	// Retiring lists the shards that are kept for now although the spec no longer
	// asks for them.
	// +optional
	// +listType=atomic
	Retiring []RetiringResource `json:"retiring,omitempty"`
}

// A TableGroup is a set of tables that are sharded alike.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=tbg,categories=multigres
// +kubebuilder:printcolumn:name="Shards",type="integer",JSONPath=".status.readyShards"
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".status.totalShards"
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Message",type="string",priority=1,JSONPath=".status.message"
type TableGroup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec TableGroupSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status TableGroupStatus `json:"status,omitzero"`
}

// TableGroupList is a list of TableGroups.
// +kubebuilder:object:root=true
type TableGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []TableGroup `json:"items"`
}
