package cluster

import (
	"strings"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// maxCommonName is the longest common name that X.509 allows (RFC 5280, ub-common-name).
const maxCommonName = 64

// internalComponents are those that authenticate each other.
var internalComponents = []string{
	naming.ComponentMultiAdmin, naming.ComponentMultiGateway, naming.ComponentMultiOrch, naming.ComponentMultiPooler,
}

// addCertificates adds the certificates that components show to each other and that gateways show to clients.
func (a *assembly) addCertificates() {
	if a.c.InternalTLS {
		for _, component := range internalComponents {
			a.add(naming.KeyInternalTLS(component), buildInternalTLS(a.c, component))
		}
	}
	if a.c.gatewayTLS() != "" {
		a.add(naming.KeyGatewayTLS, buildGatewayTLS(a.c))
	}
}

// buildInternalTLS builds the certificate that all replicas of a component show to the others, as servers and as clients. A
// gateway passes cancel requests on to other gateways with the client that it has for poolers, so that its certificate carries
// the poolers' name, too.
func buildInternalTLS(c *cluster, component string) *mv1alpha1.TLSCertificate {
	hosts := []string{naming.InternalTLSHost(component, c.Name, c.Namespace)}
	if component == naming.ComponentMultiGateway {
		hosts = append(hosts, naming.InternalTLSHost(naming.ComponentMultiPooler, c.Name, c.Namespace))
	}
	out := buildCertificate(c, c.internalTLS(component), hosts)
	out.Labels = c.labels(naming.ComponentInternalTLS)
	if component == naming.ComponentMultiPooler && c.CertificateIssuerRef == nil {
		out.Spec.ForProvider.Duration = &metav1.Duration{Duration: workload.PoolerCertificateDuration}
	}
	out.Spec.ForProvider.Usages = []mv1alpha1.CertificateUsage{mv1alpha1.CertificateUsageServerAuth, mv1alpha1.CertificateUsageClientAuth}
	return out
}

// buildGatewayTLS builds the certificate that gateways show to clients. Where the name is that of a database below a domain,
// the domain itself is good, too.
func buildGatewayTLS(c *cluster) *mv1alpha1.TLSCertificate {
	hosts := []string{c.CertCommonName}
	if domain, ok := strings.CutPrefix(c.CertCommonName, "db."); ok {
		hosts = append(hosts, domain)
	}
	out := buildCertificate(c, c.gatewayTLS(), hosts)
	out.Labels = c.labels(naming.ComponentMultiGateway)
	out.Spec.ForProvider.Usages = []mv1alpha1.CertificateUsage{mv1alpha1.CertificateUsageServerAuth}
	return out
}

// buildCertificate builds a certificate for hosts, of which the first is the common name if it is short enough. An authority of
// the cluster's own signs it, or the issuer that the user names.
func buildCertificate(c *cluster, secret string, hosts []string) *mv1alpha1.TLSCertificate {
	out := &mv1alpha1.TLSCertificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.TLSCertificateKind},
		ObjectMeta: metav1.ObjectMeta{Name: secret},
		Spec: mv1alpha1.TLSCertificateSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: c.managed, ManagementPolicies: policiesDelete},
			ForProvider:         mv1alpha1.TLSCertificateParameters{SecretName: secret, DNSNames: hosts},
		},
	}
	if len(hosts[0]) <= maxCommonName {
		out.Spec.ForProvider.CommonName = hosts[0]
	}
	issuer := c.CertificateIssuerRef
	if issuer == nil {
		out.Spec.ForProvider.CASecretName = naming.InternalCASecret(c.Name)
		return out
	}
	out.Spec.ForProvider.IssuerRef = &mv1alpha1.IssuerReference{Name: issuer.Name, Kind: issuer.Kind, Group: issuer.Group}
	return out
}
