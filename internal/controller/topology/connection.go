package topology

import (
	"context"
	"maps"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A Connection is what one reconcile of one managed resource has of the topology. It ends with the reconcile.
type Connection struct {
	// Kube is the client of the Kubernetes API, which reads from caches.
	Kube client.Client

	layer *Layer
	mg    resource.ModernManaged
	user  user
	owner owner
	wakes []topo.Path

	config *config
	// base is the configuration of the store, others are made from it.
	base  topo.Config
	store *topo.Store

	// used are the entries that are borrowed, and the paths there that wake the managed resource.
	used map[*entry]map[topo.Path]bool
	// complete is true once all that the managed resource needs has been opened.
	complete bool
}

// Store is the global topology of the managed resource's configuration.
func (c *Connection) Store() *topo.Store { return c.store }

// Endpoints and root of the global topology, as the configuration has them.
func (c *Connection) Endpoints() ([]string, string) { return c.base.Endpoints, c.base.Root }

// At opens another topology, such as that of a cell, with the TLS and the credentials of the configuration. Changes of paths
// there wake the managed resource as well. The store is shared and must not be closed.
func (c *Connection) At(endpoints []string, root string, wakes ...topo.Path) (*topo.Store, error) {
	cfg := c.base
	cfg.Endpoints, cfg.Root = endpoints, root
	return c.open(cfg, wakes)
}

// open a store. Paths add up if it is open already.
func (c *Connection) open(cfg topo.Config, wakes []topo.Path) (*topo.Store, error) {
	e, err := c.layer.pool.borrow(cfg)
	if err != nil {
		return nil, err
	}
	paths := map[topo.Path]bool{}
	maps.Copy(paths, c.used[e])
	for _, p := range wakes {
		paths[p] = true
	}
	if _, again := c.used[e]; again {
		c.layer.pool.giveBack(e)
	}
	c.used[e] = paths
	c.layer.pool.subscribe(e, c.user, paths)
	return e.store, nil
}

// Place of the global topology.
func (c *Connection) Place(ctx context.Context) (Place, error) {
	server, err := c.store.Cluster(ctx)
	if err != nil {
		return Place{}, err
	}
	return newPlace(c.config.name(), c.base.Endpoints, c.base.Root, server), nil
}

// Return opens the topology of a place that the managed resource may have written to before its configuration changed.
func (c *Connection) Return(ctx context.Context, p Place) (*topo.Store, error) {
	cfg, err := c.layer.configAt(ctx, c.mg, p)
	if err != nil {
		return nil, err
	}
	return c.open(cfg, c.wakes) //nolint:contextcheck // The watch outlives the reconcile that opens the store.
}

// Owner says what the owner of a record is to the managed resource.
func (c *Connection) Owner(owner string) Ownership { return c.owner.of(owner) }

// OwnedByOther is the error of a record that belongs to somebody else. It says how a person takes it over.
func (c *Connection) OwnedByOther(p topo.Path, owner string) error {
	return errors.Wrapf(topo.ErrOwnedByOther, "cannot touch %s, which belongs to %q (annotation %s would take it over)", p, owner, AnnotationAdopt)
}

// Writer is who creates and updates records. It makes its own those that have no owner, those of a predecessor, and those of the
// owner that a person named.
func (c *Connection) Writer() (topo.Writer, error) {
	w, err := c.Deleter()
	w.Adopt, w.Heir = topo.AdoptUnowned, c.owner.inherits
	return w, err
}

// Deleter is who deletes records: only those that are its own.
func (c *Connection) Deleter() (topo.Writer, error) {
	token, err := c.layer.lease.Token()
	return topo.Writer{Token: token, Owner: c.owner.String(), Adopt: topo.AdoptNone}, err
}

// release gives everything back at the end of a reconcile. The managed resource remains a user of what it used, and no longer
// is one of what it used before.
func (c *Connection) release() {
	if c.complete {
		c.layer.pool.keep(c.user, slices.Collect(maps.Keys(c.used))...)
	}
	for e := range c.used {
		c.layer.pool.giveBack(e)
	}
	c.used = nil
}
