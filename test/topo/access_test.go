package topo

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
)

// pair makes an authority, and a certificate of it for an etcd on loopback and who calls it.
func pair(t *testing.T) (ca []byte, p certificate.Pair) {
	t.Helper()

	a, err := certificate.NewAuthority("ca")
	if err != nil {
		t.Fatal(err)
	}

	p, err = a.Issue(certificate.Subject{User: "etcd", IPs: []net.IP{net.IPv4(127, 0, 0, 1)}, Names: []string{"etcd.example.org"}})
	if err != nil {
		t.Fatal(err)
	}

	return a.Cert, p
}

func TestTLS(t *testing.T) {
	t.Parallel()

	ca, own := pair(t)
	otherCA, stranger := pair(t)
	base := filepath.Join(t.TempDir(), "tls")

	if err := own.Write(base); err != nil {
		t.Fatal(err)
	}

	if err := os.WriteFile(base+".ca", ca, 0o600); err != nil {
		t.Fatalf("cannot write: %v", err)
	}

	etcd := startEtcd(t, "--client-cert-auth", "--trusted-ca-file="+base+".ca", "--cert-file="+base+".crt", "--key-file="+base+".key")

	cases := map[string]struct {
		reason string
		tls    *topo.TLS
		want   error
	}{
		"Mutual":       {reason: "Both sides trust each other.", tls: &topo.TLS{CA: ca, Cert: own.Cert, Key: own.Key}},
		"ServerName":   {reason: "The server has that name, too.", tls: &topo.TLS{CA: ca, Cert: own.Cert, Key: own.Key, ServerName: "etcd.example.org"}},
		"OtherName":    {reason: "A server of another name is not the one.", tls: &topo.TLS{CA: ca, Cert: own.Cert, Key: own.Key, ServerName: "example.org"}, want: topo.ErrUnavailable},
		"OtherCA":      {reason: "A server that nobody vouches for is not the one.", tls: &topo.TLS{CA: otherCA, Cert: own.Cert, Key: own.Key}, want: topo.ErrUnavailable},
		"NoClientCert": {reason: "The server wants to know who calls.", tls: &topo.TLS{CA: ca}, want: topo.ErrUnavailable},
		"OtherClient":  {reason: "The server does not trust the caller.", tls: &topo.TLS{CA: ca, Cert: stranger.Cert, Key: stranger.Key}, want: topo.ErrUnavailable},
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
