package toposerver

import (
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// buildService builds the Service by which clients reach any member that serves.
func buildService(t server) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: t.Name, Labels: t.labels},
		Spec: corev1.ServiceSpec{
			Type:           corev1.ServiceTypeClusterIP,
			IPFamilyPolicy: ptr.To(corev1.IPFamilyPolicyPreferDualStack),
			Selector:       naming.Selector(t.labels),
			Ports:          []corev1.ServicePort{workload.ServicePort("client", portClient)},
		},
	}
}

// buildHeadlessService builds the Service that gives each member a name. Members that are not ready have one too: they become
// ready only after they found each other.
func buildHeadlessService(t server) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: t.headless(), Labels: t.labels},
		Spec: corev1.ServiceSpec{
			Type:                     corev1.ServiceTypeClusterIP,
			ClusterIP:                corev1.ClusterIPNone,
			IPFamilyPolicy:           ptr.To(corev1.IPFamilyPolicyPreferDualStack),
			PublishNotReadyAddresses: true,
			Selector:                 naming.Selector(t.labels),
			Ports: []corev1.ServicePort{
				workload.ServicePort("client", portClient),
				workload.ServicePort("peer", portPeer),
				workload.ServicePort("metrics", portMetrics),
			},
		},
	}
}

// buildPDB builds the budget that keeps a quorum of members through voluntary disruptions.
func buildPDB(t server) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: naming.WorkloadPDB(t.Name), Labels: t.labels},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: ptr.To(intstr.FromInt32(t.quorum())),
			Selector:     &metav1.LabelSelector{MatchLabels: naming.Selector(t.labels)},
			// A member that never became ready protects nothing and would only block the node it sits on.
			UnhealthyPodEvictionPolicy: ptr.To(policyv1.AlwaysAllow),
		},
	}
}
