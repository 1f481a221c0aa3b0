// Package volumeclaim keeps PersistentVolumeClaims that can outlive what composed them.
package volumeclaim

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/local"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
)

// errOwned is why a claim cannot be used.
var errOwned = errors.New("another object owns the PersistentVolumeClaim")

// SetupGated sets up the controller of VolumeClaims once the API server serves them.
func SetupGated(mgr ctrl.Manager, o setup.Options) {
	local.SetupGated(mgr, o, local.Kind[*v1alpha1.VolumeClaim]{
		GroupVersionKind: v1alpha1.VolumeClaimGroupVersionKind,
		Managed:          &v1alpha1.VolumeClaim{},
		List:             &v1alpha1.VolumeClaimList{},
		Watched:          &corev1.PersistentVolumeClaim{},
		WatchedName:      "PersistentVolumeClaim",
		Names:            func(mg *v1alpha1.VolumeClaim) []string { return []string{nameOf(mg)} },
		Client:           &external{kube: mgr.GetClient()},
		Conditions:       []xpv2.ConditionType{TypeSized},
	})
}

// external is the client of a PersistentVolumeClaim. It never makes the VolumeClaim an owner of it: the garbage collector would
// delete what is to be retained.
type external struct {
	kube client.Client
}

// Disconnect does nothing: the client of the Kubernetes API is shared.
func (e *external) Disconnect(context.Context) error { return nil }

// Observe the claim. It never writes.
func (e *external) Observe(ctx context.Context, mg *v1alpha1.VolumeClaim) (managed.ExternalObservation, error) {
	pvc, err := e.claim(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalObservation{}, nil
	}
	if err != nil {
		return managed.ExternalObservation{}, errors.Wrap(err, "cannot get PersistentVolumeClaim")
	}
	if meta.WasDeleted(mg) && len(pvc.OwnerReferences) > 0 {
		return managed.ExternalObservation{}, nil
	}
	if c := metav1.GetControllerOf(pvc); c != nil && !setup.OnlyObserved(mg) {
		return managed.ExternalObservation{}, errors.Wrapf(errOwned, "cannot adopt PersistentVolumeClaim %s: %s %s", pvc.Name, c.Kind, c.Name)
	}
	class, err := e.class(ctx, pvc)
	if err != nil {
		return managed.ExternalObservation{}, err
	}
	g := plan(mg, pvc, class)
	mg.Status.AtProvider = observation(mg, pvc, g)
	mg.SetConditions(ready(pvc, class), g.condition())
	upToDate := labelled(mg, pvc) && !g.due
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: upToDate || pvc.DeletionTimestamp != nil}, nil
}

// Create the claim. One of the same name that appeared meanwhile is adopted by the next observation.
func (e *external) Create(ctx context.Context, mg *v1alpha1.VolumeClaim) (managed.ExternalCreation, error) {
	mg.SetConditions(xpv2.Creating())
	err := e.kube.Create(ctx, build(mg))
	if kerrors.IsAlreadyExists(err) {
		return managed.ExternalCreation{}, nil
	}
	return managed.ExternalCreation{}, errors.Wrap(err, "cannot create PersistentVolumeClaim")
}

func build(mg *v1alpha1.VolumeClaim) *corev1.PersistentVolumeClaim {
	p := mg.Spec.ForProvider
	modes := slices.Clone(p.AccessModes)
	if len(modes) == 0 {
		modes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	}
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: nameOf(mg), Namespace: mg.GetNamespace(), Labels: maps.Clone(p.Labels)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      modes,
			StorageClassName: p.StorageClassName,
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: p.Size}},
		},
	}
}

// Update the claim's labels, and its size if it can grow.
func (e *external) Update(ctx context.Context, mg *v1alpha1.VolumeClaim) (managed.ExternalUpdate, error) {
	pvc, err := e.claim(ctx, mg)
	if err != nil {
		return managed.ExternalUpdate{}, errors.Wrap(err, "cannot get PersistentVolumeClaim")
	}
	class, err := e.class(ctx, pvc)
	if err != nil {
		return managed.ExternalUpdate{}, err
	}
	before := pvc.DeepCopy()
	for k, v := range mg.Spec.ForProvider.Labels {
		metav1.SetMetaDataLabel(&pvc.ObjectMeta, k, v)
	}
	if plan(mg, pvc, class).due {
		if pvc.Spec.Resources.Requests == nil {
			pvc.Spec.Resources.Requests = corev1.ResourceList{}
		}
		pvc.Spec.Resources.Requests[corev1.ResourceStorage] = mg.Spec.ForProvider.Size
	}
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return managed.ExternalUpdate{}, errors.Wrap(e.kube.Patch(ctx, pvc, p), "cannot patch PersistentVolumeClaim")
}

// Delete the claim. One that another object owns is left alone.
func (e *external) Delete(ctx context.Context, mg *v1alpha1.VolumeClaim) (managed.ExternalDelete, error) {
	mg.SetConditions(xpv2.Deleting())
	pvc, err := e.claim(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalDelete{}, nil
	}
	if err != nil {
		return managed.ExternalDelete{}, errors.Wrap(err, "cannot get PersistentVolumeClaim")
	}
	if pvc.DeletionTimestamp != nil || len(pvc.OwnerReferences) > 0 {
		return managed.ExternalDelete{}, nil
	}
	err = e.kube.Delete(ctx, pvc, client.Preconditions{UID: &pvc.UID, ResourceVersion: &pvc.ResourceVersion})
	return managed.ExternalDelete{}, errors.Wrap(resource.IgnoreNotFound(err), "cannot delete PersistentVolumeClaim")
}

func (e *external) claim(ctx context.Context, mg *v1alpha1.VolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	pvc := &corev1.PersistentVolumeClaim{}
	return pvc, e.kube.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: nameOf(mg)}, pvc)
}

// nameOf returns the name of the claim. The external name is absent until the first reconciliation.
func nameOf(mg *v1alpha1.VolumeClaim) string { return cmp.Or(meta.GetExternalName(mg), mg.GetName()) }

// labelled is true if the claim has the labels that are wanted, among others.
func labelled(mg *v1alpha1.VolumeClaim, pvc *corev1.PersistentVolumeClaim) bool {
	for k, v := range mg.Spec.ForProvider.Labels {
		if got, ok := pvc.Labels[k]; !ok || got != v {
			return false
		}
	}
	return true
}
