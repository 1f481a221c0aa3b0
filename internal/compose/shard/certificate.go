package shard

import (
	"slices"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// pgBackRestName is the common name that pgBackRest's servers let in (multigres v0.1.0, tls-server-auth).
const pgBackRestName = "pgbackrest"

// buildCertificate builds the certificate by which the members exchange backups. Every member is both server and client, so
// one serves the whole shard: it is valid for any host of the given headless Services.
func buildCertificate(sh *shard, services []string) *mv1alpha1.TLSCertificate {
	hosts := make([]string, 0, len(services)+1)
	for _, s := range services {
		hosts = append(hosts, naming.PodHost("*", s, sh.namespace))
	}
	slices.Sort(hosts)
	c := &mv1alpha1.TLSCertificate{
		TypeMeta:   metav1.TypeMeta{APIVersion: mv1alpha1.SchemeGroupVersion.String(), Kind: mv1alpha1.TLSCertificateKind},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.PgBackRestTLSSecret(), Labels: sh.id.Labels(naming.ComponentPgBackRestTLS)},
		Spec: mv1alpha1.TLSCertificateSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{ProviderConfigReference: sh.provider, ManagementPolicies: policiesDelete},
			ForProvider: mv1alpha1.TLSCertificateParameters{
				SecretName: sh.id.PgBackRestTLSSecret(),
				CommonName: pgBackRestName,
				DNSNames:   append(hosts, "localhost"),
				Usages:     []mv1alpha1.CertificateUsage{mv1alpha1.CertificateUsageServerAuth, mv1alpha1.CertificateUsageClientAuth},
			},
		},
	}
	issuer := sh.spec.CertificateIssuerRef
	if issuer == nil {
		c.Spec.ForProvider.CASecretName = sh.id.PgBackRestCASecret()
		c.Spec.ForProvider.Duration = &metav1.Duration{Duration: workload.PoolerCertificateDuration}
		return c
	}
	c.Spec.ForProvider.IssuerRef = &mv1alpha1.IssuerReference{Name: issuer.Name, Kind: issuer.Kind, Group: issuer.Group}
	return c
}
