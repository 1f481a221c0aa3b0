// Package topo tests internal/topo against a real etcd and Multigres' own
// topology client.
package topo

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

const (
	// envEtcd is the path of the etcd server. `make integration` exports it.
	envEtcd = "ETCD_BIN"

	root     = "/multigres/global"
	identity = "provider-a"
)

// server is an etcd of one member on loopback.
type server struct {
	addr string
	peer string
	dir  string
	args []string
	cmd  *exec.Cmd
}

// startEtcd starts an etcd and waits until it answers. It ends with the test.
func startEtcd(t testing.TB, args ...string) *server {
	t.Helper()

	if os.Getenv(envEtcd) == "" {
		t.Fatalf("environment variable %s is not set, run `make integration`", envEtcd)
	}

	s := &server{addr: freeAddr(t), peer: freeAddr(t), dir: filepath.Join(t.TempDir(), "etcd"), args: args}
	t.Cleanup(s.kill)
	s.start(t)

	return s
}

// start starts the process on the data it had.
func (s *server) start(t testing.TB) {
	t.Helper()

	scheme := "http://"
	for _, a := range s.args {
		if a == "--client-cert-auth" {
			scheme = "https://"
		}
	}

	s.cmd = exec.Command(os.Getenv(envEtcd), append([]string{
		"--name=a",
		"--data-dir=" + s.dir,
		"--listen-client-urls=" + scheme + s.addr,
		"--advertise-client-urls=" + scheme + s.addr,
		"--listen-peer-urls=http://" + s.peer,
		"--initial-advertise-peer-urls=http://" + s.peer,
		"--initial-cluster=a=http://" + s.peer,
		"--unsafe-no-fsync",
		"--log-level=error",
	}, s.args...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

	if err := s.cmd.Start(); err != nil {
		t.Fatalf("cannot start etcd: %v", err)
	}

	eventually(t, "etcd listens", func() bool {
		c, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err != nil {
			return false
		}

		return c.Close() == nil
	})
}

// kill ends the process at once.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// raw is a plain client of the server.
func (s *server) raw(t testing.TB) *clientv3.Client {
	t.Helper()

	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.addr}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatalf("cannot open raw client: %v", err)
	}

	t.Cleanup(func() { _ = c.Close() })

	return c
}

// open opens a store on an endpoint, with changes to its configuration.
func open(t testing.TB, endpoint string, change ...func(*topo.Config)) *topo.Store {
	t.Helper()

	cfg := topo.Config{Endpoints: []string{endpoint}, Root: root, Identity: identity}
	for _, c := range change {
		c(&cfg)
	}

	s, err := topo.Open(cfg)
	if err != nil {
		t.Fatalf("cannot open store: %v", err)
	}

	t.Cleanup(func() { _ = s.Close() })

	return s
}

func freeAddr(t testing.TB) string {
	t.Helper()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("cannot find a free port: %v", err)
	}
	defer l.Close()

	return l.Addr().String()
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()

	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}

	t.Fatalf("not within 20 s: %s", what)
}

func testContext(t testing.TB) context.Context {
	t.Helper()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)

	return ctx
}
