package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// A PoolerRole is what a pooler does in its shard, as the pooler itself says.
// +kubebuilder:validation:Enum=PRIMARY;REPLICA;UNKNOWN
type PoolerRole string

const (
	// PoolerRolePrimary accepts writes.
	PoolerRolePrimary PoolerRole = "PRIMARY"

	// PoolerRoleReplica follows the primary.
	PoolerRoleReplica PoolerRole = "REPLICA"

	// PoolerRoleUnknown is a pooler that did not answer, or that has no role yet.
	PoolerRoleUnknown PoolerRole = "UNKNOWN"
)

// A BackupType says how much a backup holds.
// +kubebuilder:validation:Enum=full;differential;incremental
type BackupType string

const (
	// BackupTypeFull holds everything.
	BackupTypeFull BackupType = "full"

	// BackupTypeDifferential holds what changed since the last full backup.
	BackupTypeDifferential BackupType = "differential"

	// BackupTypeIncremental holds what changed since the last backup of any type.
	BackupTypeIncremental BackupType = "incremental"
)

// A PoolerObservation is what is known about one pooler. A pooler that is not reachable has an unknown role, and its
// health facts are false. InCohort needs no answer of the pooler itself: it is what the rule in force says.
type PoolerObservation struct {
	// Pod is the name of the pooler's pod. It is empty for a pooler that forProvider does not list.
	// +optional
	Pod string `json:"pod,omitempty"`

	// PodUID is the UID of the pod when the pooler was asked. It is empty if there was no pod of that name. Facts whose
	// UID is another one than the pod's are those of its predecessor.
	// +optional
	PodUID types.UID `json:"podUID,omitempty"`

	// Terminating is true if the pod is being deleted.
	// +optional
	Terminating bool `json:"terminating,omitempty"`

	// ServiceID of the pooler.
	ServiceID string `json:"serviceID"`

	// Cell of the pooler.
	Cell string `json:"cell"`

	// Role that the pooler says it has.
	// +optional
	Role PoolerRole `json:"role,omitempty"`

	// Term that the pooler leads in, if it leads; else zero.
	// +optional
	Term int64 `json:"term,omitempty"`

	// InCohort is true if the rule in force lists the pooler as a member.
	// +optional
	InCohort bool `json:"inCohort"`

	// Registered is true if the topology holds a record of the pooler. While the topology of its cell does not answer
	// (unreachableCells) it stays as it was.
	// +optional
	Registered bool `json:"registered"`

	// Reachable is true if the pooler answered when it was last asked.
	// +optional
	Reachable bool `json:"reachable"`

	// Initialized is true if the pooler has a data directory that is part of the shard.
	// +optional
	Initialized bool `json:"initialized"`

	// PostgresReady is true if the pooler's PostgreSQL accepts connections.
	// +optional
	PostgresReady bool `json:"postgresReady"`

	// LagWithinLimit is true if the pooler receives from the leader and replays at most 64 MiB behind it. It is true for
	// the leader, and false for all others while there is none.
	// +optional
	LagWithinLimit bool `json:"lagWithinLimit"`

	// RestartPending is true if PostgreSQL must be restarted before a changed setting applies.
	// +optional
	RestartPending bool `json:"restartPending"`

	// ConfigHash is the hash of the settings that PostgreSQL has in force, as its configuration file carries it. It is
	// empty if that is not known.
	// +optional
	ConfigHash string `json:"configHash,omitempty"`

	// LastBackupID is the id of the last complete backup that the pooler took.
	// +optional
	LastBackupID string `json:"lastBackupID,omitempty"`
}

// A BackupObservation is one complete backup.
type BackupObservation struct {
	// ID of the backup.
	ID string `json:"id"`

	// Type of the backup.
	// +optional
	Type BackupType `json:"type,omitempty"`

	// StartedAt is when the backup was begun, as its id says. Poolers do not tell when it was complete.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
}

// An InitClaimObservation is the claim that decides who initializes a shard. It stays for the life of the shard.
type InitClaimObservation struct {
	// Claimer is the service id of the orchestrator that holds the claim. No other can initialize the shard.
	Claimer string `json:"claimer"`

	// Members are the service ids of the poolers that the shard is initialized with.
	// +listType=atomic
	// +optional
	Members []string `json:"members,omitempty"`
}

// ShardRecordObservation holds the facts about a shard that decide what may be done to it. It changes only when such a
// fact changes: log positions, lag and times of last contact are metrics.
type ShardRecordObservation struct {
	// Probe repeats the probe of forProvider that the facts were read for.
	// +optional
	Probe string `json:"probe,omitempty"`

	// UnreachableCells are the cells whose topology did not answer, sorted. What it says of their poolers is not known.
	// +listType=atomic
	// +optional
	UnreachableCells []string `json:"unreachableCells,omitempty"`

	// Leader is the service id of the pooler that the highest rule known to any pooler names, that says so itself, and
	// whose PostgreSQL takes writes. It is empty if there is none, or if it is not known.
	// +optional
	Leader string `json:"leader,omitempty"`

	// LeaderPod is the name of the leader's pod.
	// +optional
	LeaderPod string `json:"leaderPod,omitempty"`

	// Term is the highest coordinator term that any pooler knows of.
	// +optional
	Term int64 `json:"term,omitempty"`

	// Cohort holds the service ids of the members of the rule in force, sorted. Without a leader it is the cohort of the
	// highest rule that anybody knows of, which may be outdated.
	// +listType=atomic
	// +optional
	Cohort []string `json:"cohort,omitempty"`

	// RuleMade is when the rule was made that Cohort is of: when the cohort or its leader last changed, by the clock of whoever made it.
	// +optional
	RuleMade *metav1.Time `json:"ruleMade,omitempty"`

	// DurabilityPolicy of the rule in force, as its name.
	// +optional
	DurabilityPolicy string `json:"durabilityPolicy,omitempty"`

	// Poolers are the expected ones, and those that are still registered or in the cohort, sorted by cell and service id.
	// +listType=atomic
	// +optional
	Poolers []PoolerObservation `json:"poolers,omitempty"`

	// LastBackup is the last complete backup of the shard.
	// +optional
	LastBackup *BackupObservation `json:"lastBackup,omitempty"`

	// LastFullBackup is the last complete full backup of the shard.
	// +optional
	LastFullBackup *BackupObservation `json:"lastFullBackup,omitempty"`

	// FullBackups is how many complete full backups there are.
	// +optional
	FullBackups int32 `json:"fullBackups,omitempty"`

	// InitClaim is the claim that decides who initializes the shard, if there is one.
	// +optional
	InitClaim *InitClaimObservation `json:"initClaim,omitempty"`

	// Leftovers are the service ids of removed poolers that are still registered or in the cohort, or may be for all that is
	// known, and of registered ones that forProvider does not list at all, sorted. The latter are left alone until they are
	// listed as removed.
	// +listType=atomic
	// +optional
	Leftovers []string `json:"leftovers,omitempty"`
}
