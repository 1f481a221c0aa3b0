// Package certificate makes the X.509 certificates of what tests start: API servers, etcds, poolers, functions and who calls them.
package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// validity is how long certificates are valid before and after they are made: longer than anything that a test starts, and
// clocks go wrong.
const validity = 365 * 24 * time.Hour

// A Subject is whom a certificate is for, as a server and as a client.
type Subject struct {
	// User and Groups are who the API server takes a client for.
	User   string
	Groups []string

	// Names and IPs are what a server is called by.
	Names []string
	IPs   []net.IP
}

// A Pair is a certificate and its key, in PEM.
type Pair struct {
	Cert []byte
	Key  []byte
}

// Write writes base.crt and base.key.
func (p Pair) Write(base string) error {
	if err := os.WriteFile(base+".key", p.Key, 0o600); err != nil {
		return errors.Wrap(err, "cannot write key")
	}
	return errors.Wrap(os.WriteFile(base+".crt", p.Cert, 0o600), "cannot write certificate")
}

// An Authority signs certificates. Its own is part of it.
type Authority struct {
	Pair

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority of that name.
func NewAuthority(name string) (*Authority, error) {
	t := template(pkix.Name{CommonName: name})
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	a := &Authority{cert: t, key: key}
	a.Pair, err = a.sign(t, key)
	return a, err
}

// Issue makes a certificate for a subject.
func (a *Authority) Issue(s Subject) (Pair, error) {
	t := template(pkix.Name{CommonName: s.User, Organization: s.Groups})
	t.DNSNames, t.IPAddresses = s.Names, s.IPs
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	return a.sign(t, key)
}

// Pool is what trusts the authority and nobody else.
func (a *Authority) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM(a.Cert)
	return p
}

// NewKey makes a key in the form in which Kubernetes reads the one that signs the tokens of service accounts.
func NewKey() ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	return encode(key)
}

func (a *Authority) sign(t *x509.Certificate, key *ecdsa.PrivateKey) (Pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return Pair{}, errors.Wrap(err, "cannot sign certificate")
	}
	private, err := encode(key)
	return Pair{Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: private}, err
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return key, errors.Wrap(err, "cannot make key")
}

func encode(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, errors.Wrap(err, "cannot encode key")
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

func template(subject pkix.Name) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: subject, NotBefore: now.Add(-validity), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}
