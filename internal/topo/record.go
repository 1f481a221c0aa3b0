package topo

import (
	"context"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
)

// A Record is a record as it was read.
type Record[M proto.Message] struct {
	// Path of the record.
	Path Path

	// Message is the record's content. A change to it changes nothing else.
	Message M

	// Revision of etcd that last wrote the record. It is 0 if there is none.
	Revision int64

	// Owner of the record, or empty. A record that is absent may have one: it
	// was deleted behind its owner's back.
	Owner string

	raw []byte
}

// Records are all records of one type.
type Records[M proto.Message] struct {
	store   *Store
	folder  string
	pattern string
}

// Get reads a record. With ErrAbsent it still returns the path and the owner.
func (r Records[M]) Get(ctx context.Context, p Path) (Record[M], error) {
	rec := Record[M]{Path: p}

	if err := p.check(r.pattern); err != nil {
		return rec, err
	}

	var resp *clientv3.TxnResponse

	err := r.store.do(ctx, func(ctx context.Context) error {
		var err error
		// Without a condition, a transaction reads both keys at one revision.
		resp, err = r.store.client.Txn(ctx).Then(
			clientv3.OpGet(r.store.recordKey(p)),
			clientv3.OpGet(r.store.ownerKey(p)),
		).Commit()

		return err
	})
	if err != nil {
		return rec, errors.Wrapf(err, "cannot read %s", p)
	}

	r.store.answered(resp.Header)
	rec.Owner = string(value(resp, 1))

	kvs := resp.Responses[0].GetResponseRange().GetKvs()
	if len(kvs) == 0 {
		return rec, errors.Wrapf(ErrAbsent, "cannot read %s", p)
	}

	return rec.with(kvs[0].Value, kvs[0].ModRevision)
}

// List reads all records, in the order of their paths, with their owners. There
// being none is no error.
func (r Records[M]) List(ctx context.Context) ([]Record[M], error) {
	var resp *clientv3.TxnResponse

	err := r.store.do(ctx, func(ctx context.Context) error {
		var err error

		p := Path(r.folder)
		resp, err = r.store.client.Txn(ctx).Then(
			clientv3.OpGet(r.store.recordKey(p)+"/", clientv3.WithPrefix()),
			clientv3.OpGet(r.store.ownerKey(p)+"/", clientv3.WithPrefix()),
		).Commit()

		return err
	})
	if err != nil {
		return nil, errors.Wrapf(err, "cannot list %s", r.folder)
	}

	owners := make(map[string]string)
	for _, kv := range resp.Responses[1].GetResponseRange().GetKvs() {
		owners[strings.TrimPrefix(string(kv.Key), r.store.ownerKey("")+"/")] = string(kv.Value)
	}

	var out []Record[M]

	for _, kv := range resp.Responses[0].GetResponseRange().GetKvs() {
		p := r.store.path(string(kv.Key))
		// Locks and other records share the folder.
		if p.check(r.pattern) != nil {
			continue
		}

		rec, err := Record[M]{Path: p, Owner: owners[string(p)]}.with(kv.Value, kv.ModRevision)
		if err != nil {
			return nil, err
		}

		out = append(out, rec)
	}

	return out, nil
}

// with is the record with the content that etcd returned.
func (r Record[M]) with(raw []byte, revision int64) (Record[M], error) {
	m, err := decode[M](raw)
	if err != nil {
		return r, errors.Wrapf(err, "cannot read %s", r.Path)
	}

	r.Message, r.Revision, r.raw = m, revision, raw

	return r, nil
}

// path is the path that a key below the root has.
func (s *Store) path(key string) Path {
	return Path(strings.TrimPrefix(strings.TrimPrefix(key, s.root), "/"))
}

// value is the value of the one key that response i of a transaction read, or
// nil.
func value(resp *clientv3.TxnResponse, i int) []byte {
	kvs := resp.Responses[i].GetResponseRange().GetKvs()
	if len(kvs) == 0 {
		return nil
	}

	return kvs[0].Value
}
