package shardstate

import (
	"flag"
	"testing"

	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// shard draws any shard: any poolers wanted, removed or forgotten, alive or not, that believe in any rules.
func shard(t *rapid.T) Input {
	ids := []ID{p0, p1, p2, {Cell: "a", Name: "p-3"}, {Cell: "b", Name: "p-0"}}
	in := Input{
		Parameters: v1alpha1.ShardRecordParameters{Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"a", "b", "c"}},
		Cells:      map[string]Cell{}, Answers: map[ID]Answer{}, Pods: map[string]Pod{},
	}
	if rapid.Bool().Draw(t, "backups") {
		in.Parameters.Backups = &v1alpha1.ShardBackups{Schedule: every(24*hour, 0, 0), RetainedFull: 1}
		in.Backups, in.BackupsKnown, in.Now = []*managerpb.BackupMetadata{backupOf(noon, "full")}, true, noonTime.Add(30*hour)
		if rapid.Bool().Draw(t, "surplus") {
			in.Backups = append(in.Backups, backupOf("20260302-120000F", "full"))
		}
	}
	if rapid.Bool().Draw(t, "claimed") {
		in.Claim = &clustermetadatapb.ShardInitClaim{ClaimerId: &clustermetadatapb.ID{Cell: "a", Name: "o-x-0"}}
	}
	for _, c := range in.Parameters.Cells {
		if rapid.IntRange(0, 3).Draw(t, "reachable "+c) > 0 {
			in.Cells[c] = Cell{Reachable: true}
		}
	}
	rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *clustermetadatapb.ShardRule {
		return rule(int64(rapid.IntRange(1, 3).Draw(t, "term")), int64(rapid.IntRange(0, 2).Draw(t, "subterm")),
			rapid.SampledFrom(ids).Draw(t, "leader"), rapid.SliceOfDistinct(rapid.SampledFrom(ids), func(id ID) ID { return id }).Draw(t, "cohort")...)
	}), 1, 3).Draw(t, "rules")
	for _, id := range ids {
		switch rapid.SampledFrom([]string{"wanted", "removed", "forgotten", "both"}).Draw(t, "fate") {
		case "both":
			// The API refuses it, and whoever made it may be mistaken about either.
			in.Parameters.Poolers, in.Parameters.Removed = append(in.Parameters.Poolers, podOf(id)), append(in.Parameters.Removed, podOf(id))
		case "wanted":
			in.Parameters.Poolers = append(in.Parameters.Poolers, podOf(id))
		case "removed":
			in.Parameters.Removed = append(in.Parameters.Removed, podOf(id))
		}
		if rapid.Bool().Draw(t, "was registered") {
			in.Previous.Poolers = append(in.Previous.Poolers, v1alpha1.PoolerObservation{Cell: id.Cell, ServiceID: id.Name, Registered: true})
		}
		if c, ok := in.Cells[id.Cell]; ok && rapid.Bool().Draw(t, "registered") {
			c.Poolers = append(c.Poolers, record(id))
			in.Cells[id.Cell] = c
		}
		if rapid.Bool().Draw(t, "pod") {
			in.Pods[podOf(id).Pod] = Pod{UID: "u"}
		}
		r := rapid.SampledFrom(rules).Draw(t, "rule")
		switch rapid.SampledFrom([]string{"silent", "leads", "follows", "anonymous", "other", "ended", "ended", "believes"}).Draw(t, "answer") {
		case "leads":
			in.Answers[id] = leads(id, r)
		case "follows":
			in.Answers[id] = follows(id, r)
		case "anonymous":
			a := follows(id, r)
			a.Status.ConsensusStatus.Id = nil
			in.Answers[id] = a
		case "ended":
			ended(id)(&in)
		case "believes":
			believes(id, r, rapid.SampledFrom([]string{"", "streaming"}).Draw(t, "receiver"))(&in)
		case "other":
			in.Answers[id] = leads(rapid.SampledFrom(ids).Draw(t, "who"), r)
		}
	}
	return in
}

func podOf(id ID) v1alpha1.ShardPooler {
	p := listed(id)[0]
	p.Pod += "-" + id.Cell
	return p
}

func TestProperties(t *testing.T) {
	// Shards in which something is to be done are a few in a hundred.
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", "5000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.checks", before) })
	rapid.Check(t, func(t *rapid.T) {
		in := shard(t)
		s := New(in)
		members := 0
		for _, op := range s.Operations {
			if op.Action == RemoveMember {
				members++
			}
			checkOperation(t, in, s, op)
		}
		if members > 1 {
			t.Errorf("The cohort should change by one member at a time: %d", members)
		}
		checkLeader(t, in, s)
		checkRemoved(t, in, s)
		if diff := cmp.Diff(s, New(in), protocmp.Transform()); diff != "" {
			t.Errorf("The same answers should give the same state.\n%s", diff)
		}
	})
}

// checkOperation holds every operation against what nobody may do.
func checkOperation(t *rapid.T, in Input, s State, op Operation) {
	switch op.Action { //nolint:exhaustive // The others concern who is gone.
	case Rewind:
		checkRewind(t, in, s, op)
		return
	case BackUp, Expire:
		checkBackup(t, in, s, op)
		return
	}
	if _, exists := in.Pods[op.Pod]; exists {
		t.Errorf("%s of %s should never happen while its pod exists", op.Action, op.ID)
	}
	a, answered := in.Answers[op.ID]
	if by := a.Status.GetConsensusStatus().GetId(); answered && (by == nil || IDOf(by) == op.ID) {
		t.Errorf("%s of %s should never happen while it may be alive", op.Action, op.ID)
	}
	isRemoved := false
	for _, p := range in.Parameters.Removed {
		isRemoved = isRemoved || poolerID(p) == op.ID
	}
	if !isRemoved {
		t.Errorf("%s of %s should never happen to one that is not removed", op.Action, op.ID)
	}
	for _, p := range in.Parameters.Poolers {
		if poolerID(p) == op.ID {
			t.Errorf("%s of %s should never happen to one that is wanted", op.Action, op.ID)
		}
	}
	if op.Action == Unregister && !in.Cells[op.ID.Cell].Reachable {
		t.Errorf("Nothing should be unregistered in a cell that does not answer: %s", op.ID)
	}
	if op.Action != RemoveMember {
		return
	}
	own := in.Answers[op.Leader].Status.GetConsensusStatus().GetCurrentPosition().GetRule()
	if s.Observation.Leader != op.Leader.Name || !proto.Equal(op.Rule, own.GetRuleNumber()) {
		t.Errorf("A removal should rest on the rule of the one leader: %v", op)
	}
}

// checkRewind holds a rewind against what it could destroy: a member that the leader needs, or that knows more than it.
func checkRewind(t *rapid.T, in Input, s State, op Operation) {
	own := in.Answers[op.ID].Status.GetConsensusStatus().GetCurrentPosition().GetRule()
	if s.Observation.Leader != op.Leader.Name || op.ID == op.Leader || compareNumbers(own.GetRuleNumber(), op.Rule) >= 0 {
		t.Errorf("Only one who knows of an earlier rule should be rewound, to the one leader: %v", op)
	}
	for _, p := range in.Parameters.Removed {
		if poolerID(p) == op.ID {
			t.Errorf("One that is to go should not be brought back: %v", op)
		}
	}
	if _, exists := in.Pods[op.Pod]; !exists {
		t.Errorf("Only one who is there should be rewound: %v", op)
	}
	follow := 0
	for _, p := range s.Observation.Poolers {
		if p.InCohort && p.LagWithinLimit {
			follow++
		}
		if p.ServiceID == op.ID.Name && p.Cell == op.ID.Cell && p.LagWithinLimit {
			t.Errorf("One that follows should not be rewound: %v", op)
		}
	}
	if 2*follow <= len(s.Observation.Cohort) {
		t.Errorf("Nobody should be rewound while most of the cohort do not follow: %v", op)
	}
}

// checkBackup holds a backup, or a removal of some, against whom it is asked of.
func checkBackup(t *rapid.T, in Input, s State, op Operation) {
	if s.Observation.Leader != op.Leader.Name || op.Action == BackUp && op.ID == op.Leader {
		t.Errorf("A backup should be taken of the one leader, by another: %v", op)
	}
	if _, exists := in.Pods[op.Pod]; !exists {
		t.Errorf("Only one who is there should be asked: %v", op)
	}
	for _, p := range in.Parameters.Removed {
		if poolerID(p) == op.ID {
			t.Errorf("One that is to go should not be asked: %v", op)
		}
	}
	for _, p := range s.Observation.Poolers {
		follows := p.InCohort && p.LagWithinLimit && p.PostgresReady && p.Registered
		if p.ServiceID == op.ID.Name && p.Cell == op.ID.Cell && op.ID != op.Leader && !follows {
			t.Errorf("Only a member that follows should be asked: %v", p)
		}
	}
}

// checkLeader holds the leader against every rule that somebody who says who it is knows of.
func checkLeader(t *rapid.T, in Input, s State) {
	if s.Observation.Leader == "" {
		return
	}
	for id, a := range in.Answers {
		r := a.Status.GetConsensusStatus().GetCurrentPosition().GetRule()
		if IDOf(a.Status.GetConsensusStatus().GetId()) == id && r.GetRuleNumber().GetCoordinatorTerm() > s.Observation.Term {
			t.Errorf("Nobody should know of a higher term than that of the observation: %v", r)
		}
	}
}

// checkRemoved holds the leftovers against what is there of those who are removed.
func checkRemoved(t *rapid.T, in Input, s State) {
	left := map[string]bool{}
	for _, name := range s.Observation.Leftovers {
		left[name] = true
	}
	for _, p := range in.Parameters.Removed {
		if _, exists := in.Pods[p.Pod]; exists && !left[p.ServiceID] {
			t.Errorf("%s should be left while its pod exists", p.ServiceID)
		}
		if !in.Cells[p.Cell].Reachable && !left[p.ServiceID] {
			t.Errorf("%s should be left while its cell does not answer", p.ServiceID)
		}
	}
	for _, op := range s.Operations {
		if op.Action != Rewind && op.Action != BackUp && op.Action != Expire && !left[op.ID.Name] {
			t.Errorf("%s should be left while something is done about it", op.ID)
		}
	}
}
