package tlscertificate

import (
	"bytes"
	"crypto/x509"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// Durations that are the API's defaults.
const (
	defaultDuration   = 90 * 24 * time.Hour
	defaultCADuration = 10 * 365 * 24 * time.Hour
)

// longPropagation is the longest time for which a new authority signs no renewals.
const longPropagation = 24 * time.Hour

// staleNames is why a certificate is replaced that its holders may go on to use: it is as good as the next one, for other names.
const staleNames = "the certificate is for other names or usages"

// propagation is how long a new authority signs no renewals, so that whoever is to trust it hears of it first: the kubelet takes
// up to two minutes to refresh a Secret in a pod, and programs that load their files only when they start are started anew one
// after the other.
func propagation(mg *v1alpha1.TLSCertificate) time.Duration {
	return min(longPropagation, durationOf(mg)/10)
}

// usages that the API knows.
var usages = map[v1alpha1.CertificateUsage]x509.ExtKeyUsage{
	v1alpha1.CertificateUsageServerAuth: x509.ExtKeyUsageServerAuth,
	v1alpha1.CertificateUsageClientAuth: x509.ExtKeyUsageClientAuth,
}

// A leaf is what is known of the certificate in a Secret.
type leaf struct {
	cert *x509.Certificate

	// err says why the certificate cannot be used. It is nil if it can.
	err error

	// stale says why the certificate is to be replaced. It is empty if it is not.
	stale string

	// outdated is true if the Secret's ca.crt is not that of the authority.
	outdated bool
}

// inspect looks at the certificate in a Secret.
func inspect(mg *v1alpha1.TLSCertificate, s *corev1.Secret, a *authority, now time.Time) leaf {
	p, err := pki.ParsePair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return leaf{err: err, stale: "the Secret holds no certificate with its key"}
	}
	out := leaf{cert: p.Certificate}
	if a == nil {
		out.stale = "the certificate authority is gone"
		return out
	}
	out.outdated = !bytes.Equal(s.Data[keyCA], pki.EncodeBundle(a.trusted...)) || s.Annotations[annotationOwner] != mg.GetName()
	if out.err = pki.Verify(now, p.Certificate, a.trusted...); out.err != nil {
		out.stale = "the certificate is not valid"
		return out
	}
	if due(mg, p.Certificate, a, now) {
		out.stale = "the certificate is due for renewal"
		return out
	}
	if !request(mg).Matches(p.Certificate) {
		out.stale = staleNames
	}
	return out
}

// due is true if a certificate that is otherwise good is to be renewed now.
func due(mg *v1alpha1.TLSCertificate, c *x509.Certificate, a *authority, now time.Time) bool {
	known := !now.Before(a.Certificate.NotBefore.Add(propagation(mg))) || c.NotAfter.Sub(now) < propagation(mg)
	return known && !now.Before(renewal(mg, c))
}

// renewal returns when a certificate is to be replaced: so long before its end as is asked for, or after two thirds of its life
// if that is not said or makes no sense for this one.
func renewal(mg *v1alpha1.TLSCertificate, c *x509.Certificate) time.Time {
	life := c.NotAfter.Sub(c.NotBefore)
	before := life / 3
	if r := mg.Spec.ForProvider.RenewBefore; r != nil && r.Duration > 0 && r.Duration < durationOf(mg) && r.Duration < life {
		before = r.Duration
	}
	return c.NotAfter.Add(-before)
}

func request(mg *v1alpha1.TLSCertificate) pki.Request {
	p := mg.Spec.ForProvider
	out := pki.Request{CommonName: p.CommonName, DNSNames: p.DNSNames, Duration: durationOf(mg)}
	for _, u := range wantedUsages(mg) {
		out.Usages = append(out.Usages, usages[u])
	}
	return out
}

func wantedUsages(mg *v1alpha1.TLSCertificate) []v1alpha1.CertificateUsage {
	if u := mg.Spec.ForProvider.Usages; len(u) > 0 {
		return u
	}
	return []v1alpha1.CertificateUsage{v1alpha1.CertificateUsageServerAuth, v1alpha1.CertificateUsageClientAuth}
}

func durationOf(mg *v1alpha1.TLSCertificate) time.Duration {
	return or(mg.Spec.ForProvider.Duration, defaultDuration)
}

func caDurationOf(mg *v1alpha1.TLSCertificate) time.Duration {
	return or(mg.Spec.ForProvider.CADuration, defaultCADuration)
}

func or(d *metav1.Duration, fallback time.Duration) time.Duration {
	if d == nil || d.Duration <= 0 {
		return fallback
	}
	return d.Duration
}

// next returns what to request in place of a certificate. One for other names ends when the one before it does: whoever loaded
// that one must let go of it by the same renewal.
func (l leaf) next(mg *v1alpha1.TLSCertificate, now time.Time) pki.Request {
	out := request(mg)
	if l.stale == staleNames {
		out.Duration = min(out.Duration, l.cert.NotAfter.Sub(now))
	}
	return out
}

// observation returns what a certificate says.
func observation(mg *v1alpha1.TLSCertificate, c *x509.Certificate, a *authority) v1alpha1.TLSCertificateObservation {
	out := v1alpha1.TLSCertificateObservation{}
	if a != nil {
		out.CANotAfter = moment(a.Certificate.NotAfter)
	}
	if c == nil {
		return out
	}
	out.NotBefore, out.NotAfter = moment(c.NotBefore), moment(c.NotAfter)
	out.RenewalTime = moment(renewal(mg, c))
	out.Serial = c.SerialNumber.Text(16)
	return out
}

func moment(t time.Time) *metav1.Time {
	out := metav1.NewTime(t)
	return &out
}
