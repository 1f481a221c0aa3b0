package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/mapper"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
)

// A Watch of Kubernetes objects that wake managed resources.
type Watch struct {
	// Name of what is watched, for the description.
	Name string

	// Object is an empty object of the watched kind. Only metadata is read of it if MetadataOnly is true.
	Object       client.Object
	MetadataOnly bool

	// Map returns what an object wakes.
	Map mapper.Func

	// Predicates of the watch. Optional.
	Predicates []predicate.Predicate
}

// A Source of events from elsewhere.
type Source struct {
	// Name of the source, for the description.
	Name string

	// Source that wakes managed resources.
	Source source.Source
}

// A Kind of managed resource, and what a controller of it needs.
type Kind[T resource.Managed] struct {
	// GroupVersionKind of the managed resource.
	GroupVersionKind schema.GroupVersionKind

	// Needs are further kinds that the API server must serve before the controller starts. Optional.
	Needs []schema.GroupVersionKind

	// Managed is an empty object of the managed resource.
	Managed T

	// Connector connects to the external resource. Its clients need not know of guard, metrics or wishes.
	Connector managed.TypedExternalConnector[T]

	// Watches and Sources wake managed resources, besides their own changes.
	Watches []Watch
	Sources []Source

	// Gone is told when a managed resource no longer exists. Optional.
	Gone func(key client.ObjectKey)

	// PollInterval returns when to observe again. Optional.
	PollInterval managed.PollIntervalHook

	// Conditions of the kind that its client leaves, beside Ready. Optional.
	Conditions []xpv2.ConditionType

	// Around wraps the reconciler, outside of all else. Its controller reconciles Lanes times as many objects at a time as it was
	// told, of which Around lets so many through as it sees fit. Both are optional.
	Around func(reconcile.Reconciler) reconcile.Reconciler
	Lanes  int
}

// Gated sets up the controller of a kind as soon as the API server serves it. A controller that cannot be set up ends the
// manager.
func Gated[T resource.Managed](mgr ctrl.Manager, o Options, k Kind[T]) {
	WhenServed(mgr, o, func() error { return Setup(mgr, o, k) }, append([]schema.GroupVersionKind{k.GroupVersionKind}, k.Needs...)...)
}

// WhenServed calls a function that sets up a controller of the first kind, as soon as the API server serves all kinds. If it
// fails it ends the manager.
func WhenServed(mgr ctrl.Manager, o Options, set func() error, kinds ...schema.GroupVersionKind) {
	o.Gate.Register(func() {
		err := set()
		if err == nil {
			return
		}
		o.Logger.Info("Cannot set up controller", "kind", kinds[0].Kind, "error", err)
		failed := manager.RunnableFunc(func(context.Context) error { return err })
		if err := mgr.Add(failed); err != nil {
			o.Logger.Info("Cannot end manager", "error", err)
		}
	}, kinds...)
}

// Setup adds the controller of a kind to a manager.
func Setup[T resource.Managed](mgr ctrl.Manager, o Options, k Kind[T]) error {
	if k.Connector == nil {
		return errors.Errorf("cannot build controller: no connector: %s", k.describe(o))
	}
	if err := o.Placement.Validate(); err != nil {
		return errors.Wrapf(err, "cannot build controller of %s", k.GroupVersionKind.Kind)
	}
	name, frugal := managed.ControllerName(k.GroupVersionKind.GroupKind().String()), Frugally(mgr)
	b := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(k.controller(o)).
		// Predicates are of one watch each: the data of Secrets and the status of claims have no generation.
		For(k.Managed, builder.WithPredicates(k.predicates(frugal.Forget)...))
	for _, w := range k.Watches {
		m, err := Mapper(mgr, o, k.GroupVersionKind.Kind, w.Map)
		if err != nil {
			return err
		}
		options := []builder.WatchesOption{builder.WithPredicates(w.Predicates...)}
		if w.MetadataOnly {
			options = append(options, builder.OnlyMetadata)
		}
		b = b.Watches(w.Object, m, options...)
	}
	for _, s := range k.Sources {
		b = b.WatchesRawSource(s.Source)
	}
	r := requeue.Wrap(Visiting(managed.NewReconciler(frugal, resource.ManagedKind(k.GroupVersionKind), options(frugal, o, name, k)...)))
	var outer reconcile.Reconciler = ratelimiter.NewReconciler(name, r, o.GlobalRateLimiter)
	if k.Around != nil {
		outer = k.Around(outer)
	}
	if err := b.Complete(outer); err != nil {
		return errors.Wrap(err, "cannot build controller")
	}
	o.Logger.Info("Controller is set up", "controller", name, "description", k.describe(o))
	return nil
}

// predicates of the managed resource's own watch. The builder keeps those that it is told last, so all are told at once.
func (k Kind[T]) predicates(forget func(client.Object)) []predicate.Predicate {
	return []predicate.Predicate{desired(), gone(func(obj client.Object) {
		forget(obj)
		if k.Gone != nil {
			k.Gone(client.ObjectKeyFromObject(obj))
		}
	})}
}

// controller are the options of the controller of the kind.
func (k Kind[T]) controller(o Options) ctrlcontroller.Options {
	c := o.Placement.Controller(o.Options)
	c.MaxConcurrentReconciles *= max(k.Lanes, 1)
	return c
}

// Mapper returns the event handler of a watch for the controller of a kind. The manager runs it, and its failures are counted.
func Mapper(mgr ctrl.Manager, o Options, kind string, fn mapper.Func) (*mapper.Mapper, error) {
	m := mapper.New(fn, func(obj client.Object, err error) {
		o.Metrics.MapFailure(kind)
		o.Logger.Debug("Cannot map object", "kind", kind, "namespace", obj.GetNamespace(), "name", obj.GetName(), "error", err)
	})
	return m, errors.Wrap(mgr.Add(m), "cannot add mapper")
}

// describe the controller in one line, for the log.
func (k Kind[T]) describe(o Options) string {
	watched := make([]string, 0, len(k.Watches)+len(k.Sources))
	for _, w := range k.Watches {
		watched = append(watched, w.Name)
	}
	for _, s := range k.Sources {
		watched = append(watched, s.Name)
	}
	return fmt.Sprintf("kind=%s watches=%s %s", k.GroupVersionKind.Kind, strings.Join(watched, ","), o.Placement)
}

// Recorder returns a recorder of events in the name of a controller.
func Recorder(mgr ctrl.Manager, o Options, name string) event.Recorder {
	recorder := mgr.GetEventRecorderFor(name) //nolint:staticcheck // Crossplane's recorder is built on this one.
	return event.NewAPIRecorder(recorder, o.EventFilterFunctions...)
}

func options[T resource.Managed](mgr ctrl.Manager, o Options, controller string, k Kind[T]) []managed.ReconcilerOption {
	recorder := guard.NewRecorder(Recorder(mgr, o, controller))
	out := []managed.ReconcilerOption{
		managed.WithTypedExternalConnector(connector(mgr.GetClient(), o, k, recorder)),
		managed.WithLogger(o.Logger.WithValues("controller", controller)),
		managed.WithRecorder(recorder),
		managed.WithPollInterval(o.Placement.PollInterval),
		managed.WithManagementPolicies(),
		// All names are known before the object exists, and it is known at once what was created.
		managed.WithDeterministicExternalName(true),
		managed.WithInitializers(managed.InitializerFn(name)),
		managed.WithFinalizer(newFinalizer(mgr.GetClient())),
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

// connector wraps the connector of a kind. Outermost is what takes wishes back, then the guard.
func connector[T resource.Managed](kube client.Client, o Options, k Kind[T], recorder *guard.Recorder) managed.TypedExternalConnector[T] {
	kind := k.GroupVersionKind.Kind
	return requeue.Connector(managed.TypedExternalConnectorFn[T](func(ctx context.Context, mg T) (managed.TypedExternalClient[T], error) {
		c, err := k.Connector.Connect(ctx, mg)
		if err != nil {
			return nil, err
		}
		inner := &measured[T]{TypedExternalClient: c, kind: kind, metrics: o.Metrics}
		return &observed[T]{types: slices.Concat(k.Conditions, []xpv2.ConditionType{xpv2.TypeReady}), TypedExternalClient: guard.Wrap[T](inner, guard.Options{
			Kube:     kube,
			Identity: func() guard.Identity { return identity(o) },
			Recorder: recorder,
			Report:   func(r guard.Result) { o.Metrics.Guard(kind, string(r)) },
		})}, nil
	}))
}

// identity is who takes locks. A replica that no longer leads has the lowest token: its locks are broken at once.
func identity(o Options) guard.Identity {
	token, err := o.Lease.Token()
	if err != nil {
		token = 0
	}
	return guard.Identity{Holder: o.Lease.Identity(), Token: token}
}

// gone tells of deletions and lets them through.
func gone(tell func(obj client.Object)) predicate.Predicate {
	return predicate.Funcs{DeleteFunc: func(e ctrlevent.DeleteEvent) bool {
		tell(e.Object)
		return true
	}}
}

// OnlyObserved reports whether a managed resource is to be observed and nothing else, whosever its external resource is.
func OnlyObserved(mg resource.Managed) bool {
	m, ok := mg.(resource.Manageable)
	return ok && slices.Equal(m.GetManagementPolicies(), xpv2.ManagementPolicies{xpv2.ManagementActionObserve})
}

// Requests for managed resources.
func Requests(items []resource.Managed) []reconcile.Request {
	out := make([]reconcile.Request, 0, len(items))
	for _, mg := range items {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(mg)})
	}
	return out
}
