// Package shardrecord observes the shards of Multigres, removes what poolers and orchestrators that are gone left behind, and keeps the
// schedule of their backups.
//
// The external resource of a ShardRecord is what it watches over and never makes: poolers and orchestrators register themselves.
// So it exists for as long as the ShardRecord is not deleted, and is up to date when nothing is left to remove.
package shardrecord

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/poolers"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

const (
	// settlingInterval is how soon a shard is observed again of which nothing tells when it has settled. An election takes
	// some seconds, a new pooler some ten.
	settlingInterval = 5 * time.Second

	// refusedInterval is how soon a removal is tried again that did not happen in a shard that is well otherwise. Its reason
	// lasts: mostly the durability policy needs the member until another one has joined.
	refusedInterval = 30 * time.Second

	// reloadInterval is how soon settings that were reloaded are read back. The kubelet takes up to a minute or two to bring
	// a changed file, and until then a reload finds the old one.
	reloadInterval = 15 * time.Second

	// reloadPatience is how long reloads are repeated at that pace. Then only the poll is left.
	reloadPatience = 10 * time.Minute
)

// A Connection reaches the topologies of a Multigres cluster on behalf of one managed resource.
type Connection interface {
	// Store is the global topology.
	Store() *topo.Store

	// Endpoints and root of the global topology.
	Endpoints() ([]string, string)

	// At is another one. Changes at the paths there wake the managed resource.
	At(endpoints []string, root string, wakes ...topo.Path) (*topo.Store, error)

	// Deleter is who deletes what is ours.
	Deleter() (topo.Writer, error)

	// LetGo says whether all of these topologies, which do not answer, end with the cluster, so that nobody needs what is
	// left there.
	LetGo(ctx context.Context, places ...Place) bool
}

// A Place is a topology.
type Place struct {
	Endpoints []string
	Root      string
}

// Clients makes external clients. There is one in a process: what it keeps lasts longer than a reconcile.
type Clients struct {
	kube    client.Reader
	live    client.Reader
	pool    *poolers.Pool
	backups *backups
	rewinds *rewinds
	jobs    *jobs
}

// NewClients returns a maker of external clients. They read pods and Secrets by kube, which may be a cache, and make sure by
// live, which must not be one. The clock says how old what they remember is.
func NewClients(kube, live client.Reader, clock func() time.Time) *Clients {
	return &Clients{kube: kube, live: live, pool: &poolers.Pool{}, backups: newBackups(clock), rewinds: newRewinds(clock), jobs: newJobs(clock)}
}

// For returns the external client for one reconcile.
func (c *Clients) For(conn Connection) managed.TypedExternalClient[*v1alpha1.ShardRecord] {
	return &external{Clients: c, conn: conn}
}

// Close ends all connections to poolers.
func (c *Clients) Close() { c.pool.Close() }

// external is the client of a shard for one reconcile.
type external struct {
	*Clients

	conn Connection

	// view and state are what was observed in this reconcile.
	view  *view
	state shardstate.State
	rpc   *poolers.Client
}

// Disconnect does nothing: connections are shared, and end with those who use them.
func (e *external) Disconnect(context.Context) error { return nil }

// Observe the shard. It never writes. If the global topology does not answer nothing is known, and the observation stays what
// it was; if that of a cell does not, what it holds is not known.
func (e *external) Observe(ctx context.Context, mg *v1alpha1.ShardRecord) (managed.ExternalObservation, error) {
	v, err := e.read(ctx, mg)
	if err != nil {
		return e.lost(ctx, mg, err)
	}
	e.view = v
	if meta.WasDeleted(mg) {
		return e.observeDeleted(ctx, mg)
	}
	in := shardstate.Input{
		Parameters: mg.Spec.ForProvider, Previous: mg.Status.AtProvider, Cells: v.cells, Claim: v.claim.Message, Pods: v.pods,
	}
	if err := e.ask(ctx, mg, &in); err != nil {
		return managed.ExternalObservation{}, err
	}
	e.state = shardstate.New(in)
	mg.Status.AtProvider = e.state.Observation
	e.seeStranded(ctx, mg)
	e.seeJobs(ctx, mg)
	e.setConditions(mg)
	if e.state.Settling {
		requeue.After(ctx, e.interval(mg))
	}
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: len(e.state.Operations) == 0}, nil
}

// interval is how soon a shard is observed again that settles.
func (e *external) interval(mg *v1alpha1.ShardRecord) time.Duration {
	if attempted(mg) && mg.GetCondition(shardstate.TypeReady).Status == corev1.ConditionTrue {
		return refusedInterval
	}
	return settlingInterval
}

// lost says what follows from a global topology that cannot be read.
func (e *external) lost(ctx context.Context, mg *v1alpha1.ShardRecord, err error) (managed.ExternalObservation, error) {
	endpoints, root := e.conn.Endpoints()
	if meta.WasDeleted(mg) && errors.Is(err, topo.ErrUnavailable) && e.conn.LetGo(ctx, Place{Endpoints: endpoints, Root: root}) {
		e.forget(mg)
		return managed.ExternalObservation{}, nil
	}
	return managed.ExternalObservation{}, err
}

// Create is never called, because what is observed always exists. There would be nothing to create.
func (e *external) Create(context.Context, *v1alpha1.ShardRecord) (managed.ExternalCreation, error) {
	return managed.ExternalCreation{}, nil
}

// Update removes what is left of those who are gone, brings back who cannot follow, reloads settings, and takes and removes backups.
func (e *external) Update(ctx context.Context, mg *v1alpha1.ShardRecord) (managed.ExternalUpdate, error) {
	return managed.ExternalUpdate{}, e.operate(ctx, mg)
}

// observeDeleted says whether something is left of a shard that is being deleted. Nobody can say while a cell does not answer.
func (e *external) observeDeleted(ctx context.Context, mg *v1alpha1.ShardRecord) (managed.ExternalObservation, error) {
	e.jobs.forget(mg.GetUID())
	if err := e.abandoned(ctx); err != nil {
		return managed.ExternalObservation{}, err
	}
	l := e.view.left()
	if l.none() {
		e.forget(mg)
		return managed.ExternalObservation{}, nil
	}
	mg.SetConditions(xpv2.Deleting().WithMessage(l.String()))
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}, nil
}

// abandoned is nil if every cell was read, or will never be needed again. A cell without a record has no place to look at.
func (e *external) abandoned(ctx context.Context) error {
	var lost []Place
	var first error
	for _, c := range e.view.params.Cells {
		err := e.view.failed[c]
		switch {
		case err == nil, errors.Is(err, errNoCell):
			continue
		case !errors.Is(err, topo.ErrUnavailable):
			return errors.Wrapf(err, "cannot tell what is left of the shard in cell %s", c)
		}
		lost = append(lost, e.view.places[c])
		if first == nil {
			first = errors.Wrapf(err, "cannot tell what is left of the shard in cell %s", c)
		}
	}
	if len(lost) > 0 && !e.conn.LetGo(ctx, lost...) {
		return first
	}
	return nil
}

// Delete removes what is left of the shard: the records of its poolers and orchestrators, then the claim to its initialization,
// without which a shard of the same name can begin anew. It waits for the pods: only who is gone cannot come back.
func (e *external) Delete(ctx context.Context, mg *v1alpha1.ShardRecord) (managed.ExternalDelete, error) {
	l := e.view.left()
	mg.SetConditions(xpv2.Deleting().WithMessage(l.String()))
	if len(l.pods) > 0 {
		requeue.After(ctx, settlingInterval)
		return managed.ExternalDelete{}, nil
	}
	return managed.ExternalDelete{}, e.unregisterAll(ctx, mg, l)
}

// forget a shard that is gone.
func (e *external) forget(mg *v1alpha1.ShardRecord) {
	e.pool.Forget(string(mg.GetUID()))
	e.backups.forget(mg.GetUID())
	e.rewinds.forget(mg.GetUID())
	e.jobs.forget(mg.GetUID())
}
