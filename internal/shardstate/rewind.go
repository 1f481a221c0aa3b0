package shardstate

import (
	"slices"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// startTime is how long it takes to start a server in vain, and more: pgctld notices within two seconds (multigres v0.1.0).
const startTime = 10 * time.Second

// whoIsStranded returns the poolers, sorted, that cannot follow the leader by themselves if they stay as they are. Either PostgreSQL does not
// answer although it has data, or it goes by a rule of its own: it leads, it says, in a term that is over.
//
// Multigres rewinds a former leader itself if it can ask its PostgreSQL (multigres v0.1.0, SetTermPrimary). One that was made a standby
// without that ends at once, whenever it starts, because its history is not the leader's. One whose own rule says that it leads, while it
// is a standby, is told to follow again and again, and never rewound.
func (f *facts) whoIsStranded() []ID {
	if !f.leads {
		return nil
	}
	var out []ID
	for _, p := range f.Parameters.Poolers {
		id := poolerID(p)
		pod, exists := f.Pods[p.Pod]
		a, ok := f.Answers[id]
		if ok && exists && !pod.Terminating && id != f.leader && !f.isRemoved(id) && f.isStranded(id, a) {
			out = append(out, id)
		}
	}
	slices.SortFunc(out, ID.Compare)
	return out
}

func (f *facts) isStranded(id ID, a Answer) bool {
	s := a.Status.GetStatus()
	switch s.GetPostgresAction() { //nolint:exhaustive // Whoever starts PostgreSQL in vain does so without end.
	case managerpb.PostgresAction_POSTGRES_ACTION_RESTORING_FROM_BACKUP, managerpb.PostgresAction_POSTGRES_ACTION_CREATING_FIRST_BACKUP:
		return false
	}
	own := a.Status.GetConsensusStatus().GetCurrentPosition().GetRule()
	if !s.GetHasDataDirectory() || own != nil && compareNumbers(own.GetRuleNumber(), f.rule.GetRuleNumber()) >= 0 {
		return false
	}
	if !s.GetPostgresReady() {
		return true
	}
	return leaderTerm(id, a) > 0 && s.GetReplicationStatus().GetWalReceiverStatus() != receiving
}

// rewinds returns the rewind that is due, of one member at a time. What it throws away is what the member wrote that no majority has.
// So most of the cohort must be the leader or follow it, without the member itself. A server that runs and does not answer may be about
// to recover: it is left to that. A pooler that has been starting one for long does nothing else meanwhile, a rewind neither.
func (f *facts) rewinds() []Operation {
	if 2*f.followers() <= len(f.cohort) {
		return nil
	}
	for _, id := range f.stranded {
		s := f.Answers[id].Status.GetStatus()
		starting := s.GetPostgresAction() == managerpb.PostgresAction_POSTGRES_ACTION_STARTING && s.GetPostgresActionDuration().AsDuration() > startTime
		if s.GetPostgresRunning() && !s.GetPostgresReady() || starting {
			continue
		}
		return []Operation{{Action: Rewind, ID: id, Pod: f.podOf(id), Leader: f.leader, Rule: f.rule.GetRuleNumber()}}
	}
	return nil
}

func (f *facts) isRemoved(id ID) bool {
	return slices.ContainsFunc(f.Parameters.Removed, func(p v1alpha1.ShardPooler) bool { return poolerID(p) == id })
}

// followers counts the members of the cohort that are the leader or follow it.
func (f *facts) followers() int {
	n := 0
	for _, id := range f.cohort {
		if a, ok := f.Answers[id]; ok && f.follows(id, a) {
			n++
		}
	}
	return n
}

func (f *facts) podOf(id ID) string {
	i := slices.IndexFunc(f.Parameters.Poolers, func(p v1alpha1.ShardPooler) bool { return poolerID(p) == id })
	if i < 0 {
		return ""
	}
	return f.Parameters.Poolers[i].Pod
}
