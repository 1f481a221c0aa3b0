package rollout

import "time"

// An Action is what happens to the pod of a member.
type Action string

// What can happen to a pod.
const (
	// Create makes a pod that does not exist.
	Create Action = "Create"
	// Keep applies the pod's specification, which is the one that it was made from.
	Keep Action = "Keep"
	// Freeze leaves a pod as it is although the shard wants another specification for it, or none at all.
	Freeze Action = "Freeze"
	// Remove deletes a pod. If the member is wanted a successor follows once the pod has gone.
	Remove Action = "Remove"
	// Wait composes no pod: there is none, or one whose deletion was asked for already.
	Wait Action = "Wait"
)

// A Cause is why a pod has to go.
type Cause string

// Causes, in the order in which they count.
const (
	CauseNone Cause = ""
	// CauseDrained pods belong to a shard that goes.
	CauseDrained Cause = "Drained"
	// CauseNotWanted pods belong to members that the shard no longer wants.
	CauseNotWanted Cause = "NotWanted"
	// CauseFinished pods have ended.
	CauseFinished Cause = "Finished"
	// CauseOutdated pods were made from another specification.
	CauseOutdated Cause = "Outdated"
	// CauseFileSystemResize pods must be made anew for their file system to grow.
	CauseFileSystemResize Cause = "FileSystemResize"
	// CauseUnhealthy pods have had a PostgreSQL that does not come up for long, on data that is complete.
	CauseUnhealthy Cause = "Unhealthy"
)

// A Reason says why an action is taken, or what it waits for.
type Reason string

// Reasons of members without a pod.
const (
	// ReasonMissing members get a pod.
	ReasonMissing Reason = "Missing"
	// ReasonPrerequisites: something that the pod needs is not there yet.
	ReasonPrerequisites Reason = "Prerequisites"
	// ReasonNameTaken: somebody else's pod has the name.
	ReasonNameTaken Reason = "NameTaken"
	// ReasonReturning: the record still lists the member as removed.
	ReasonReturning Reason = "Returning"
	// ReasonTerminating: the pod is on its way out.
	ReasonTerminating Reason = "Terminating"
	// ReasonStuckTerminating: it should have gone long since.
	ReasonStuckTerminating Reason = "StuckTerminating"
	// ReasonLeaving: the pod has gone, its registration or its volume has not.
	ReasonLeaving Reason = "Leaving"
	// ReasonNeeded: it is not wanted, and nobody leads: a leader can only be elected by those in the cohort, so it stays or
	// comes back until it has left that.
	ReasonNeeded Reason = "Needed"
	// ReasonGone: nothing is left but what is to be retained.
	ReasonGone Reason = "Gone"
)

// Reasons of pods that stay as they should be.
const (
	// ReasonCurrent: all is well.
	ReasonCurrent Reason = "Current"
	// ReasonStarting: it is not ready yet.
	ReasonStarting Reason = "Starting"
	// ReasonJoining: it is ready, and by the record not a full member of the cohort yet.
	ReasonJoining Reason = "Joining"
	// ReasonStalled: it should have been a full member long since.
	ReasonStalled Reason = "Stalled"
)

// Reasons of pods that have to go and stay for now.
const (
	// ReasonPaused: somebody paused the rollout.
	ReasonPaused Reason = "Paused"
	// ReasonRecordUnknown: nothing is known of roles and cohort.
	ReasonRecordUnknown Reason = "RecordUnknown"
	// ReasonRecordStale: the record has been asked whether what it says still holds.
	ReasonRecordStale Reason = "RecordStale"
	// ReasonRoleUnknown: nobody is known to lead.
	ReasonRoleUnknown Reason = "RoleUnknown"
	// ReasonCohortChanging: who leads or who is in the cohort changed just now, or is about to.
	ReasonCohortChanging Reason = "CohortChanging"
	// ReasonMemberNotSteady: another member is away, not ready, or not in the cohort.
	ReasonMemberNotSteady Reason = "MemberNotSteady"
	// ReasonQuorumAtRisk: the other members are no quorum.
	ReasonQuorumAtRisk Reason = "QuorumAtRisk"
	// ReasonInTurn: another pod goes first.
	ReasonInTurn Reason = "InTurn"
	// ReasonLeaderLast: it leads, and others have to go first.
	ReasonLeaderLast Reason = "LeaderLast"
	// ReasonUnsettled: what is known of the pod is in doubt.
	ReasonUnsettled Reason = "Unsettled"
)

// Reasons of pods that go.
const (
	// ReasonFinished: the pod has ended, so nothing is lost.
	ReasonFinished Reason = "Finished"
	// ReasonIdle: the pod has served nobody for some time.
	ReasonIdle Reason = "Idle"
	// ReasonItsTurn: all others can do without it.
	ReasonItsTurn Reason = "ItsTurn"
	// ReasonDraining: the whole shard goes.
	ReasonDraining Reason = "Draining"
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonMissing, ReasonPrerequisites, ReasonNameTaken, ReasonReturning, ReasonTerminating, ReasonStuckTerminating, ReasonLeaving, ReasonNeeded, ReasonGone,
		ReasonCurrent, ReasonStarting, ReasonJoining, ReasonStalled,
		ReasonPaused, ReasonRecordUnknown, ReasonRecordStale, ReasonRoleUnknown, ReasonCohortChanging, ReasonMemberNotSteady, ReasonQuorumAtRisk, ReasonInTurn, ReasonLeaderLast,
		ReasonUnsettled,
		ReasonFinished, ReasonIdle, ReasonItsTurn, ReasonDraining,
	}
}

// A VolumeAction is what happens to the volume of a member.
type VolumeAction string

// What can happen to a volume.
const (
	// VolumeKeep leaves it.
	VolumeKeep VolumeAction = "Keep"
	// VolumeRelease lets its claim take it along when the claim goes, and keeps the claim.
	VolumeRelease VolumeAction = "Release"
	// VolumeRemove removes the claim, and the volume with it.
	VolumeRemove VolumeAction = "Remove"
)

// A Decision is what becomes of one member, and why.
type Decision struct {
	Action Action
	Reason Reason
	// Cause is why the pod has to go, whether it may already or not.
	Cause Cause
	// Message says it to a person.
	Message string
	// On is the name of the pod that it waits for, if it is one.
	On string
	// Since is when what it waits for began, as far as anything observed tells. It is zero if nothing does.
	Since time.Time

	Volume  VolumeAction
	Listing Listing
}

// A Plan is what becomes of all members.
type Plan struct {
	// Decisions by the members' keys.
	Decisions map[string]Decision
	// Probe is the question that the record should answer.
	Probe string
	// Hand is the name of the pod that the plan is about: the one that goes or has to go next, or the one that this waits for.
	// It is empty if no pod has to go.
	Hand string
	// Pod is the name of the pod that goes or has to go next, and Next the decision about it.
	Pod  string
	Next Decision
}
