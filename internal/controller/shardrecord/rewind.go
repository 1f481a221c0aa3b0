package shardrecord

import (
	"context"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// rewindPatience is how long a pooler must have been stranded before it is rewound. Multigres brings back a former leader within 15 to
// 25 s if it can.
const rewindPatience = 30 * time.Second

// rewindPause is how long nothing is done after a rewind that failed, or that did not help.
const rewindPause = time.Minute

// rewinds are the poolers of all shards that are stranded. A rewind takes as long as it takes to copy data, and must not be cut short: it
// outlives the reconcile that begins it.
type rewinds struct {
	now func() time.Time

	mu  sync.Mutex
	all map[types.UID]map[stranded]*rewind
}

// stranded is a pooler in the pod that it was seen stranded in.
type stranded struct {
	id  shardstate.ID
	pod types.UID
}

type rewind struct {
	// due is when a rewind may begin.
	due time.Time

	// cancel ends the one that is going on, nil if there is none.
	cancel context.CancelCauseFunc

	// err is what came of the last one.
	err error
}

func newRewinds(now func() time.Time) *rewinds {
	return &rewinds{now: now, all: map[types.UID]map[stranded]*rewind{}}
}

// see who of a shard is stranded now, and whose PostgreSQL answers. Who is not stranded any more is forgotten. A rewind of a server that
// answers has not begun, or is over: it waits for whatever the pooler does, and would stop a server that is well by then.
func (r *rewinds) see(shard types.UID, now []stranded, answers func(stranded) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.all[shard]
	delete(r.all, shard)
	for _, s := range now {
		w := before[s]
		if w == nil {
			w = &rewind{due: r.now().Add(rewindPatience)}
		}
		r.keep(shard, s, w)
	}
	for s, w := range before {
		if w.cancel == nil {
			continue
		}
		r.keep(shard, s, w)
		if answers(s) && !slices.Contains(now, s) {
			w.cancel(nil)
		}
	}
}

func (r *rewinds) keep(shard types.UID, s stranded, w *rewind) {
	if r.all[shard] == nil {
		r.all[shard] = map[stranded]*rewind{}
	}
	r.all[shard][s] = w
}

// begin a rewind in the background, which outlives the context, if it is due and no other of the shard goes on.
func (r *rewinds) begin(ctx context.Context, shard types.UID, s stranded, do func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.all[shard] {
		if w.cancel != nil {
			return
		}
	}
	w := r.all[shard][s]
	if w == nil || r.now().Before(w.due) {
		return
	}
	w.cancel = background(ctx, &r.mu, do, func(err error) {
		w.cancel, w.err, w.due = nil, err, r.now().Add(rewindPause)
	})
}

// verdict is what is to be said of the rewinds of a shard, if anything.
func (r *rewinds) verdict(shard types.UID) (shardstate.Verdict, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, found := shardstate.Verdict{Type: shardstate.TypeRejoined, Status: corev1.ConditionFalse}, false
	for s, w := range r.all[shard] {
		switch {
		case w.cancel != nil:
			v.Reason, v.Message = shardstate.ReasonRewinding, s.id.Name+" is rewound to the leader"
			return v, true
		case w.err != nil:
			v.Reason, v.Message, found = shardstate.ReasonRewindFailed, refusal(w.err), true
		}
	}
	return v, found
}

func (r *rewinds) forget(shard types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, shard)
}

// seeStranded remembers since when who of the shard is stranded. Nothing tells when a rewind is over.
func (e *external) seeStranded(ctx context.Context, mg *v1alpha1.ShardRecord) {
	now := make([]stranded, 0, len(e.state.Stranded))
	for _, id := range e.state.Stranded {
		now = append(now, e.stranded(id))
	}
	ready := map[shardstate.ID]bool{}
	for _, p := range e.state.Observation.Poolers {
		ready[shardstate.ID{Cell: p.Cell, Name: p.ServiceID}] = p.PostgresReady
	}
	e.rewinds.see(mg.GetUID(), now, func(s stranded) bool { return ready[s.id] })
	if _, ok := e.rewinds.verdict(mg.GetUID()); ok {
		requeue.After(ctx, settlingInterval)
	}
}

func (e *external) stranded(id shardstate.ID) stranded {
	for _, p := range e.view.params.Poolers {
		if p.Cell == id.Cell && p.ServiceID == id.Name {
			return stranded{id: id, pod: e.view.pods[p.Pod].UID}
		}
	}
	return stranded{id: id}
}

// rewind a pooler to the leader, if it has been stranded for long enough. It must have been so on what is true now, too: that is what
// the operation rests on.
func (e *external) rewind(ctx context.Context, mg *v1alpha1.ShardRecord, op shardstate.Operation) {
	p, leader := e.view.poolers[op.ID].Message, e.view.poolers[op.Leader].Message
	if p == nil || leader == nil {
		return
	}
	rpc := e.rpc
	e.rewinds.begin(ctx, mg.GetUID(), e.stranded(op.ID), func(ctx context.Context) error { return rpc.Rewind(ctx, p, leader) })
}
