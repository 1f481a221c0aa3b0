package rollout

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// probeAge is how old an answer of the record may be for a pod to be removed on its word. It is above what a pass and an
// answer take, and below the time in which a leader that dies is followed by another one and that one by a third.
const probeAge = 45 * time.Second

// clockSkew is how far the clocks of two functions may be apart.
const clockSkew = 5 * time.Second

// A barrier is what stands in the way of a pod that has to go.
type barrier struct {
	reason  Reason
	message string
	on      string
	since   time.Time
}

// barrier returns what stands in the way of a pod, or nil if nothing does. A pod that serves nobody need not wait for other
// members, and only for the record's word that it is so. The record is asked last, when nothing else stands in the way.
func (p *planner) barrier(m *Member, idle bool) *barrier {
	switch {
	case p.Policy.Paused:
		return &barrier{reason: ReasonPaused, message: "the rollout is paused"}
	case !m.Pod.Settled:
		return &barrier{reason: ReasonUnsettled, message: "is not composed yet", on: m.Name}
	case p.Policy.IgnoreRoles:
	case !p.Record.Known:
		return &barrier{reason: ReasonRecordUnknown, message: "waits for the shard's record"}
	}
	if !idle {
		if b := p.others(m); b != nil {
			return b
		}
	}
	return p.confirmed(m)
}

// others returns what the other members have to say against a pod going.
func (p *planner) others(m *Member) *barrier {
	if p.Record.Leader == "" && !p.Policy.IgnoreRoles {
		return &barrier{reason: ReasonRoleUnknown, message: "waits until it is known who leads"}
	}
	var steady []*Member
	for i := range p.Members {
		o := &p.Members[i]
		if o == m {
			continue
		}
		if why := p.unsteady(o); why != "" {
			return &barrier{reason: ReasonMemberNotSteady, message: fmt.Sprintf("waits for %s, which %s", o.Name, why), on: o.Name, since: waitingSince(o)}
		}
		if o.Pod != nil {
			steady = append(steady, o)
		}
	}
	if b := p.changing(); b != nil {
		return b
	}
	if p.Policy.IgnoreQuorum {
		return nil
	}
	if why := p.quorum().lacks(steady); why != "" {
		return &barrier{reason: ReasonQuorumAtRisk, message: "stays, for without it " + why}
	}
	return nil
}

// changing returns a barrier while it is not settled who leads and who is in the cohort. A rule from a clock that is further off than
// the time to wait tells nothing.
func (p *planner) changing() *barrier {
	if p.Policy.IgnoreRoles {
		return nil
	}
	if p.Record.Electing {
		return &barrier{reason: ReasonCohortChanging, message: "waits for an election, which others than the leader have begun"}
	}
	if age := p.Now.Sub(p.Record.RuleMade); age < quarrel && age > -quarrel {
		return &barrier{reason: ReasonCohortChanging, message: "waits until the cohort has been the same for " + quarrel.String(), since: p.Record.RuleMade}
	}
	return nil
}

// confirmed returns nil if the record answered just now, for this very pod, so that what it says is newer than the decision:
// the record of a provider that has died looks like that of a healthy shard. Otherwise it asks.
func (p *planner) confirmed(m *Member) *barrier {
	if p.Policy.IgnoreRoles {
		return nil
	}
	uid, asked := parseProbe(p.Record.Probe)
	about := uid == m.Pod.UID && asked.Before(p.Now.Add(clockSkew))
	if about && p.Record.Echo == p.Record.Probe && p.Now.Sub(asked) <= probeAge && p.Record.Current {
		return nil
	}
	if !about || p.Record.Echo == p.Record.Probe && p.Now.Sub(asked) > probeAge {
		asked = p.Now
		p.plan.Probe = formatProbe(m.Pod.UID, asked)
	}
	return &barrier{reason: ReasonRecordStale, message: "waits for the shard's record to be read again", since: asked}
}

func formatProbe(uid string, at time.Time) string { return uid + "@" + at.UTC().Format(time.RFC3339) }

// parseProbe returns which pod a probe is about and when it was made. What is no probe is about no pod.
func parseProbe(probe string) (string, time.Time) {
	uid, at, _ := strings.Cut(probe, "@")
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return "", time.Time{}
	}
	return uid, t
}

// A quorum is what a shard cannot do without: so many full members, in so many cells.
type quorum struct {
	members int
	cells   int
}

// unknownQuorum is that of a policy that this version does not know: nobody may go.
const unknownQuorum = 1 << 30

// Forms of the names of durability policies (multigres v0.1.0): how many members must hold a write, in any cells or in as many.
const (
	atLeast      = "AT_LEAST_"
	multiAtLeast = "MULTI_CELL_AT_LEAST_"
)

// quorum returns that of the policy that the members agreed on. It may differ from the specification's, which only counts
// when a shard begins.
func (p *planner) quorum() quorum {
	name := p.Record.Durability
	if name == "" {
		name = p.Policy.Durability
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, multiAtLeast)); err == nil && n > 0 {
		return quorum{members: n, cells: n}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, atLeast)); err == nil && n > 0 {
		return quorum{members: n, cells: 1}
	}
	return quorum{members: unknownQuorum}
}

// lacks returns what some members lack to be a quorum, and nothing if they are one.
func (q quorum) lacks(ms []*Member) string {
	cells := map[string]bool{}
	for _, m := range ms {
		cells[m.Cell] = true
	}
	switch {
	case q.members == unknownQuorum:
		return "it is not known whether there is a quorum"
	case len(ms) < q.members:
		return fmt.Sprintf("%d would be left of the %d that must hold a write", len(ms), q.members)
	case len(cells) < q.cells:
		return fmt.Sprintf("members of %d cells would be left, and a write must be held in %d", len(cells), q.cells)
	default:
		return ""
	}
}
