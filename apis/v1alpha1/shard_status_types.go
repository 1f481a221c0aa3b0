package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A PodRole is the role of a PostgreSQL instance in its shard.
type PodRole string

// Roles of PostgreSQL instances.
const (
	// RolePrimary is the leader, which takes the writes.
	RolePrimary PodRole = "PRIMARY"
	// RoleReplica follows the leader.
	RoleReplica PodRole = "REPLICA"
	// RoleQuarantined was set aside because its data cannot be trusted.
	RoleQuarantined PodRole = "QUARANTINED"
	// RoleDrained was taken out of service.
	RoleDrained PodRole = "DRAINED"
)

// A ShardStatus describes what is there of a shard.
type ShardStatus struct {
	CompositeStatus `json:",inline"`

	// Cells that the spec places pools or orchestrators in, sorted.
	// +optional
	// +listType=atomic
	Cells []string `json:"cells,omitempty"`

	// CellsInUse are the cells that hold anything of the shard, wanted or not:
	// a pod, an orchestrator or a registered pooler. Sorted.
	// +optional
	// +listType=atomic
	CellsInUse []string `json:"cellsInUse,omitempty"`

	// OrchReady says whether the orchestrators of all cells are ready.
	// +optional
	OrchReady bool `json:"orchReady"`

	// PoolsReady says whether all instances are there and ready.
	// +optional
	PoolsReady bool `json:"poolsReady"`

	// Leader is the name of the leader's pod, if it is known.
	// +optional
	Leader string `json:"leader,omitempty"`

	// NoLeaderSince is since when nobody is known to lead.
	// +optional
	NoLeaderSince *metav1.Time `json:"noLeaderSince,omitempty"`

	// Term of the leader: it grows with each change of the leader.
	// +optional
	Term int64 `json:"term,omitempty"`

	// DesiredReplicas is the number of instances that are wanted.
	// +optional
	DesiredReplicas int32 `json:"desiredReplicas"`

	// ReadyReplicas is the number of instances that are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`

	// UpdatedReplicas is the number of instances that run what the spec wants.
	// +optional
	UpdatedReplicas int32 `json:"updatedReplicas"`

	// Rollout says which pod has to go or is being replaced, and what that waits
	// for. It is absent if no pod has to go.
	// +optional
	Rollout *RolloutStatus `json:"rollout,omitempty"`

	// RetainedVolumes lists the volume claims that are kept although nothing uses
	// them any more. An instance that comes back takes its own again.
	// +optional
	// +listType=atomic
	RetainedVolumes []string `json:"retainedVolumes,omitempty"`

	// Pools summarises each pool in each of its cells.
	// +optional
	// +listType=atomic
	Pools []PoolStatus `json:"pools,omitempty"`

	// PodRoles is the role of each pod, by the pod's name.
	// +optional
	PodRoles map[string]PodRole `json:"podRoles,omitempty"`

	// PostgresConfig says how far a change of the PostgreSQL settings has come.
	// +optional
	PostgresConfig *PostgresConfigStatus `json:"postgresConfig,omitempty"`

	// LastBackupTime is when the newest complete backup was started.
	// +optional
	LastBackupTime *metav1.Time `json:"lastBackupTime,omitempty"`

	// LastBackupType is the type of that backup: full, diff or incr.
	// +optional
	LastBackupType string `json:"lastBackupType,omitempty"`

	// Retiring lists the pods that are kept for now although the spec no longer
	// asks for them.
	// +optional
	// +listType=atomic
	Retiring []RetiringResource `json:"retiring,omitempty"`
}

// A RolloutStatus says what a change of the pods is at.
type RolloutStatus struct {
	// Pod that goes or has to go next, or that this waits for.
	// +optional
	Pod string `json:"pod"`

	// Reason says in a word what is happening, or what it waits for.
	// +optional
	Reason string `json:"reason"`

	// Message says it in a line.
	// +optional
	Message string `json:"message,omitempty"`

	// Since is when that began.
	// +optional
	Since metav1.Time `json:"since"`
}

// A PoolStatus summarises a pool in one cell.
type PoolStatus struct {
	// Name of the pool.
	// +optional
	Name string `json:"name"`

	// Cell of the instances.
	// +optional
	Cell string `json:"cell"`

	// Desired is the number of instances that are wanted.
	// +optional
	Desired int32 `json:"desired"`

	// Ready is the number of instances that are ready.
	// +optional
	Ready int32 `json:"ready"`

	// Updated is the number of instances that run what the spec wants.
	// +optional
	Updated int32 `json:"updated"`
}

// A PostgresConfigStatus says how far a change of PostgreSQL settings has come.
type PostgresConfigStatus struct {
	// InProgress says whether some instance does not have the settings yet.
	// +optional
	InProgress bool `json:"inProgress"`

	// RestartHash identifies the settings that need a restart.
	// +optional
	RestartHash string `json:"restartHash,omitempty"`

	// ReloadHash identifies the settings that need a reload only.
	// +optional
	ReloadHash string `json:"reloadHash,omitempty"`

	// LastAppliedAt is when all instances had the settings.
	// +optional
	LastAppliedAt *metav1.Time `json:"lastAppliedAt,omitempty"`

	// Error says why the settings cannot be applied.
	// +optional
	Error string `json:"error,omitempty"`
}
