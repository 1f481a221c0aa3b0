package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"slices"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

const (
	// backdate is how long before its making a certificate is valid, for machines whose clocks lag behind.
	backdate = 5 * time.Minute

	// serialBits of a serial number: RFC 5280 allows 20 octets, the first bit of which is the sign.
	serialBits = 159
)

// A Request says what a certificate is to prove.
type Request struct {
	CommonName string
	DNSNames   []string

	// Usages that the certificate is good for.
	Usages []x509.ExtKeyUsage

	// Duration from now on that the certificate is valid for. It never outlasts the authority.
	Duration time.Duration
}

// NewAuthority returns a certificate authority that signs itself and is valid for a duration from now on. Its key is ECDSA P-256.
// It signs certificates and no further authorities.
func NewAuthority(random io.Reader, now time.Time, commonName string, duration time.Duration) (Pair, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(duration),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	return sign(random, template, nil)
}

// ParseAuthority reads the certificate and the key of an authority in PEM. The error is ErrInvalid if they are not one's.
func ParseAuthority(cert, key []byte) (Pair, error) {
	p, err := ParsePair(cert, key)
	if err != nil {
		return Pair{}, err
	}
	if !p.Certificate.BasicConstraintsValid || !p.Certificate.IsCA {
		return Pair{}, errors.Wrap(ErrInvalid, "cannot sign with a certificate that is not an authority's")
	}
	return p, nil
}

// Issue returns a certificate that an authority signed. Its key is ECDSA P-256. The error is ErrInvalid if the authority has
// ended.
func Issue(random io.Reader, now time.Time, authority Pair, r Request) (Pair, error) {
	end := now.Add(r.Duration)
	if end.After(authority.Certificate.NotAfter) {
		end = authority.Certificate.NotAfter
	}
	if !end.After(now) {
		return Pair{}, errors.Wrap(ErrInvalid, "cannot sign with an authority that has ended")
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: r.CommonName},
		DNSNames:              r.DNSNames,
		NotBefore:             now.Add(-backdate),
		NotAfter:              end,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           r.Usages,
		BasicConstraintsValid: true,
	}
	return sign(random, template, &authority)
}

// Matches is true if a certificate proves what is requested, no more and no less. How long it is valid does not matter.
func (r Request) Matches(c *x509.Certificate) bool {
	return c.Subject.CommonName == r.CommonName && sameSet(c.DNSNames, r.DNSNames) && sameSet(c.ExtKeyUsage, r.Usages)
}

func sameSet[T string | x509.ExtKeyUsage](a, b []T) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// Verify returns ErrInvalid unless one of the authorities signed a certificate and it is valid at a time.
func Verify(now time.Time, c *x509.Certificate, authorities ...*x509.Certificate) error {
	roots := x509.NewCertPool()
	for _, a := range authorities {
		roots.AddCert(a)
	}
	_, err := c.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return errors.Wrapf(ErrInvalid, "cannot verify certificate: %s", err)
	}
	return nil
}

// sign makes a key and a certificate from a template. Without a parent the certificate signs itself.
func sign(random io.Reader, template *x509.Certificate, parent *Pair) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), random)
	if err != nil {
		return Pair{}, errors.Wrap(err, "cannot make key")
	}
	if template.SerialNumber, err = serial(random); err != nil {
		return Pair{}, err
	}
	if template.SubjectKeyId, err = keyID(key.Public()); err != nil {
		return Pair{}, err
	}
	issuer, signer := template, crypto.Signer(key)
	if parent != nil {
		issuer, signer = parent.Certificate, parent.Key
	}
	der, err := x509.CreateCertificate(random, template, issuer, key.Public(), signer)
	if err != nil {
		return Pair{}, errors.Wrap(err, "cannot sign certificate")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Pair{}, errors.Wrap(err, "cannot read certificate")
	}
	return Pair{Certificate: c, Key: key}, nil
}

// serial returns a number that is unique without a record of those in use.
func serial(random io.Reader) (*big.Int, error) {
	b := make([]byte, serialBits/8)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, errors.Wrap(err, "cannot make serial number")
	}
	return new(big.Int).SetBytes(b), nil
}

// keyID tells apart the keys of authorities of the same name, old and new (RFC 7093, method 1).
func keyID(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, errors.Wrap(err, "cannot write public key")
	}
	sum := sha256.Sum256(der)
	return sum[:20], nil
}
