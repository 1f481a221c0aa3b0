// Package etcd runs a real etcd of one member on loopback for tests.
package etcd

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// EnvBinary is the environment variable with the path of the server. `make integration` exports it.
const EnvBinary = "ETCD_BIN"

// startTimeout bounds how long a server may take until it listens. Machines that run tests are slow at times.
const startTimeout = 30 * time.Second

// The errors of a server that does not start.
var (
	// ErrNotBuilt means that nobody said where the server's binary is.
	ErrNotBuilt = errors.New("is not set, run `make integration`")

	// ErrSilent means that the server did not listen in time.
	ErrSilent = errors.New("etcd does not listen")
)

// A Server is an etcd that can be killed and started again on its data.
type Server struct {
	*process.Process

	// Address that clients connect to, host:port.
	Address string
}

// New starts a server that keeps its data and its log in a folder, and waits until it listens. Further arguments are passed to it.
// The caller ends it with Kill.
func New(dir string, args ...string) (*Server, error) {
	bin := os.Getenv(EnvBinary)
	if bin == "" {
		return nil, errors.Wrap(ErrNotBuilt, EnvBinary)
	}
	address, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	peer, err := process.FreeAddress()
	if err != nil {
		return nil, err
	}
	scheme := "http://"
	if slices.Contains(args, "--client-cert-auth") {
		scheme = "https://"
	}
	p, err := process.Start(process.Config{Name: "etcd", Path: bin, Log: filepath.Join(dir, "etcd.log"), Args: append([]string{
		"--name=a",
		"--data-dir=" + filepath.Join(dir, "data"),
		"--listen-client-urls=" + scheme + address,
		"--advertise-client-urls=" + scheme + address,
		"--listen-peer-urls=http://" + peer,
		"--initial-advertise-peer-urls=http://" + peer,
		"--initial-cluster=a=http://" + peer,
		"--unsafe-no-fsync",
		"--log-level=error",
	}, args...)})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: p, Address: address}
	if err := s.listens(); err != nil {
		s.Kill()
		return nil, err
	}
	return s, nil
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
	if err := s.Process.Start(); err != nil {
		return err
	}
	return s.listens()
}

func (s *Server) listens() error {
	d := net.Dialer{Timeout: time.Second}
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := d.Dial("tcp", s.Address); err == nil {
			return errors.Wrap(c.Close(), "cannot close connection")
		}
	}
	return errors.Wrapf(ErrSilent, "%s, %s: %s", s.Address, startTimeout, s.Tail(4000))
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
