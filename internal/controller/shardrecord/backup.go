package shardrecord

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/poolers"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

const (
	// jobInterval is how soon a shard is observed again of which a backup is being taken. Nothing tells when it is done.
	jobInterval = 10 * time.Second

	// leaderPatience is how long a backup goes on while nobody is known to lead. Multigres elects a leader within some 5 s, unless it needs
	// the pooler that takes the backup.
	leaderPatience = 10 * time.Second
)

var (
	// errNotDue means that somebody else has taken a backup meanwhile, or removed some.
	errNotDue = errors.New("not due any more")

	// errNoEffect means that a pooler did what it was asked for, and nothing has changed.
	errNoEffect = errors.New("nothing has changed")

	// errHindered means that a backup was ended for the sake of the shard.
	errHindered = errors.New("ended because the pooler has something else to do: its pod ends, or another leader is needed or there")
)

// jobs are the backups of all shards that are taken or removed, and what is remembered of those before. They take as long as it takes to
// copy a database, and must not be cut short: they outlive the reconcile that begins them. When the process ends they end with it.
type jobs struct {
	now func() time.Time

	mu  sync.Mutex
	all map[types.UID]*job
}

type job struct {
	shardstate.Jobs

	// cancel ends what goes on. It is nil if nothing does.
	cancel context.CancelCauseFunc

	// Who takes a backup, in which pod, of whose data, and since when nobody is known to lead.
	taker      shardstate.ID
	pod        types.UID
	leader     shardstate.ID
	leaderless time.Time
}

func newJobs(now func() time.Time) *jobs {
	return &jobs{now: now, all: map[types.UID]*job{}}
}

// of returns what is known of the jobs of a shard.
func (j *jobs) of(shard types.UID) shardstate.Jobs {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := shardstate.Jobs{}
	if w := j.all[shard]; w != nil {
		out = w.Jobs
		out.Taken = maps.Clone(out.Taken)
	}
	return out
}

// busy is true if one goes on.
func (j *jobs) busy(shard types.UID) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.all[shard]
	return w != nil && w.cancel != nil
}

// begin a job in the background, which outlives the context, unless one of the shard goes on. Both functions are called with the lock held:
// one before it, the other after it.
func (j *jobs) begin(ctx context.Context, shard types.UID, before func(*job), do func(context.Context) error, after func(*job, error)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.all[shard]
	if w == nil {
		w = &job{}
		j.all[shard] = w
	}
	if w.cancel != nil {
		return
	}
	before(w)
	w.cancel = background(ctx, &j.mu, do, func(err error) {
		w.cancel = nil
		after(w, err)
	})
}

// see ends a backup that hinders its shard.
func (j *jobs) see(shard types.UID, s shardstate.State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.all[shard]
	if w == nil || w.cancel == nil || w.Running == "" {
		return
	}
	hindered, doubtful := s.Hindered(w.taker, w.pod, w.leader)
	switch {
	case !doubtful:
		w.leaderless = time.Time{}
	case w.leaderless.IsZero():
		w.leaderless = j.now()
	}
	if hindered || doubtful && j.now().Sub(w.leaderless) >= leaderPatience {
		w.cancel(errHindered)
	}
}

// forget a shard, and end what goes on.
func (j *jobs) forget(shard types.UID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w := j.all[shard]; w != nil && w.cancel != nil {
		w.cancel(errHindered)
	}
	delete(j.all, shard)
}

// leased says whether somebody takes or removes backups of the shard. It is asked only of shards whose backups are ours to take.
func (e *external) leased(ctx context.Context, p v1alpha1.ShardRecordParameters) (bool, error) {
	if p.Backups == nil {
		return false, nil
	}
	return e.conn.Store().Leased(ctx, topo.BackupLeasePath(p.Database, p.TableGroup, p.Shard))
}

// seeJobs ends a backup that hinders the shard, and sees to it that the shard is observed again when one is done, or due.
func (e *external) seeJobs(ctx context.Context, mg *v1alpha1.ShardRecord) {
	e.jobs.see(mg.GetUID(), e.state)
	if e.jobs.busy(mg.GetUID()) {
		requeue.After(ctx, jobInterval)
	}
	if !e.state.Wake.IsZero() {
		requeue.After(ctx, e.state.Wake.Sub(e.jobs.now()))
	}
}

// backUp takes a backup in the background. Before it, it is looked whether it is due on what is true then.
func (e *external) backUp(ctx context.Context, mg *v1alpha1.ShardRecord, op shardstate.Operation) {
	p := e.view.poolers[op.ID].Message
	if p == nil {
		return
	}
	shard, schedule, clock := mg.GetUID(), mg.Spec.ForProvider.Backups.Schedule.DeepCopy(), e.jobs.now
	taken, pod, began := e.jobs.of(shard).Taken, e.view.pods[op.Pod].UID, time.Time{}
	before := func(w *job) {
		w.Running, w.taker, w.pod, w.leader, w.leaderless = op.Backup, op.ID, pod, op.Leader, time.Time{}
	}
	do := onLine(e.rpc, p, func(ctx context.Context, line *poolers.Line, all []*managerpb.BackupMetadata) error {
		began = clock()
		if kind, at, ok := shardstate.Next(schedule, all, taken, began); !ok || kind != op.Backup || at.After(began) {
			e.backups.put(shard, all)
			return errNotDue
		}
		last := shardstate.LastOf(all, op.Backup).GetBackupId()
		if err := line.BackUp(ctx, string(op.Backup)); err != nil {
			return err
		}
		return e.changed(ctx, shard, line, func(all []*managerpb.BackupMetadata) bool {
			return shardstate.LastOf(all, op.Backup).GetBackupId() != last
		})
	})
	e.jobs.begin(ctx, shard, before, do, func(w *job, err error) {
		w.Running = ""
		switch {
		case errors.Is(err, errNotDue):
			w.Backups = shardstate.Attempts{}
		case err != nil:
			e.backups.outdate(shard)
			w.Backups.Fail(clock(), refusal(err))
		default:
			w.Backups = shardstate.Attempts{}
			if w.Taken == nil {
				w.Taken = map[v1alpha1.BackupType]time.Time{}
			}
			for _, k := range shardstate.CountsAs(op.Backup) {
				w.Taken[k] = began
			}
		}
	})
	requeue.After(ctx, jobInterval)
}

// expire removes the full backups beyond those to keep in the background, if on what is true then there are some.
func (e *external) expire(ctx context.Context, mg *v1alpha1.ShardRecord, op shardstate.Operation) {
	p := e.view.poolers[op.ID].Message
	if p == nil {
		return
	}
	shard, keep, clock := mg.GetUID(), int(mg.Spec.ForProvider.Backups.RetainedFull), e.jobs.now
	do := onLine(e.rpc, p, func(ctx context.Context, line *poolers.Line, all []*managerpb.BackupMetadata) error {
		if surplus, sound := shardstate.Surplus(all, keep); surplus == 0 || !sound {
			e.backups.put(shard, all)
			return errNotDue
		}
		if err := line.Expire(ctx, keep); err != nil {
			return err
		}
		return e.changed(ctx, shard, line, func(all []*managerpb.BackupMetadata) bool {
			surplus, _ := shardstate.Surplus(all, keep)
			return surplus == 0
		})
	})
	e.jobs.begin(ctx, shard, func(w *job) { w.Expiring = true }, do, func(w *job, err error) {
		w.Expiring = false
		switch {
		case errors.Is(err, errNotDue):
			w.Expiries = shardstate.Attempts{}
		case err != nil:
			e.backups.outdate(shard)
			w.Expiries.Fail(clock(), refusal(err))
		default:
			w.Expiries = shardstate.Attempts{}
		}
	})
	requeue.After(ctx, jobInterval)
}

// onLine does something over a line to a pooler, with the backups that there are then.
func onLine(rpc *poolers.Client, p *clustermetadatapb.MultiPooler, do func(context.Context, *poolers.Line, []*managerpb.BackupMetadata) error) func(context.Context) error {
	return func(ctx context.Context) error {
		line, err := rpc.Line(p)
		if err != nil {
			return err
		}
		defer line.Close()
		all, err := line.Backups(ctx)
		if err != nil {
			return err
		}
		return do(ctx, line, all)
	}
}

// changed reads back what came of a job. What cannot be read back is read later: it is done.
func (c *Clients) changed(ctx context.Context, shard types.UID, line *poolers.Line, has func([]*managerpb.BackupMetadata) bool) error {
	all, err := line.Backups(ctx)
	if err != nil {
		c.backups.outdate(shard)
		return nil //nolint:nilerr // Until it is known it counts as done.
	}
	c.backups.put(shard, all)
	if !has(all) {
		return errNoEffect
	}
	return nil
}
