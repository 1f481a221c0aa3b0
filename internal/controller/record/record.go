// Package record makes managed resources true that are one record in a topology each: it is created, its fields are kept as they
// should be, and it is deleted. The managed resource claims what it writes before it does, so that what it wrote is removed
// although its specification or its configuration have changed since.
package record

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A Kind of managed resource that is a record with messages of type M.
type Kind[T resource.ModernManaged, M proto.Message] struct {
	// GroupVersionKind of the managed resource.
	GroupVersionKind schema.GroupVersionKind

	// Needs are further kinds that are read. Optional.
	Needs []schema.GroupVersionKind

	// Managed and List are empty objects of the managed resource and of its list.
	Managed T
	List    client.ObjectList

	// Watches of further Kubernetes objects that wake managed resources. Optional.
	Watches []setup.Watch

	// Path of the record.
	Path func(mg T) topo.Path

	// Below are further paths whose changes wake a managed resource that is being deleted. Optional.
	Below func(mg T) []topo.Path

	// Records of the kind in a topology.
	Records func(s *topo.Store) topo.Records[M]

	// Desired returns the parts of the record that the managed resource asks for: hashes of their content, by IDs. The record
	// itself is one of them, with its path as ID.
	Desired func(mg T) (claims.Items, error)

	// Observed returns the parts that a message has, whoever wrote them, in the same form.
	Observed func(p topo.Path, m M) (claims.Observed, error)

	// Apply changes a message, which may be empty, to what the managed resource asks for. Parts that are to be removed are
	// given by their IDs. Everything else stays.
	Apply func(mg T, remove []string, m M) error

	// Report shows in the managed resource what the record says.
	Report func(mg T, rec topo.Record[M])

	// Free returns an error as long as others need a managed resource that is being deleted. Optional.
	Free func(ctx context.Context, kube client.Reader, mg T) error

	// Clear removes what has to go before the record does, or returns an error as long as the topology needs the record.
	// Each change that it makes is a fault point. Optional.
	Clear func(ctx context.Context, c *topology.Connection, s *topo.Store, mg T) error
}

// SetupGated sets up the controller of a kind as soon as the API server serves all that it needs.
func SetupGated[T resource.ModernManaged, M proto.Message](mgr ctrl.Manager, o setup.Options, l *topology.Layer, k Kind[T, M]) {
	topology.SetupGated(mgr, o, l, k.topology())
}

// topology is the kind as one whose external resource is in a topology.
func (k Kind[T, M]) topology() topology.Kind[T] {
	return topology.Kind[T]{
		GroupVersionKind: k.GroupVersionKind,
		Needs:            k.Needs,
		Managed:          k.Managed,
		List:             k.List,
		Wakes:            k.wakes,
		Client:           func(c *topology.Connection) managed.TypedExternalClient[T] { return &external[T, M]{Kind: k, conn: c} },
		Claims:           true,
		Watches:          k.Watches,
	}
}

// wakes are the paths whose changes wake a managed resource.
func (k Kind[T, M]) wakes(mg T) []topo.Path {
	out := []topo.Path{k.Path(mg)}
	if k.Below != nil && mg.GetDeletionTimestamp() != nil {
		out = append(out, k.Below(mg)...)
	}
	return out
}
