package setup

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// A visit is what is known in one reconcile of an object about what has to be written of it.
type visit struct {
	// read is the object as it was read.
	read client.Object

	// named is true if the object was given its external name, which is not written yet.
	named bool

	// creates is true if the external resource is about to be created, and created if it was.
	creates bool
	created bool
}

type visitKey struct{}

// Visiting is a reconciler whose reconciles are visits, so that a frugal client knows what was read in each.
func Visiting(inner reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		return inner.Reconcile(context.WithValue(ctx, visitKey{}, &visit{}), req)
	})
}

// visitOf is the visit that a context belongs to. One that nobody knows of is not remembered.
func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

// name a managed resource's external resource like itself. It is written together with the finalizer.
func name(ctx context.Context, mg resource.Managed) error {
	if meta.GetExternalName(mg) == "" {
		meta.SetExternalName(mg, mg.GetName())
		visitOf(ctx).named = true
	}
	return nil
}

// A finalizer is added together with whatever else has to be written before an external resource is touched. The managed
// reconciler writes a managed resource before it creates the external one, which is early enough.
type finalizer struct {
	*resource.APIFinalizer

	kube client.Client
}

func newFinalizer(kube client.Client) *finalizer {
	return &finalizer{APIFinalizer: resource.NewAPIFinalizer(kube, managed.FinalizerName), kube: kube}
}

// AddFinalizer to an object.
func (f *finalizer) AddFinalizer(ctx context.Context, obj resource.Object) error {
	v := visitOf(ctx)
	if meta.FinalizerExists(obj, managed.FinalizerName) && !v.named {
		return nil
	}
	meta.AddFinalizer(obj, managed.FinalizerName)
	if v.creates {
		return nil
	}
	written, ok := obj.DeepCopyObject().(resource.Object)
	if !ok {
		return errors.Errorf("cannot add finalizer: a copy of %T is no object", obj)
	}
	if err := f.kube.Update(ctx, written); err != nil {
		return errors.Wrap(err, "cannot add finalizer")
	}
	// Of the reply only the version is taken over: what was observed, and is reported next, must not be lost.
	obj.SetResourceVersion(written.GetResourceVersion())
	return nil
}

// creates reports whether the managed reconciler creates the external resource after an observation.
func creates(mg resource.Managed, o managed.ExternalObservation) bool {
	return !o.ResourceExists && !meta.WasDeleted(mg) && managed.NewManagementPoliciesResolver(true, mg.GetManagementPolicies()).ShouldCreate()
}
