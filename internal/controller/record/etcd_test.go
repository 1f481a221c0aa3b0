package record

import (
	"bytes"
	"context"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A fakeEtcd holds keys in memory and answers as etcd does, as far as it is asked here. It tells nobody of changes.
type fakeEtcd struct {
	etcdserverpb.UnimplementedKVServer
	etcdserverpb.UnimplementedWatchServer

	address string
	cluster uint64

	mu       sync.Mutex
	revision int64
	keys     map[string]*mvccpb.KeyValue
	away     bool
	// meanwhile is done once, before the next transaction that may write.
	meanwhile func()
}

// runEtcd starts a server of a cluster that ends with the test.
func runEtcd(t *testing.T, cluster uint64) *fakeEtcd {
	t.Helper()
	e := &fakeEtcd{cluster: cluster, revision: 1, keys: map[string]*mvccpb.KeyValue{}}
	e.listen(t)
	return e
}

// listen at one more address, which becomes the server's.
func (e *fakeEtcd) listen(t *testing.T) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.address = l.Addr().String()
	s := grpc.NewServer()
	etcdserverpb.RegisterKVServer(s, e)
	etcdserverpb.RegisterWatchServer(s, e)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
}

// Watch nothing, until the client has had enough.
func (e *fakeEtcd) Watch(s etcdserverpb.Watch_WatchServer) error {
	<-s.Context().Done()
	return nil
}

func (e *fakeEtcd) header() *etcdserverpb.ResponseHeader {
	return &etcdserverpb.ResponseHeader{ClusterId: e.cluster, Revision: e.revision}
}

// Range reads keys.
func (e *fakeEtcd) Range(_ context.Context, r *etcdserverpb.RangeRequest) (*etcdserverpb.RangeResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away {
		return nil, status.Error(codes.Unavailable, "away")
	}
	return e.read(r), nil
}

func (e *fakeEtcd) read(r *etcdserverpb.RangeRequest) *etcdserverpb.RangeResponse {
	out := &etcdserverpb.RangeResponse{Header: e.header()}
	for k, kv := range e.keys {
		if k == string(r.Key) || len(r.RangeEnd) > 0 && k >= string(r.Key) && k < string(r.RangeEnd) {
			out.Kvs = append(out.Kvs, kv)
		}
	}
	slices.SortFunc(out.Kvs, func(a, b *mvccpb.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	out.Count = int64(len(out.Kvs))
	return out
}

// Txn compares, and does what follows.
func (e *fakeEtcd) Txn(_ context.Context, r *etcdserverpb.TxnRequest) (*etcdserverpb.TxnResponse, error) {
	e.mu.Lock()
	f := e.meanwhile
	if len(r.Compare) > 0 && f != nil {
		e.meanwhile = nil
		e.mu.Unlock()
		f()
		e.mu.Lock()
	}
	defer e.mu.Unlock()
	if e.away {
		return nil, status.Error(codes.Unavailable, "away")
	}
	for _, c := range r.Compare {
		if c.Target != etcdserverpb.Compare_MOD && c.Target != etcdserverpb.Compare_VALUE {
			return nil, status.Errorf(codes.Unimplemented, "cannot compare %s", c.Target)
		}
	}
	ops, ok := r.Success, !slices.ContainsFunc(r.Compare, func(c *etcdserverpb.Compare) bool { return !e.holds(c) })
	if !ok {
		ops = r.Failure
	}
	out := &etcdserverpb.TxnResponse{Succeeded: ok}
	next := e.revision + 1
	for _, op := range ops {
		if put := op.GetRequestPut(); put != nil {
			e.revision = next
			e.keys[string(put.Key)] = &mvccpb.KeyValue{Key: put.Key, Value: put.Value, ModRevision: next, CreateRevision: next, Version: 1}
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponsePut{ResponsePut: &etcdserverpb.PutResponse{}}})
		}
		if del := op.GetRequestDeleteRange(); del != nil {
			if _, there := e.keys[string(del.Key)]; there {
				e.revision = next
			}
			delete(e.keys, string(del.Key))
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: &etcdserverpb.DeleteRangeResponse{}}})
		}
		if get := op.GetRequestRange(); get != nil {
			out.Responses = append(out.Responses, &etcdserverpb.ResponseOp{Response: &etcdserverpb.ResponseOp_ResponseRange{ResponseRange: e.read(get)}})
		}
	}
	out.Header = e.header()
	return out, nil
}

// holds reports whether a comparison of a revision or a value is true. The value of a key that is absent compares with nothing.
func (e *fakeEtcd) holds(c *etcdserverpb.Compare) bool {
	kv, there := e.keys[string(c.Key)]
	if !there {
		kv = &mvccpb.KeyValue{}
	}
	order := int(kv.ModRevision - c.GetModRevision())
	if c.Target == etcdserverpb.Compare_VALUE {
		if !there {
			return false
		}
		order = bytes.Compare(kv.Value, c.GetValue())
	}
	if c.Result == etcdserverpb.Compare_GREATER {
		return order > 0
	}
	return order == 0
}

// put a value behind everybody's back.
func (e *fakeEtcd) put(value string, key ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revision++
	k := path.Join(key...)
	e.keys[k] = &mvccpb.KeyValue{Key: []byte(k), Value: []byte(value), ModRevision: e.revision}
}

// drop a key behind everybody's back.
func (e *fakeEtcd) drop(key ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.revision++
	delete(e.keys, path.Join(key...))
}

// get a value.
func (e *fakeEtcd) get(key ...string) (string, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	kv, ok := e.keys[path.Join(key...)]
	if !ok {
		return "", false
	}
	return string(kv.Value), true
}

// present are all keys but those of fences.
func (e *fakeEtcd) present() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for k := range e.keys {
		if !strings.Contains(k, "/crossplane/fence") {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// now is the revision.
func (e *fakeEtcd) now() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.revision
}

// goes away, or comes back.
func (e *fakeEtcd) goes(away bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.away = away
}

// before the next transaction that may write somebody else does something.
func (e *fakeEtcd) before(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meanwhile = f
}
