package v1alpha1

import corev1 "k8s.io/api/core/v1"

// A PoolType says what the instances of a pool are for.
// +kubebuilder:validation:Enum=readWrite
type PoolType string

// PoolReadWrite instances may become the leader.
const PoolReadWrite PoolType = "readWrite"

// A PoolMap holds the pools of a shard by name. A pool that disappears from it
// is drained and then removed.
// +kubebuilder:validation:MaxProperties=8
// +kubebuilder:validation:XValidation:rule=`self.all(k, size(k) <= 25 && k.matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))`,message="pools: a pool name must be a DNS label of at most 25 characters"
type PoolMap map[PoolName]PoolSpec

// A PoolSpec describes a group of equal PostgreSQL instances.
type PoolSpec struct {
	// Type of the pool. Defaults to readWrite.
	// +optional
	Type PoolType `json:"type,omitempty"`

	// Cells that the pool runs in. Defaults to all cells of the cluster. A cell
	// that is taken out is drained.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=10
	Cells []CellName `json:"cells,omitempty"`

	// ReplicasPerCell is the number of instances in each cell, 1 to 32. The
	// default makes at least three in total: 3, 2 or 1 for one, two or more cells.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	ReplicasPerCell *int32 `json:"replicasPerCell,omitempty"`

	// Storage of each instance. Defaults to 1Gi.
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`

	// Postgres configures the container that runs PostgreSQL. Defaults to requests
	// of 100m CPU and 256Mi memory and a limit of 512Mi memory.
	// +optional
	Postgres ContainerConfig `json:"postgres,omitzero"`

	// Multipooler configures the container that runs the connection pooler.
	// Defaults to requests of 100m CPU and 128Mi memory and a limit of 256Mi
	// memory.
	// +optional
	Multipooler ContainerConfig `json:"multipooler,omitzero"`

	// Affinity of the pods. By default the instances of a shard prefer different
	// nodes.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// Tolerations of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// TopologySpreadConstraints of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// PriorityClassName of the pods.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// PodAnnotations are added to the pods.
	// +optional
	PodAnnotations PodAnnotations `json:"podAnnotations,omitempty"`

	// PodLabels are added to the pods.
	// +optional
	PodLabels PodLabels `json:"podLabels,omitempty"`

	// FSGroup is the numeric group that owns the files of the volumes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	FSGroup *int64 `json:"fsGroup,omitempty"`

	// PVCDeletionPolicy of the pool's volume claims. What is left out inherits
	// from the shard.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`
}

// A MultiorchSpec configures the orchestrators of a shard, which appoint its
// leader.
type MultiorchSpec struct {
	StatelessSpec `json:",inline"`

	// Placement of the pods.
	// +optional
	Placement *PodPlacementSpec `json:"placement,omitempty"`

	// Cells that run an orchestrator. Defaults to all cells of the cluster.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	Cells []CellName `json:"cells,omitempty"`
}
