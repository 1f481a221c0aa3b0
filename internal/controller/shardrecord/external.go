// Package shardrecord observes the shards of Multigres, and removes what poolers and orchestrators that are gone left behind.
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

	// reloadInterval is how soon settings that were reloaded are read back. The kubelet takes up to a minute or two to bring
	// a changed file, and until then a reload finds the old one.
	reloadInterval = 15 * time.Second

	// reloadPatience is how long reloads are repeated at that pace. Then only the poll is left.
	reloadPatience = 10 * time.Minute
)

// A connection reaches the topologies of a Multigres cluster on behalf of one managed resource.
type connection interface {
	// Store is the global topology.
	Store() *topo.Store

	// At is another one. Changes at the paths there wake the managed resource.
	At(ctx context.Context, endpoints []string, root string, wakes ...topo.Path) (*topo.Store, error)

	// Deleter is who deletes what is ours.
	Deleter() (topo.Writer, error)

	// Unreachable says whether a topology that does not answer ended with its cluster, so that nothing is left there.
	Unreachable(err error) (released bool, why string)
}

// external is the client of a shard for one reconcile.
type external struct {
	conn connection

	// kube reads pods from the cache and Secrets from the API server; live reads everything from there.
	kube client.Reader
	live client.Reader

	pool    *poolers.Pool
	backups *backups

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
		return e.lost(mg, err)
	}
	e.view = v
	if meta.WasDeleted(mg) {
		return e.observeDeleted(mg)
	}
	in := shardstate.Input{
		Parameters: mg.Spec.ForProvider, Previous: mg.Status.AtProvider, Cells: v.cells, Claim: v.claim.Message, Pods: v.pods,
	}
	if err := e.ask(ctx, mg, &in); err != nil {
		return managed.ExternalObservation{}, err
	}
	e.state = shardstate.New(in)
	mg.Status.AtProvider = e.state.Observation
	e.setConditions(mg)
	if e.state.Settling {
		requeue.After(ctx, settlingInterval)
	}
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: len(e.state.Operations) == 0}, nil
}

// lost says what follows from a global topology that cannot be read.
func (e *external) lost(mg *v1alpha1.ShardRecord, err error) (managed.ExternalObservation, error) {
	if meta.WasDeleted(mg) && errors.Is(err, topo.ErrUnavailable) {
		if released, _ := e.conn.Unreachable(err); released {
			e.forget(mg)
			return managed.ExternalObservation{}, nil
		}
	}
	return managed.ExternalObservation{}, err
}

// Create is never called, because what is observed always exists. There would be nothing to create.
func (e *external) Create(context.Context, *v1alpha1.ShardRecord) (managed.ExternalCreation, error) {
	return managed.ExternalCreation{}, nil
}

// Update removes what is left of those who are gone, and reloads settings.
func (e *external) Update(ctx context.Context, mg *v1alpha1.ShardRecord) (managed.ExternalUpdate, error) {
	return managed.ExternalUpdate{}, e.operate(ctx, mg)
}

// observeDeleted says whether something is left of a shard that is being deleted.
func (e *external) observeDeleted(mg *v1alpha1.ShardRecord) (managed.ExternalObservation, error) {
	for _, c := range e.view.params.Cells {
		if err := e.view.failed[c]; err != nil {
			if released, _ := e.conn.Unreachable(err); !released {
				return managed.ExternalObservation{}, errors.Wrapf(err, "cannot tell what is left of the shard in cell %s", c)
			}
		}
	}
	l := e.view.left()
	if l.none() {
		e.forget(mg)
		return managed.ExternalObservation{}, nil
	}
	mg.SetConditions(xpv2.Deleting().WithMessage(l.String()))
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}, nil
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
}
