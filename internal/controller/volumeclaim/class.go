package volumeclaim

import (
	"context"
	"fmt"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// annotationDefaultClass marks the StorageClass of claims that name none.
const annotationDefaultClass = "storageclass.kubernetes.io/is-default-class"

// class returns the StorageClass of a claim, or nil if there is none. For a claim that names none it is the default one, and of
// several the newest, as Kubernetes chooses.
func (e *external) class(ctx context.Context, pvc *corev1.PersistentVolumeClaim) (*storagev1.StorageClass, error) {
	if pvc.Spec.StorageClassName == nil {
		return e.defaultClass(ctx)
	}
	if *pvc.Spec.StorageClassName == "" {
		return nil, nil
	}
	sc := &storagev1.StorageClass{}
	err := e.kube.Get(ctx, client.ObjectKey{Name: *pvc.Spec.StorageClassName}, sc)
	if kerrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "cannot get StorageClass")
	}
	return sc, nil
}

func (e *external) defaultClass(ctx context.Context) (*storagev1.StorageClass, error) {
	l := &storagev1.StorageClassList{}
	if err := e.kube.List(ctx, l); err != nil {
		return nil, errors.Wrap(err, "cannot list StorageClasses")
	}
	var out *storagev1.StorageClass
	for i := range l.Items {
		sc := &l.Items[i]
		if sc.Annotations[annotationDefaultClass] != "true" {
			continue
		}
		if out == nil || out.CreationTimestamp.Before(&sc.CreationTimestamp) {
			out = sc
		}
	}
	return out, nil
}

// classless says why there is no StorageClass of a claim.
func classless(pvc *corev1.PersistentVolumeClaim) string {
	name := pvc.Spec.StorageClassName
	if name == nil {
		return "spec.forProvider.storageClassName is not set, and no StorageClass is the default one"
	}
	if *name == "" {
		return "spec.forProvider.storageClassName is empty, which means no StorageClass"
	}
	return fmt.Sprintf("StorageClass %q of spec.forProvider.storageClassName does not exist", *name)
}

// ready returns whether a pod may be created that uses the claim.
func ready(pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) xpv2.Condition {
	if pvc.DeletionTimestamp != nil {
		return xpv2.Unavailable().WithMessage("the PersistentVolumeClaim is being deleted")
	}
	if pvc.Status.Phase == corev1.ClaimBound {
		return xpv2.Available()
	}
	if pvc.Status.Phase == corev1.ClaimLost {
		return xpv2.Unavailable().WithMessage("the PersistentVolume of the claim is lost")
	}
	if class == nil {
		return xpv2.Unavailable().WithMessage("the claim waits for a PersistentVolume: " + classless(pvc))
	}
	if m := class.VolumeBindingMode; m != nil && *m == storagev1.VolumeBindingWaitForFirstConsumer {
		return xpv2.Available().WithMessage("StorageClass " + class.Name + " binds a volume when the first pod uses the claim")
	}
	return xpv2.Unavailable().WithMessage("StorageClass " + class.Name + " has not bound a volume yet")
}
