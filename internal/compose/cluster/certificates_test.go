package cluster

import (
	"strings"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

func TestBuildInternalTLS(t *testing.T) {
	c := resolved(t, minimal+"  internalTLS: {enabled: true}\n")
	same(t, "A component's certificate is named as its Secret and its host; the cluster's own authority signs it.", buildInternalTLS(c, naming.ComponentMultiOrch), `
apiVersion: m.multigres.com/v1alpha1
kind: TLSCertificate
metadata: {name: multiorch.orders.app.multigres.internal, labels: {`+labels("internal-tls")+`}}
spec:
  `+provider+`
  `+policyDelete+`
  forProvider:
    secretName: multiorch.orders.app.multigres.internal
    caSecretName: orders-internal-ca
    commonName: multiorch.orders.app.multigres.internal
    dnsNames: [multiorch.orders.app.multigres.internal]
    usages: [server auth, client auth]
`)
	long := resolved(t, strings.ReplaceAll(minimal, "namespace: app", "namespace: "+strings.Repeat("n", 63))+"  internalTLS: {enabled: true}\n")
	if cn := buildInternalTLS(long, naming.ComponentMultiOrch).Spec.ForProvider.CommonName; cn != "" {
		t.Errorf("a host too long for a common name is a DNS name only, got %q", cn)
	}
}

func TestBuildGatewayTLS(t *testing.T) {
	same(t, "The certificate for clients proves a server only; where its host is db.<domain> the domain is good, too.",
		buildGatewayTLS(resolved(t, everything, givenEverything...)), `
apiVersion: m.multigres.com/v1alpha1
kind: TLSCertificate
metadata: {name: orders-gateway-tls, labels: {`+labels("multigateway")+`}}
spec:
  `+provider+`
  `+policyDelete+`
  forProvider:
    secretName: orders-gateway-tls
    issuerRef: {name: ca, kind: ClusterIssuer, group: cert-manager.io}
    commonName: db.orders.example.com
    dnsNames: [db.orders.example.com, orders.example.com]
    usages: [server auth]
`)
}
