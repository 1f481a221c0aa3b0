package databaserecord

import (
	"context"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// The reasons of topology.TypeSettled while a database that is being deleted is needed by others.
const (
	ReasonShardsRemain      xpv2.ConditionReason = "ShardsRemain"
	ReasonPoolersRegistered xpv2.ConditionReason = "PoolersRegistered"
)

// errInUse is why the record of a database is not deleted.
var errInUse = errors.New("the database is in use")

// free returns an error as long as there is a ShardRecord of the database with the same configuration.
func free(ctx context.Context, kube client.Reader, mg *v1alpha1.DatabaseRecord) error {
	shards := &v1alpha1.ShardRecordList{}
	if err := kube.List(ctx, shards, client.InNamespace(mg.GetNamespace())); err != nil {
		return errors.Wrap(err, "cannot list who needs the database")
	}
	for i := range shards.Items {
		if topology.Companion(mg, &shards.Items[i]) && shards.Items[i].Spec.ForProvider.Database == mg.Spec.ForProvider.Database {
			return topology.Because(ReasonShardsRemain, errors.Wrapf(errInUse, "ShardRecord %q exists", shards.Items[i].Name))
		}
	}
	return nil
}

// empty removes the initialization claims of the database's shards, which would otherwise keep a database of the same name from
// being initialized. It returns an error as long as poolers are registered: they would come back to a database that is gone.
func empty(ctx context.Context, c *topology.Connection, s *topo.Store, mg *v1alpha1.DatabaseRecord) error {
	// A database that only moves leaves its poolers and claims where they are.
	if !meta.WasDeleted(mg) {
		return nil
	}
	if err := noPoolers(ctx, c, s, mg); err != nil {
		return err
	}
	all, err := s.ShardInitClaims().List(ctx)
	if err != nil {
		return err
	}
	w, err := c.Deleter()
	if err != nil {
		return err
	}
	// Coordinators wrote them, who own nothing.
	w.Adopt = topo.AdoptUnowned
	for _, claim := range all {
		if !strings.HasPrefix(string(claim.Path), "databases/"+mg.Spec.ForProvider.Database+"/") {
			continue
		}
		err := s.ShardInitClaims().Delete(ctx, w, claim)
		fault.Hit(fault.AfterExternal)
		if err != nil && !errors.Is(err, topo.ErrAbsent) {
			return err
		}
	}
	return nil
}

// noPoolers returns an error as long as a pooler of the database is registered in a cell that keeps its records on the same server.
// Cells with servers of their own are looked after by ShardRecords, which go first: a cell that does not answer must not hold up
// what is not there.
func noPoolers(ctx context.Context, c *topology.Connection, s *topo.Store, mg *v1alpha1.DatabaseRecord) error {
	cells, err := s.Cells().List(ctx)
	if err != nil {
		return err
	}
	endpoints, _ := c.Endpoints()
	for _, cell := range cells {
		if !sameServer(endpoints, cell.Message.GetServerAddresses()) {
			continue
		}
		poolers, err := registered(ctx, c, endpoints, cell.Message.GetRoot(), mg.Spec.ForProvider.Database)
		if err != nil {
			return errors.Wrapf(err, "cannot look for poolers in cell %q", cell.Message.GetName())
		}
		if len(poolers) > 0 {
			return topology.Because(ReasonPoolersRegistered, errors.Wrapf(errInUse, "%d poolers are registered in cell %q, the first is %s", len(poolers), cell.Message.GetName(), poolers[0]))
		}
	}
	return nil
}

// sameServer reports whether two lists name the same endpoints, in whatever order.
func sameServer(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// registered are the paths of the database's poolers in the topology of a cell.
func registered(ctx context.Context, c *topology.Connection, addresses []string, root, database string) ([]topo.Path, error) {
	s, err := c.At(addresses, root, "poolers") //nolint:contextcheck // The watch of a store outlives the reconcile that opens it.
	if err != nil {
		return nil, err
	}
	all, err := s.MultiPoolers().List(ctx)
	if err != nil {
		return nil, err
	}
	var out []topo.Path
	for _, p := range all {
		if p.Message.GetShardKey().GetDatabase() == database {
			out = append(out, p.Path)
		}
	}
	return out, nil
}
