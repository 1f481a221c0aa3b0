package topo

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// How long a watch that cannot be kept up waits before it lists again: longer
// each time in a row.
const (
	minWatchBackoff = 100 * time.Millisecond
	maxWatchBackoff = 5 * time.Second
)

// An EventType is what happened to a record.
type EventType string

const (
	// EventList means that what was known may be wrong: the records that exist
	// follow as EventPut, all others do not exist.
	EventList EventType = "List"

	// EventPut means that a record was written.
	EventPut EventType = "Put"

	// EventDelete means that a record was deleted.
	EventDelete EventType = "Delete"

	// EventOwner means that the owner of a record was written or deleted.
	EventOwner EventType = "Owner"
)

// An Event is one change below the watched folder.
type Event struct {
	// Type of the event.
	Type EventType

	// Path of the record. It may be a lock or another file of Multigres. It is
	// empty for EventList.
	Path Path

	// Revision of etcd that made the change or, for EventList, at which was
	// listed.
	Revision int64
}

// Watch delivers the changes below a folder, or below the root if it is empty,
// until the context ends, one after another. It begins after a revision, or
// with a list if that is 0. While etcd is away it waits, and then goes on where
// it was. When etcd has forgotten what came next, it lists. It returns the
// context's error, or ErrUnavailable after Close.
func (s *Store) Watch(ctx context.Context, folder string, after int64, deliver func(Event)) error {
	backoff := minWatchBackoff

	for {
		seen, err := s.begin(ctx, folder, after, deliver)
		if err == nil {
			backoff = minWatchBackoff
			s.follow(ctx, folder, seen, deliver)
		}

		after = 0

		select {
		case <-ctx.Done():
			return errors.Wrap(ctx.Err(), "watch ended")
		case <-s.client.Ctx().Done():
			return errors.Wrap(ErrUnavailable, "watch ended")
		case <-time.After(backoff):
			backoff = min(2*backoff, maxWatchBackoff)
		}
	}
}

// begin is the revision after which to follow, after a list if none is known.
func (s *Store) begin(ctx context.Context, folder string, after int64, deliver func(Event)) (int64, error) {
	if after > 0 {
		return after, nil
	}

	var resp *clientv3.GetResponse

	err := s.do(ctx, func(ctx context.Context) error {
		var err error
		resp, err = s.client.Get(ctx, s.prefix(folder), clientv3.WithPrefix(), clientv3.WithKeysOnly())

		return err
	})
	if err != nil {
		return 0, err
	}

	deliver(Event{Type: EventList, Revision: resp.Header.GetRevision()})

	for _, kv := range resp.Kvs {
		if e, ok := s.event(EventPut, string(kv.Key), kv.ModRevision); ok && e.Type == EventPut {
			deliver(e)
		}
	}

	return resp.Header.GetRevision(), nil
}

// follow delivers changes until the watch breaks. The client itself connects
// again and resumes as long as etcd remembers.
func (s *Store) follow(ctx context.Context, folder string, after int64, deliver func(Event)) {
	// A member that has lost its cluster ends the watch, and another is asked.
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()

	for resp := range s.client.Watch(ctx, s.prefix(folder), clientv3.WithPrefix(), clientv3.WithRev(after+1)) {
		if resp.Err() != nil {
			return
		}

		for _, ev := range resp.Events {
			t := EventPut
			if ev.Type == clientv3.EventTypeDelete {
				t = EventDelete
			}

			if e, ok := s.event(t, string(ev.Kv.Key), ev.Kv.ModRevision); ok {
				deliver(e)
			}
		}
	}
}

// event is the event of a key. It reports false for keys of this package that
// belong to no record.
func (s *Store) event(t EventType, key string, revision int64) (Event, bool) {
	p := string(s.path(key))

	if owned, ok := strings.CutPrefix(p, folderOwners+"/"); ok {
		return Event{Type: EventOwner, Path: Path(owned), Revision: revision}, true
	}

	if strings.HasPrefix(p, folderFence+"/") {
		return Event{}, false
	}

	return Event{Type: t, Path: Path(p), Revision: revision}, true
}

// prefix is the prefix of all keys below a folder.
func (s *Store) prefix(folder string) string {
	return strings.TrimSuffix(path.Join(s.root, folder), "/") + "/"
}
