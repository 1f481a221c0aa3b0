package bed

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

// validity is how long certificates are valid: longer than a bed is up.
const validity = 365 * 24 * time.Hour

// An authority signs the certificates of one bed.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A subject is whom a certificate is for, as a server and as a client.
type subject struct {
	user   string
	groups []string
	names  []string
	ips    []string
}

func newAuthority(file string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, errors.Wrap(err, "cannot make key")
	}
	t := certificateTemplate(pkix.Name{CommonName: "bed"})
	t.IsCA, t.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	a := &authority{cert: t, key: key}
	return a, a.sign(t, key, file)
}

// issue writes file.crt and file.key.
func (a *authority) issue(s subject, file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return errors.Wrap(err, "cannot make key")
	}
	t := certificateTemplate(pkix.Name{CommonName: s.user, Organization: s.groups})
	t.DNSNames = s.names
	for _, ip := range s.ips {
		t.IPAddresses = append(t.IPAddresses, net.ParseIP(ip))
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	return a.sign(t, key, file)
}

func (a *authority) sign(t *x509.Certificate, key *ecdsa.PrivateKey, file string) error {
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return errors.Wrap(err, "cannot sign certificate")
	}
	if err := writeKey(key, file+".key"); err != nil {
		return err
	}
	err = os.WriteFile(file+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return errors.Wrap(err, "cannot write certificate")
}

// writeKey writes a key in the form that Kubernetes reads service accounts' keys in.
func writeKey(key *ecdsa.PrivateKey, file string) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return errors.Wrap(err, "cannot encode key")
	}
	err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
	return errors.Wrap(err, "cannot write key")
}

func certificateTemplate(s pkix.Name) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: s, NotBefore: now.Add(-validity), NotAfter: now.Add(validity),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
}
