package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

func TestExternalEndpoint(t *testing.T) {
	on := func(typ string) *v1alpha1.ExternalServiceSpec {
		return &v1alpha1.ExternalServiceSpec{Enabled: true, ServiceType: typ}
	}
	cases := map[string]struct {
		reason string
		spec   *v1alpha1.ExternalServiceSpec
		svc    string
		want   string
	}{
		"Off":       {reason: "What is not exposed has no address outside.", svc: `{spec: {externalIPs: [192.0.2.1]}}`},
		"IPs":       {reason: "The first external IP counts before all else.", spec: on("LoadBalancer"), svc: `{spec: {externalIPs: [192.0.2.1, 192.0.2.2]}, status: {loadBalancer: {ingress: [{ip: 198.51.100.1}]}}}`, want: "192.0.2.1"},
		"Hostname":  {reason: "A load balancer's host name counts before its address.", spec: on("LoadBalancer"), svc: `{status: {loadBalancer: {ingress: [{hostname: lb.example.com, ip: 198.51.100.1}]}}}`, want: "lb.example.com"},
		"IP":        {reason: "A load balancer may have an address only.", spec: on("LoadBalancer"), svc: `{status: {loadBalancer: {ingress: [{}, {ip: 198.51.100.1}]}}}`, want: "198.51.100.1"},
		"NodePort":  {reason: "A node port is on every node.", spec: on("NodePort"), svc: `{spec: {ports: [{port: 5432, nodePort: 30432}]}}`, want: "<any node>:30432"},
		"NoPort":    {reason: "A node port comes later.", spec: on("NodePort"), svc: `{spec: {ports: [{port: 5432}]}}`},
		"Awaited":   {reason: "A load balancer's address comes later.", spec: on("LoadBalancer"), svc: `{spec: {ports: [{nodePort: 30432}]}}`},
		"ClusterIP": {reason: "Without external IPs there is no address.", spec: on("ClusterIP"), svc: `{}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := externalEndpoint(composetest.Object(t, tc.svc), tc.spec); got != tc.want {
				t.Errorf("%s want %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
}

func TestEndpointsInStatus(t *testing.T) {
	const lb = `{apiVersion: v1, kind: Service, metadata: {name: orders-multigateway}, status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}}`
	observed := grow(t, everything, givenEverything...)
	in := compose.Input{XR: composetest.Object(t, everything), Observed: with(t, observed, naming.KeyMultiGatewayService, lb)}
	out := mustRun(t, in, givenEverything...)
	want := &v1alpha1.GatewayEndpoints{
		Host: "orders-multigateway.app.svc", Port: 5432, ReplicaHost: "orders-multigateway-replica.app.svc", ReplicaPort: 5433, ExternalEndpoint: "lb.example.com",
	}
	if diff := cmp.Diff(want, statusOf(t, out).Gateway); diff != "" {
		t.Errorf("gateway: -want, +got:\n%s", diff)
	}
	if out.InProgress {
		t.Error("with its address the cluster is at rest")
	}
	if out := mustRun(t, compose.Input{XR: in.XR, Observed: observed}, givenEverything...); !out.InProgress || !out.Ready {
		t.Error("a cluster that waits for an address outside serves inside, and is in progress")
	}

	in.Observed = with(t, observed, naming.KeyMultiGatewayService, "")
	want = &v1alpha1.GatewayEndpoints{ReplicaHost: "orders-multigateway-replica.app.svc", ReplicaPort: 5433}
	if diff := cmp.Diff(want, statusOf(t, mustRun(t, in, givenEverything...)).Gateway); diff != "" {
		t.Errorf("a Service that is not there is no endpoint: -want, +got:\n%s", diff)
	}
}
