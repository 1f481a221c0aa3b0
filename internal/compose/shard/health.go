package shard

import (
	"cmp"
	"fmt"
	"time"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// Condition types of a Shard.
const (
	// TypeAvailable is True while the shard takes writes: it has a leader that serves, and a quorum.
	TypeAvailable = "Available"
	// TypeRollingUpdate is True while some pods have to be made anew.
	TypeRollingUpdate = "RollingUpdate"
	// TypeScalingBlocked is True while something that is not wanted any more cannot go.
	TypeScalingBlocked = "ScalingBlocked"
	// TypeQuorumAtRisk is True while the loss of one more member stops writes, and while they stand still.
	TypeQuorumAtRisk = "QuorumAtRisk"
	// TypeBackupHealthy is True if there is a complete backup.
	TypeBackupHealthy = "BackupHealthy"
	// TypeBackupsOnSchedule is True if no backup is due that is not being taken, and TypeSurplusBackupsRemoved if there are no more full
	// backups than are to be kept. Both are the record's, and are there with a schedule and a retention.
	TypeBackupsOnSchedule     = "BackupsOnSchedule"
	TypeSurplusBackupsRemoved = "SurplusBackupsRemoved"
)

// startDeadline is how long orchestrators may take to become ready for the first time. Their startup probe gives up after half
// of it.
const startDeadline = 5 * time.Minute

// Reasons of Available.
const (
	reasonServing        = "LeaderServing"
	reasonRecordUnknown  = "RecordUnknown"
	reasonNoLeader       = "NoLeader"
	reasonLeaderNotReady = "LeaderNotReady"
	reasonNoQuorum       = "NoQuorum"
)

// health is how the members of the shard are. Names are those of pods, in the order of the members.
type health struct {
	// live is how many wanted pods exist and stay.
	live int

	// unready pods are not ready, or not there; starting are those of them whose creation nothing holds back; outside are
	// ready and not in the cohort; outdated run something else than the specification wants; crashing keep failing, retiring
	// ones among them.
	unready  []string
	starting []string
	outside  []string
	outdated []string
	crashing []string

	// stalled pods should have become members long since.
	stalled []string

	// orchestrators are the cells whose orchestrators are not ready; stuck are those of them that should be by now.
	orchestrators []string
	stuck         []string

	leader string
	// serving is how many members are in the cohort and ready, by the record and by their kubelets; cells how many of them are in each, and
	// leads whether the leader is one of them.
	serving int
	cells   map[string]int
	leads   bool

	// reason is why the shard is available or not.
	reason string
}

// look finds out how the shard is. The record says who leads and who is in the cohort, and may be some seconds old; the pods
// say who is alive. A member serves if both agree.
func look(in compose.Input, sh *shard, s *compose.Set, f *facts) health {
	h := health{leader: f.record.LeaderPod, orchestrators: unreadyOrchestrators(sh, s), cells: map[string]int{}}
	for _, m := range f.members {
		p, _ := f.record.of(m)
		if m.wanted {
			h.member(m, f.decision(m), p.InCohort)
		}
		h.pooler(m, p)
	}
	for _, cell := range h.orchestrators {
		if stuck(s.Observed(naming.KeyMultiOrch(cell)), in.Now) {
			h.stuck = append(h.stuck, cell)
		}
	}
	h.reason = h.verdict(sh, f)
	return h
}

// member takes a wanted pod into account.
func (h *health) member(m *member, d rollout.Decision, inCohort bool) {
	if m.exists() && !m.live.Deleting() {
		h.live++
	}
	if d.Cause != rollout.CauseNone {
		h.outdated = append(h.outdated, m.pod)
	}
	if d.Reason == rollout.ReasonStalled {
		h.stalled = append(h.stalled, m.pod)
	}
	if compose.Ready(m.live) && !inCohort {
		h.outside = append(h.outside, m.pod)
	}
	if compose.Ready(m.live) {
		return
	}
	h.unready = append(h.unready, m.pod)
	if d.Action != rollout.Wait {
		h.starting = append(h.starting, m.pod)
	}
}

// pooler takes any pod of the shard into account, wanted or not.
func (h *health) pooler(m *member, p mv1alpha1.PoolerObservation) {
	if compose.CrashLooping(m.live) {
		h.crashing = append(h.crashing, m.pod)
	}
	if !compose.Ready(m.live) || !p.InCohort || !p.PostgresReady {
		return
	}
	h.serving++
	h.cells[m.cell]++
	h.leads = h.leads || m.pod == h.leader
}

// verdict returns why the shard is available or not. The policy of a living shard is the one that its members agreed on, not
// the one that the specification has by now.
func (h *health) verdict(sh *shard, f *facts) string {
	policy := f.policy(sh)
	switch {
	case !f.record.seen:
		return reasonRecordUnknown
	case h.leader == "":
		return reasonNoLeader
	case !h.leads:
		return reasonLeaderNotReady
	case h.serving < quorum, policy == v1alpha1.DurabilityMultiCellAtLeast2 && len(h.cells) < quorum:
		return reasonNoQuorum
	default:
		return reasonServing
	}
}

// policy returns the durability policy of a living shard, and of one that begins what it should be.
func (f *facts) policy(sh *shard) v1alpha1.DurabilityPolicy {
	return cmp.Or(v1alpha1.DurabilityPolicy(f.record.DurabilityPolicy), sh.spec.DurabilityPolicy)
}

func (h *health) available() bool { return h.reason == reasonServing }

// why says in a few words why the shard is available or not.
func (h *health) why() string {
	switch h.reason {
	case reasonRecordUnknown:
		return "its record is not there yet"
	case reasonNoLeader:
		return "no leader"
	case reasonLeaderNotReady:
		return "leader " + h.leader + " not ready"
	case reasonNoQuorum:
		return fmt.Sprintf("no quorum, %d in %d cells serve", h.serving, len(h.cells))
	default:
		return fmt.Sprintf("%s leads, %d serve", h.leader, h.serving)
	}
}

func (h *health) availability() compose.Condition {
	if h.available() {
		return compose.True(TypeAvailable, h.reason, h.why())
	}
	return compose.False(TypeAvailable, h.reason, h.why())
}

// broken returns what does not come up without help, and the reason for it in a word. What a shard that never served lacks is
// still on its way; what it lacks after it has served is broken.
func (h *health) broken(xr object.Object) (string, []string) {
	var reason string
	var out []string
	add := func(r, what string) {
		if reason == "" {
			reason = r
		}
		out = append(out, what)
	}
	for _, name := range h.crashing {
		add("CrashLooping", "pod "+name+" keeps crashing")
	}
	if !compose.Served(xr) && xr.String("status", "leader") == "" {
		return reason, out
	}
	if !h.available() {
		add(h.reason, h.why())
	}
	for _, name := range h.stalled {
		add("Stalled", "pod "+name+" does not become a member")
	}
	for _, cell := range h.stuck {
		add("OrchestratorsNotReady", "orchestrators in "+cell+" are not ready")
	}
	return reason, out
}

// stuck is true if orchestrators that are not ready should be: nobody is replacing them, and they are not new.
func stuck(sts object.Object, now time.Time) bool {
	if !sts.Exists() {
		return false
	}
	st := sts.At("status")
	if st.String("updateRevision") != st.String("currentRevision") || st.Int("observedGeneration") < sts.Generation() {
		return false
	}
	created, ok := sts.Created()
	return ok && now.Sub(created) > startDeadline
}
