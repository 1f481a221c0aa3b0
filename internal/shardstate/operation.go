package shardstate

import (
	"slices"
	"strconv"
	"strings"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// An Action is a kind of operation.
type Action string

// What may be due.
const (
	// RemoveMember takes a pooler that is gone out of the cohort.
	RemoveMember Action = "RemoveMember"

	// Unregister removes the record of a pooler that is gone.
	Unregister Action = "Unregister"

	// UnregisterOrchestrator removes the record of an orchestrator that is gone.
	UnregisterOrchestrator Action = "UnregisterOrchestrator"

	// Reload makes a PostgreSQL server read its configuration again.
	Reload Action = "Reload"

	// Rewind makes the data of a pooler, which cannot follow by itself, those of the leader (pg_rewind).
	Rewind Action = "Rewind"

	// BackUp takes a backup.
	BackUp Action = "BackUp"

	// Expire removes the full backups beyond those to keep.
	Expire Action = "Expire"
)

// An Operation is something that is due.
type Operation struct {
	Action Action

	// ID of the pooler or orchestrator.
	ID ID

	// Pod of the pooler or orchestrator. Removals are due only while there is no such pod, all else only while there is.
	Pod string

	// Leader that changes the cohort, or is to be followed, and the number of the rule that the decision rests on.
	Leader ID
	Rule   *clustermetadatapb.RuleNumber

	// Backup is the type of the backup to take.
	Backup v1alpha1.BackupType
}

// operations returns what is due.
func (f *facts) operations() []Operation {
	var out []Operation
	removing := false
	removed := slices.SortedFunc(slices.Values(f.Parameters.Removed), func(a, b v1alpha1.ShardPooler) int { return poolerID(a).Compare(poolerID(b)) })
	for _, p := range removed {
		id := poolerID(p)
		if !f.gone(p) || f.expected(id) {
			continue
		}
		switch registered, known := f.isRegistered(id); {
		case f.leads && f.inCohort(id):
			// The next rule has another number, so that the next removal is decided anew.
			if !removing {
				out = append(out, Operation{Action: RemoveMember, ID: id, Pod: p.Pod, Leader: f.leader, Rule: f.rule.GetRuleNumber()})
			}
			removing = true
		case registered && known && (f.leads || f.retired() || f.unborn()):
			out = append(out, Operation{Action: Unregister, ID: id, Pod: p.Pod})
		}
	}
	return slices.Concat(out, f.orchestrators(), f.reloads(), f.rewinds())
}

func (f *facts) expected(id ID) bool {
	return slices.ContainsFunc(f.Parameters.Poolers, func(p v1alpha1.ShardPooler) bool { return poolerID(p) == id })
}

// orchestrators returns the removal of the records of orchestrators that are gone.
func (f *facts) orchestrators() []Operation {
	var out []Operation
	for _, o := range Orchestrators(f.Parameters, f.Cells) {
		if _, exists := f.Pods[o.Pod]; !exists {
			out = append(out, Operation{Action: UnregisterOrchestrator, ID: o.ID, Pod: o.Pod})
		}
	}
	return out
}

// An Orchestrator is an orchestrator of a shard that is registered.
type Orchestrator struct {
	ID  ID
	Pod string
}

// Orchestrators returns those of the shard that the topology holds, sorted. An orchestrator of a StatefulSet has its number.
func Orchestrators(p v1alpha1.ShardRecordParameters, cells map[string]Cell) []Orchestrator {
	var out []Orchestrator
	for _, set := range p.Orchestrators {
		c := cells[set.Cell]
		if !c.Reachable {
			continue
		}
		for _, o := range c.Orchestrators {
			id := IDOf(o.GetId())
			number, ok := strings.CutPrefix(id.Name, set.ServiceIDPrefix+"-")
			if n, err := strconv.Atoi(number); !ok || err != nil || n < 0 || strconv.Itoa(n) != number || id.Cell != set.Cell {
				continue
			}
			out = append(out, Orchestrator{ID: id, Pod: set.StatefulSet + "-" + number})
		}
	}
	slices.SortFunc(out, func(a, b Orchestrator) int { return a.ID.Compare(b.ID) })
	return out
}

// reloads returns the reloads of servers that have other settings in force than is wanted. Where that is not known nothing is
// due: nobody could tell when it is done. Nor is it where no hash is in force at all: such a server was initialized without the
// line that includes the file, and no reload brings that.
func (f *facts) reloads() []Operation {
	want := f.Parameters.Settings
	if want == nil {
		return nil
	}
	var out []Operation
	for _, p := range f.Parameters.Poolers {
		a, ok := f.Answers[poolerID(p)]
		if ok && a.Settings != nil && a.Settings.Hash != "" && a.Settings.Hash != want.Hash && !f.Pods[p.Pod].Terminating {
			out = append(out, Operation{Action: Reload, ID: poolerID(p), Pod: p.Pod})
		}
	}
	return out
}
