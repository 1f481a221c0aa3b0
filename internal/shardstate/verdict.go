package shardstate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// Condition types of a ShardRecord, beside those that every managed resource has.
const (
	// TypeObserved is True if everybody who should answer did.
	TypeObserved = "Observed"

	// TypeLeftoversRemoved is True if nothing is left of removed poolers.
	TypeLeftoversRemoved = "LeftoversRemoved"

	// TypeSettingsApplied is True if all servers have the wanted settings in force.
	TypeSettingsApplied = "SettingsApplied"

	// TypeRejoined is True if nobody is out who cannot follow the leader by itself.
	TypeRejoined = "Rejoined"

	// TypeBackupsOnSchedule is True if no backup is due that is not being taken. Without a schedule there is none.
	TypeBackupsOnSchedule = "BackupsOnSchedule"

	// TypeSurplusBackupsRemoved is True if there are no more full backups than are to be kept. Without a retention there is none.
	TypeSurplusBackupsRemoved = "SurplusBackupsRemoved"

	// TypeReady is True if there is a leader and every expected pooler is a member that serves.
	TypeReady = "Ready"
)

// Reasons of the conditions.
const (
	ReasonAllAnswered         = "AllAnswered"
	ReasonTopologyUnavailable = "TopologyUnavailable"
	ReasonPoolersUnreachable  = "PoolersUnreachable"

	ReasonNothingLeft    = "NothingLeft"
	ReasonPodExists      = "PodExists"
	ReasonNoLeader       = "NoLeader"
	ReasonRemoving       = "Removing"
	ReasonRemovalRefused = "RemovalRefused"
	ReasonRemovalFailed  = "RemovalFailed"

	ReasonApplied     = "Applied"
	ReasonReloads     = "Reloading"
	ReasonNotIncluded = "NotIncluded"
	ReasonUnknown     = "Unknown"
	ReasonNotAsked    = "NotRequested"

	ReasonNobodyOut    = "NobodyOut"
	ReasonStranded     = "Stranded"
	ReasonRewinding    = "Rewinding"
	ReasonRewindFailed = "RewindFailed"

	ReasonOnSchedule   = "OnSchedule"
	ReasonBackingUp    = "BackingUp"
	ReasonBackupFailed = "BackupFailed"
	ReasonNoBackup     = "NoBackup"
	ReasonNoReplica    = "NoReplica"
	ReasonOtherBackup  = "OtherBackup"
	ReasonClockSkew    = "ClockSkew"

	ReasonWithinRetention = "WithinRetention"
	ReasonExpiring        = "Expiring"
	ReasonExpiryFailed    = "ExpiryFailed"
	ReasonDamagedBackup   = "DamagedBackup"

	ReasonAvailable       = "Available"
	ReasonClaimedByOther  = "ClaimedByOther"
	ReasonPoolersNotReady = "PoolersNotReady"
)

// A Verdict is a condition without its time.
type Verdict struct {
	Type    string
	Status  corev1.ConditionStatus
	Reason  string
	Message string
}

func yes(t, reason string) Verdict {
	return Verdict{Type: t, Status: corev1.ConditionTrue, Reason: reason}
}

func no(t, reason, message string) Verdict {
	return Verdict{Type: t, Status: corev1.ConditionFalse, Reason: reason, Message: message}
}

func (f *facts) verdicts(obs v1alpha1.ShardRecordObservation, more []Verdict) []Verdict {
	out := append([]Verdict{f.removed(), f.observed(obs), f.ready(obs), f.rejoined(), f.settings()}, more...)
	slices.SortFunc(out, func(a, b Verdict) int { return strings.Compare(a.Type, b.Type) })
	return out
}

// observed says whether everybody answered who should: the topology, and every registered pooler whose pod stays.
func (f *facts) observed(obs v1alpha1.ShardRecordObservation) Verdict {
	if len(obs.UnreachableCells) > 0 {
		return no(TypeObserved, ReasonTopologyUnavailable, "the topology does not answer of "+few(obs.UnreachableCells))
	}
	var silent []string
	for _, p := range obs.Poolers {
		if !p.Reachable && p.Registered && p.PodUID != "" && !p.Terminating {
			silent = append(silent, p.Pod)
		}
	}
	if len(silent) > 0 {
		return no(TypeObserved, ReasonPoolersUnreachable, "no answer from "+few(silent))
	}
	return yes(TypeObserved, ReasonAllAnswered)
}

// removed says what removals wait for.
func (f *facts) removed() Verdict {
	var exist, left, silent []string
	for _, p := range f.Parameters.Removed {
		_, known := f.isRegistered(poolerID(p))
		switch {
		case !f.remains(p):
		case !f.gone(p):
			exist = append(exist, p.Pod)
		case !known:
			silent = append(silent, p.ServiceID)
		default:
			left = append(left, p.ServiceID)
		}
	}
	switch {
	case len(exist) > 0:
		return no(TypeLeftoversRemoved, ReasonPodExists, "pods that are not gone: "+few(exist))
	case len(silent) > 0:
		return no(TypeLeftoversRemoved, ReasonTopologyUnavailable, "the topology does not tell what is left of "+few(silent))
	case len(left) > 0 && !f.leads && !f.retired() && !f.unborn():
		return no(TypeLeftoversRemoved, ReasonNoLeader, "no leader knows whether these are in the cohort: "+few(left))
	case len(left) > 0:
		return no(TypeLeftoversRemoved, ReasonRemoving, "something is left of "+few(left))
	}
	return yes(TypeLeftoversRemoved, ReasonNothingLeft)
}

// ready says whether the shard is complete: a leader, and every expected pooler a member that serves.
func (f *facts) ready(obs v1alpha1.ShardRecordObservation) Verdict {
	var missing []string
	for _, p := range obs.Poolers {
		id := ID{Cell: p.Cell, Name: p.ServiceID}
		if f.expected(id) && (!p.Registered || !p.Reachable || !p.Initialized || !p.PostgresReady || !p.InCohort) {
			missing = append(missing, p.Pod)
		}
	}
	switch {
	case f.claimedByOther(obs):
		return no(TypeReady, ReasonClaimedByOther, fmt.Sprintf("no orchestrator of this shard may initialize it: %s has claimed that, which is not one of them", obs.InitClaim.Claimer))
	case !f.leads:
		return no(TypeReady, ReasonNoLeader, "no pooler leads")
	case len(missing) > 0:
		return no(TypeReady, ReasonPoolersNotReady, "not serving as members: "+few(missing))
	}
	return yes(TypeReady, ReasonAvailable)
}

// rejoined says who is out. What becomes of a rewind says whoever does it.
func (f *facts) rejoined() Verdict {
	var out []string
	for _, id := range f.stranded {
		out = append(out, f.podOf(id))
	}
	if len(out) > 0 {
		return no(TypeRejoined, ReasonStranded, fmt.Sprintf("cannot follow %s by themselves as they are: %s", f.leader.Name, few(out)))
	}
	return yes(TypeRejoined, ReasonNobodyOut)
}

// claimedByOther is true if a shard has no cohort, and somebody holds the claim to give it one who is none of its orchestrators.
// The claim is for ever, so that the shard waits for ever.
func (f *facts) claimedByOther(obs v1alpha1.ShardRecordObservation) bool {
	if obs.InitClaim == nil || f.rule != nil || len(f.Parameters.Orchestrators) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.Parameters.Orchestrators, func(o v1alpha1.ShardOrchestrators) bool {
		return f.Claim.GetClaimerId().GetCell() == o.Cell && strings.HasPrefix(obs.InitClaim.Claimer, o.ServiceIDPrefix+"-")
	})
}

// settings says whether all servers have the wanted settings in force.
func (f *facts) settings() Verdict {
	want := f.Parameters.Settings
	if want == nil {
		return yes(TypeSettingsApplied, ReasonNotAsked)
	}
	var others, without, silent []string
	for _, p := range f.Parameters.Poolers {
		switch a := f.Answers[poolerID(p)]; {
		case a.Settings == nil:
			silent = append(silent, p.Pod)
		case a.Settings.Hash == "":
			without = append(without, p.Pod)
		case a.Settings.Hash != want.Hash:
			others = append(others, p.Pod)
		}
	}
	switch {
	case len(others) > 0:
		return no(TypeSettingsApplied, ReasonReloads, "other settings are in force in "+few(others))
	case len(without) > 0:
		return no(TypeSettingsApplied, ReasonNotIncluded, "servers that do not read the settings of the shard: "+few(without))
	case len(silent) > 0:
		return Verdict{Type: TypeSettingsApplied, Status: corev1.ConditionUnknown, Reason: ReasonUnknown, Message: "it is not known which settings are in force in " + few(silent)}
	}
	return yes(TypeSettingsApplied, ReasonApplied)
}

// settling is true if something is on its way of which nothing tells when it is done: elections and the cohort happen in the
// poolers, and only their records are watched.
func (f *facts) settling(obs v1alpha1.ShardRecordObservation, ops []Operation) bool {
	if slices.ContainsFunc(ops, func(o Operation) bool { return o.Action == RemoveMember || o.Action == Unregister }) {
		return true
	}
	if len(f.Parameters.Removed) > 0 && f.removed().Status != corev1.ConditionTrue {
		return true
	}
	return len(f.Parameters.Poolers) > 0 && f.ready(obs).Status != corev1.ConditionTrue
}

// few names the first of many.
func few(names []string) string {
	const most = 5
	names = slices.Clone(names)
	slices.Sort(names)
	if n := len(names) - most; n > 0 {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ")
}
