// Package providerconfig counts who uses ProviderConfigs and ClusterProviderConfigs, keeps them for as long as somebody does, and
// says whether they can be used.
package providerconfig

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/providerconfig"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
)

// again is when to look again whether anybody uses a configuration that is being deleted. The deletion of what is deleted at the same time
// takes at least as long.
const again = 2 * time.Second

// SetupGated sets up the controllers of both kinds of configuration once the API server serves them.
func SetupGated(mgr ctrl.Manager, o setup.Options) {
	for gvk, empty := range map[schema.GroupVersionKind]func() resource.ProviderConfig{
		v1alpha1.ProviderConfigGroupVersionKind:        func() resource.ProviderConfig { return &v1alpha1.ProviderConfig{} },
		v1alpha1.ClusterProviderConfigGroupVersionKind: func() resource.ProviderConfig { return &v1alpha1.ClusterProviderConfig{} },
	} {
		// A Secret wakes configurations of either kind.
		setup.WhenServed(mgr, o, func() error { return add(mgr, o, gvk, empty) }, gvk, v1alpha1.ProviderConfigUsageGroupVersionKind,
			v1alpha1.ProviderConfigGroupVersionKind, v1alpha1.ClusterProviderConfigGroupVersionKind)
	}
}

// add the controller of a kind of configuration to a manager.
func add(mgr ctrl.Manager, o setup.Options, gvk schema.GroupVersionKind, empty func() resource.ProviderConfig) error {
	name := providerconfig.ControllerName(gvk.GroupKind().String())
	m, err := setup.Mapper(mgr, o, gvk.Kind, topology.ConfigsOfSecret(mgr.GetClient(), gvk.Kind))
	if err != nil {
		return err
	}
	usage := resource.ProviderConfigKinds{
		Config: gvk, Usage: v1alpha1.ProviderConfigUsageGroupVersionKind, UsageList: v1alpha1.ProviderConfigUsageListGroupVersionKind,
	}
	frugal := setup.Frugally(mgr)
	r := &reconciler{
		Reconciler: providerconfig.NewReconciler(frugal, usage,
			providerconfig.WithLogger(o.Logger.WithValues("controller", name)),
			providerconfig.WithRecorder(setup.Recorder(mgr, o, name))),
		kube:  mgr.GetClient(),
		live:  mgr.GetAPIReader(),
		empty: empty,
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(o.Placement.Controller(o.Options)).
		For(empty(), builder.WithPredicates(predicate.Funcs{DeleteFunc: func(e event.DeleteEvent) bool {
			frugal.Forget(e.Object)
			return true
		}})).
		Watches(&v1alpha1.ProviderConfigUsage{}, &resource.EnqueueRequestForProviderConfig{Kind: gvk.Kind}).
		Watches(&corev1.Secret{}, m, builder.OnlyMetadata).
		Complete(ratelimiter.NewReconciler(name, setup.Visiting(paced(r, pace, time.Now)), o.GlobalRateLimiter))
	return errors.Wrap(err, "cannot build controller")
}

// A reconciler says whether a configuration can be used, after its users were counted.
type reconciler struct {
	reconcile.Reconciler

	kube client.Client
	// live reads past the cache.
	live  client.Reader
	empty func() resource.ProviderConfig
}

// Reconcile a configuration.
func (r *reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	if wait, err := r.inUse(ctx, req); wait || err != nil {
		return reconcile.Result{RequeueAfter: again}, err
	}
	res, err := r.Reconciler.Reconcile(ctx, req)
	if err != nil {
		return errors.SilentlyRequeueOnConflict(res, err)
	}
	pc := r.empty()
	if err := r.kube.Get(ctx, req.NamespacedName, pc); err != nil {
		return res, errors.Wrap(client.IgnoreNotFound(err), "cannot get configuration")
	}
	now, transient := ready(topology.Check(ctx, r.live, pc))
	if transient != nil {
		return res, transient
	}
	now = now.WithObservedGeneration(pc.GetGeneration())
	if pc.GetCondition(xpv2.TypeReady).Equal(now) {
		return res, nil
	}
	pc.SetConditions(now)
	err = errors.Wrap(r.kube.Status().Update(ctx, pc), "cannot update status of configuration")
	return errors.SilentlyRequeueOnConflict(res, err)
}

// inUse reports whether a configuration that is being deleted must stay because managed resources still refer to it.
func (r *reconciler) inUse(ctx context.Context, req reconcile.Request) (bool, error) {
	pc := r.empty()
	err := r.kube.Get(ctx, req.NamespacedName, pc)
	if err != nil || !meta.WasDeleted(pc) {
		return false, errors.Wrap(client.IgnoreNotFound(err), "cannot get configuration")
	}
	return topology.InUse(ctx, r.live, pc)
}

// ready is the condition of what was found wrong with a configuration. What could not be found out is no condition.
func ready(wrong error) (xpv2.Condition, error) {
	if wrong == nil {
		return xpv2.Available(), nil
	}
	if !errors.Is(wrong, topology.ErrConfigInvalid) && !errors.Is(wrong, topology.ErrSecretMissing) {
		return xpv2.Condition{}, wrong
	}
	c := xpv2.Unavailable().WithMessage(wrong.Error())
	c.Reason = topology.ReasonOf(wrong)
	return c, nil
}
