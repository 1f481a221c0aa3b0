package shardstate

import (
	"cmp"
	"maps"
	"slices"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/proto"
)

// vouched returns the answers of those who are who was asked. An address may have passed on to another pooler, and one that
// does not say who it is may be anybody.
func vouched(answers map[ID]Answer) map[ID]Answer {
	out := make(map[ID]Answer, len(answers))
	for id, a := range answers {
		if IDOf(a.Status.GetConsensusStatus().GetId()) == id && a.Status.GetStatus() != nil {
			out[id] = a
		}
	}
	return out
}

// claimed are those in whose name somebody answers: they may live. Only who says that it is somebody else does not count.
func claimed(answers map[ID]Answer) map[ID]bool {
	out := map[ID]bool{}
	for id, a := range answers {
		if by := a.Status.GetConsensusStatus().GetId(); by == nil || IDOf(by) == id {
			out[id] = true
		}
	}
	return out
}

// compareNumbers orders rules as they came into force: by the coordinator's term, then by the leader's count within it.
func compareNumbers(a, b *clustermetadatapb.RuleNumber) int {
	return cmp.Or(
		cmp.Compare(a.GetCoordinatorTerm(), b.GetCoordinatorTerm()),
		cmp.Compare(a.GetLeaderSubterm(), b.GetLeaderSubterm()),
	)
}

// known are the rules that a pooler knows of: the one in its own log, and the one that it was told to follow.
func known(a Answer) []*clustermetadatapb.ShardRule {
	cs := a.Status.GetConsensusStatus()
	return []*clustermetadatapb.ShardRule{cs.GetCurrentPosition().GetRule(), cs.GetReplicationPrimary().GetRule()}
}

// highest is the highest rule that anybody knows of, nil if there is none.
func highest(answers map[ID]Answer) *clustermetadatapb.ShardRule {
	var out *clustermetadatapb.ShardRule
	for _, id := range slices.SortedFunc(maps.Keys(answers), ID.Compare) {
		for _, r := range known(answers[id]) {
			// A rule without a number is none: a shard gets its first with its first leader.
			if r.GetRuleNumber() == nil || r.GetLeaderId() == nil {
				continue
			}
			if out == nil || compareNumbers(r.GetRuleNumber(), out.GetRuleNumber()) > 0 {
				out = r
			}
		}
	}
	return out
}

// leader is whom a rule names, if that one says so itself and its PostgreSQL takes writes. That others lead by lower rules does
// not matter: they have not heard yet.
func leader(answers map[ID]Answer, rule *clustermetadatapb.ShardRule) (ID, bool) {
	if rule == nil {
		return ID{}, false
	}
	id := IDOf(rule.GetLeaderId())
	a, ok := answers[id]
	if !ok || !a.Status.GetStatus().GetPostgresReady() || !a.Status.GetStatus().GetPrimaryStatus().GetReady() {
		return ID{}, false
	}
	own := a.Status.GetConsensusStatus().GetCurrentPosition().GetRule()
	if !proto.Equal(own.GetRuleNumber(), rule.GetRuleNumber()) || IDOf(own.GetLeaderId()) != id {
		return ID{}, false
	}
	return id, true
}

// leaderTerm is the term that a pooler leads in, by its own account; zero if it does not.
func leaderTerm(id ID, a Answer) int64 {
	own := a.Status.GetConsensusStatus().GetCurrentPosition().GetRule()
	if own == nil || IDOf(own.GetLeaderId()) != id {
		return 0
	}
	return own.GetRuleNumber().GetCoordinatorTerm()
}

// highestTerm is the highest term that anybody knows of, by a rule or by an election.
func highestTerm(answers map[ID]Answer) int64 {
	var out int64
	for _, a := range answers {
		out = max(out, a.Status.GetConsensusStatus().GetTermRevocation().GetRevokedBelowTerm())
		for _, r := range known(a) {
			out = max(out, r.GetRuleNumber().GetCoordinatorTerm())
		}
	}
	return out
}
