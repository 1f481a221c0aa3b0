package shard

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// buildHeadlessService builds the Service that gives each member of a pool in a cell its own host name. Members have one
// before they are ready: they become so only by finding each other.
func buildHeadlessService(g *group) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: g.headless, Labels: g.labels},
		Spec: corev1.ServiceSpec{
			Type:                     corev1.ServiceTypeClusterIP,
			ClusterIP:                corev1.ClusterIPNone,
			IPFamilyPolicy:           ptr.To(corev1.IPFamilyPolicyPreferDualStack),
			PublishNotReadyAddresses: true,
			Selector:                 naming.Selector(g.labels),
			Ports: []corev1.ServicePort{
				workload.ServicePort("http", portPoolerHTTP),
				workload.ServicePort("grpc", portPoolerGRPC),
				// By number: not every Kubernetes looks for named ports in native sidecars.
				{Name: "postgres", Port: portPostgres, TargetPort: intstr.FromInt32(portPostgres), Protocol: corev1.ProtocolTCP},
				workload.ServicePort("metrics", portMetrics),
			},
		},
	}
}
