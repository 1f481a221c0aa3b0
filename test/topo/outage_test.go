package topo

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// limit is how soon every call must have failed: the default deadline and some
// time for a busy machine.
const limit = topo.DefaultTimeout + 2*time.Second

// unavailable checks that all calls fail as ErrUnavailable in time.
func unavailable(t *testing.T, s *topo.Store) {
	t.Helper()

	ctx := testContext(t)

	calls := map[string]func() error{
		"Get": func() error {
			_, err := s.Cells().Get(ctx, zone1)

			return err
		},
		"List": func() error {
			_, err := s.Cells().List(ctx)

			return err
		},
		"Create": func() error {
			_, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))

			return err
		},
		"Raise": func() error { return s.Raise(ctx, 1) },
	}

	type result struct {
		name string
		err  error
		took time.Duration
	}

	results := make(chan result, len(calls))

	for name, call := range calls {
		go func() {
			start := time.Now()
			err := call()
			results <- result{name: name, err: err, took: time.Since(start)}
		}()
	}

	for range calls {
		r := <-results
		want(t, r.name+" without an answer", topo.ErrUnavailable, r.err)

		if r.took > limit || errors.Is(r.err, topo.ErrAbsent) {
			t.Errorf("%s: %v after %s, want ErrUnavailable within %s", r.name, r.err, r.took, limit)
		}
	}
}

func TestDeadEtcd(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s := testContext(t), open(t, etcd.Address)

	rec, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "A live etcd is written to", nil, err)

	etcd.Kill()
	unavailable(t, s)
	restart(t, etcd)

	eventually(t, "the store works again", func() bool {
		got, err := s.Cells().Get(ctx, zone1)

		return err == nil && got.Revision == rec.Revision
	})
}

func TestFrozenEtcd(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s := testContext(t), open(t, etcd.Address)

	want(t, "A live etcd is written to", nil, s.Raise(ctx, 1))

	etcd.Pause()

	unavailable(t, s)

	etcd.Resume()

	// The create was sent before etcd froze, so it may have happened.
	eventually(t, "the store works again", func() bool {
		_, err := s.Cells().Get(ctx, zone1)

		return err == nil || errors.Is(err, topo.ErrAbsent)
	})
}

func TestBlackHole(t *testing.T) {
	t.Parallel()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("cannot listen: %v", err)
	}
	defer l.Close()

	// The kernel accepts and nobody answers.
	s := open(t, l.Addr().String())
	unavailable(t, s)

	// By now that is known, and nobody waits for it any more.
	began := time.Now()

	for range 100 {
		_, err := s.Cells().Get(testContext(t), zone1)
		want(t, "A server that is known not to answer is not asked", topo.ErrUnavailable, err)
	}

	if took := time.Since(began); took > topo.DefaultTimeout {
		t.Errorf("100 calls took %s, longer than one that waits for an answer", took)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()

	unavailable(t, open(t, freeAddr(t)))
}

func TestCallers(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	s := open(t, etcd.Address)

	gone, cancel := context.WithCancel(context.Background())
	cancel()

	_, err := s.Cells().Get(gone, zone1)
	want(t, "A caller that went away gets its own error", context.Canceled, err)

	if errors.Is(err, topo.ErrUnavailable) {
		t.Errorf("a caller that went away says nothing about etcd: %v", err)
	}

	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()

	_, err = s.Cells().Get(late, zone1)
	want(t, "A caller without time learns nothing", topo.ErrUnavailable, err)

	_, err = s.Cells().Get(testContext(t), zone1)
	want(t, "Which does not disturb others", topo.ErrAbsent, err)
	want(t, "Closing works", nil, s.Close())

	_, err = s.Cells().Get(testContext(t), zone1)
	want(t, "A closed store answers nothing", topo.ErrUnavailable, err)
	want(t, "And watches nothing", topo.ErrUnavailable, s.Watch(testContext(t), "", 0, func(topo.Event) {}))
}
