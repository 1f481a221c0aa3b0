package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// validity is how long certificates are valid before and after they are made:
// longer than any control plane of a test lives, and clocks go wrong.
const validity = 365 * 24 * time.Hour

// keyPair is a certificate and its key, both in PEM.
type keyPair struct {
	cert []byte
	key  []byte
}

// authority signs the certificates of one control plane.
type authority struct {
	keyPair

	parsed *x509.Certificate
	signer *ecdsa.PrivateKey
}

// newAuthority makes an authority.
func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make key of authority")
	}

	t := template(pkix.Name{CommonName: "control plane"})
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature

	a := &authority{parsed: t, signer: key}
	if a.keyPair, err = a.sign(t, key); err != nil {
		return nil, err
	}

	return a, nil
}

// server returns a certificate for a server of those names and addresses.
func (a *authority) server(name string, dns []string, ips ...net.IP) (keyPair, error) {
	t := template(pkix.Name{CommonName: name})
	t.DNSNames, t.IPAddresses = dns, ips
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}

	return a.issue(t)
}

// client returns a certificate that proves to the API server that its owner is
// that user and in those groups.
func (a *authority) client(user string, groups ...string) (keyPair, error) {
	t := template(pkix.Name{CommonName: user, Organization: groups})
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}

	return a.issue(t)
}

func (a *authority) issue(t *x509.Certificate) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, errors.Wrap(err, "cannot make key")
	}

	return a.sign(t, key)
}

func (a *authority) sign(t *x509.Certificate, key *ecdsa.PrivateKey) (keyPair, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, a.parsed, key.Public(), a.signer)
	if err != nil {
		return keyPair{}, errors.Wrap(err, "cannot sign certificate")
	}

	private, err := encodeKey(key)
	if err != nil {
		return keyPair{}, err
	}

	return keyPair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: private}, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, errors.Wrap(err, "cannot encode key")
	}

	// Kubernetes reads service account keys of this form.
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func template(subject pkix.Name) *x509.Certificate {
	now := time.Now()

	return &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               subject,
		NotBefore:             now.Add(-validity),
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
	}
}

// serviceAccountKey makes the key that signs service accounts' tokens.
func serviceAccountKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make key of service accounts")
	}

	return encodeKey(key)
}
