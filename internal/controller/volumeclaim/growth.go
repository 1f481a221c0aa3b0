package volumeclaim

import (
	"fmt"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// TypeSized is the condition that says whether the volume has the size that is wanted.
const TypeSized xpv2.ConditionType = "Sized"

// Reasons why a volume has the size that is wanted, or not.
const (
	ReasonSized             xpv2.ConditionReason = "Sized"
	ReasonResizing          xpv2.ConditionReason = "Resizing"
	ReasonFileSystemPending xpv2.ConditionReason = "FileSystemResizePending"
	ReasonResizeFailed      xpv2.ConditionReason = "ResizeFailed"
	ReasonNotBound          xpv2.ConditionReason = "NotBound"
	ReasonCannotExpand      xpv2.ConditionReason = "CannotExpand"
	ReasonCannotShrink      xpv2.ConditionReason = "CannotShrink"
)

// A growth says what stands between the size of a volume and the one that is wanted.
type growth struct {
	// reason why there is work left, or ReasonSized.
	reason xpv2.ConditionReason

	// err says why the volume cannot get the wanted size. It is empty if it can.
	err string

	// due is true if the claim is to ask for more.
	due bool
}

// plan returns what to do about the size of a claim. A claim that cannot get it is left alone: the API server would refuse it
// again and again.
func plan(mg *v1alpha1.VolumeClaim, pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) growth {
	want, asked := mg.Spec.ForProvider.Size, pvc.Spec.Resources.Requests[corev1.ResourceStorage]
	switch want.Cmp(asked) {
	case -1:
		return growth{reason: ReasonCannotShrink, err: fmt.Sprintf("the claim asks for %s and cannot shrink to %s", asked.String(), want.String())}
	case 0:
		return progress(pvc)
	}
	if pvc.Status.Phase != corev1.ClaimBound {
		// Kubernetes lets only bound claims grow.
		return growth{reason: ReasonNotBound}
	}
	if name := pvc.Spec.StorageClassName; name == nil || *name == "" {
		return growth{reason: ReasonCannotExpand, err: "the claim has no StorageClass, so that its volume cannot grow"}
	}
	if class == nil {
		return growth{reason: ReasonCannotExpand, err: classless(pvc) + ", so that the volume cannot grow"}
	}
	if class.AllowVolumeExpansion == nil || !*class.AllowVolumeExpansion {
		return growth{reason: ReasonCannotExpand, err: fmt.Sprintf("StorageClass %s does not allow volumes to grow", class.Name)}
	}
	return growth{reason: ReasonResizing, due: true}
}

// progress returns how far the last growth of a claim has come that asks for what is wanted.
func progress(pvc *corev1.PersistentVolumeClaim) growth {
	for _, t := range []corev1.PersistentVolumeClaimConditionType{
		corev1.PersistentVolumeClaimControllerResizeError, corev1.PersistentVolumeClaimNodeResizeError,
	} {
		if msg, ok := holds(pvc, t); ok {
			return growth{reason: ReasonResizeFailed, err: string(t) + ": " + msg}
		}
	}
	switch s := pvc.Status.AllocatedResourceStatuses[corev1.ResourceStorage]; s {
	case corev1.PersistentVolumeClaimControllerResizeInfeasible, corev1.PersistentVolumeClaimNodeResizeInfeasible:
		return growth{reason: ReasonResizeFailed, err: "the storage cannot make the volume that large: " + string(s)}
	}
	if _, ok := holds(pvc, corev1.PersistentVolumeClaimFileSystemResizePending); ok {
		return growth{reason: ReasonFileSystemPending}
	}
	if _, ok := holds(pvc, corev1.PersistentVolumeClaimResizing); ok || smaller(pvc) {
		return growth{reason: ReasonResizing}
	}
	return growth{reason: ReasonSized}
}

// condition of the managed resource that says how far a growth has come.
func (g growth) condition() xpv2.Condition {
	c := xpv2.Condition{
		Type: TypeSized, Status: corev1.ConditionFalse, LastTransitionTime: metav1.Now(),
		Reason: g.reason, Message: g.err,
	}
	if g.reason == ReasonSized {
		c.Status = corev1.ConditionTrue
	}
	return c
}

// observation returns what is known of a claim.
func observation(mg *v1alpha1.VolumeClaim, pvc *corev1.PersistentVolumeClaim, g growth) v1alpha1.VolumeClaimObservation {
	out := v1alpha1.VolumeClaimObservation{
		Phase:            pvc.Status.Phase,
		VolumeName:       pvc.Spec.VolumeName,
		StorageClassName: pvc.Spec.StorageClassName,
		Capacity:         quantity(pvc.Status.Capacity),
	}
	// Whoever has grown before keeps saying so.
	if g.reason == ReasonSized && mg.Status.AtProvider.Resize == nil {
		return out
	}
	out.Resize = &v1alpha1.ResizeObservation{
		Requested: quantity(pvc.Spec.Resources.Requests),
		Pending:   smaller(pvc) || g.due || g.reason == ReasonResizing,
		Error:     g.err,
	}
	out.Resize.FileSystemResizePendingSince, out.Resize.FileSystemResizePending = since(pvc, corev1.PersistentVolumeClaimFileSystemResizePending)
	return out
}

// since returns since when a condition of a claim holds, if that is known, and whether it does.
func since(pvc *corev1.PersistentVolumeClaim, t corev1.PersistentVolumeClaimConditionType) (*metav1.Time, bool) {
	for _, c := range pvc.Status.Conditions {
		if c.Type != t || c.Status != corev1.ConditionTrue {
			continue
		}
		if c.LastTransitionTime.IsZero() {
			return nil, true
		}
		return &c.LastTransitionTime, true
	}
	return nil, false
}

// holds returns the message of a condition of a claim, and whether the condition holds.
func holds(pvc *corev1.PersistentVolumeClaim, t corev1.PersistentVolumeClaimConditionType) (string, bool) {
	for _, c := range pvc.Status.Conditions {
		if c.Type == t && c.Status == corev1.ConditionTrue {
			return c.Message, true
		}
	}
	return "", false
}

// smaller is true if the bound volume is smaller than the claim asks for.
func smaller(pvc *corev1.PersistentVolumeClaim) bool {
	has, ok := pvc.Status.Capacity[corev1.ResourceStorage]
	return ok && has.Cmp(pvc.Spec.Resources.Requests[corev1.ResourceStorage]) < 0
}

func quantity(l corev1.ResourceList) *resource.Quantity {
	q, ok := l[corev1.ResourceStorage]
	if !ok {
		return nil
	}
	return &q
}
