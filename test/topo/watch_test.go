package topo

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// watch runs a watch until the test ends and returns its events.
func watch(t *testing.T, s *topo.Store, folder string, after int64) <-chan topo.Event {
	t.Helper()

	ctx, cancel := context.WithCancel(context.Background())
	events, done := make(chan topo.Event, 100), make(chan error, 1)

	go func() { done <- s.Watch(ctx, folder, after, func(e topo.Event) { events <- e }) }()

	t.Cleanup(func() {
		cancel()
		want(t, "A watch ends with its context", context.Canceled, <-done)
	})

	return events
}

// next expects an event, whatever its revision, and returns its revision.
func next(t *testing.T, events <-chan topo.Event, et topo.EventType, p topo.Path) int64 {
	t.Helper()

	select {
	case got := <-events:
		if diff := cmp.Diff(topo.Event{Type: et, Path: p, Revision: got.Revision}, got); diff != "" {
			t.Fatalf("next event: -want +got:\n%s", diff)
		}

		return got.Revision
	case <-time.After(20 * time.Second):
		t.Fatalf("no event %s %s within 20 s", et, p)
	}

	return 0
}

func TestWatch(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s := testContext(t), open(t, etcd.Address)

	rec, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "A record is created", nil, err)

	all, cells := watch(t, s, "", 0), watch(t, s, "cells", rec.Revision)
	next(t, all, topo.EventList, "")
	next(t, all, topo.EventPut, zone1)

	rec, err = s.Cells().Update(ctx, writer, rec, setRoot("/b"))
	want(t, "A record is updated", nil, err)

	if got := next(t, all, topo.EventPut, zone1); got != rec.Revision {
		t.Errorf("the update has revision %d, its event %d", rec.Revision, got)
	}

	next(t, cells, topo.EventPut, zone1)

	_, err = s.Databases().Create(ctx, writer, topo.DatabasePath("postgres"), database())
	want(t, "A record of another folder is created", nil, err)
	next(t, all, topo.EventPut, topo.DatabasePath("postgres"))
	next(t, all, topo.EventOwner, topo.DatabasePath("postgres"))

	want(t, "A record is deleted", nil, s.Cells().Delete(ctx, writer, rec))
	next(t, all, topo.EventDelete, zone1)
	next(t, all, topo.EventOwner, zone1)
	next(t, cells, topo.EventDelete, zone1)
}

func TestWatchOverRestart(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s := testContext(t), open(t, etcd.Address)

	events := watch(t, s, "cells", 0)
	next(t, events, topo.EventList, "")

	for i := range 3 {
		etcd.Kill()
		restart(t, etcd)

		// Another client writes at once, before the watch is back.
		raw := etcd.Client(t)
		eventually(t, "etcd writes", func() bool {
			_, err := raw.Put(ctx, root+"/"+string(zone1), "\x0a\x05zone1")

			return err == nil
		})
		next(t, events, topo.EventPut, zone1)

		if len(events) > 0 {
			t.Errorf("restart %d: %d more events than changes", i, len(events))
		}
	}
}

func TestWatchOverCompaction(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s, raw := testContext(t), open(t, etcd.Address), etcd.Client(t)

	rec, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "A record is created", nil, err)

	old := rec.Revision
	for _, r := range []string{"/b", "/c", "/d"} {
		rec, err = s.Cells().Update(ctx, writer, rec, setRoot(r))
		want(t, "A record is updated", nil, err)
	}

	if _, err := raw.Compact(ctx, rec.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatalf("cannot compact: %v", err)
	}

	events := watch(t, s, "cells", old)
	if got := next(t, events, topo.EventList, ""); got < rec.Revision {
		t.Errorf("listed at revision %d, want at least %d", got, rec.Revision)
	}

	if got := next(t, events, topo.EventPut, zone1); got != rec.Revision {
		t.Errorf("listed a record of revision %d, want %d", got, rec.Revision)
	}

	_, err = s.Cells().Update(ctx, writer, rec, setRoot("/e"))
	want(t, "A record is updated", nil, err)
	next(t, events, topo.EventPut, zone1)
}
