package cluster

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Ports of the gateways, by the names that their containers give them.
const (
	portPostgres      int32 = 5432
	portPgReplica     int32 = 5433
	portPostgresName        = "postgres"
	portPgReplicaName       = "pg-replica"
)

// addGateway adds the Services by which clients reach the gateways of all cells.
func (a *assembly) addGateway() {
	a.add(naming.KeyMultiGatewayService, buildGatewayService(a.c))
	a.add(naming.KeyMultiGatewayReplicaService, buildGatewayReplicaService(a.c))
}

// buildGatewayService builds the Service for reads and writes. While it is exposed it also has the port for reads that may be
// stale, so that clients outside find both at one address and one load balancer is enough.
func buildGatewayService(c *cluster) *corev1.Service {
	out := buildService(c, naming.MultiGateway(c.Name), naming.ComponentMultiGateway, workload.ServicePort(portPostgresName, portPostgres))
	if c.ExternalGateway.IsEnabled() {
		expose(out, c.ExternalGateway)
		out.Spec.Ports = append(out.Spec.Ports, workload.ServicePort(portPgReplicaName, portPgReplica))
	}
	return out
}

// buildGatewayReplicaService builds the Service for reads that may be stale.
func buildGatewayReplicaService(c *cluster) *corev1.Service {
	return buildService(c, naming.MultiGatewayReplica(c.Name), naming.ComponentMultiGateway, workload.ServicePort(portPgReplicaName, portPgReplica))
}

// buildService builds a Service for all pods of a component of the cluster.
func buildService(c *cluster, name, component string, ports ...corev1.ServicePort) *corev1.Service {
	labels := c.labels(component)
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Selector: naming.Selector(labels), Ports: ports},
	}
}

// expose makes a Service reachable from outside the Kubernetes cluster.
func expose(s *corev1.Service, e *v1alpha1.ExternalServiceSpec) {
	s.Annotations = e.Annotations
	s.Spec.Type = corev1.ServiceType(e.ServiceType)
	for _, ip := range e.ExternalIPs {
		s.Spec.ExternalIPs = append(s.Spec.ExternalIPs, string(ip))
	}
}
