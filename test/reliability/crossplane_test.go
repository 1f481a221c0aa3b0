package reliability

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// TestCrossplaneDeleted deletes Crossplane's pods, and those of our function and provider, in the middle of a rolling update. It goes on where it was.
func TestCrossplaneDeleted(t *testing.T) {
	s := watch(t, the(t))
	s.roll("rolling update, Crossplane's pods deleted", func(spec *v1alpha1.MultigresClusterSpec) {
		changePool(spec, func(p *v1alpha1.PoolSpec) {
			limit := resource.MustParse("300Mi")
			if now, ok := p.Multipooler.Resources.Limits[corev1.ResourceMemory]; ok {
				limit = now.DeepCopy()
			}
			limit.Add(resource.MustParse("1Mi"))
			p.Multipooler.Resources = corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: limit},
			}
		})
	}, func() {
		if err := shared.client.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace("crossplane-system")); err != nil {
			t.Errorf("cannot delete pods: %v", err)
		}
	})
	s.end()
}
