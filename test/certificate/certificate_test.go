package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIssue(t *testing.T) {
	t.Parallel()

	a, err := NewAuthority("a")
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := NewAuthority("a")
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Issue(Subject{User: "system:node:n1", Groups: []string{"system:nodes"}, Names: []string{"n1"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatalf("certificate and key do not belong together: %v", err)
	}
	if diff := cmp.Diff([]string{"system:nodes"}, pair.Leaf.Subject.Organization); diff != "" {
		t.Errorf("\nThe API server reads groups from the organization\n-want, +got:\n%s", diff)
	}

	for _, name := range []string{"n1", "127.0.0.1"} {
		for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			o := x509.VerifyOptions{Roots: a.Pool(), DNSName: name, KeyUsages: []x509.ExtKeyUsage{usage}}
			if _, err := pair.Leaf.Verify(o); err != nil {
				t.Errorf("not good for %s as %v: %v", name, usage, err)
			}
			o.Roots = stranger.Pool()
			if _, err := pair.Leaf.Verify(o); err == nil {
				t.Errorf("another authority of the same name vouches for it")
			}
		}
	}
}
