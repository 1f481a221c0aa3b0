package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newAuthority(t *testing.T, duration time.Duration) Pair {
	t.Helper()
	p, err := NewAuthority(rand.Reader, now, "ca", duration)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encode(t *testing.T, p Pair) (cert, key []byte) {
	t.Helper()
	cert, key, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestIssue(t *testing.T) {
	ca, ended := newAuthority(t, 48*time.Hour), newAuthority(t, time.Hour)
	both := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	type want struct {
		notAfter time.Time
		err      error
	}
	cases := map[string]struct {
		reason    string
		authority Pair
		at        time.Time
		duration  time.Duration
		want      want
	}{
		"Whole": {
			reason:    "A certificate should be valid as long as was asked for.",
			authority: ca, at: now, duration: 24 * time.Hour,
			want: want{notAfter: now.Add(24 * time.Hour)},
		},
		"NoLongerThanAuthority": {
			reason:    "A certificate should not outlast the authority that signed it.",
			authority: ca, at: now, duration: 72 * time.Hour,
			want: want{notAfter: now.Add(48 * time.Hour)},
		},
		"AuthorityEnded": {
			reason:    "An authority that has ended should sign nothing.",
			authority: ended, at: now.Add(2 * time.Hour), duration: time.Hour,
			want: want{err: ErrInvalid},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r := Request{CommonName: "a.example", DNSNames: []string{"a.example", "*.b.example"}, Usages: both, Duration: tc.duration}
			p, err := Issue(rand.Reader, tc.at, tc.authority, r)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("%s\nIssue(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want.notAfter, p.Certificate.NotAfter); diff != "" {
				t.Errorf("%s\nNotAfter: -want, +got:\n%s", tc.reason, diff)
			}
			roots := x509.NewCertPool()
			roots.AddCert(tc.authority.Certificate)
			for _, u := range both {
				for _, host := range []string{"a.example", "x.b.example"} {
					if _, err := p.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: tc.at, KeyUsages: []x509.ExtKeyUsage{u}}); err != nil {
						t.Errorf("%s\nVerify(%s): %v", tc.reason, host, err)
					}
				}
			}
			if _, err := p.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "c.example", CurrentTime: tc.at}); err == nil {
				t.Errorf("%s\nVerify(): a name that was not asked for is good", tc.reason)
			}
			if !r.Matches(p.Certificate) {
				t.Errorf("%s\nMatches(): the certificate is not what was asked for", tc.reason)
			}
		})
	}
}

func TestMatches(t *testing.T) {
	r := Request{CommonName: "a", DNSNames: []string{"a", "b"}, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, Duration: time.Hour}
	p, err := Issue(rand.Reader, now, newAuthority(t, 2*time.Hour), r)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		r      Request
		want   bool
	}{
		"OtherOrder":  {reason: "The order of names should not matter.", r: Request{CommonName: "a", DNSNames: []string{"b", "a"}, Usages: r.Usages}, want: true},
		"FewerNames":  {reason: "A name that is no longer wanted should not stay.", r: Request{CommonName: "a", DNSNames: []string{"a"}, Usages: r.Usages}},
		"MoreNames":   {reason: "A new name should be noticed.", r: Request{CommonName: "a", DNSNames: []string{"a", "b", "c"}, Usages: r.Usages}},
		"OtherCN":     {reason: "Another common name should be noticed.", r: Request{CommonName: "b", DNSNames: r.DNSNames, Usages: r.Usages}},
		"OtherUsages": {reason: "Other usages should be noticed.", r: Request{CommonName: "a", DNSNames: r.DNSNames}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.r.Matches(p.Certificate)); diff != "" {
				t.Errorf("%s\nMatches(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestParseAuthority(t *testing.T) {
	ca := newAuthority(t, time.Hour)
	cert, key := encode(t, ca)
	_, otherKey := encode(t, newAuthority(t, time.Hour))
	l, err := Issue(rand.Reader, now, ca, Request{CommonName: "a", Duration: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	leafCert, leafKey := encode(t, l)
	garbage := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("garbage")})
	cases := map[string]struct {
		reason    string
		cert, key []byte
		want      error
	}{
		"Authority":    {reason: "What was written should be read.", cert: cert, key: key},
		"Leaf":         {reason: "A certificate that may not sign is no authority.", cert: leafCert, key: leafKey, want: ErrInvalid},
		"NoCert":       {reason: "A missing certificate is an error.", key: key, want: ErrInvalid},
		"NoKey":        {reason: "A missing key is an error.", cert: cert, want: ErrInvalid},
		"OtherKey":     {reason: "A key of another certificate is an error.", cert: cert, key: otherKey, want: ErrInvalid},
		"GarbageCert":  {reason: "A certificate that cannot be read is an error.", cert: garbage, key: key, want: ErrInvalid},
		"GarbageKey":   {reason: "A key that cannot be read is an error.", cert: cert, key: garbage, want: ErrInvalid},
		"CertNotInPEM": {reason: "Bytes that are no PEM are an error.", cert: []byte("x"), key: key, want: ErrInvalid},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ParseAuthority(tc.cert, tc.key)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nParseAuthority(): -want error, +got error:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestParseKey(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rk, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		reason string
		block  pem.Block
	}{
		"SEC1":  {reason: "Keys as openssl ecparam writes them should be read.", block: pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}},
		"PKCS1": {reason: "Keys as openssl genrsa writes them should be read.", block: pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rk)}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := parseKey(pem.EncodeToMemory(&tc.block)); err != nil {
				t.Errorf("%s\nparseKey(): %v", tc.reason, err)
			}
		})
	}
}

func TestTrusted(t *testing.T) {
	short, long := newAuthority(t, time.Hour).Certificate, newAuthority(t, 3*time.Hour).Certificate
	got := Trusted(now.Add(2*time.Hour), long, short, long)
	if diff := cmp.Diff([]*x509.Certificate{long}, got); diff != "" {
		t.Errorf("Trusted(): authorities that have ended, and second copies, should be left out: -want, +got:\n%s", diff)
	}
	if err := Verify(now, long, short); !errors.Is(err, ErrInvalid) {
		t.Errorf("Verify(): a certificate of an authority of the same name that is not trusted should be refused, got %v", err)
	}
	parsed, err := ParseBundle(EncodeBundle(long, short))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*x509.Certificate{long, short}, parsed); diff != "" {
		t.Errorf("ParseBundle(): what was written should be read: -want, +got:\n%s", diff)
	}
}

type brokenReader struct{}

var errBoom = errors.New("boom")

func (brokenReader) Read([]byte) (int, error) { return 0, errBoom }

func TestNoRandomness(t *testing.T) {
	if _, err := NewAuthority(brokenReader{}, now, "ca", time.Hour); !errors.Is(err, errBoom) {
		t.Errorf("NewAuthority(): without randomness there should be no authority, got %v", err)
	}
}
