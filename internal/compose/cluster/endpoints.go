package cluster

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// gatewayEndpoints returns where clients connect, as far as the Services are there, or nil if none is.
func (a *assembly) gatewayEndpoints() *v1alpha1.GatewayEndpoints {
	rw, replica := a.s.Observed(naming.KeyMultiGatewayService), a.s.Observed(naming.KeyMultiGatewayReplicaService)
	if !rw.Exists() && !replica.Exists() {
		return nil
	}
	out := &v1alpha1.GatewayEndpoints{}
	if rw.Exists() {
		out.Host, out.Port = gatewayHost(a.c), portPostgres
		out.ExternalEndpoint = externalEndpoint(rw, a.c.ExternalGateway)
	}
	if replica.Exists() {
		out.ReplicaHost, out.ReplicaPort = replicaHost(a.c), portPgReplica
	}
	return out
}

// adminWebEndpoints returns where the admin user interface is, or nil if it is not exposed.
func (a *assembly) adminWebEndpoints() *v1alpha1.AdminWebEndpoints {
	if !a.c.ExternalAdminWeb.IsEnabled() {
		return nil
	}
	return &v1alpha1.AdminWebEndpoints{ExternalEndpoint: externalEndpoint(a.s.Observed(naming.KeyMultiAdminWebService), a.c.ExternalAdminWeb)}
}

// externalEndpoint returns the address by which an observed Service is reached from outside, or nothing if it has none yet or is
// not to be: the first of its external IPs, else what its load balancer got, else the port that every node has for it.
func externalEndpoint(svc object.Object, e *v1alpha1.ExternalServiceSpec) string {
	if !e.IsEnabled() {
		return ""
	}
	if ips := svc.Strings("spec", "externalIPs"); len(ips) > 0 {
		return ips[0]
	}
	for _, ingress := range svc.List("status", "loadBalancer", "ingress") {
		if host := ingress.String("hostname"); host != "" {
			return host
		}
		if ip := ingress.String("ip"); ip != "" {
			return ip
		}
	}
	if ports := svc.List("spec", "ports"); e.ServiceType == string(corev1.ServiceTypeNodePort) && len(ports) > 0 && ports[0].Has("nodePort") {
		return fmt.Sprintf("<any node>:%d", ports[0].Int("nodePort"))
	}
	return ""
}

// addressAwaited is true if something is exposed that will get an address later.
func (a *assembly) addressAwaited() bool {
	for key, e := range map[string]*v1alpha1.ExternalServiceSpec{
		naming.KeyMultiGatewayService: a.c.ExternalGateway, naming.KeyMultiAdminWebService: a.c.ExternalAdminWeb,
	} {
		if e.IsEnabled() && e.ServiceType != string(corev1.ServiceTypeClusterIP) && externalEndpoint(a.s.Observed(key), e) == "" {
			return true
		}
	}
	return false
}
