package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

func certificate(name, ca string) *v1alpha1.TLSCertificate {
	return &v1alpha1.TLSCertificate{ObjectMeta: named(name), Spec: v1alpha1.TLSCertificateSpec{ForProvider: v1alpha1.TLSCertificateParameters{
		SecretName: name + "-tls", CASecretName: ca, CommonName: name, DNSNames: []string{name + ".example.org", "*.pods.example.org"},
	}}}
}

// verify a certificate as any client does, and return it.
func verify(o *corev1.Secret, roots []byte, host string, usage x509.ExtKeyUsage) (*x509.Certificate, error) {
	block, rest := pem.Decode(o.Data[corev1.TLSCertKey])
	if block == nil {
		return nil, errors.New("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	pool, between := x509.NewCertPool(), x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return nil, errors.New("no authority")
	}
	between.AppendCertsFromPEM(rest)
	_, err = cert.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}})
	return cert, err
}

// TestCertificate: the chain and the names are valid, two certificates trust each other, and a damaged Secret is mended.
func TestCertificate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	a, b := certificate("a", "ca"), certificate("b", "ca")
	s.create(a, b)
	s.ready(a, b)
	for _, host := range []string{"a.example.org", "p-0.pods.example.org"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := verify(s.secret("a-tls"), s.secret("b-tls").Data["ca.crt"], host, usage); err != nil {
				t.Errorf("%s, usage %v: %v", host, usage, err)
			}
		}
	}
	if _, err := verify(s.secret("a-tls"), s.secret("a-tls").Data["ca.crt"], "b.example.org", x509.ExtKeyUsageServerAuth); err == nil {
		t.Error("a certificate should not be valid for another name")
	}

	// Another name makes another certificate, under the same authority.
	authority := s.secret("ca")
	s.edit(a, func() { a.Spec.ForProvider.DNSNames = append(a.Spec.ForProvider.DNSNames, "c.example.org") })
	s.until("the certificate has the new name", func(context.Context) error {
		_, err := verify(s.secret("a-tls"), s.secret("b-tls").Data["ca.crt"], "c.example.org", x509.ExtKeyUsageServerAuth)
		return err
	})

	// A Secret that somebody damaged.
	damaged := s.secret("a-tls")
	damaged.Data[corev1.TLSCertKey] = []byte("nonsense")
	s.must(s.kube.Update(s.Context(), damaged))
	s.until("the certificate is mended", func(context.Context) error {
		_, err := verify(s.secret("a-tls"), s.secret("b-tls").Data["ca.crt"], "a.example.org", x509.ExtKeyUsageServerAuth)
		return err
	})
	s.ready(a)

	// A damaged authority is never replaced: all that trust it would be cut off.
	broken := s.secret("ca")
	broken.Data[corev1.TLSPrivateKeyKey] = []byte("nonsense")
	s.must(s.kube.Update(s.Context(), broken))
	c := s.condition(a, xpv2.TypeSynced, corev1.ConditionFalse, "")
	s.never("a damaged authority is replaced", func() bool { return s.secret("ca").ResourceVersion != broken.ResourceVersion })
	broken.Data = authority.Data
	s.must(s.kube.Update(s.Context(), broken))
	s.ready(a, b)
	if diff := cmp.Diff(authority.Data, s.secret("ca").Data); diff != "" {
		t.Errorf("authority: -want, +got:\n%s", diff)
	}
	s.notef("damaged authority: %.80s", c.Message)
}

// TestAuthorityRotates: an authority that is near its end is replaced, and both are trusted meanwhile.
func TestAuthorityRotates(t *testing.T) {
	t.Parallel()
	s := begin(t)
	// Made as the provider makes it, nine years and eleven months ago.
	old, err := pki.NewAuthority(rand.Reader, time.Now().Add(-10*365*24*time.Hour+30*24*time.Hour), "ca", 10*365*24*time.Hour)
	s.must(err)
	cert, key, err := old.Encode()
	s.must(err)
	s.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "ca", Annotations: map[string]string{v1alpha1.Group + "/certificate-authority": "true"}},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": cert},
	})
	s.provider()
	a := certificate("a", "ca")
	s.create(a)
	s.ready(a)
	s.until("the authority is another one", func(context.Context) error {
		if bytes.Equal(s.secret("ca").Data["tls.crt"], cert) {
			return errors.New("it is the old one")
		}
		return nil
	})
	s.ready(a)
	s.until("both authorities are trusted", func(context.Context) error {
		if n := bytes.Count(s.secret("a-tls").Data["ca.crt"], []byte("BEGIN CERTIFICATE")); n != 2 {
			return errors.Errorf("%d authorities", n)
		}
		return nil
	})
	// Whoever has heard of the new authority accepts the certificate.
	got, err := verify(s.secret("a-tls"), s.secret("a-tls").Data["ca.crt"], "a.example.org", x509.ExtKeyUsageServerAuth)
	s.must(err)
	s.notef("certificate ends %s, authorities %s and later", got.NotAfter.Format(time.DateOnly), old.Certificate.NotAfter.Format(time.DateOnly))
}
