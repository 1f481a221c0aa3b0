package kubelet

import (
	"context"
	"maps"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// capacity of a node: more than any test asks for.
var capacity = corev1.ResourceList{
	corev1.ResourceCPU:              resource.MustParse("1000"),
	corev1.ResourceMemory:           resource.MustParse("4Ti"),
	corev1.ResourceEphemeralStorage: resource.MustParse("4Ti"),
	corev1.ResourcePods:             resource.MustParse("2000"),
}

// registerNodes makes the nodes ready. They send no heartbeats: whoever runs the
// controller manager must let it wait for them.
func registerNodes(ctx context.Context, c client.Client, nodes []Node) error {
	for _, n := range nodes {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: map[string]string{
			corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux",
		}}}
		maps.Copy(node.Labels, n.Labels)

		err := c.Create(ctx, node)
		if client.IgnoreAlreadyExists(err) != nil {
			return errors.Wrapf(err, "cannot register node %s", n.Name)
		}

		if err != nil {
			continue
		}

		now := metav1.Now()
		node.Status.Capacity, node.Status.Allocatable = capacity, capacity
		node.Status.Conditions = []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: now, LastTransitionTime: now,
		}}

		if err := c.Status().Update(ctx, node); err != nil {
			return errors.Wrapf(err, "cannot make node %s ready", n.Name)
		}
	}

	return nil
}
