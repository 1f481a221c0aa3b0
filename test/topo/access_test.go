package topo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// certificate is a self-signed certificate for loopback that is its own CA.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()

	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("cannot generate key: %v", err)
	}

	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "etcd"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"etcd.example.org"},
	}

	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
	if err != nil {
		t.Fatalf("cannot create certificate: %v", err)
	}

	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatalf("cannot marshal key: %v", err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func TestTLS(t *testing.T) {
	t.Parallel()

	cert, key := certificate(t)
	stranger, strangerKey := certificate(t)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")

	for file, data := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatalf("cannot write: %v", err)
		}
	}

	etcd := startEtcd(t, "--client-cert-auth", "--trusted-ca-file="+certFile, "--cert-file="+certFile, "--key-file="+keyFile)

	cases := map[string]struct {
		reason string
		tls    *topo.TLS
		want   error
	}{
		"Mutual":       {reason: "Both sides trust each other.", tls: &topo.TLS{CA: cert, Cert: cert, Key: key}},
		"ServerName":   {reason: "The server has that name, too.", tls: &topo.TLS{CA: cert, Cert: cert, Key: key, ServerName: "etcd.example.org"}},
		"OtherName":    {reason: "A server of another name is not the one.", tls: &topo.TLS{CA: cert, Cert: cert, Key: key, ServerName: "example.org"}, want: topo.ErrUnavailable},
		"OtherCA":      {reason: "A server that nobody vouches for is not the one.", tls: &topo.TLS{CA: stranger, Cert: cert, Key: key}, want: topo.ErrUnavailable},
		"NoClientCert": {reason: "The server wants to know who calls.", tls: &topo.TLS{CA: cert}, want: topo.ErrUnavailable},
		"OtherClient":  {reason: "The server does not trust the caller.", tls: &topo.TLS{CA: cert, Cert: stranger, Key: strangerKey}, want: topo.ErrUnavailable},
		"Plain":        {reason: "The server does not talk in the clear.", want: topo.ErrUnavailable},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t, etcd.Address, func(c *topo.Config) { c.TLS, c.Timeout = tc.tls, 2*time.Second })

			_, err := s.Cells().List(testContext(t))
			want(t, tc.reason, tc.want, err)
		})
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, raw := testContext(t), etcd.Client(t)

	steps := []func(context.Context) error{
		func(ctx context.Context) error { _, err := raw.UserAdd(ctx, "root", "secret"); return err },
		func(ctx context.Context) error { _, err := raw.UserGrantRole(ctx, "root", "root"); return err },
		func(ctx context.Context) error { _, err := raw.UserAdd(ctx, "reader", "read"); return err },
		func(ctx context.Context) error { _, err := raw.RoleAdd(ctx, "reader"); return err },
		func(ctx context.Context) error {
			_, err := raw.RoleGrantPermission(ctx, "reader", root+"/", clientv3.GetPrefixRangeEnd(root+"/"), clientv3.PermissionType(clientv3.PermRead))

			return err
		},
		func(ctx context.Context) error { _, err := raw.UserGrantRole(ctx, "reader", "reader"); return err },
		func(ctx context.Context) error { _, err := raw.AuthEnable(ctx); return err },
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			t.Fatalf("cannot set up users: %v", err)
		}
	}

	login := func(user, password string) func(*topo.Config) {
		return func(c *topo.Config) { c.Username, c.Password = user, password }
	}

	_, err := open(t, etcd.Address, login("root", "secret")).Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "A user with access writes", nil, err)

	reader := open(t, etcd.Address, login("reader", "read"))
	_, err = reader.Cells().Get(ctx, zone1)
	want(t, "A reader reads", nil, err)
	want(t, "And does not write", topo.ErrDenied, reader.Raise(ctx, 2))

	_, err = open(t, etcd.Address).Cells().Get(ctx, zone1)
	want(t, "Nobody does not read", topo.ErrDenied, err)

	_, err = topo.Open(topo.Config{Endpoints: []string{etcd.Address}, Root: root, Identity: identity, Username: "root", Password: "wrong"})
	want(t, "A wrong password opens nothing", topo.ErrDenied, err)

	_, err = topo.Open(topo.Config{Endpoints: []string{freeAddr(t)}, Root: root, Identity: identity, Username: "root", Password: "secret", Timeout: time.Second})
	want(t, "A password cannot be checked without etcd", topo.ErrUnavailable, err)
}
