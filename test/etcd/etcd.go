// Package etcd runs a real etcd of one member on loopback for tests.
package etcd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// EnvBinary is the environment variable with the path of the server. `make integration` exports it.
const EnvBinary = "ETCD_BIN"

// startTimeout bounds how long a server may take until it listens. Machines that run tests are slow at times.
const startTimeout = 30 * time.Second

// A Server is an etcd that can be killed and started again on its data.
type Server struct {
	// Address that clients connect to, host:port.
	Address string

	dir  string
	peer string
	args []string
	cmd  *exec.Cmd
}

// New starts a server that keeps its data in a folder. Further arguments are passed to it. The caller ends it with Kill.
func New(dir string, args ...string) (*Server, error) {
	s := &Server{dir: dir, args: args}
	for _, a := range []*string{&s.Address, &s.peer} {
		var err error
		if *a, err = FreeAddress(); err != nil {
			return nil, err
		}
	}
	return s, s.Start()
}

// Run starts a server that ends with the test.
func Run(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := New(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// Start starts the process on the data that it had, and waits until it listens.
func (s *Server) Start() error {
	bin := os.Getenv(EnvBinary)
	if bin == "" {
		return errors.Errorf("environment variable %s is not set, run `make integration`", EnvBinary)
	}
	scheme := "http://"
	if slices.Contains(s.args, "--client-cert-auth") {
		scheme = "https://"
	}
	s.cmd = exec.Command(bin, append([]string{
		"--name=a",
		"--data-dir=" + s.dir,
		"--listen-client-urls=" + scheme + s.Address,
		"--advertise-client-urls=" + scheme + s.Address,
		"--listen-peer-urls=http://" + s.peer,
		"--initial-advertise-peer-urls=http://" + s.peer,
		"--initial-cluster=a=http://" + s.peer,
		"--unsafe-no-fsync",
		"--log-level=error",
	}, s.args...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return errors.Wrap(err, "cannot start etcd")
	}
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", s.Address, time.Second); err == nil {
			return errors.Wrap(c.Close(), "cannot close connection")
		}
	}
	return errors.Errorf("etcd does not listen at %s after %s", s.Address, startTimeout)
}

// Kill ends the process at once. It may be started again.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Signal sends a signal to the process.
func (s *Server) Signal(sig syscall.Signal) error {
	return errors.Wrapf(s.cmd.Process.Signal(sig), "cannot send %s to etcd", sig)
}

// Client returns a plain client of the server that ends with the test.
func (s *Server) Client(t testing.TB) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{s.Address}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatalf("cannot open client of etcd: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// FreeAddress returns an address on loopback that nobody listens at.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", errors.Wrap(err, "cannot find a free port")
	}
	return l.Addr().String(), errors.Wrap(l.Close(), fmt.Sprint("cannot free ", l.Addr()))
}
