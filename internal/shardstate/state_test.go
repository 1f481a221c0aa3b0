package shardstate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

var (
	p0 = ID{Cell: "a", Name: "p-0"}
	p1 = ID{Cell: "b", Name: "p-1"}
	p2 = ID{Cell: "c", Name: "p-2"}
)

func (id ID) pb() *clustermetadatapb.ID {
	return &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: id.Cell, Name: id.Name}
}

func listed(ids ...ID) []v1alpha1.ShardPooler {
	var out []v1alpha1.ShardPooler
	for _, id := range ids {
		out = append(out, v1alpha1.ShardPooler{Pod: "pod-" + id.Name, ServiceID: id.Name, Cell: id.Cell, Hostname: id.Name + ".svc", Pool: "main"})
	}
	return out
}

func rule(term, subterm int64, leader ID, cohort ...ID) *clustermetadatapb.ShardRule {
	r := &clustermetadatapb.ShardRule{
		RuleNumber: &clustermetadatapb.RuleNumber{CoordinatorTerm: term, LeaderSubterm: subterm}, LeaderId: leader.pb(),
		DurabilityPolicy: &clustermetadatapb.DurabilityPolicy{PolicyName: "AT_LEAST_2"},
	}
	for _, id := range cohort {
		r.CohortMembers = append(r.CohortMembers, id.pb())
	}
	return r
}

// leads is the answer of a pooler that leads by a rule, follows that of one that follows.
func leads(id ID, r *clustermetadatapb.ShardRule) Answer {
	return Answer{
		Status: &managerpb.StatusResponse{
			Status: &managerpb.Status{
				PoolerType: clustermetadatapb.PoolerType_PRIMARY, IsInitialized: true, PostgresReady: true,
				PrimaryStatus: &managerpb.PrimaryStatus{Lsn: "1/0", Ready: true},
			},
			ConsensusStatus: &clustermetadatapb.ConsensusStatus{Id: id.pb(), CurrentPosition: &clustermetadatapb.PoolerPosition{Rule: r}},
		},
		Settings: &Settings{Hash: "old"},
	}
}

func follows(id ID, r *clustermetadatapb.ShardRule) Answer {
	a := leads(id, r)
	a.Status.Status.PoolerType, a.Status.Status.PrimaryStatus = clustermetadatapb.PoolerType_REPLICA, nil
	a.Status.Status.ReplicationStatus = &managerpb.StandbyReplicationStatus{WalReceiverStatus: "streaming", LastReplayLsn: "1/0"}
	return a
}

func record(id ID) *clustermetadatapb.MultiPooler {
	return &clustermetadatapb.MultiPooler{Id: id.pb(), ShardKey: &clustermetadatapb.ShardKey{Database: "postgres", TableGroup: "default", Shard: "0-inf"}}
}

// healthy is a shard of three poolers, the first of which leads. Modifiers change it.
func healthy(change ...func(*Input)) Input {
	r := rule(3, 1, p0, p0, p1, p2)
	in := Input{
		Parameters: v1alpha1.ShardRecordParameters{
			Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"a", "b", "c"}, Poolers: listed(p0, p1, p2),
		},
		Claim:   &clustermetadatapb.ShardInitClaim{ClaimerId: &clustermetadatapb.ID{Cell: "a", Name: "o-x-0"}},
		Cells:   map[string]Cell{},
		Answers: map[ID]Answer{p0: leads(p0, r), p1: follows(p1, r), p2: follows(p2, r)},
		Pods:    map[string]Pod{},
	}
	for _, id := range []ID{p0, p1, p2} {
		in.Cells[id.Cell] = Cell{Reachable: true, Poolers: []*clustermetadatapb.MultiPooler{record(id)}}
		in.Pods["pod-"+id.Name] = Pod{UID: types.UID("uid-" + id.Name)}
	}
	for _, f := range change {
		f(&in)
	}
	return in
}

func silent(ids ...ID) func(*Input) {
	return func(in *Input) {
		for _, id := range ids {
			delete(in.Answers, id)
		}
	}
}

func noPod(ids ...ID) func(*Input) {
	return func(in *Input) {
		for _, id := range ids {
			delete(in.Pods, "pod-"+id.Name)
		}
	}
}

func removed(ids ...ID) func(*Input) {
	return func(in *Input) {
		keep := in.Parameters.Poolers[:0]
		for _, p := range in.Parameters.Poolers {
			gone := false
			for _, id := range ids {
				gone = gone || poolerID(p) == id
			}
			if !gone {
				keep = append(keep, p)
			}
		}
		in.Parameters.Poolers, in.Parameters.Removed = keep, append(in.Parameters.Removed, listed(ids...)...)
	}
}

// ended makes a pooler's PostgreSQL one that was there and runs no more.
func ended(id ID, change ...func(*managerpb.Status)) func(*Input) {
	return func(in *Input) {
		s := &managerpb.Status{PoolerType: clustermetadatapb.PoolerType_REPLICA, HasDataDirectory: true}
		for _, f := range change {
			f(s)
		}
		in.Answers[id] = Answer{Status: &managerpb.StatusResponse{Status: s, ConsensusStatus: &clustermetadatapb.ConsensusStatus{Id: id.pb()}}}
	}
}

// believes makes a pooler go by a rule of its own, and follow nobody.
func believes(id ID, r *clustermetadatapb.ShardRule, receiver string) func(*Input) {
	return func(in *Input) {
		a := follows(id, r)
		a.Status.Status.HasDataDirectory, a.Status.Status.ReplicationStatus.WalReceiverStatus = true, receiver
		in.Answers[id] = a
	}
}

func answers(a map[ID]Answer) func(*Input) { return func(in *Input) { in.Answers = a } }

func dark(cells ...string) func(*Input) {
	return func(in *Input) {
		for _, c := range cells {
			delete(in.Cells, c)
		}
	}
}

func unregistered(id ID) func(*Input) {
	return func(in *Input) { in.Cells[id.Cell] = Cell{Reachable: true} }
}

func TestLeader(t *testing.T) {
	r3, r2, r4 := rule(3, 1, p0, p0, p1, p2), rule(2, 7, p1, p0, p1, p2), rule(4, 0, p1, p0, p1, p2)
	notReady := leads(p0, r3)
	notReady.Status.Status.PostgresReady, notReady.Status.Status.PrimaryStatus = false, nil
	told := follows(p2, r3)
	told.Status.ConsensusStatus.ReplicationPrimary = &clustermetadatapb.ReplicationPrimary{Rule: r4}
	recruited := follows(p2, r3)
	recruited.Status.ConsensusStatus.TermRevocation = &clustermetadatapb.TermRevocation{RevokedBelowTerm: 9}
	anonymous := leads(p0, r3)
	anonymous.Status.ConsensusStatus.Id = nil
	type want struct {
		Leader, Pod string
		Term        int64
	}
	cases := map[string]struct {
		reason string
		in     map[ID]Answer
		want   want
	}{
		"Healthy":       {reason: "Whom the rule names leads.", in: map[ID]Answer{p0: leads(p0, r3), p1: follows(p1, r3)}, want: want{"p-0", "pod-p-0", 3}},
		"StalePrimary":  {reason: "One that leads by an older rule has not heard yet.", in: map[ID]Answer{p0: leads(p0, r3), p1: leads(p1, r2)}, want: want{"p-0", "pod-p-0", 3}},
		"NotReady":      {reason: "A leader that takes no writes is none, and the stale one is none either.", in: map[ID]Answer{p0: notReady, p1: leads(p1, r2)}, want: want{Term: 3}},
		"Silent":        {reason: "Whom the rule names must say so itself.", in: map[ID]Answer{p1: follows(p1, r3), p2: follows(p2, r3)}, want: want{Term: 3}},
		"Deposed":       {reason: "A higher rule that anybody was told of ends a leader.", in: map[ID]Answer{p0: leads(p0, r3), p2: told}, want: want{Term: 4}},
		"FailedElected": {reason: "An election that made no rule ends nothing.", in: map[ID]Answer{p0: leads(p0, r3), p2: recruited}, want: want{"p-0", "pod-p-0", 9}},
		"WrongOne":      {reason: "An address may have passed on to another pooler.", in: map[ID]Answer{p0: leads(p1, r3)}, want: want{}},
		"Anonymous":     {reason: "Who does not say who it is may be anybody.", in: map[ID]Answer{p0: anonymous}, want: want{}},
		"NoRule":        {reason: "A shard without a rule has no leader.", in: map[ID]Answer{p0: follows(p0, nil), p1: follows(p1, &clustermetadatapb.ShardRule{})}, want: want{}},
		"Nobody":        {reason: "Nothing is known of poolers that do not answer.", in: nil, want: want{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := New(healthy(answers(tc.in))).Observation
			if diff := cmp.Diff(tc.want, want{o.Leader, o.LeaderPod, o.Term}); diff != "" {
				t.Errorf("%s\nNew(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestOperations(t *testing.T) {
	r := rule(3, 1, p0, p0, p1, p2)
	without := rule(3, 2, p0, p0, p1)
	left := map[ID]Answer{p0: leads(p0, without), p1: follows(p1, without)}
	anonymous := follows(p2, r)
	anonymous.Status.ConsensusStatus = nil
	other := follows(p1, r)
	remove := Operation{Action: RemoveMember, ID: p2, Pod: "pod-p-2", Leader: p0, Rule: r.GetRuleNumber()}
	unregister := Operation{Action: Unregister, ID: p2, Pod: "pod-p-2"}
	nobody := answers(nil)
	cases := map[string]struct {
		reason    string
		in        Input
		want      []Operation
		leftovers []string
	}{
		"Healthy":          {reason: "Nothing is to be done about a healthy shard.", in: healthy()},
		"Dead":             {reason: "One that is dead but wanted comes back.", in: healthy(silent(p2), noPod(p2))},
		"DiedHard":         {reason: "A removed pooler that is still a member is taken out by the leader.", in: healthy(removed(p2), noPod(p2), silent(p2)), want: []Operation{remove}, leftovers: []string{"p-2"}},
		"LeftCohort":       {reason: "One that is no member any more is unregistered.", in: healthy(removed(p2), noPod(p2), answers(left)), want: []Operation{unregister}, leftovers: []string{"p-2"}},
		"Clean":            {reason: "Nothing is left of one that is neither.", in: healthy(removed(p2), noPod(p2), answers(left), unregistered(p2))},
		"PodExists":        {reason: "Whose pod exists is not gone.", in: healthy(removed(p2), silent(p2)), leftovers: []string{"p-2"}},
		"Answers":          {reason: "Who answers is alive, whatever became of its pod.", in: healthy(removed(p2), noPod(p2)), leftovers: []string{"p-2"}},
		"AnswersAnonymous": {reason: "Somebody who answers at its address may be it.", in: healthy(removed(p2), noPod(p2), func(in *Input) { in.Answers[p2] = anonymous }), leftovers: []string{"p-2"}},
		"AnswersAsOther":   {reason: "Somebody else who has its address now is not it.", in: healthy(removed(p2), noPod(p2), func(in *Input) { in.Answers[p2] = other }), want: []Operation{remove}, leftovers: []string{"p-2"}},
		"NoLeader":         {reason: "Without a leader nobody knows who is a member.", in: healthy(removed(p2), noPod(p2), silent(p0, p2)), leftovers: []string{"p-2"}},
		"NoLeaderOldRule":  {reason: "A rule without its leader may be outdated.", in: healthy(removed(p2), noPod(p2), answers(map[ID]Answer{p1: follows(p1, without)}), unregistered(p2)), leftovers: []string{"p-2"}},
		"Dark":             {reason: "What a cell does not tell may be there.", in: healthy(removed(p2), noPod(p2), answers(left), dark("c")), leftovers: []string{"p-2"}},
		"DarkMember":       {reason: "The cohort does not depend on the topology.", in: healthy(removed(p2), noPod(p2), silent(p2), dark("c")), want: []Operation{remove}, leftovers: []string{"p-2"}},
		"TwoAtOnce":        {reason: "The cohort changes by one member at a time.", in: healthy(removed(p1, p2), noPod(p1, p2), silent(p1, p2)), want: []Operation{{Action: RemoveMember, ID: p1, Pod: "pod-p-1", Leader: p0, Rule: r.GetRuleNumber()}}, leftovers: []string{"p-1", "p-2"}},
		"Unborn":           {reason: "A shard that was never initialized has no members.", in: healthy(removed(p2), noPod(p2), nobody, func(in *Input) { in.Claim = nil }), want: []Operation{unregister}, leftovers: []string{"p-2"}},
		"WholeShard":       {reason: "If nobody is to remain there is no cohort to keep.", in: healthy(removed(p0, p1, p2), noPod(p0, p1, p2), nobody), want: []Operation{{Action: Unregister, ID: p0, Pod: "pod-p-0"}, {Action: Unregister, ID: p1, Pod: "pod-p-1"}, unregister}, leftovers: []string{"p-0", "p-1", "p-2"}},
		"AllDown":          {reason: "Poolers that are to be there and are not may come back with their cohort.", in: healthy(removed(p2), noPod(p0, p1, p2), nobody), leftovers: []string{"p-2"}},
		"WholeShardNotYet": {reason: "While one of them lives there is.", in: healthy(removed(p0, p1, p2), noPod(p1, p2), nobody), leftovers: []string{"p-0", "p-1", "p-2"}},
		"Stranger":         {reason: "One that nobody lists is left alone and shown.", in: healthy(func(in *Input) { in.Parameters.Poolers = listed(p0, p1) }, noPod(p2), silent(p2)), leftovers: []string{"p-2"}},
		"OtherShard":       {reason: "A pooler of another shard is none of ours.", in: healthy(removed(p2), noPod(p2), answers(left), func(in *Input) { in.Cells["c"].Poolers[0].ShardKey.Shard = "0-8" })},
		"Reload": {
			reason: "Servers with other settings are to read them, if it is known that they have others.",
			in: healthy(silent(p1), func(in *Input) {
				in.Parameters.Settings = &v1alpha1.ShardSettings{Hash: "new", ReloadPort: 1}
				in.Answers[p2].Settings.Hash = "new"
			}),
			want: []Operation{{Action: Reload, ID: p0, Pod: "pod-p-0"}},
		},
		"NoReload": {
			reason: "A server that does not read the file is left alone.",
			in: healthy(silent(p0, p1), func(in *Input) {
				in.Parameters.Settings = &v1alpha1.ShardSettings{Hash: "new", ReloadPort: 1}
				in.Answers[p2].Settings.Hash = ""
			}),
		},
		"Orchestrators": {
			reason: "The record of an orchestrator whose pod is gone is removed, and no other.",
			in: healthy(func(in *Input) {
				in.Parameters.Orchestrators = []v1alpha1.ShardOrchestrators{{Cell: "a", StatefulSet: "orch-a", ServiceIDPrefix: "o-x"}}
				in.Pods["orch-a-0"] = Pod{}
				c := in.Cells["a"]
				for _, name := range []string{"o-x-0", "o-x-1", "o-y-1", "o-x-01", "o-x-1-1"} {
					c.Orchestrators = append(c.Orchestrators, &clustermetadatapb.MultiOrch{Id: &clustermetadatapb.ID{Cell: "a", Name: name}})
				}
				in.Cells["a"] = c
			}),
			want: []Operation{{Action: UnregisterOrchestrator, ID: ID{Cell: "a", Name: "o-x-1"}, Pod: "orch-a-1"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := New(tc.in)
			if diff := cmp.Diff(tc.want, got.Operations, cmpopts.EquateEmpty(), protocmp.Transform()); diff != "" {
				t.Errorf("%s\nOperations: -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.leftovers, got.Observation.Leftovers, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s\nLeftovers: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestObservation(t *testing.T) {
	started := metav1.NewTime(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC))
	dayBefore := metav1.NewTime(started.AddDate(0, 0, -1))
	in := healthy(silent(p2), dark("b"), func(in *Input) {
		in.Parameters.Probe = "now"
		in.Previous = v1alpha1.ShardRecordObservation{Poolers: []v1alpha1.PoolerObservation{
			{ServiceID: "p-1", Cell: "b", Registered: true, Reachable: true, LastBackupID: "gone"},
		}}
		in.Pods["pod-p-2"] = Pod{UID: "uid-p-2", Terminating: true}
		in.Answers[p1].Status.Status.ReplicationStatus.LastReplayLsn = "0/0"
		in.Answers[p1].Settings.RestartPending = true
		in.Answers[p0].Status.ConsensusStatus.CurrentPosition.Rule.CreationTime = timestamppb.New(started.Add(time.Millisecond))
		in.BackupsKnown = true
		in.Backups = []*managerpb.BackupMetadata{
			{BackupId: "20260101-120000F", Type: "full", Status: managerpb.BackupMetadata_COMPLETE, MultipoolerId: "p-1"},
			{BackupId: "20260101-120000F_20260102-120000I", Type: "incr", Status: managerpb.BackupMetadata_COMPLETE, MultipoolerId: "p-0"},
			{BackupId: "20260103-120000F", Type: "full", Status: managerpb.BackupMetadata_INCOMPLETE, MultipoolerId: "p-0"},
		}
	})
	want := v1alpha1.ShardRecordObservation{
		Probe: "now", UnreachableCells: []string{"b"}, Leader: "p-0", LeaderPod: "pod-p-0", Term: 3, Cohort: []string{"p-0", "p-1", "p-2"},
		RuleMade:         &started,
		DurabilityPolicy: "AT_LEAST_2",
		LastBackup:       &v1alpha1.BackupObservation{ID: "20260101-120000F_20260102-120000I", Type: v1alpha1.BackupTypeIncremental, StartedAt: &started},
		LastFullBackup:   &v1alpha1.BackupObservation{ID: "20260101-120000F", Type: v1alpha1.BackupTypeFull, StartedAt: &dayBefore},
		FullBackups:      1,
		InitClaim:        &v1alpha1.InitClaimObservation{Claimer: "o-x-0"},
		Poolers: []v1alpha1.PoolerObservation{
			{
				Pod: "pod-p-0", PodUID: "uid-p-0", ServiceID: "p-0", Cell: "a", Role: v1alpha1.PoolerRolePrimary, Term: 3, InCohort: true, Registered: true, Reachable: true,
				Initialized: true, PostgresReady: true, LagWithinLimit: true, ConfigHash: "old", LastBackupID: "20260101-120000F_20260102-120000I",
			},
			{
				Pod: "pod-p-1", PodUID: "uid-p-1", ServiceID: "p-1", Cell: "b", Role: v1alpha1.PoolerRoleReplica, InCohort: true, Registered: true, Reachable: true,
				Initialized: true, PostgresReady: true, RestartPending: true, ConfigHash: "old", LastBackupID: "20260101-120000F",
			},
			{Pod: "pod-p-2", PodUID: "uid-p-2", Terminating: true, ServiceID: "p-2", Cell: "c", Role: v1alpha1.PoolerRoleUnknown, InCohort: true, Registered: true},
		},
	}
	if diff := cmp.Diff(want, New(in).Observation); diff != "" {
		t.Errorf("Everything that is known should be shown, and nothing else.\nNew(): -want, +got:\n%s", diff)
	}
}

func TestLag(t *testing.T) {
	cases := map[string]struct {
		reason   string
		at       string
		receiver string
		want     bool
	}{
		"Level":        {reason: "One that is level follows.", at: "1/0", receiver: "streaming", want: true},
		"Ahead":        {reason: "One that was asked later may be ahead.", at: "1/10", receiver: "streaming", want: true},
		"AtLimit":      {reason: "The limit itself is allowed.", at: "0/FC000000", receiver: "streaming", want: true},
		"Behind":       {reason: "Beyond it one is behind.", at: "0/FBFFFFFF", receiver: "streaming"},
		"NotReceiving": {reason: "One that receives nothing falls behind.", at: "1/0", receiver: "waiting"},
		"Unreadable":   {reason: "What cannot be read proves nothing.", at: "soon", receiver: "streaming"},
		"Unsplit":      {reason: "What cannot be read proves nothing.", at: "1/G", receiver: "streaming"},
		"NoPosition":   {reason: "What is not said proves nothing.", at: "", receiver: "streaming"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := healthy()
			r := in.Answers[p1].Status.GetStatus().GetReplicationStatus()
			r.LastReplayLsn, r.WalReceiverStatus = tc.at, tc.receiver
			if got := New(in).Observation.Poolers[1].LagWithinLimit; got != tc.want {
				t.Errorf("%s\nNew(): want %t, got %t", tc.reason, tc.want, got)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	r := rule(3, 1, p0, p0, p1, p2)
	orchestrators := func(prefix string) func(*Input) {
		return func(in *Input) {
			in.Parameters.Orchestrators = []v1alpha1.ShardOrchestrators{{Cell: "a", StatefulSet: "o", ServiceIDPrefix: prefix}}
		}
	}
	settings := func(hash string) func(*Input) {
		return func(in *Input) { in.Parameters.Settings = &v1alpha1.ShardSettings{Hash: hash, ReloadPort: 1} }
	}
	type verdict struct {
		Status corev1.ConditionStatus
		Reason string
	}
	yes, no := corev1.ConditionTrue, corev1.ConditionFalse
	cases := map[string]struct {
		reason   string
		in       Input
		typ      string
		want     verdict
		settling bool
	}{
		"Ready":           {reason: "A complete shard is ready.", in: healthy(), typ: TypeReady, want: verdict{yes, ReasonAvailable}},
		"NoLeader":        {reason: "A shard without a leader is not.", in: healthy(silent(p0)), typ: TypeReady, want: verdict{no, ReasonNoLeader}, settling: true},
		"MemberDown":      {reason: "One member less is not complete.", in: healthy(silent(p1)), typ: TypeReady, want: verdict{no, ReasonPoolersNotReady}, settling: true},
		"NotRegistered":   {reason: "A pooler that is not registered is waited for.", in: healthy(unregistered(p1)), typ: TypeReady, want: verdict{no, ReasonPoolersNotReady}, settling: true},
		"NoneExpected":    {reason: "A shard without poolers settles by itself.", in: healthy(func(in *Input) { in.Parameters.Poolers = nil }), typ: TypeReady, want: verdict{yes, ReasonAvailable}},
		"ClaimedByOther":  {reason: "A shard that another coordinator claimed waits for ever and should say so.", in: healthy(answers(nil), orchestrators("o-y")), typ: TypeReady, want: verdict{no, ReasonClaimedByOther}, settling: true},
		"ClaimedByOurs":   {reason: "Our own claim is no trouble.", in: healthy(answers(nil), orchestrators("o-x")), typ: TypeReady, want: verdict{no, ReasonNoLeader}, settling: true},
		"ClaimIsHistory":  {reason: "Once there is a cohort it does not matter who claimed it.", in: healthy(orchestrators("o-y")), typ: TypeReady, want: verdict{yes, ReasonAvailable}},
		"Observed":        {reason: "All answered.", in: healthy(), typ: TypeObserved, want: verdict{yes, ReasonAllAnswered}},
		"Unreachable":     {reason: "A pooler that hangs is a hole in what is known.", in: healthy(silent(p1)), typ: TypeObserved, want: verdict{no, ReasonPoolersUnreachable}, settling: true},
		"NoPodIsNoHole":   {reason: "One without a pod cannot answer.", in: healthy(silent(p1), noPod(p1)), typ: TypeObserved, want: verdict{yes, ReasonAllAnswered}, settling: true},
		"Dark":            {reason: "A cell that does not answer is a hole in what is known.", in: healthy(dark("b")), typ: TypeObserved, want: verdict{no, ReasonTopologyUnavailable}, settling: true},
		"NothingLeft":     {reason: "Nothing was removed.", in: healthy(), typ: TypeLeftoversRemoved, want: verdict{yes, ReasonNothingLeft}},
		"PodExists":       {reason: "A removal waits for the pod.", in: healthy(removed(p2)), typ: TypeLeftoversRemoved, want: verdict{no, ReasonPodExists}, settling: true},
		"Removing":        {reason: "A removal that goes on says so.", in: healthy(removed(p2), noPod(p2), silent(p2)), typ: TypeLeftoversRemoved, want: verdict{no, ReasonRemoving}, settling: true},
		"RemovalNoLeader": {reason: "A removal waits for a leader.", in: healthy(removed(p2), noPod(p2), answers(map[ID]Answer{p1: follows(p1, r)})), typ: TypeLeftoversRemoved, want: verdict{no, ReasonNoLeader}, settling: true},
		"RemovalDark":     {reason: "A removal waits for the topology.", in: healthy(removed(p2), noPod(p2), silent(p2), dark("c")), typ: TypeLeftoversRemoved, want: verdict{no, ReasonTopologyUnavailable}, settling: true},
		"NoSettings":      {reason: "Nobody asked for settings.", in: healthy(), typ: TypeSettingsApplied, want: verdict{yes, ReasonNotAsked}},
		"Applied":         {reason: "All have them.", in: healthy(settings("old")), typ: TypeSettingsApplied, want: verdict{yes, ReasonApplied}},
		"Reloading":       {reason: "Some have others.", in: healthy(settings("new")), typ: TypeSettingsApplied, want: verdict{no, ReasonReloads}},
		"NotIncluded": {reason: "A server that has no hash in force does not read the file.", in: healthy(settings("new"), func(in *Input) {
			for _, a := range in.Answers {
				a.Settings.Hash = ""
			}
		}), typ: TypeSettingsApplied, want: verdict{no, ReasonNotIncluded}},
		"SettingsUnknown": {reason: "One that does not say may have others.", in: healthy(settings("old"), silent(p1)), typ: TypeSettingsApplied, want: verdict{corev1.ConditionUnknown, ReasonUnknown}, settling: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := New(tc.in)
			for _, v := range s.Verdicts {
				if v.Type != tc.typ {
					continue
				}
				if diff := cmp.Diff(tc.want, verdict{v.Status, v.Reason}); diff != "" {
					t.Errorf("%s\n%s: -want, +got:\n%s", tc.reason, tc.typ, diff)
				}
			}
			if s.Settling != tc.settling {
				t.Errorf("%s\nSettling: want %t, got %t", tc.reason, tc.settling, s.Settling)
			}
		})
	}
}
