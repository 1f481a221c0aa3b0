// Package function tests the function's process as the function specification of Crossplane wants it: its flags, mutual TLS,
// health and metrics.
package function

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/internal/engine"
	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
)

// timeout bounds every wait.
const timeout = 20 * time.Second

// authority signs certificates.
type authority struct{ *certificate.Authority }

func newAuthority(t *testing.T) authority {
	t.Helper()
	a, err := certificate.NewAuthority("ca")
	if err != nil {
		t.Fatal(err)
	}
	return authority{a}
}

// issue writes tls.crt, tls.key and ca.crt to a folder and returns it.
func (a authority) issue(t *testing.T, name string) string {
	t.Helper()
	p, err := a.Issue(certificate.Subject{User: name, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, b := range map[string][]byte{"ca.crt": a.Cert, "tls.crt": p.Cert, "tls.key": p.Key} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// client returns the TLS configuration of a client; without a folder it has no certificate of its own.
func (a authority) client(t *testing.T, dir string) *tls.Config {
	t.Helper()
	c := &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
	if dir == "" {
		return c
	}
	crt, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	c.Certificates = []tls.Certificate{crt}
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func binary(t *testing.T) string {
	t.Helper()
	p, err := engine.FromEnv()
	if err != nil {
		t.Fatal(err)
	}
	return p.Function
}

// TestServesWithMutualTLS starts the function as Crossplane's package manager does, with the folder of its certificates in the
// environment, and speaks to it with and without a client's certificate.
func TestServesWithMutualTLS(t *testing.T) {
	ca := newAuthority(t)
	addr, metrics := freePort(t), freePort(t)
	cmd := exec.Command(binary(t), "--debug", "--address", addr, "--metrics-address", metrics, "--ttl-in-progress", "3s")
	cmd.Env = append(os.Environ(), "TLS_SERVER_CERTS_DIR="+ca.issue(t, "server"))
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(timeout):
			_ = cmd.Process.Kill()
			t.Error("the function does not stop on SIGTERM")
		}
		if t.Failed() {
			t.Log(out.String())
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(ca.client(t, ca.issue(t, "client")))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	h, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil || h.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("health: want SERVING, got %v, %v", h.GetStatus(), err)
	}

	xr, err := structpb.NewStruct(map[string]any{
		"apiVersion": "multigres.com/v1alpha1", "kind": "TopoServer", "metadata": map[string]any{"name": "t"},
		"spec": map[string]any{"etcd": map[string]any{"image": "etcd", "replicas": 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rsp, err := fnv1.NewFunctionRunnerServiceClient(conn).RunFunction(ctx, &fnv1.RunFunctionRequest{Observed: &fnv1.State{Composite: &fnv1.Resource{Resource: xr}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(rsp.GetDesired().GetResources()) == 0 || rsp.GetMeta().GetTtl().AsDuration() != 3*time.Second {
		t.Errorf("want composed resources and the TTL of the flag, got %v", rsp)
	}

	stranger, err := grpc.NewClient(addr, grpc.WithTransportCredentials(credentials.NewTLS(ca.client(t, ""))))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if _, err := fnv1.NewFunctionRunnerServiceClient(stranger).RunFunction(ctx, &fnv1.RunFunctionRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("a client without a certificate must be refused, got %v", err)
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+metrics+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Body.Close() }()
	b, err := io.ReadAll(m.Body)
	if err != nil || !strings.Contains(string(b), `grpc_server_handled_total{grpc_code="OK",grpc_method="RunFunction"`) {
		t.Errorf("want metrics of the calls, got %v", err)
	}
}

func TestRefusesToStart(t *testing.T) {
	cases := map[string]struct {
		reason string
		args   []string
		want   string
	}{
		"NoCredentials":   {reason: "Without certificates and without --insecure nothing is served.", want: "no credentials"},
		"NoCertificates":  {reason: "A folder without certificates is an error.", args: []string{"--tls-certs-dir", t.TempDir()}, want: "cannot load X509 keypair"},
		"UnknownFlag":     {reason: "A flag that does not exist is an error.", args: []string{"--tls"}, want: "unknown flag"},
		"UnknownStrategy": {reason: "So is a strategy that does not exist.", args: []string{"--insecure", "--image-update-strategy", "never"}, want: "must be one of"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			cmd := exec.CommandContext(ctx, binary(t), append([]string{"--address", freePort(t), "--metrics-address="}, tc.args...)...)
			cmd.Env = []string{}
			out, err := cmd.CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("\n%s\nwant it to end with %q, got %v: %s", tc.reason, tc.want, err, out)
			}
		})
	}
}
