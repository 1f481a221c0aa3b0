package e2e

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestForeign shows that what others own of a cluster's objects stays theirs: the number of gateways that Kubernetes' own
// autoscaler sets, and what an injector adds to a running pod.
func TestForeign(t *testing.T) {
	t.Parallel()

	const team = "example.org/team"

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()
	c := minimal(ns, "foreign", func(c *v1alpha1.MultigresCluster) {
		c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1)}}}
	})
	create(t, k, c)
	ready(t, c)
	rolled(t, c, 3, func(*corev1.Pod) bool { return true })

	before := poolers(t, ns, c.GetName())
	for name := range before {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
		if err := k.Patch(t.Context(), p, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"`+team+`":"shop"},"annotations":{"`+team+`":"shop"}}}`))); err != nil {
			t.Fatal(err)
		}
	}

	// Without metrics it does what needs none: it keeps to its bounds.
	create(t, k, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "gateways"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: naming.GatewayDeployment(c.GetName(), "zone-a")},
			MinReplicas:    ptr.To[int32](3), MaxReplicas: 5,
		},
	})
	gateways(t, c, 3)

	// Something else of the same objects changes.
	amend(t, c, func(c *v1alpha1.MultigresCluster) {
		c.Spec.Cells[0].Spec.Multigateway.PodAnnotations = v1alpha1.PodAnnotations{team: "gateways"}
		withPool(c, v1alpha1.PoolSpec{PodLabels: v1alpha1.PodLabels{"example.org/pool": "main"}})
	})

	eventually(t, "gateways and pods have the change, and what others set", func(ctx context.Context) error {
		d := &appsv1.Deployment{}
		if err := k.Get(ctx, client.ObjectKey{Namespace: ns, Name: naming.GatewayDeployment(c.GetName(), "zone-a")}, d); err != nil {
			return err
		}

		if d.Spec.Template.GetAnnotations()[team] != "gateways" || ptr.Deref(d.Spec.Replicas, 1) != 3 || d.Status.ReadyReplicas != 3 {
			return errors.Wrapf(errNotYet, "annotations %v, %d of %d gateways", d.Spec.Template.GetAnnotations(), d.Status.ReadyReplicas, ptr.Deref(d.Spec.Replicas, 1))
		}

		pods, err := poolPods(ctx, c)
		if err != nil {
			return err
		}

		for _, p := range pods {
			if p.GetLabels()["example.org/pool"] != "main" || p.GetLabels()[team] != "shop" || p.GetAnnotations()[team] != "shop" {
				return errors.Wrapf(errNotYet, "pod %s has labels %v", p.GetName(), p.GetLabels())
			}
		}

		return k.Get(ctx, client.ObjectKeyFromObject(c), c)
	})

	for name, uid := range poolers(t, ns, c.GetName()) {
		if before[name] != uid {
			t.Errorf("pod %s should be the one of before", name)
		}
	}

	eventually(t, "the cluster counts the autoscaler's gateways", func(ctx context.Context) error {
		if err := k.Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}
		if c.Status.Cells["zone-a"].GatewayReplicas != 3 {
			return errors.Wrapf(errNotYet, "%+v", c.Status.Cells)
		}

		return nil
	})

	// Whoever says a number owns it.
	amend(t, c, func(c *v1alpha1.MultigresCluster) { c.Spec.Cells[0].Spec.Multigateway.Replicas = ptr.To[int32](4) })
	gateways(t, c, 4)

	shown("an autoscaler's 3 gateways and an injector's labels stay while the objects change; a number in the spec wins")
}
