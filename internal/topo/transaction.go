package topo

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxAttempts bounds the transactions of one write: the first, one after
// raising the fence, and one after finding the writer's own owner key.
const maxAttempts = 3

// A change is what one transaction does to a record and its owner key.
type change struct {
	path Path

	// What the transaction requires: the revision that last wrote the record,
	// 0 if it must be absent, and its owner, empty if there must be none.
	revision int64
	owner    string

	// create means that nothing was read before, so that any owner key that
	// the writer may take will do.
	create bool

	// put writes the record's value, remove deletes the record and its owner
	// key.
	put    bool
	value  []byte
	remove bool
}

// found is what a transaction that did not succeed found.
type found struct {
	fence    string
	revision int64
	owner    string
}

// write makes a change and returns the revision it made.
func (s *Store) write(ctx context.Context, w Writer, c change) (int64, error) {
	var revision int64

	err := s.do(ctx, func(ctx context.Context) error {
		for range maxAttempts {
			resp, err := s.commit(ctx, w, c)
			if err != nil {
				return err
			}

			if resp.Succeeded {
				revision = resp.Header.GetRevision()

				return nil
			}

			f := read(resp)
			if f.fence < fenceValue(w.Token) {
				if err := s.raise(ctx, w.Token); err != nil {
					return err
				}

				continue
			}

			if err := refusal(w, c, f); err != nil {
				return err
			}

			c.owner = f.owner
		}

		return ErrConflict
	})

	return revision, err
}

// commit sends a change as one transaction.
func (s *Store) commit(ctx context.Context, w Writer, c change) (*clientv3.TxnResponse, error) {
	record, owner, fence := s.recordKey(c.path), s.ownerKey(c.path), s.fenceKey()

	owned := clientv3.Compare(clientv3.Value(owner), "=", c.owner)
	if c.owner == "" {
		owned = clientv3.Compare(clientv3.ModRevision(owner), "=", 0)
	}

	return s.client.Txn(ctx).
		If(
			clientv3.Compare(clientv3.Value(fence), "=", fenceValue(w.Token)),
			clientv3.Compare(clientv3.ModRevision(record), "=", c.revision),
			owned,
		).
		Then(c.ops(record, owner, w.Owner)...).
		Else(clientv3.OpGet(fence), clientv3.OpGet(record), clientv3.OpGet(owner)).
		Commit()
}

// ops are the operations of a change. Keys that would stay the same are left
// alone.
func (c change) ops(record, owner, writer string) []clientv3.Op {
	if c.remove {
		return []clientv3.Op{clientv3.OpDelete(record), clientv3.OpDelete(owner)}
	}

	var ops []clientv3.Op

	if c.put {
		ops = append(ops, clientv3.OpPut(record, string(c.value)))
	}

	if c.owner != writer {
		ops = append(ops, clientv3.OpPut(owner, writer))
	}

	return ops
}

// read is what a transaction that did not succeed found.
func read(resp *clientv3.TxnResponse) found {
	f := found{fence: string(value(resp, 0)), owner: string(value(resp, 2))}

	if kvs := resp.Responses[1].GetResponseRange().GetKvs(); len(kvs) > 0 {
		f.revision = kvs[0].ModRevision
	}

	return f
}

// refusal says why etcd refused a change, or nil if the change may be tried
// again with the owner that was found. Who leads comes first, then who owns,
// then what changed.
func refusal(w Writer, c change, f found) error {
	if f.fence > fenceValue(w.Token) {
		return ErrFenced
	}

	// Nothing is left that anybody could own.
	if !c.create && f.revision == 0 && f.owner == "" {
		return ErrAbsent
	}

	if f.owner != c.owner && !w.may(f.owner) && (f.owner != "" || !c.create) {
		return ErrOwnedByOther
	}

	if f.revision != c.revision {
		return misses(c, f)
	}

	if !c.create {
		return ErrConflict
	}

	return nil
}

// misses is the class of a change whose record is at another revision.
func misses(c change, f found) error {
	if c.create {
		return ErrExists
	}

	if f.revision == 0 {
		return ErrAbsent
	}

	return ErrConflict
}
