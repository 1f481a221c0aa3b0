package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A ShardSpec describes a shard, resolved: it is composed by a TableGroup.
type ShardSpec struct {
	DataPlaneSettings `json:",inline"`

	// DatabaseName is the database of the shard.
	DatabaseName DatabaseName `json:"databaseName"`

	// TableGroupName is the table group of the shard.
	TableGroupName TableGroupName `json:"tableGroupName"`

	// ShardName is the name of the shard in its table group.
	ShardName ShardName `json:"shardName"`

	// Multiorch configures the orchestrators.
	// +optional
	Multiorch MultiorchSpec `json:"multiorch,omitzero"`

	// InitdbArgs are extra arguments of initdb. They only matter when a data
	// directory is created.
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

	// PVCDeletionPolicy of the shard's volume claims. Defaults to Retain.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Backup of the shard.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`

	// Replicas is the number of PostgreSQL instances in all pools and cells. It
	// follows from the pools and is there for the scale subresource.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Replicas *int32 `json:"replicas,omitempty"`

	// Drain makes all instances stop and leave the topology, so that the shard can
	// go. The condition Drained says when they have. Its volumes stay until the
	// shard goes, and then follow their policy.
	// +optional
	Drain bool `json:"drain,omitempty"`
}

// A Shard is one replicated PostgreSQL: a leader and its followers.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.readyReplicas
// +kubebuilder:resource:scope=Namespaced,shortName=srd,categories=multigres
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Leader",type="string",JSONPath=".status.leader"
// +kubebuilder:printcolumn:name="Replicas",type="integer",JSONPath=".status.readyReplicas"
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".status.desiredReplicas"
type Shard struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec ShardSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status ShardStatus `json:"status,omitzero"`
}

// ShardList is a list of Shards.
// +kubebuilder:object:root=true
type ShardList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []Shard `json:"items"`
}
