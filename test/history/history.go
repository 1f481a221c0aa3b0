// Package history reads all that ever happened below a root of an etcd, so that tests can say "never at any revision".
package history

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A Change of one key.
type Change struct {
	// Key, without the root.
	Key string

	// Value that was written. It is empty if the key was deleted.
	Value string

	// Deleted is true if the key was deleted.
	Deleted bool

	// Created is true if there was no such key before.
	Created bool
}

// A Moment is a revision that changed something below the root.
type Moment struct {
	// Revision of etcd.
	Revision int64

	// Changes that were made at once.
	Changes []Change

	// State of all keys after it, without the root.
	State map[string]string
}

// History of a root, in order.
type History []Moment

// Read all revisions up to now. Whoever compacts the etcd loses its history.
func Read(ctx context.Context, c *clientv3.Client, root string) (History, error) {
	prefix := strings.TrimSuffix(root, "/") + "/"
	now, err := c.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		return nil, errors.Wrap(err, "cannot read revision")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var out History
	state := map[string]string{}
	watch := c.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(1))
	// Progress is reported when all events have been delivered. A server that is not there yet ignores the request.
	go func() {
		for ctx.Err() == nil {
			_ = c.RequestProgress(ctx)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	for resp := range watch {
		if err := resp.Err(); err != nil {
			return nil, errors.Wrap(err, "cannot watch")
		}
		for _, e := range resp.Events {
			if e.Kv.ModRevision <= now.Header.GetRevision() {
				out = out.with(state, e, prefix)
			}
		}
		if resp.IsProgressNotify() && resp.Header.GetRevision() >= now.Header.GetRevision() {
			return out, nil
		}
	}
	return nil, errors.Wrap(ctx.Err(), "watch ended")
}

// with is the history with one more change.
func (h History) with(state map[string]string, e *clientv3.Event, prefix string) History {
	ch := Change{Key: strings.TrimPrefix(string(e.Kv.Key), prefix), Value: string(e.Kv.Value), Deleted: e.Type == clientv3.EventTypeDelete, Created: e.IsCreate()}
	state[ch.Key] = ch.Value
	if ch.Deleted {
		delete(state, ch.Key)
	}
	if n := len(h); n > 0 && h[n-1].Revision == e.Kv.ModRevision {
		h[n-1].Changes = append(h[n-1].Changes, ch)
		h[n-1].State = maps.Clone(state)
		return h
	}
	return append(h, Moment{Revision: e.Kv.ModRevision, Changes: []Change{ch}, State: maps.Clone(state)})
}

// Of returns all changes of a key.
func (h History) Of(key string) []Change {
	var out []Change
	for _, m := range h {
		for _, c := range m.Changes {
			if c.Key == key {
				out = append(out, c)
			}
		}
	}
	return out
}

// Creations returns how many times a key came to be.
func (h History) Creations(key string) int {
	n := 0
	for _, c := range h.Of(key) {
		if c.Created {
			n++
		}
	}
	return n
}

// Values returns what was written to a key, in order.
func (h History) Values(key string) []string {
	var out []string
	for _, c := range h.Of(key) {
		if !c.Deleted {
			out = append(out, c.Value)
		}
	}
	return out
}

// After returns the part of the history after a revision.
func (h History) After(revision int64) History {
	for i, m := range h {
		if m.Revision > revision {
			return h[i:]
		}
	}
	return nil
}
