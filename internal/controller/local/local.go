// Package local runs the controllers of managed resources whose external resource is an object in the same namespace of the
// Kubernetes API, so that they need no ProviderConfig.
package local

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// index is the field index from the names of external objects to the managed resources that stand for them.
const index = "external"

// Options of all controllers.
type Options struct {
	controller.Options

	// BackoffBase is how long a managed resource rests after its first failure in a row. Each further one doubles it.
	BackoffBase time.Duration

	// BackoffMax is the longest rest.
	BackoffMax time.Duration
}

// A Kind of managed resource, and what a controller of it needs.
type Kind[T resource.Managed] struct {
	// GroupVersionKind of the managed resource.
	GroupVersionKind schema.GroupVersionKind

	// Managed and List are empty objects of the managed resource and of its list.
	Managed T
	List    client.ObjectList

	// Watched is an empty object of the kind whose changes wake a managed resource. Only metadata is read of it if
	// MetadataOnly is true.
	Watched      client.Object
	MetadataOnly bool

	// Names returns the names of the watched objects that wake a managed resource.
	Names func(mg T) []string

	// Client observes and changes the external resource.
	Client managed.TypedExternalClient[T]

	// PollInterval returns when to observe again. Optional.
	PollInterval managed.PollIntervalHook
}

// SetupGated sets up the controller of a kind as soon as the API server serves it. A controller that cannot be set up ends the
// manager.
func SetupGated[T resource.Managed](mgr ctrl.Manager, o Options, k Kind[T]) {
	o.Gate.Register(func() {
		err := Setup(mgr, o, k)
		if err == nil {
			return
		}
		o.Logger.Info("Cannot set up controller", "kind", k.GroupVersionKind.Kind, "error", err)
		failed := manager.RunnableFunc(func(context.Context) error { return err })
		if err := mgr.Add(failed); err != nil {
			o.Logger.Info("Cannot end manager", "error", err)
		}
	}, k.GroupVersionKind)
}

// Setup adds the controller of a kind to a manager.
func Setup[T resource.Managed](mgr ctrl.Manager, o Options, k Kind[T]) error {
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

	name := managed.ControllerName(k.GroupVersionKind.GroupKind().String())
	co := o.ForControllerRuntime()
	co.RateLimiter = workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](o.BackoffBase, o.BackoffMax)

	var watch []builder.WatchesOption
	if k.MetadataOnly {
		watch = append(watch, builder.OnlyMetadata)
	}
	b := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(co).
		// The predicate is of this watch alone: the data of Secrets and the status of claims have no generation.
		For(k.Managed, builder.WithPredicates(resource.DesiredStateChanged())).
		Watches(k.Watched, handler.EnqueueRequestsFromMapFunc(wake(mgr.GetClient(), k.List)), watch...)
	r := managed.NewReconciler(mgr, resource.ManagedKind(k.GroupVersionKind), options(mgr, o, name, k)...)
	return errors.Wrap(b.Complete(ratelimiter.NewReconciler(name, r, o.GlobalRateLimiter)), "cannot build controller")
}

func options[T resource.Managed](mgr ctrl.Manager, o Options, name string, k Kind[T]) []managed.ReconcilerOption {
	guarded := &Guarded[T]{TypedExternalClient: k.Client, Live: mgr.GetAPIReader()}
	connect := managed.TypedExternalConnectorFn[T](func(context.Context, T) (managed.TypedExternalClient[T], error) { return guarded, nil })
	recorder := mgr.GetEventRecorderFor(name) //nolint:staticcheck // Crossplane's recorder is built on this one.
	out := []managed.ReconcilerOption{
		managed.WithTypedExternalConnector(connect),
		managed.WithLogger(o.Logger.WithValues("controller", name)),
		managed.WithRecorder(event.NewAPIRecorder(recorder, o.EventFilterFunctions...)),
		managed.WithPollInterval(o.PollInterval),
		managed.WithManagementPolicies(),
		// All names are known before the object exists, and the API server knows at once what was created.
		managed.WithDeterministicExternalName(true),
		managed.WithCreationGracePeriod(0),
	}
	if k.PollInterval != nil {
		out = append(out, managed.WithPollIntervalHook(k.PollInterval))
	}
	if o.MetricOptions != nil && o.MetricOptions.MRMetrics != nil {
		out = append(out, managed.WithMetricRecorder(o.MetricOptions.MRMetrics))
	}
	return out
}

// wake returns the managed resources that name an object. It must not panic: that would end the process.
func wake(c client.Reader, list client.ObjectList) handler.MapFunc {
	return func(ctx context.Context, obj client.Object) []reconcile.Request {
		found, ok := list.DeepCopyObject().(resource.ManagedList)
		if !ok {
			return nil
		}
		// An error leaves it to the poll.
		if err := c.List(ctx, found, client.InNamespace(obj.GetNamespace()), client.MatchingFields{index: obj.GetName()}); err != nil {
			return nil
		}
		items := found.GetItems()
		out := make([]reconcile.Request, 0, len(items))
		for _, mg := range items {
			out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(mg)})
		}
		return out
	}
}
