package rollout

import (
	"slices"
)

// New makes a plan.
func New(in Input) Plan {
	p := &planner{Input: in, byName: make(map[string]*Member, len(in.Members)), plan: Plan{
		Decisions: make(map[string]Decision, len(in.Members)), Probe: in.Record.Probe,
	}}
	for i := range in.Members {
		p.byName[in.Members[i].Name] = &in.Members[i]
	}
	for i := range in.Members {
		m := &in.Members[i]
		d := p.rest(m)
		d.Listing = listing(m, p.want(m) != nil, in.Record)
		d.Volume = p.volume(m)
		p.plan.Decisions[m.Key] = d
	}
	if in.Policy.Drain {
		p.drain()
	} else {
		p.disrupt()
	}
	return p.plan
}

type planner struct {
	Input

	byName map[string]*Member
	plan   Plan
}

// want returns what a member should be, and nil if it should not be at all. One that is needed is wanted again once nobody has
// led for longer than an election takes.
func (p *planner) want(m *Member) *Want {
	switch {
	case p.Policy.Drain:
		return nil
	case m.Want == nil && p.needed(m) && !p.Record.NoLeaderSince.IsZero() && p.Now.Sub(p.Record.NoLeaderSince) >= leaderless:
		return m.Spare
	default:
		return m.Want
	}
}

// needed is true if a member that is not wanted must stay, since nobody leads and its voice counts when a leader is elected.
func (p *planner) needed(m *Member) bool {
	if m.Want != nil || p.Policy.Drain || p.Record.Leader != "" || !m.Volume.Exists {
		return false
	}
	return m.Pooler != nil && m.Pooler.InCohort || p.Record.NoCohort && m.Remains
}

// living is true if the member has a pod whose deletion nobody asked for, and that nobody else controls.
func living(m *Member) bool { return m.Pod != nil && !m.Pod.Deleting && !m.Pod.Foreign }

// decide changes the decision about a member's pod, and leaves that about its volume and its registration.
func (p *planner) decide(m *Member, a Action, r Reason, message string) {
	d := p.plan.Decisions[m.Key]
	d.Action, d.Reason, d.Message = a, r, message
	p.plan.Decisions[m.Key] = d
}

// cause returns why the pod of a member has to go.
func (p *planner) cause(m *Member) Cause {
	switch {
	case !living(m):
		return CauseNone
	case p.Policy.Drain:
		return CauseDrained
	case p.want(m) == nil && !p.needed(m):
		return CauseNotWanted
	case p.want(m) == nil:
		return CauseNone
	case m.Pod.Finished:
		return CauseFinished
	case m.Pod.Hash != p.want(m).Hash && (!p.want(m).StandIn || p.silent(m)):
		return CauseOutdated
	case m.Pod.ResizePending:
		return CauseFileSystemResize
	case p.unhealthy(m):
		return CauseUnhealthy
	default:
		return CauseNone
	}
}

// rest returns what becomes of a member if no pod that lives is disturbed.
func (p *planner) rest(m *Member) Decision {
	if !living(m) {
		return p.absent(m)
	}
	c := p.cause(m)
	d := Decision{Action: Freeze, Cause: c}
	if w := p.want(m); w != nil && m.Pod.Hash == w.Hash {
		d.Action = Keep
	}
	switch {
	case c != CauseNone:
	case p.needed(m):
		d.Reason, d.Message = ReasonNeeded, neededMessage
	default:
		d.Reason, d.Message, d.Since = p.state(m)
	}
	return d
}

// absent returns what becomes of a member that has no living pod. A successor of the same name is made only once nothing of
// its predecessor is left, neither a pod nor an order to remove its registration.
func (p *planner) absent(m *Member) Decision {
	switch {
	case m.Pod != nil && m.Pod.Foreign:
		return Decision{
			Action: Wait, Reason: ReasonNameTaken, On: m.Name, Since: m.Pod.Created,
			Message: "somebody else controls a pod of this name",
		}
	case m.Pod != nil && p.Now.After(m.Pod.DeleteBy.Add(terminationSlack)):
		return Decision{
			Action: Wait, Reason: ReasonStuckTerminating, On: m.Name, Since: m.Pod.DeleteAsked,
			Message: "terminating for too long: if its node is lost, remove the node; if the node is surely off, delete the pod by force",
		}
	case m.Pod != nil:
		return Decision{Action: Wait, Reason: ReasonTerminating, On: m.Name, Since: m.Pod.DeleteAsked, Message: "terminating"}
	case p.needed(m) && m.Spare == nil:
		return Decision{Action: Wait, Reason: ReasonNeeded, Message: "is in the cohort, and nobody leads: put its pool back"}
	case p.want(m) == nil && (m.Remains || m.Listing == Removed):
		return Decision{Action: Wait, Reason: ReasonLeaving, Message: "its registration is being removed"}
	case p.want(m) == nil:
		return Decision{Action: Wait, Reason: ReasonGone, Message: "gone"}
	case m.Listing == Removed, m.Want == nil && (m.Listing != Expected || !p.Record.Current):
		// Before one that is not wanted is made again the record is read again, too: somebody may lead by now.
		return Decision{Action: Wait, Reason: ReasonReturning, Message: "returns once the record expects it again"}
	case p.want(m).Blocked != "":
		return Decision{Action: Wait, Reason: ReasonPrerequisites, Message: "waits for " + p.want(m).Blocked}
	default:
		return Decision{Action: Create, Reason: ReasonMissing, Message: "is created"}
	}
}

const neededMessage = "is in the cohort, and nobody leads"

// disrupt decides which pods that have to go may do so now. Pods that have ended go at once. So do, together, those that have
// served nobody for some time. Of those that serve at most one goes.
func (p *planner) disrupt() {
	var due []*Member
	for i := range p.Members {
		m := &p.Members[i]
		switch {
		case p.cause(m) == CauseNone:
		case m.Pod.Finished:
			p.decide(m, Remove, ReasonFinished, "its pod has ended")
			p.note(m)
		default:
			due = append(due, m)
		}
	}
	if len(due) == 0 {
		return
	}
	due = p.order(due)
	next := due[0]
	p.hold(due, ReasonInTurn, "waits for its turn after "+next.Name)
	if p.Record.Leader != "" && len(due) > 1 && due[len(due)-1].Name == p.Record.Leader {
		p.hold(due[len(due)-1:], ReasonLeaderLast, "leads, and goes last")
	}
	p.consider(next, due)
	p.note(next)
}

// consider lets the next pod go, if it may, and all others that serve nobody with it if it is one of them.
func (p *planner) consider(next *Member, due []*Member) {
	idle := p.idle(next)
	if b := p.barrier(next, idle); b != nil {
		p.block(next, b)
		return
	}
	if !idle {
		p.decide(next, Remove, ReasonItsTurn, "goes, all others are steady")
		return
	}
	for _, m := range due {
		if p.idle(m) {
			p.decide(m, Remove, ReasonIdle, "goes, it serves nobody")
		}
	}
}

// drain takes the whole shard away: the leader after all others, so that it need not be elected again and again. There is no
// quorum to keep and nobody to wait for.
func (p *planner) drain() {
	var due []*Member
	others := false
	for i := range p.Members {
		m := &p.Members[i]
		if living(m) {
			due = append(due, m)
		}
		others = others || m.Pod != nil && !m.Pod.Foreign && m.Name != p.Record.Leader
	}
	for _, m := range due {
		switch {
		case p.Policy.Paused && !m.Pod.Finished:
			p.hold([]*Member{m}, ReasonPaused, "the rollout is paused")
		case m.Name == p.Record.Leader && others:
			p.hold([]*Member{m}, ReasonLeaderLast, "leads, and goes last")
		default:
			p.decide(m, Remove, ReasonDraining, "goes with the shard")
		}
		p.note(m)
	}
}

// hold leaves pods that have to go as they are.
func (p *planner) hold(ms []*Member, r Reason, message string) {
	for _, m := range ms {
		p.decide(m, p.plan.Decisions[m.Key].Action, r, message)
	}
}

// block leaves a pod that has to go as it is, and says what stands in its way.
func (p *planner) block(m *Member, b *barrier) {
	d := p.plan.Decisions[m.Key]
	d.Reason, d.Message, d.On, d.Since = b.reason, b.message, b.on, b.since
	p.plan.Decisions[m.Key] = d
}

// note makes a member the one that the plan is about, unless another one is already. If it waits for a wanted member the
// plan is about that.
func (p *planner) note(m *Member) {
	if p.plan.Hand != "" {
		return
	}
	p.plan.Next = p.plan.Decisions[m.Key]
	p.plan.Hand, p.plan.Pod = m.Name, m.Name
	if on := p.plan.Next.On; on != "" {
		p.plan.Hand = on
	}
}

// order returns pods that have to go in the order in which they do: those that serve nobody, those that do not serve as they
// should, those that are not wanted any more, the others, and last the leader.
func (p *planner) order(due []*Member) []*Member {
	rank := func(m *Member) int {
		switch {
		case m.Name == p.Record.Leader:
			return 4
		case p.idle(m):
			return 0
		case p.unsteady(m) != "":
			return 1
		case p.want(m) == nil:
			return 2
		default:
			return 3
		}
	}
	due = slices.Clone(due)
	slices.SortStableFunc(due, func(a, b *Member) int { return rank(a) - rank(b) })
	return due
}

// listing returns how the record should list a member. One that is not wanted stays expected until its pod has gone, and is
// removed until the record is sure that nothing of it is left.
func listing(m *Member, wanted bool, r Record) Listing {
	switch {
	case wanted, m.Pod != nil && !m.Pod.Foreign:
		return Expected
	case m.Remains, m.Listing == Expected, m.Listing == Removed && !r.Current:
		return Removed
	default:
		return Unlisted
	}
}

// volume returns what becomes of the volume of a member: it goes only if its policy says so, nothing of the member is left,
// and the shard lives without it.
func (p *planner) volume(m *Member) VolumeAction {
	gone := m.Pod == nil && m.Listing != Expected && !m.Remains && p.Record.Known && p.Record.Current
	switch {
	case m.Want != nil, p.Policy.Drain, p.Policy.Paused:
		return VolumeKeep
	case !m.Volume.Exists, !m.Volume.DeleteWhenScaled, !gone, p.Record.Leader == "":
		return VolumeKeep
	case !m.Volume.Released:
		return VolumeRelease
	default:
		return VolumeRemove
	}
}
