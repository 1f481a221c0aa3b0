package pooler

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	consensuspb "github.com/multigres/multigres/go/pb/consensus"
	consensusdatapb "github.com/multigres/multigres/go/pb/consensusdata"
	managerservicepb "github.com/multigres/multigres/go/pb/multipoolermanager"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	poolerservicepb "github.com/multigres/multigres/go/pb/multipoolerservice"
	pgctldpb "github.com/multigres/multigres/go/pb/pgctldservice"
	querypb "github.com/multigres/multigres/go/pb/query"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Ports that every simulated pooler listens at.
const (
	// PortPooler is the port of multipooler's gRPC server.
	PortPooler = 15270

	// PortPgctld is the port of pgctld's gRPC server.
	PortPgctld = 15470
)

// listenAttempts bounds the search for an address that nobody uses.
const listenAttempts = 50

// pooler is one pooler. The shard's lock guards it.
type pooler struct {
	shard *Shard
	id    ID
	host  string

	// server and pgctld are nil while it does not run.
	server    *grpc.Server
	pgctld    *grpc.Server
	listeners []net.Listener

	// seen is the rule that its data holds.
	seen        *clustermetadatapb.ShardRule
	initialized bool
	drained     bool
	config      string

	// registered is true if the topology has taken what the record should say.
	registered bool

	fault Fault
	calls map[string]int
}

// listen at the address that the pooler has, or at a new one.
func (p *pooler) listen(cfg *tls.Config) error {
	var last error
	for range listenAttempts {
		host := p.host
		if host == "" {
			host = randomHost()
		}
		rpc, ctl, err := listeners(host)
		if err != nil {
			last = err
			continue
		}
		p.host = host
		p.serve(rpc, ctl, cfg)
		return nil
	}
	return errors.Wrap(last, "cannot listen")
}

// pingInterval is how often a server asks its clients whether they are there, and they may ask it.
const pingInterval = 10 * time.Second

// randomHost is an address of the loopback network that nobody else is likely to use.
func randomHost() string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // It never fails.
	return fmt.Sprintf("127.%d.%d.%d", 64+b[0]%64, b[1], 1+b[2]%254)
}

func listeners(host string) (rpc, ctl net.Listener, err error) {
	rpc, err = net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(PortPooler))) //nolint:noctx // A local socket does not wait.
	if err != nil {
		return nil, nil, err
	}
	ctl, err = net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(PortPgctld))) //nolint:noctx // A local socket does not wait.
	if err != nil {
		return nil, nil, errors.Join(err, rpc.Close())
	}
	return rpc, ctl, nil
}

func (p *pooler) serve(rpc, ctl net.Listener, cfg *tls.Config) {
	intercept := grpc.UnaryInterceptor(p.intercept)
	// As Multigres' servers do (v0.1.0): who asks too often whether anybody is there is cut off.
	opts := []grpc.ServerOption{
		intercept, grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingInterval, Timeout: pingInterval}),
	}
	if cfg != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(cfg)))
	}
	server, local := grpc.NewServer(opts...), grpc.NewServer(intercept)
	managerservicepb.RegisterMultiPoolerManagerServer(server, &manager{pooler: p})
	consensuspb.RegisterMultiPoolerConsensusServer(server, &consensus{pooler: p})
	poolerservicepb.RegisterMultiPoolerServiceServer(server, &queries{pooler: p})
	pgctldpb.RegisterPgCtldServer(local, &pgctld{pooler: p})
	p.server, p.pgctld, p.listeners = server, local, []net.Listener{rpc, ctl}
	// They end with Stop.
	go func() { _ = server.Serve(rpc) }()
	go func() { _ = local.Serve(ctl) }()
}

// stop at once. Calls that hang hold the handlers, not us.
func (p *pooler) stop() {
	if p.server == nil {
		return
	}
	server, ctl := p.server, p.pgctld
	p.server, p.pgctld = nil, nil
	// The address is free at once.
	for _, l := range p.listeners {
		_ = l.Close()
	}
	// Handlers wait for the lock that we hold.
	go server.Stop()
	go ctl.Stop()
}

// intercept counts every call and applies the fault.
func (p *pooler) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	p.shard.mu.Lock()
	if p.calls == nil {
		p.calls = map[string]int{}
	}
	// The service without its package.
	p.calls[info.FullMethod[strings.LastIndexByte(info.FullMethod, '.')+1:]]++
	f := p.fault
	p.shard.mu.Unlock()
	if f.Hang {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if f.Code != codes.OK {
		return nil, status.Error(f.Code, "injected")
	}
	return handle(ctx, req)
}

// primary says whether PostgreSQL takes writes: it does if the rule that its data holds says so.
func (p *pooler) primary() bool { return p.seen != nil && idOf(p.seen.GetLeaderId()) == p.id }

func (p *pooler) kind() clustermetadatapb.PoolerType {
	if p.primary() {
		return clustermetadatapb.PoolerType_PRIMARY
	}
	return clustermetadatapb.PoolerType_REPLICA
}

// answers is true if PostgreSQL does.
func (p *pooler) answers() bool { return p.initialized && !p.fault.NotReady && !p.fault.Diverged }

// position is where its log ends.
func (p *pooler) position() string {
	at := p.shard.lsn - min(p.fault.Lag, p.shard.lsn)
	return fmt.Sprintf("%X/%X", at>>32, at&0xffffffff)
}

// believes is the rule that the pooler shows, with what the fault makes of it.
func (p *pooler) believes() *clustermetadatapb.ShardRule {
	term := p.fault.ClaimTerm
	if p.fault.StalePrimary {
		term = p.shard.rule.GetRuleNumber().GetCoordinatorTerm() - 1
	}
	if p.fault.ClaimTerm == 0 && !p.fault.StalePrimary || p.shard.rule == nil {
		return p.seen
	}
	rule := proto.CloneOf(p.shard.rule)
	rule.RuleNumber = &clustermetadatapb.RuleNumber{CoordinatorTerm: term}
	rule.LeaderId = p.id.proto()
	return rule
}

func (p *pooler) consensusStatus() *clustermetadatapb.ConsensusStatus {
	// Who has started anew and cannot read its data knows of no rule.
	if p.fault.Diverged {
		return &clustermetadatapb.ConsensusStatus{Id: p.id.proto()}
	}
	return &clustermetadatapb.ConsensusStatus{
		Id: p.id.proto(), CurrentPosition: &clustermetadatapb.PoolerPosition{Rule: p.believes(), Lsn: p.position()},
	}
}

type manager struct {
	managerservicepb.UnimplementedMultiPoolerManagerServer
	*pooler
}

// Status of the pooler.
func (m *manager) Status(context.Context, *managerpb.StatusRequest) (*managerpb.StatusResponse, error) {
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	rule := m.believes()
	leads := rule != nil && idOf(rule.GetLeaderId()) == m.id
	s := &managerpb.Status{
		PoolerType: clustermetadatapb.PoolerType_REPLICA, IsInitialized: m.initialized, HasDataDirectory: m.initialized,
		PostgresRunning: m.initialized && !m.fault.Diverged, PostgresReady: m.answers(),
		CohortMembers: rule.GetCohortMembers(), ShardId: m.shard.cfg.Shard,
	}
	if leads {
		s.PoolerType = clustermetadatapb.PoolerType_PRIMARY
	}
	resp := &managerpb.StatusResponse{Status: s, ConsensusStatus: m.consensusStatus()}
	if !s.GetPostgresReady() {
		return resp, nil
	}
	if leads {
		s.PostgresStatus = managerpb.PostgresStatus_POSTGRES_STATUS_PRIMARY
		s.PrimaryStatus = &managerpb.PrimaryStatus{Lsn: m.position(), Ready: true}
		return resp, nil
	}
	s.PostgresStatus = managerpb.PostgresStatus_POSTGRES_STATUS_STANDBY
	s.ReplicationStatus = &managerpb.StandbyReplicationStatus{LastReplayLsn: m.position(), LastReceiveLsn: m.position()}
	if l := m.shard.leader(); l != nil && l.server != nil {
		s.ReplicationStatus.WalReceiverStatus = "streaming"
	}
	return resp, nil
}

type consensus struct {
	consensuspb.UnimplementedMultiPoolerConsensusServer
	*pooler
}

// Status of the pooler's part in the consensus.
func (c *consensus) Status(context.Context, *consensusdatapb.StatusRequest) (*consensusdatapb.StatusResponse, error) {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	return &consensusdatapb.StatusResponse{Id: c.id.proto(), ConsensusStatus: c.consensusStatus()}, nil
}

// UpdateConsensusRule changes the cohort, if the pooler leads and its rule is the expected one. The codes are those of v0.1.0,
// where a rule that has changed has no code of its own.
func (c *consensus) UpdateConsensusRule(_ context.Context, req *managerpb.UpdateConsensusRuleRequest) (*managerpb.UpdateConsensusRuleResponse, error) {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	want := req.GetExpectedOutgoingRule()
	if want == nil {
		return nil, status.Error(codes.InvalidArgument, "expected_outgoing_rule is required")
	}
	if c.shard.leader() != c.pooler {
		return nil, status.Error(codes.FailedPrecondition, "the PostgreSQL instance is in standby mode")
	}
	// Without enough members that follow it PostgreSQL cannot commit the new rule, nor even lock the old one.
	if dead := missing(c.shard.running(), c.shard.cohort()); len(c.shard.cohort())-len(dead) < required {
		return nil, status.Error(codes.DeadlineExceeded, "failed to read current_rule")
	}
	cohort := c.cohortAfter(req)
	if len(cohort) == len(c.shard.cohort()) {
		return &managerpb.UpdateConsensusRuleResponse{}, nil
	}
	if !proto.Equal(want, c.shard.rule.GetRuleNumber()) {
		return nil, status.Error(codes.Unknown, "rule conflict")
	}
	if len(cohort) < required {
		return nil, status.Error(codes.InvalidArgument, "cohort cannot achieve durability policy")
	}
	c.shard.change(cohort)
	return &managerpb.UpdateConsensusRuleResponse{}, nil
}

// RewindToSource makes the pooler's history the leader's again. That is the only one there is.
func (c *consensus) RewindToSource(_ context.Context, req *managerpb.RewindToSourceRequest) (*managerpb.RewindToSourceResponse, error) {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	l := c.shard.leader()
	if l == nil || idOf(req.GetSource().GetId()) != l.id {
		return nil, status.Error(codes.InvalidArgument, "the source does not lead")
	}
	if c.fault.RewindFails {
		return nil, status.Error(codes.Unknown, "pg_rewind dry-run failed")
	}
	performed := c.fault.Diverged
	c.fault.Diverged = false
	return &managerpb.RewindToSourceResponse{Success: true, RewindPerformed: performed}, nil
}

func (c *consensus) cohortAfter(req *managerpb.UpdateConsensusRuleRequest) []ID {
	var named []ID
	for _, id := range req.GetStandbyIds() {
		named = append(named, idOf(id))
	}
	cohort := c.shard.cohort()
	if req.GetOperation() == managerpb.CohortUpdateOperation_COHORT_UPDATE_OPERATION_ADD {
		return append(cohort, missing(cohort, named)...)
	}
	return missing(named, cohort)
}

type queries struct {
	poolerservicepb.UnimplementedMultiPoolerServiceServer
	*pooler
}

// ExecuteQuery answers one question: which settings are in force.
func (q *queries) ExecuteQuery(_ context.Context, req *poolerservicepb.ExecuteQueryRequest) (*poolerservicepb.ExecuteQueryResponse, error) {
	q.shard.mu.Lock()
	defer q.shard.mu.Unlock()
	if !strings.Contains(req.GetQuery(), "pending_restart") {
		return nil, status.Error(codes.Unimplemented, "a simulated pooler has no database")
	}
	if !q.answers() {
		return nil, status.Error(codes.Unavailable, "PostgreSQL is not ready")
	}
	pending := "f"
	if q.fault.RestartPending {
		pending = "t"
	}
	row := &querypb.Row{Lengths: []int64{int64(len(q.config)), 1}, Values: []byte(q.config + pending)}
	return &poolerservicepb.ExecuteQueryResponse{Result: &querypb.QueryResult{Rows: []*querypb.Row{row}, HasFields: true}}, nil
}

type pgctld struct {
	pgctldpb.UnimplementedPgCtldServer
	*pooler
}

// ReloadConfig reads the configuration file again.
func (c *pgctld) ReloadConfig(context.Context, *pgctldpb.ReloadConfigRequest) (*pgctldpb.ReloadConfigResponse, error) {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	if !c.fault.KeepConfig {
		c.config = c.shard.file
	}
	return &pgctldpb.ReloadConfigResponse{}, nil
}
