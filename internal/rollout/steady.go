package rollout

import "time"

// How long things may take.
const (
	// ProgressDeadline is how long a pod may take to become a full member before a rollout counts as stalled: what Kubernetes
	// gives a Deployment.
	ProgressDeadline = 10 * time.Minute

	// idleAfter is how long a pod must have been unready before it counts as one that serves nobody. An election takes up to
	// 40 s (multigres v0.1.0, measured), and a kubelet or a network that falters for a moment is no reason to act.
	idleAfter = time.Minute

	// leaderless is how long nobody must have led before a member that is not wanted is made again to help elect somebody. It
	// is well above the 40 s that an election takes.
	leaderless = 2 * time.Minute

	// quarrel is how long the cohort must not have changed before a member of it may go. An orchestrator that heard a pooler say that it
	// stops takes up to 20 s after the pod's return to hear the contrary (multigres v0.1.0, measured), and removes it from the cohort until
	// then as often as the others add it: who goes in such a moment leaves fewer behind than the record shows.
	quarrel = 30 * time.Second

	// terminationSlack is how long a pod may take to vanish after its grace period.
	terminationSlack = time.Minute
)

// unsteady returns why a member cannot do without another one going: empty means that it is there, ready, and a full member
// of the cohort, by its kubelet and by the record, which must both mean the same pod.
func (p *planner) unsteady(m *Member) string {
	pod := m.Pod
	switch {
	case pod == nil && p.want(m) == nil && m.Pooler != nil && m.Pooler.InCohort:
		return "has gone and is still in the cohort"
	case pod == nil && p.want(m) == nil:
		return ""
	case pod == nil:
		return "has no pod"
	case pod.Foreign:
		return "is somebody else's pod"
	case pod.Deleting:
		return "is terminating"
	case !pod.Settled:
		return "is not composed yet"
	case pod.Finished:
		return "has ended"
	case !pod.Ready:
		return "is not ready"
	case p.Policy.IgnoreRoles:
		return ""
	case m.Pooler == nil || m.Pooler.PodUID != pod.UID:
		return "is not in the record yet"
	case !m.Pooler.Reachable || !m.Pooler.PostgresReady:
		return "does not answer"
	case !m.Pooler.InCohort:
		return "is not in the cohort"
	case !m.Pooler.CaughtUp:
		return "lags behind the leader"
	default:
		return ""
	}
}

// idle is true if a pod has served nobody for some time: its kubelet says that it is not ready, and the record knows of no
// PostgreSQL in it that answers. Nothing is lost when it goes, so that it need not wait for others, who may wait for it.
func (p *planner) idle(m *Member) bool { return p.silent(m) && p.cause(m) != CauseUnhealthy }

// silent is true if nobody has heard of a pod's PostgreSQL for some time.
func (p *planner) silent(m *Member) bool {
	if m.Pod.Ready || m.Name == p.Record.Leader {
		return false
	}
	if x := m.Pooler; x != nil && x.PodUID == m.Pod.UID && x.Reachable && x.PostgresReady {
		return false
	}
	return !m.Pod.Scheduled || p.Now.Sub(m.Pod.Changed) >= idleAfter
}

// unhealthy is true if a pod of the right specification should be made anew: its data are complete, so that it is not
// restoring them, and yet its PostgreSQL has not come up for as long as a rollout would wait for it.
func (p *planner) unhealthy(m *Member) bool {
	x := m.Pooler
	return x != nil && x.PodUID == m.Pod.UID && x.Reachable && x.Initialized && !x.PostgresReady &&
		!m.Pod.Ready && p.overdue(m.Pod)
}

// overdue is true if a pod that is no full member should be one by now.
func (p *planner) overdue(pod *Pod) bool { return p.Now.Sub(since(pod)) >= ProgressDeadline }

// since returns when a pod became ready or ceased to be.
func since(pod *Pod) time.Time {
	if pod.Changed.IsZero() {
		return pod.Created
	}
	return pod.Changed
}

// state returns how a pod is that does not have to go.
func (p *planner) state(m *Member) (Reason, string, time.Time) {
	why := p.unsteady(m)
	switch {
	case why == "":
		return ReasonCurrent, "", time.Time{}
	case !m.Pod.Settled:
		return ReasonUnsettled, why, time.Time{}
	case p.stalled(m):
		return ReasonStalled, why, since(m.Pod)
	case !m.Pod.Ready:
		return ReasonStarting, why, since(m.Pod)
	default:
		return ReasonJoining, why, since(m.Pod)
	}
}

// stalled is true if a pod should have become a full member long since. One that is ready counts only if the cohort is surely
// known, and lacks it.
func (p *planner) stalled(m *Member) bool {
	out := p.Record.Known && p.Record.Leader != "" && m.Pooler != nil && m.Pooler.PodUID == m.Pod.UID && !m.Pooler.InCohort
	return p.overdue(m.Pod) && (!m.Pod.Ready || out)
}

// waitingSince returns since when a member is not steady.
func waitingSince(m *Member) time.Time {
	switch {
	case m.Pod == nil:
		return time.Time{}
	case m.Pod.Deleting:
		return m.Pod.DeleteAsked
	default:
		return since(m.Pod)
	}
}
