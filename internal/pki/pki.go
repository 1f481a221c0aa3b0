// Package pki makes X.509 certificates and the authorities that sign them. It has no clock and no randomness of its own.
package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Types of PEM blocks.
const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
)

// ErrInvalid is the cause of every error about a certificate or a key that cannot be used.
var ErrInvalid = errors.New("invalid certificate or key")

// A Pair is a certificate and its key.
type Pair struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// ParsePair reads a certificate, the first of several, and its key in PEM. Keys may be in PKCS #8, PKCS #1 or SEC 1. The error
// is ErrInvalid if one of them cannot be read or they do not belong together.
func ParsePair(cert, key []byte) (Pair, error) {
	certs, err := ParseBundle(cert)
	if err != nil {
		return Pair{}, err
	}
	if len(certs) == 0 {
		return Pair{}, errors.Wrap(ErrInvalid, "cannot find a certificate")
	}
	signer, err := parseKey(key)
	if err != nil {
		return Pair{}, err
	}
	pub, ok := signer.Public().(interface {
		Equal(other crypto.PublicKey) bool
	})
	if !ok || !pub.Equal(certs[0].PublicKey) {
		return Pair{}, errors.Wrap(ErrInvalid, "cannot use a key that is not the certificate's")
	}
	return Pair{Certificate: certs[0], Key: signer}, nil
}

// ParseBundle reads certificates in PEM. The error is ErrInvalid if one of them cannot be read.
func ParseBundle(bundle []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != blockCertificate {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.Wrapf(ErrInvalid, "cannot read certificate: %s", err)
		}
		out = append(out, c)
	}
	return out, nil
}

// EncodeBundle writes certificates in PEM.
func EncodeBundle(certs ...*x509.Certificate) []byte {
	b := &bytes.Buffer{}
	for _, c := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: c.Raw}))
	}
	return b.Bytes()
}

// Encode writes a certificate and its key, in PKCS #8, in PEM.
func (p Pair) Encode() (cert, key []byte, err error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		return nil, nil, errors.Wrap(err, "cannot write key")
	}
	return EncodeBundle(p.Certificate), pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: der}), nil
}

// Trusted returns those of the authorities that are valid at a time or will be, each once and in their order.
func Trusted(now time.Time, authorities ...*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	seen := map[string]bool{}
	for _, c := range authorities {
		if now.After(c.NotAfter) || seen[string(c.Raw)] {
			continue
		}
		seen[string(c.Raw)] = true
		out = append(out, c)
	}
	return out
}

func parseKey(key []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, errors.Wrap(ErrInvalid, "cannot find a key")
	}
	if k, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.Wrap(ErrInvalid, "cannot read key")
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, errors.Wrap(ErrInvalid, "cannot sign with the key")
	}
	return signer, nil
}
