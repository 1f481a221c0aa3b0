package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A ShardTemplateSpec holds settings of a shard.
type ShardTemplateSpec struct {
	// Multiorch configures the orchestrators.
	// +optional
	Multiorch *MultiorchSpec `json:"multiorch,omitempty"`

	// InitdbArgs are extra arguments of initdb.
	// +optional
	InitdbArgs InitdbArgs `json:"initdbArgs,omitempty"`

	// PostgresConfigRef refers to lines of postgresql.conf. Prefer postgresConfig.
	// +optional
	PostgresConfigRef *PostgresConfigRef `json:"postgresConfigRef,omitempty"`

	// PostgresConfig are PostgreSQL settings.
	// +optional
	PostgresConfig PostgresConfig `json:"postgresConfig,omitempty"`

	// Pools of the shard.
	// +optional
	Pools PoolMap `json:"pools,omitempty"`

	// PVCDeletionPolicy of the shard's volume claims.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`
}

// A ShardTemplate holds settings that shards of MultigresClusters of its
// namespace share.
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=sht,categories=multigres
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type ShardTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec holds the settings.
	// +optional
	Spec ShardTemplateSpec `json:"spec,omitzero"`
}

// ShardTemplateList is a list of ShardTemplates.
// +kubebuilder:object:root=true
type ShardTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []ShardTemplate `json:"items"`
}
