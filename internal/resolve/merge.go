package resolve

import (
	"cmp"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// The functions of this and the following files return what applies when over is laid on base. What they return shares memory
// with both, which the caller owns.

// mergeList returns over if it has anything: lists are replaced, never joined.
func mergeList[T any](base, over []T) []T {
	if len(over) > 0 {
		return over
	}
	return base
}

// mergeMap returns the entries of both, over's where both have one.
func mergeMap[M ~map[K]V, K comparable, V any](base, over M) M {
	if len(over) == 0 {
		return base
	}
	out := make(M, len(base)+len(over))
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}

// mergeResources returns over if it says anything: a limit of one source below a request of another helps nobody.
func mergeResources(base, over corev1.ResourceRequirements) corev1.ResourceRequirements {
	if hasResources(over) {
		return over
	}
	return base
}

// hasResources says whether a block of resources was written down, if only as empty lists.
func hasResources(r corev1.ResourceRequirements) bool {
	return r.Requests != nil || r.Limits != nil || r.Claims != nil
}

func mergeStateless(base, over v1alpha1.StatelessSpec) v1alpha1.StatelessSpec {
	return v1alpha1.StatelessSpec{
		Replicas:       cmp.Or(over.Replicas, base.Replicas),
		Resources:      mergeResources(base.Resources, over.Resources),
		Affinity:       cmp.Or(over.Affinity, base.Affinity),
		PodAnnotations: mergeMap(base.PodAnnotations, over.PodAnnotations),
		PodLabels:      mergeMap(base.PodLabels, over.PodLabels),
	}
}

func mergeGateway(base v1alpha1.MultigatewaySpec, over *v1alpha1.MultigatewaySpec) v1alpha1.MultigatewaySpec {
	if over == nil {
		return base
	}
	return v1alpha1.MultigatewaySpec{
		StatelessSpec: mergeStateless(base.StatelessSpec, over.StatelessSpec),
		Buffer:        mergeBuffer(base.Buffer, over.Buffer),
	}
}

func mergeBuffer(base, over *v1alpha1.GatewayBufferSpec) *v1alpha1.GatewayBufferSpec {
	if base == nil || over == nil {
		return cmp.Or(over, base)
	}
	return &v1alpha1.GatewayBufferSpec{
		Enabled:                 cmp.Or(over.Enabled, base.Enabled),
		Window:                  cmp.Or(over.Window, base.Window),
		MaxFailoverDuration:     cmp.Or(over.MaxFailoverDuration, base.MaxFailoverDuration),
		MinTimeBetweenFailovers: cmp.Or(over.MinTimeBetweenFailovers, base.MinTimeBetweenFailovers),
		Size:                    cmp.Or(over.Size, base.Size),
		DrainConcurrency:        cmp.Or(over.DrainConcurrency, base.DrainConcurrency),
	}
}

func mergeStorage(base, over v1alpha1.StorageSpec) v1alpha1.StorageSpec {
	return v1alpha1.StorageSpec{
		Size:        cmp.Or(over.Size, base.Size),
		Class:       cmp.Or(over.Class, base.Class),
		AccessModes: mergeList(base.AccessModes, over.AccessModes),
	}
}

func mergeEtcd(base, over *v1alpha1.EtcdSpec) *v1alpha1.EtcdSpec {
	if base == nil || over == nil {
		return cmp.Or(over, base)
	}
	return &v1alpha1.EtcdSpec{
		Image:     cmp.Or(over.Image, base.Image),
		Replicas:  cmp.Or(over.Replicas, base.Replicas),
		Storage:   mergeStorage(base.Storage, over.Storage),
		Resources: mergeResources(base.Resources, over.Resources),
		RootPath:  cmp.Or(over.RootPath, base.RootPath),
		// A policy is one statement: half of one source and half of another is what neither meant. What the statement leaves
		// out comes from the level above, not from another source of the same level.
		PVCDeletionPolicy: cmp.Or(over.PVCDeletionPolicy, base.PVCDeletionPolicy),
	}
}

// inheritPVC returns what applies to an owner with the policy child below one with the complete policy parent.
func inheritPVC(child *v1alpha1.PVCDeletionPolicy, parent v1alpha1.PVCDeletionPolicy) v1alpha1.PVCDeletionPolicy {
	if child == nil {
		return parent
	}
	return v1alpha1.PVCDeletionPolicy{
		WhenDeleted: cmp.Or(child.WhenDeleted, parent.WhenDeleted),
		WhenScaled:  cmp.Or(child.WhenScaled, parent.WhenScaled),
	}
}
