package shard

import (
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
	// TypeRollingUpdate is True while some pods run what the specification no longer wants.
	TypeRollingUpdate = "RollingUpdate"
	// TypeBackupHealthy is True if there is a complete backup.
	TypeBackupHealthy = "BackupHealthy"
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

	// orchestrators are the cells whose orchestrators are not ready; stuck are those of them that should be by now.
	orchestrators []string
	stuck         []string

	leader string
	// serving is how many members are in the cohort and ready, by the record and by their kubelets; cells where they are, and
	// leads whether the leader is one of them.
	serving int
	cells   map[string]bool
	leads   bool

	// reason is why the shard is available or not.
	reason string
}

// look finds out how the shard is. The record says who leads and who is in the cohort, and may be some seconds old; the pods
// say who is alive. A member serves if both agree.
func look(in compose.Input, sh *shard, s *compose.Set, f *facts) health {
	h := health{leader: f.record.LeaderPod, orchestrators: unreadyOrchestrators(sh, s), cells: map[string]bool{}}
	byPod := make(map[string]mv1alpha1.PoolerObservation, len(f.record.Poolers))
	for _, p := range f.record.Poolers {
		byPod[p.Pod] = p
	}
	for _, m := range f.members {
		h.member(m.pod, s.Observed(m.key), f.plan[m.key], byPod[m.pod].InCohort)
		h.pooler(m.pod, m.cell, s.Observed(m.key), byPod[m.pod])
	}
	for _, key := range f.retiring {
		pod := s.Observed(key)
		h.pooler(pod.Name(), pod.Label(naming.LabelCell), pod, byPod[pod.Name()])
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
func (h *health) member(name string, pod object.Object, d rollout.Decision, inCohort bool) {
	if pod.Exists() && !pod.Deleting() {
		h.live++
	}
	if d.Reason == rollout.ReasonOutdated {
		h.outdated = append(h.outdated, name)
	}
	if compose.Ready(pod) && !inCohort {
		h.outside = append(h.outside, name)
	}
	if compose.Ready(pod) {
		return
	}
	h.unready = append(h.unready, name)
	if d.Action != rollout.Wait {
		h.starting = append(h.starting, name)
	}
}

// pooler takes any pod of the shard into account, wanted or not.
func (h *health) pooler(name, cell string, pod object.Object, p mv1alpha1.PoolerObservation) {
	if compose.CrashLooping(pod) {
		h.crashing = append(h.crashing, name)
	}
	if !compose.Ready(pod) || !p.InCohort || !p.PostgresReady {
		return
	}
	h.serving++
	h.cells[cell] = true
	h.leads = h.leads || name == h.leader
}

// verdict returns why the shard is available or not. The policy of a living shard is the one that its members agreed on, not
// the one that the specification has by now.
func (h *health) verdict(sh *shard, f *facts) string {
	policy := v1alpha1.DurabilityPolicy(f.record.DurabilityPolicy)
	if policy == "" {
		policy = sh.spec.DurabilityPolicy
	}
	switch {
	case !f.known:
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
