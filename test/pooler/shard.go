package pooler

import (
	"cmp"
	"context"
	"crypto/tls"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
)

// required is how many members must have a transaction, and how many poolers a shard is bootstrapped with: AT_LEAST_2.
const required = 2

// An ID is the identity of a pooler.
type ID struct {
	Cell string
	Name string
}

func (id ID) compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Cell, other.Cell), cmp.Compare(id.Name, other.Name))
}

func (id ID) proto() *clustermetadatapb.ID {
	return &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: id.Cell, Name: id.Name}
}

func idOf(id *clustermetadatapb.ID) ID { return ID{Cell: id.GetCell(), Name: id.GetName()} }

// A Place is where records are.
type Place struct {
	Client *clientv3.Client
	Root   string
}

// A Config says which shard to simulate.
type Config struct {
	Database, TableGroup, Shard string

	// Global is where the shard's initialization claim is. Without a client none is written.
	Global Place

	// Cells are where the records of each cell are. Poolers of other cells register nowhere.
	Cells map[string]Place

	// Claimer is the service id of the orchestrator that claims the shard. Empty means "o-0".
	Claimer string

	// TLS of the poolers' servers. Nil means plain text.
	TLS *tls.Config
}

// A Shard is a simulated shard. Its methods may be called at the same time.
type Shard struct {
	cfg Config

	mu      sync.Mutex
	poolers map[ID]*pooler
	rule    *clustermetadatapb.ShardRule
	backups []*managerpb.BackupMetadata

	// backupTime is when backups are begun, if it is not zero.
	backupTime time.Time

	lsn  uint64
	file string
}

// NewShard makes a shard without poolers.
func NewShard(cfg Config) *Shard {
	cfg.Claimer = cmp.Or(cfg.Claimer, "o-0")
	return &Shard{cfg: cfg, poolers: map[ID]*pooler{}, lsn: 1 << 24}
}

// SetPlace says where the records of a cell are.
func (s *Shard) SetPlace(cell string, p Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cells := map[string]Place{cell: p}
	for name, old := range s.cfg.Cells {
		if name != cell {
			cells[name] = old
		}
	}
	s.cfg.Cells = cells
}

// Start a pooler, for the first time or again. It listens, registers as a replica and believes what it believed before.
func (s *Shard) Start(ctx context.Context, id ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poolers[id]
	if p == nil {
		p = &pooler{shard: s, id: id}
		s.poolers[id] = p
	}
	if p.server != nil {
		return nil
	}
	if err := p.listen(s.cfg.TLS); err != nil {
		return err
	}
	// PostgreSQL reads its files when it starts.
	p.drained, p.config = false, s.file
	return s.register(ctx, p)
}

// Kill a pooler as SIGKILL does: it falls silent, and its record and its membership stay.
func (s *Shard) Kill(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p != nil {
		p.stop()
	}
}

// Terminate a pooler as SIGTERM does: its record says that it is drained, it leaves the cohort if somebody is left to lead,
// and it falls silent.
func (s *Shard) Terminate(ctx context.Context, id ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poolers[id]
	if p == nil || p.server == nil {
		return nil
	}
	p.drained = true
	err := s.register(ctx, p)
	p.stop()
	s.release()
	return err
}

// Wipe the data of a pooler that is not running.
func (s *Shard) Wipe(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p != nil && p.server == nil {
		p.seen, p.initialized = nil, false
	}
}

// Close stops all poolers. It leaves the records alone.
func (s *Shard) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.poolers {
		p.stop()
	}
}

// Run does a Step again and again until the context ends. Errors of the topology are tried again.
func (s *Shard) Run(ctx context.Context, interval time.Duration) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = s.Step(ctx)
		}
	}
}

// Step does what orchestrators do: it bootstraps a shard of at least two poolers, elects a leader in the place of one that is
// gone if enough of the cohort is left, tells everybody of the rule in force, and adds who is alive to the cohort.
func (s *Shard) Step(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	alive := s.running()
	switch l := s.leader(); {
	case s.rule == nil:
		if len(alive) < required {
			return nil
		}
		if err := s.claim(ctx, alive); err != nil {
			return err
		}
		s.rule = &clustermetadatapb.ShardRule{
			RuleNumber: &clustermetadatapb.RuleNumber{CoordinatorTerm: 1}, LeaderId: alive[0].proto(), CohortMembers: protos(alive),
			DurabilityPolicy: &clustermetadatapb.DurabilityPolicy{
				PolicyName: "AT_LEAST_2", QuorumType: clustermetadatapb.QuorumType_QUORUM_TYPE_AT_LEAST_N, RequiredCount: required,
			},
		}
		s.backups = append(s.backups, backup(alive[0], "20260101-000000F", "full"))
	case l == nil || l.server == nil:
		if !s.elect(alive) {
			return nil
		}
	}
	if missing := missing(s.cohort(), alive); len(missing) > 0 {
		s.change(append(s.cohort(), missing...))
	}
	s.release()
	return s.tell(ctx)
}

// elect a leader among the members that are alive. It needs so many of them that no acknowledged write can be missing.
func (s *Shard) elect(alive []ID) bool {
	cohort := s.cohort()
	candidates := slices.DeleteFunc(slices.Clone(alive), func(id ID) bool { return !slices.Contains(cohort, id) })
	if len(candidates) < len(cohort)-required+1 || len(candidates) < required {
		return false
	}
	rule := proto.CloneOf(s.rule)
	rule.RuleNumber = &clustermetadatapb.RuleNumber{CoordinatorTerm: rule.GetRuleNumber().GetCoordinatorTerm() + 1}
	rule.LeaderId = candidates[0].proto()
	s.rule = rule
	return true
}

// Appoint a member that runs as the leader, as a planned switchover does. It reports whether it could.
func (s *Shard) Appoint(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p == nil || p.server == nil || !slices.Contains(s.cohort(), id) {
		return false
	}
	rule := proto.CloneOf(s.rule)
	rule.RuleNumber = &clustermetadatapb.RuleNumber{CoordinatorTerm: rule.GetRuleNumber().GetCoordinatorTerm() + 1}
	rule.LeaderId = id.proto()
	s.rule = rule
	return true
}

// tell every running pooler of the rule, and have it change its record if its role changes, or if it could not before.
func (s *Shard) tell(ctx context.Context) error {
	for _, id := range s.running() {
		p := s.poolers[id]
		was, known := p.primary(), p.initialized
		p.seen, p.initialized = s.rule, true
		if p.primary() == was && known && p.registered {
			continue
		}
		if err := s.register(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// release the members that said goodbye, as far as the leader can do without them.
func (s *Shard) release() {
	l := s.leader()
	if l == nil || l.server == nil {
		return
	}
	stay := slices.DeleteFunc(s.cohort(), func(id ID) bool { return s.poolers[id] != nil && s.poolers[id].drained })
	if len(stay) >= required && len(stay) < len(s.cohort()) {
		s.change(stay)
	}
}

// change the cohort, as the leader does.
func (s *Shard) change(cohort []ID) {
	rule := proto.CloneOf(s.rule)
	rule.CohortMembers = protos(cohort)
	rule.RuleNumber.LeaderSubterm++
	s.rule = rule
	// Replication carries it to everybody who follows at once.
	for _, id := range s.running() {
		if p := s.poolers[id]; p.seen != nil && p.seen.GetRuleNumber().GetCoordinatorTerm() == rule.GetRuleNumber().GetCoordinatorTerm() {
			p.seen = rule
		}
	}
}

// leader is the pooler that the rule in force names, running or not.
func (s *Shard) leader() *pooler { return s.poolers[idOf(s.rule.GetLeaderId())] }

func (s *Shard) cohort() []ID {
	out := make([]ID, 0, len(s.rule.GetCohortMembers()))
	for _, m := range s.rule.GetCohortMembers() {
		out = append(out, idOf(m))
	}
	return out
}

// running are the poolers that run, sorted.
func (s *Shard) running() []ID {
	var out []ID
	for _, id := range slices.SortedFunc(maps.Keys(s.poolers), ID.compare) {
		if s.poolers[id].server != nil {
			out = append(out, id)
		}
	}
	return out
}

// Leader returns who leads, running or not, and whether anybody does.
func (s *Shard) Leader() (ID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return idOf(s.rule.GetLeaderId()), s.rule != nil
}

// Cohort returns the members of the rule in force.
func (s *Shard) Cohort() []ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cohort()
}

// Rule returns the number of the rule in force, zero if there is none.
func (s *Shard) Rule() (term, subterm int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rule.GetRuleNumber().GetCoordinatorTerm(), s.rule.GetRuleNumber().GetLeaderSubterm()
}

// Running returns the poolers that run, sorted.
func (s *Shard) Running() []ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running()
}

// Host returns the address that a pooler listens at, empty if it never ran.
func (s *Shard) Host(id ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p != nil {
		return p.host
	}
	return ""
}

// SetFile changes the hash that the configuration file of every pooler carries. It is in force after a reload or a restart.
func (s *Shard) SetFile(hash string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file = hash
}

// Config returns the hash that a pooler has in force.
func (s *Shard) Config(id ID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p != nil {
		return p.config
	}
	return ""
}

// Calls returns how often each method of a pooler was called.
func (s *Shard) Calls(id ID) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poolers[id]; p != nil {
		return maps.Clone(p.calls)
	}
	return nil
}

// SetFault makes a pooler misbehave, or behave again if the fault is zero.
func (s *Shard) SetFault(id ID, f Fault) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.poolers[id]
	if p == nil {
		return errors.Errorf("cannot find pooler %s of cell %s", id.Name, id.Cell)
	}
	p.fault = f
	return nil
}

func protos(ids []ID) []*clustermetadatapb.ID {
	out := make([]*clustermetadatapb.ID, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.proto())
	}
	return out
}

// missing are those of all that are not among some.
func missing(some, all []ID) []ID {
	return slices.DeleteFunc(slices.Clone(all), func(id ID) bool { return slices.Contains(some, id) })
}
