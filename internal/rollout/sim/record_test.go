package sim

import (
	"fmt"
	"maps"
	"slices"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/protobuf/types/known/timestamppb"
	"k8s.io/apimachinery/pkg/types"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// read asks everybody and has the provider's own code say what follows: what the shard's record shows, and what is due.
func (p *provider) read(o *stored) shardstate.State {
	w := p.w
	in := shardstate.Input{
		Parameters: recordOf(o), Previous: o.observation, Cells: map[string]shardstate.Cell{}, Answers: map[shardstate.ID]shardstate.Answer{},
		Backups: nil, BackupsKnown: false, Pods: map[string]shardstate.Pod{},
	}
	for _, c := range in.Parameters.Cells {
		in.Cells[c] = shardstate.Cell{Reachable: !w.plane.topoDown}
	}
	for _, id := range slices.Sorted(maps.Keys(w.plane.topology)) {
		e := w.plane.topology[id]
		c, ok := in.Cells[e.cell]
		if !ok || w.plane.topoDown {
			continue // nobody looks there
		}
		c.Poolers = append(c.Poolers, e.message)
		in.Cells[e.cell] = c
		if q := w.plane.processes[id]; w.plane.reachable(q) && !p.mute[id] {
			in.Answers[shardstate.ID{Cell: e.cell, Name: id}] = w.plane.answer(q)
		}
	}
	if w.plane.born {
		in.Claim = &clustermetadatapb.ShardInitClaim{ClaimerId: &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIORCH, Cell: "z1", Name: orchID}}
	}
	for _, q := range slices.Concat(in.Parameters.Poolers, in.Parameters.Removed) {
		if o := w.api.get("Pod", q.Pod); o != nil {
			in.Pods[q.Pod] = shardstate.Pod{UID: types.UID(o.uid), Terminating: o.deleting()}
		}
	}
	return shardstate.New(in)
}

// orchID is the id of the orchestrator that initialises the shard.
var orchID = shardID.MultiOrchServiceIDPrefix("z1") + "-0"

// recordOf returns what a ShardRecord asks for.
func recordOf(o *stored) mv1alpha1.ShardRecordParameters {
	if r, ok := o.typed.(*mv1alpha1.ShardRecord); ok {
		return r.Spec.ForProvider
	}
	var out struct {
		Spec struct {
			ForProvider mv1alpha1.ShardRecordParameters `json:"forProvider"`
		} `json:"spec"`
	}
	if errs := object.Decode(object.New(o.config), &out); len(errs) > 0 {
		panic(errs.ToAggregate())
	}
	return out.Spec.ForProvider
}

// operate does what is due, if it still is.
func (p *provider) operate(st shardstate.State) {
	w := p.w
	for _, op := range st.Operations {
		if op.Action == shardstate.Reload || w.api.get("Pod", op.Pod) != nil {
			continue
		}
		switch id := op.ID.Name; op.Action { //nolint:exhaustive // The others do not matter here.
		case shardstate.RemoveMember:
			// The leader compares the rule's number, and refuses what the policy does not allow.
			if w.plane.leads() && op.Leader.Name == w.plane.leader && op.Rule.GetLeaderSubterm() == w.plane.rule && w.plane.drop(id) {
				w.story.tellf("provider", "removes %s from the cohort", w.plane.called(id))
				p.again = true
			}
		case shardstate.Unregister:
			if !w.plane.topoDown && w.plane.topology[id] != nil {
				w.judge.unregistering(id)
				delete(w.plane.topology, id)
				p.again = true
			}
		}
	}
}

// answer is what a pooler says of itself over gRPC.
func (p *plane) answer(q *process) shardstate.Answer {
	s := &managerpb.Status{
		PoolerType: clustermetadatapb.PoolerType_REPLICA, IsInitialized: q.volume.made, PostgresReady: q.postgres && !q.leaving,
	}
	// A write is 64 KiB of log.
	position := uint64(q.volume.lsn) << 16
	lsn := fmt.Sprintf("%X/%X", position>>32, position&0xffffffff)
	if q.primary {
		s.PoolerType = clustermetadatapb.PoolerType_PRIMARY
		s.PrimaryStatus = &managerpb.PrimaryStatus{Lsn: lsn, Ready: s.GetPostgresReady()}
	} else if s.GetPostgresReady() {
		s.ReplicationStatus = &managerpb.StandbyReplicationStatus{LastReplayLsn: lsn}
		if p.leads() {
			s.ReplicationStatus.WalReceiverStatus = "streaming"
		}
	}
	return shardstate.Answer{Status: &managerpb.StatusResponse{
		Status: s,
		ConsensusStatus: &clustermetadatapb.ConsensusStatus{
			Id: poolerID(q.cell, q.id), CurrentPosition: &clustermetadatapb.PoolerPosition{Rule: q.volume.rule},
		},
	}}
}

func poolerID(cell, name string) *clustermetadatapb.ID {
	return &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: cell, Name: name}
}

// ruled is told that a new rule is in force: those who follow the leader learn of it by its log.
func (p *plane) ruled() {
	p.rule++
	r := &clustermetadatapb.ShardRule{
		CreationTime:     timestamppb.New(p.w.now),
		RuleNumber:       &clustermetadatapb.RuleNumber{CoordinatorTerm: p.term, LeaderSubterm: p.rule},
		LeaderId:         poolerID(p.cohort[p.leader], p.leader),
		DurabilityPolicy: &clustermetadatapb.DurabilityPolicy{PolicyName: string(p.policy)},
	}
	for _, id := range slices.Sorted(maps.Keys(p.cohort)) {
		r.CohortMembers = append(r.CohortMembers, poolerID(p.cohort[id], id))
	}
	p.inForce = r
	p.tellRule()
}

// tellRule lets all who serve know the rule in force.
func (p *plane) tellRule() {
	if !p.leads() {
		return
	}
	for _, q := range p.processes {
		if p.serves(q.id) {
			q.volume.rule = p.inForce
		}
	}
}

// message is a pooler's record.
func message(q *process, kind string) *clustermetadatapb.MultiPooler {
	t := map[string]clustermetadatapb.PoolerType{
		"PRIMARY": clustermetadatapb.PoolerType_PRIMARY, "REPLICA": clustermetadatapb.PoolerType_REPLICA, "DRAINED": clustermetadatapb.PoolerType_DRAINED,
	}
	return &clustermetadatapb.MultiPooler{
		Id: poolerID(q.cell, q.id), Type: t[kind], Hostname: q.pod.o.name,
		ShardKey: &clustermetadatapb.ShardKey{Database: shardID.Database, TableGroup: shardID.TableGroup, Shard: shardID.Shard},
	}
}
