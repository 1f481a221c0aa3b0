package history

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

func TestRead(t *testing.T) {
	ctx, c := t.Context(), etcd.Run(t).Client(t)
	for _, ops := range [][]clientv3.Op{
		{clientv3.OpPut("/r/a", "1"), clientv3.OpPut("/r/b", "1")},
		{clientv3.OpPut("/other", "1")},
		{clientv3.OpPut("/r/a", "2")},
		{clientv3.OpDelete("/r/a")},
		{clientv3.OpPut("/r/a", "3")},
		{clientv3.OpPut("/other", "2")},
	} {
		if _, err := c.Txn(ctx).Then(ops...).Commit(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(ctx, c, "/r")
	if err != nil {
		t.Fatal(err)
	}
	want := History{
		{Revision: 2, Changes: []Change{{Key: "a", Value: "1", Created: true}, {Key: "b", Value: "1", Created: true}}, State: map[string]string{"a": "1", "b": "1"}},
		{Revision: 4, Changes: []Change{{Key: "a", Value: "2"}}, State: map[string]string{"a": "2", "b": "1"}},
		{Revision: 5, Changes: []Change{{Key: "a", Deleted: true}}, State: map[string]string{"b": "1"}},
		{Revision: 6, Changes: []Change{{Key: "a", Value: "3", Created: true}}, State: map[string]string{"a": "3", "b": "1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read(): -want, +got:\n%s", diff)
	}
	if got.Creations("a") != 2 || len(got.After(5)) != 1 {
		t.Errorf("want two creations of a and one moment after 5, got %d and %d", got.Creations("a"), len(got.After(5)))
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, got.Values("a")); diff != "" {
		t.Errorf("Values(): -want, +got:\n%s", diff)
	}
	none, err := Read(ctx, c, "/none")
	if err != nil || len(none) > 0 {
		t.Errorf("Read(): want an empty history, got %v, %v", none, err)
	}
}

func TestLostReply(t *testing.T) {
	e := etcd.Run(t)
	p := proxy.Run(t, e.Address)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{p.Address}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	lost := p.LoseReply(func(b []byte) bool { return len(b) > 0 && contains(b, "marker") })
	if _, err := c.Txn(t.Context()).Then(clientv3.OpPut("/a", "marker")).Commit(); err == nil {
		t.Error("a transaction whose reply is lost should fail")
	}
	<-lost
	got, err := c.Get(t.Context(), "/a")
	if err != nil || len(got.Kvs) != 1 {
		t.Errorf("the transaction should have happened, and the next call should work: %v, %v", got, err)
	}
}

func TestFaults(t *testing.T) {
	e := etcd.Run(t)
	p := proxy.Run(t, e.Address)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{p.Address}, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	took := func() time.Duration {
		start := time.Now()
		if _, err := c.Get(t.Context(), "/a"); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	took()
	p.Delay(500 * time.Millisecond)
	if d := took(); d < 500*time.Millisecond {
		t.Errorf("a slow server should answer late, got %s", d)
	}
	p.Delay(0)
	for name, fault := range map[string]func(){"BlackHole": p.BlackHole, "Refuse": p.Refuse} {
		fault()
		answered := make(chan error, 1)
		go func() {
			_, err := c.Get(t.Context(), "/a")
			answered <- err
		}()
		select {
		case err := <-answered:
			if err == nil {
				t.Errorf("%s: want no answer", name)
			}
		case <-time.After(time.Second):
		}
		if err := p.Pass(); err != nil {
			t.Fatal(err)
		}
		took()
	}
}

func contains(b []byte, s string) bool {
	for i := range len(b) - len(s) + 1 {
		if string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}
