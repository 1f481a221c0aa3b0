// Package local runs the controllers of managed resources whose external resource is an object in the same namespace of the
// Kubernetes API, so that they need no ProviderConfig.
package local

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/mapper"
)

// index is the field index from the names of external objects to the managed resources that stand for them.
const index = "external"

// A Kind of managed resource, and what a controller of it needs.
type Kind[T resource.Managed] struct {
	// GroupVersionKind of the managed resource.
	GroupVersionKind schema.GroupVersionKind

	// Managed and List are empty objects of the managed resource and of its list.
	Managed T
	List    client.ObjectList

	// Watched is an empty object of the kind whose changes wake a managed resource, and WatchedName the kind's name. Only
	// metadata is read of it if MetadataOnly is true.
	Watched      client.Object
	WatchedName  string
	MetadataOnly bool

	// Names returns the names of the watched objects that wake a managed resource.
	Names func(mg T) []string

	// Client observes and changes the external resource.
	Client managed.TypedExternalClient[T]

	// PollInterval returns when to observe again. Optional.
	PollInterval managed.PollIntervalHook

	// Conditions of the kind that its client leaves, beside Ready. Optional.
	Conditions []xpv2.ConditionType
}

// SetupGated sets up the controller of a kind as soon as the API server serves it.
func SetupGated[T resource.Managed](mgr ctrl.Manager, o setup.Options, k Kind[T]) {
	setup.WhenServed(mgr, o, func() error { return Setup(mgr, o, k) }, k.GroupVersionKind)
}

// Setup adds the controller of a kind to a manager.
func Setup[T resource.Managed](mgr ctrl.Manager, o setup.Options, k Kind[T]) error {
	names := func(obj client.Object) []string {
		mg, ok := obj.(T)
		if !ok {
			return nil
		}
		return k.Names(mg)
	}
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), k.Managed, index, names); err != nil {
		return errors.Wrap(err, "cannot index managed resources")
	}
	return setup.Setup(mgr, o, setup.Kind[T]{
		GroupVersionKind: k.GroupVersionKind,
		Managed:          k.Managed,
		Connector: managed.TypedExternalConnectorFn[T](func(context.Context, T) (managed.TypedExternalClient[T], error) {
			return k.Client, nil
		}),
		Watches:      []setup.Watch{{Name: k.WatchedName, Object: k.Watched, MetadataOnly: k.MetadataOnly, Map: wake(mgr.GetClient(), k.List)}},
		PollInterval: k.PollInterval,
		Conditions:   k.Conditions,
	})
}

// wake returns the managed resources that name an object.
func wake(c client.Reader, list client.ObjectList) mapper.Func {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		found, ok := list.DeepCopyObject().(resource.ManagedList)
		if !ok {
			return nil, errors.Errorf("%T is no list of managed resources", list)
		}
		err := c.List(ctx, found, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index: obj.GetName()})
		return setup.Requests(found.GetItems()), errors.Wrap(err, "cannot list managed resources")
	}
}
