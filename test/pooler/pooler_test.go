package pooler

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	consensuspb "github.com/multigres/multigres/go/pb/consensus"
	managerservicepb "github.com/multigres/multigres/go/pb/multipoolermanager"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
)

var a, b, c = ID{Cell: "a", Name: "p-0"}, ID{Cell: "b", Name: "p-1"}, ID{Cell: "c", Name: "p-2"}

func start(t *testing.T, s *Shard, ids ...ID) {
	t.Helper()
	for _, id := range ids {
		if err := s.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}

func step(t *testing.T, s *Shard) {
	t.Helper()
	if err := s.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, s *Shard, id ID) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Host(id)+":15270", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestLife(t *testing.T) {
	s := NewShard(Config{Database: "postgres", TableGroup: "default", Shard: "0-inf"})
	t.Cleanup(s.Close)
	type state struct {
		Leader  ID
		Cohort  []ID
		Term    int64
		Subterm int64
	}
	check := func(reason string, want state) {
		t.Helper()
		var got state
		got.Leader, _ = s.Leader()
		got.Cohort = s.Cohort()
		got.Term, got.Subterm = s.Rule()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n-want, +got:\n%s", reason, diff)
		}
	}
	start(t, s, a)
	step(t, s)
	check("One pooler alone is not bootstrapped.", state{Cohort: []ID{}})
	start(t, s, b, c)
	step(t, s)
	check("The first of several should lead.", state{Leader: a, Cohort: []ID{a, b, c}, Term: 1})
	s.Kill(a)
	check("Nobody is elected before an orchestrator looks.", state{Leader: a, Cohort: []ID{a, b, c}, Term: 1})
	step(t, s)
	check("A dead leader should be replaced and stay a member.", state{Leader: b, Cohort: []ID{a, b, c}, Term: 2})
	if err := s.Terminate(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	check("Who says goodbye should leave the cohort.", state{Leader: b, Cohort: []ID{a, b}, Term: 2, Subterm: 1})
	start(t, s, a, c)
	step(t, s)
	check("Who comes back should be a member again.", state{Leader: b, Cohort: []ID{a, b, c}, Term: 2, Subterm: 2})
	s.Kill(a)
	s.Kill(c)
	s.Kill(b)
	start(t, s, a)
	step(t, s)
	check("One of three cannot know what was acknowledged.", state{Leader: b, Cohort: []ID{a, b, c}, Term: 2, Subterm: 2})
}

// TestRegistersLater: a pooler whose record could not be written when it started writes it once that works, though nothing else has
// changed.
func TestRegistersLater(t *testing.T) {
	server := etcd.Run(t)
	place := Place{Client: server.Client(t), Root: "/r"}
	s := NewShard(Config{Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: map[string]Place{a.Cell: place}})
	t.Cleanup(s.Close)
	start(t, s, a, b, c)
	step(t, s)
	s.Kill(a)
	if _, err := place.Client.Delete(t.Context(), "/r/", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Start(away, a); err == nil {
		t.Fatal("Start() should say that it could not register")
	}
	step(t, s)
	resp, err := place.Client.Get(t.Context(), "/r/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	if resp.Count != 1 {
		t.Errorf("want its record again, got %d", resp.Count)
	}
}

func TestStalePrimary(t *testing.T) {
	s := NewShard(Config{})
	t.Cleanup(s.Close)
	start(t, s, a, b, c)
	step(t, s)
	s.Kill(a)
	step(t, s)
	start(t, s, a)
	types := func() []clustermetadatapb.PoolerType {
		var out []clustermetadatapb.PoolerType
		for _, id := range []ID{a, b, c} {
			resp, err := managerservicepb.NewMultiPoolerManagerClient(dial(t, s, id)).Status(t.Context(), &managerpb.StatusRequest{})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, resp.GetStatus().GetPoolerType())
		}
		return out
	}
	primary, replica := clustermetadatapb.PoolerType_PRIMARY, clustermetadatapb.PoolerType_REPLICA
	if diff := cmp.Diff([]clustermetadatapb.PoolerType{primary, primary, replica}, types()); diff != "" {
		t.Errorf("A former leader that is back should believe that it leads.\n-want, +got:\n%s", diff)
	}
	step(t, s)
	if diff := cmp.Diff([]clustermetadatapb.PoolerType{replica, primary, replica}, types()); diff != "" {
		t.Errorf("It should follow once it is told.\n-want, +got:\n%s", diff)
	}
}

func TestUpdateConsensusRule(t *testing.T) {
	s := NewShard(Config{})
	t.Cleanup(s.Close)
	start(t, s, a, b, c)
	step(t, s)
	s.Kill(c)
	first := &clustermetadatapb.RuleNumber{CoordinatorTerm: 1}
	steps := []struct {
		reason string
		at     ID
		rule   *clustermetadatapb.RuleNumber
		member ID
		code   codes.Code
		cohort []ID
	}{
		{reason: "A change needs to say what it was decided on.", at: a, member: c, code: codes.InvalidArgument, cohort: []ID{a, b, c}},
		{reason: "A replica has no say.", at: b, rule: first, member: c, code: codes.FailedPrecondition, cohort: []ID{a, b, c}},
		{reason: "A stale decision should be refused.", at: a, rule: &clustermetadatapb.RuleNumber{}, member: c, code: codes.Unknown, cohort: []ID{a, b, c}},
		{reason: "A current decision should be carried out.", at: a, rule: first, member: c, cohort: []ID{a, b}},
		{reason: "Removing who is no member is no change.", at: a, rule: first, member: c, cohort: []ID{a, b}},
		{reason: "The policy should hold.", at: a, rule: &clustermetadatapb.RuleNumber{CoordinatorTerm: 1, LeaderSubterm: 1}, member: b, code: codes.InvalidArgument, cohort: []ID{a, b}},
	}
	for _, tc := range steps {
		_, err := consensuspb.NewMultiPoolerConsensusClient(dial(t, s, tc.at)).UpdateConsensusRule(t.Context(), &managerpb.UpdateConsensusRuleRequest{
			Operation:  managerpb.CohortUpdateOperation_COHORT_UPDATE_OPERATION_REMOVE,
			StandbyIds: []*clustermetadatapb.ID{tc.member.proto()}, ExpectedOutgoingRule: tc.rule,
		})
		if status.Code(err) != tc.code || !slices.Equal(s.Cohort(), tc.cohort) {
			t.Errorf("%s\nwant %s and %v, got %v and %v", tc.reason, tc.code, tc.cohort, err, s.Cohort())
		}
	}
}

func TestHang(t *testing.T) {
	s := NewShard(Config{})
	t.Cleanup(s.Close)
	start(t, s, a)
	if err := s.SetFault(a, Fault{Hang: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := managerservicepb.NewMultiPoolerManagerClient(dial(t, s, a)).Status(ctx, &managerpb.StatusRequest{})
	if status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("A pooler that hangs should keep its callers waiting: got %v", err)
	}
}
