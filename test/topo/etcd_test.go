// Package topo tests internal/topo against a real etcd and Multigres' own
// topology client.
package topo

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

const (
	root     = "/multigres/global"
	identity = "provider-a"
)

// startEtcd starts an etcd that ends with the test.
func startEtcd(t testing.TB, args ...string) *etcd.Server {
	t.Helper()

	return etcd.Run(t, args...)
}

// restart starts an etcd that was killed, on the data it had.
func restart(t testing.TB, s *etcd.Server) {
	t.Helper()

	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
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

	a, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}

	return a
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
