package kubelet

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// StorageClass is the default class. Its volumes are made where their first
	// pod is scheduled, can grow, and go with their claim.
	StorageClass = "standard"

	// provisioner is who makes its volumes.
	provisioner = "kubelet.test/volumes"

	// annotationProvisioner and annotationNode are what Kubernetes' volume
	// controller and its scheduler tell provisioners.
	annotationProvisioner = "volume.kubernetes.io/storage-provisioner"
	annotationNode        = "volume.kubernetes.io/selected-node"
)

func registerStorageClass(ctx context.Context, c client.Client) error {
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{
			Name:        StorageClass,
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
		},
		Provisioner:          provisioner,
		ReclaimPolicy:        ptr.To(corev1.PersistentVolumeReclaimDelete),
		VolumeBindingMode:    ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
		AllowVolumeExpansion: ptr.To(true),
	}

	return errors.Wrap(client.IgnoreAlreadyExists(c.Create(ctx, class)), "cannot create storage class")
}

func (k *Kubelet) setupVolumes(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).Named("claims").For(&corev1.PersistentVolumeClaim{}).
		Complete(reconcile.AsReconciler(mgr.GetClient(), reconcile.ObjectReconciler[*corev1.PersistentVolumeClaim](claimReconciler{k})))
	if err != nil {
		return errors.Wrap(err, "cannot set up claims")
	}

	err = ctrl.NewControllerManagedBy(mgr).Named("volumes").For(&corev1.PersistentVolume{}).
		Complete(reconcile.AsReconciler(mgr.GetClient(), reconcile.ObjectReconciler[*corev1.PersistentVolume](volumeReconciler{k})))

	return errors.Wrap(err, "cannot set up volumes")
}

type claimReconciler struct{ *Kubelet }

// Reconcile makes the volume of a claim, or lets it grow.
func (k claimReconciler) Reconcile(ctx context.Context, pvc *corev1.PersistentVolumeClaim) (reconcile.Result, error) {
	switch {
	case pvc.GetDeletionTimestamp() != nil || pvc.GetAnnotations()[annotationProvisioner] != provisioner:
		return reconcile.Result{}, nil
	case pvc.Spec.VolumeName == "" && pvc.GetAnnotations()[annotationNode] != "":
		return reconcile.Result{}, k.provision(ctx, pvc)
	case pvc.Status.Phase == corev1.ClaimBound && pvc.Spec.Resources.Requests.Storage().Cmp(*pvc.Status.Capacity.Storage()) > 0:
		return reconcile.Result{}, k.grow(ctx, pvc)
	default:
		return reconcile.Result{}, nil
	}
}

func (k claimReconciler) provision(ctx context.Context, pvc *corev1.PersistentVolumeClaim) error {
	node := &corev1.Node{}
	if err := k.client.Get(ctx, client.ObjectKey{Name: pvc.GetAnnotations()[annotationNode]}, node); err != nil {
		return errors.Wrap(err, "cannot get node")
	}

	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(pvc.GetUID()), Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      pvc.Spec.Resources.Requests,
			AccessModes:                   pvc.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			StorageClassName:              ptr.Deref(pvc.Spec.StorageClassName, ""),
			VolumeMode:                    pvc.Spec.VolumeMode,
			// Nobody mounts it.
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/volumes/" + string(pvc.GetUID())}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: pvc.GetNamespace(), Name: pvc.GetName(), UID: pvc.GetUID(),
			},
		},
	}

	// A volume that all zones may use is a network's.
	if zone := node.GetLabels()[corev1.LabelTopologyZone]; zone != "" && pvc.Spec.AccessModes[0] != corev1.ReadWriteMany {
		pv.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelTopologyZone, Operator: corev1.NodeSelectorOpIn, Values: []string{zone}}},
		}}}}
	}

	return errors.Wrap(client.IgnoreAlreadyExists(k.client.Create(ctx, pv)), "cannot create volume")
}

func (k claimReconciler) grow(ctx context.Context, pvc *corev1.PersistentVolumeClaim) error {
	pv := &corev1.PersistentVolume{}
	if err := k.client.Get(ctx, client.ObjectKey{Name: pvc.Spec.VolumeName}, pv); err != nil {
		return errors.Wrap(err, "cannot get volume")
	}

	pv.Spec.Capacity = pvc.Spec.Resources.Requests
	if err := k.client.Update(ctx, pv); err != nil {
		return errors.Wrap(err, "cannot grow volume")
	}

	pvc = pvc.DeepCopy()
	pvc.Status.Capacity = pvc.Spec.Resources.Requests

	err := k.client.Status().Update(ctx, pvc)
	if kerrors.IsConflict(err) {
		return nil
	}

	return errors.Wrap(err, "cannot say that the volume has grown")
}

type volumeReconciler struct{ *Kubelet }

// Reconcile deletes a volume whose claim is gone, if that is its policy.
func (k volumeReconciler) Reconcile(ctx context.Context, pv *corev1.PersistentVolume) (reconcile.Result, error) {
	if pv.Status.Phase != corev1.VolumeReleased || pv.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || pv.GetDeletionTimestamp() != nil {
		return reconcile.Result{}, nil
	}

	return reconcile.Result{}, errors.Wrap(client.IgnoreNotFound(k.client.Delete(ctx, pv)), "cannot delete volume")
}
