// Package shardstate turns what the topology, the poolers and the pods of a shard say into facts about the shard, and into what
// is to be done about poolers and orchestrators that are gone. It is pure: the same answers give the same state.
//
// It holds to three rules. A fact that nobody vouches for is no fact: an answer counts only if the pooler says who it is, and
// a leader only if the highest rule that anybody knows of agrees. Nothing is done on doubt. And at most one thing at a time is
// done to the cohort.
package shardstate

import (
	"cmp"
	"slices"
	"time"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// An ID is the identity of a pooler or an orchestrator.
type ID struct {
	Cell string
	Name string
}

// IDOf returns the identity that a message of Multigres holds.
func IDOf(id *clustermetadatapb.ID) ID { return ID{Cell: id.GetCell(), Name: id.GetName()} }

// Compare orders identities by cell and name.
func (id ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(id.Cell, other.Cell), cmp.Compare(id.Name, other.Name))
}

// String is the identity as Multigres writes it, in synchronous_standby_names for one.
func (id ID) String() string { return id.Cell + "_" + id.Name }

func poolerID(p v1alpha1.ShardPooler) ID { return ID{Cell: p.Cell, Name: p.ServiceID} }

// A Pod is a pod that exists.
type Pod struct {
	UID         types.UID
	Terminating bool
}

// A Cell is what the topology of a cell holds. What is not reachable holds nobody knows what.
type Cell struct {
	Reachable     bool
	Poolers       []*clustermetadatapb.MultiPooler
	Orchestrators []*clustermetadatapb.MultiOrch
}

// Settings are what a PostgreSQL server says about its configuration.
type Settings struct {
	// Hash that the configuration in force carries, empty if it carries none.
	Hash string

	// RestartPending is true if a setting waits for a restart.
	RestartPending bool
}

// An Answer is what a pooler answered.
type Answer struct {
	Status *managerpb.StatusResponse

	// Settings are nil if they are not known.
	Settings *Settings
}

// An Input is everything that a state rests on.
type Input struct {
	Parameters v1alpha1.ShardRecordParameters

	// Previous is the last observation. What cannot be known now stays as it was.
	Previous v1alpha1.ShardRecordObservation

	// Cells by name. A cell that is not there is not reachable.
	Cells map[string]Cell

	// Claim is nil if nobody has claimed the shard.
	Claim *clustermetadatapb.ShardInitClaim

	// Answers of the poolers that answered.
	Answers map[ID]Answer

	// Backups of the shard, and whether anybody could be asked.
	Backups      []*managerpb.BackupMetadata
	BackupsKnown bool

	// BackupLeased is true if somebody may be taking or removing backups of the shard. It need not be known without a schedule
	// and a retention.
	BackupLeased bool

	// Jobs are the backups that are taken and removed by us.
	Jobs Jobs

	// Now is the time by which backups are due.
	Now time.Time

	// Pods that exist, by name.
	Pods map[string]Pod
}

// A State is what is known about a shard and what follows from it.
type State struct {
	Observation v1alpha1.ShardRecordObservation

	// Operations that are due, in their order. At most one of them changes the cohort.
	Operations []Operation

	// Stranded are the poolers that cannot follow the leader by themselves if they stay as they are, sorted. Whoever rewinds one gives
	// it time first.
	Stranded []ID

	// Verdicts are the conditions of the shard, in the order of their types.
	Verdicts []Verdict

	// Settling is true if something is in progress that nothing announces: look again soon.
	Settling bool

	// Wake is when to look again because of the time only, zero if there is no need.
	Wake time.Time
}

// New returns the state of a shard.
func New(in Input) State {
	alive := claimed(in.Answers)
	in.Answers = vouched(in.Answers)
	f := &facts{Input: in, alive: alive, rule: highest(in.Answers), registered: map[ID]bool{}, previous: map[ID]v1alpha1.PoolerObservation{}}
	f.leader, f.leads = leader(in.Answers, f.rule)
	for _, m := range f.rule.GetCohortMembers() {
		f.cohort = append(f.cohort, IDOf(m))
	}
	slices.SortFunc(f.cohort, ID.Compare)
	for _, p := range in.Previous.Poolers {
		f.previous[ID{Cell: p.Cell, Name: p.ServiceID}] = p
	}
	f.register()
	f.stranded = f.whoIsStranded()
	b := f.backups()
	ops := append(f.operations(), b.operations...)
	obs := f.observation()
	return State{
		Observation: obs, Operations: ops, Stranded: f.stranded, Verdicts: f.verdicts(obs, b.verdicts), Settling: f.settling(obs, ops), Wake: b.wake,
	}
}

// facts are what a state is made from.
type facts struct {
	Input

	// alive are the poolers in whose name somebody answers, vouched for or not.
	alive map[ID]bool

	// rule is the highest that anybody knows of, nil if nobody knows any.
	rule *clustermetadatapb.ShardRule

	// cohort of the rule, sorted.
	cohort []ID

	// leader is who leads, if leads is true.
	leader ID
	leads  bool

	// stranded are the poolers that cannot follow the leader by themselves, sorted.
	stranded []ID

	// registered are the poolers of this shard that reachable cells hold.
	registered map[ID]bool

	previous map[ID]v1alpha1.PoolerObservation
}

// register notes which poolers of this shard the topology holds. Poolers of other shards share it.
func (f *facts) register() {
	for name, c := range f.Cells {
		if !c.Reachable {
			continue
		}
		for _, p := range c.Poolers {
			if id := IDOf(p.GetId()); id.Cell == name && Member(f.Parameters, p) {
				f.registered[id] = true
			}
		}
	}
}

// Member is true if a record is one of a pooler of the shard.
func Member(p v1alpha1.ShardRecordParameters, m *clustermetadatapb.MultiPooler) bool {
	k := m.GetShardKey()
	return k.GetDatabase() == p.Database && k.GetTableGroup() == p.TableGroup && k.GetShard() == p.Shard
}

// isRegistered says whether the topology holds a record of a pooler, and whether that is known.
func (f *facts) isRegistered(id ID) (registered, known bool) {
	if !f.Cells[id.Cell].Reachable {
		return f.previous[id].Registered, false
	}
	return f.registered[id], true
}

func (f *facts) inCohort(id ID) bool {
	_, ok := slices.BinarySearchFunc(f.cohort, id, ID.Compare)
	return ok
}

// retired is true if the shard is to have no pooler at all any more, and has none. Then nobody is left to ask about the cohort.
func (f *facts) retired() bool {
	there := func(p v1alpha1.ShardPooler) bool { return !f.gone(p) }
	return len(f.Parameters.Poolers) == 0 && !slices.ContainsFunc(f.Parameters.Removed, there) && len(f.alive) == 0
}

// unborn is true if the shard was never initialized, so that there is no cohort that anybody could be in.
func (f *facts) unborn() bool { return f.rule == nil && f.Claim == nil }

// gone is true if there is no pod of a pooler and nobody answers in its name.
func (f *facts) gone(p v1alpha1.ShardPooler) bool {
	_, exists := f.Pods[p.Pod]
	return !exists && !f.alive[poolerID(p)]
}

// unreachable are the cells whose topology did not answer, sorted.
func (f *facts) unreachable() []string {
	var out []string
	for _, c := range f.Parameters.Cells {
		if !f.Cells[c].Reachable {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}
