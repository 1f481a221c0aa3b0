package topo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// perMember bounds one visit. A busy machine makes three servers slow.
const perMember = 15 * time.Second

// A member of an etcd cluster whose data can be lost.
type member struct {
	*process.Process

	dir, client, peer string
}

// cluster starts an etcd of three members that end with the test.
func cluster(t *testing.T) [3]*member {
	t.Helper()

	var members [3]*member
	var names []string
	for i := range members {
		members[i] = &member{dir: t.TempDir(), client: "http://" + freeAddr(t), peer: "http://" + freeAddr(t)}
		names = append(names, fmt.Sprintf("m%d=%s", i, members[i].peer))
	}

	for i, m := range members {
		m.start(t, fmt.Sprintf("m%d", i), strings.Join(names, ","), "new")
		t.Cleanup(m.Kill)
	}

	eventually(t, "all members serve", func() bool {
		complete, err := topo.MembersComplete(testContext(t), members[0].client, perMember)
		return err == nil && complete
	})

	return members
}

func (m *member) start(t *testing.T, name, all, state string) {
	t.Helper()

	p, err := process.Start(process.Config{Name: name, Path: os.Getenv(etcd.EnvBinary), Log: filepath.Join(m.dir, "log-"+state), Args: []string{
		"--name=" + name, "--data-dir=" + filepath.Join(m.dir, "data"), "--initial-cluster=" + all, "--initial-cluster-state=" + state,
		"--listen-client-urls=" + m.client, "--advertise-client-urls=" + m.client,
		"--listen-peer-urls=" + m.peer, "--initial-advertise-peer-urls=" + m.peer,
		"--unsafe-no-fsync", "--log-level=error",
	}})
	if err != nil {
		t.Fatal(err)
	}

	m.Process = p
}

// TestReplaceMember loses the data of one of three members. etcd refuses to start it, its last words say so, and it gets a new place in which it
// starts with what the others have.
func TestReplaceMember(t *testing.T) {
	members := cluster(t)
	all := fmt.Sprintf("m0=%s,m1=%s,m2=%s", members[0].peer, members[1].peer, members[2].peer)
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{members[0].client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Put(testContext(t), "key", "value"); err != nil {
		t.Fatal(err)
	}

	lost := members[2]
	lost.Kill()
	if err := os.RemoveAll(filepath.Join(lost.dir, "data")); err != nil {
		t.Fatal(err)
	}

	lost.start(t, "m2", all, "new")
	select {
	case <-lost.Exited():
	case <-time.After(time.Minute):
		t.Fatal("a member that has lost its data goes on")
	}

	id, ok := topo.LostMember(lost.Tail(2048))
	if !ok {
		t.Fatalf("no member was lost by etcd's last words: %s", lost.Tail(2048))
	}

	replace := func(id uint64) bool {
		t.Helper()
		waits, err := topo.ReplaceMember(testContext(t), members[0].client, id, lost.peer, perMember)
		if err != nil {
			t.Fatal(err)
		}

		return waits
	}
	if replace(id + 1) {
		t.Error("a member whose ID is another one is waited for")
	}

	members[1].Kill()
	if _, err := topo.ReplaceMember(testContext(t), members[0].client, id, lost.peer, 3*time.Second); !errors.Is(err, topo.ErrUnavailable) {
		t.Errorf("replaced while another member is dead: %v", err)
	}
	if err := members[1].Process.Start(); err != nil {
		t.Fatal(err)
	}

	// etcd allows it once the others have been connected for five seconds.
	eventually(t, "the member is waited for", func() bool {
		waits, err := topo.ReplaceMember(testContext(t), members[0].client, id, lost.peer, perMember)
		if err != nil && !errors.Is(err, topo.ErrUnavailable) {
			t.Fatal(err)
		}

		return err == nil && waits
	})
	if !replace(id) {
		t.Error("the second time the member is not waited for any more")
	}
	if complete, err := topo.MembersComplete(testContext(t), members[0].client, perMember); err != nil || complete {
		t.Errorf("complete is %t, %v while a member is waited for", complete, err)
	}

	lost.start(t, "m2", all, topo.StateExisting)
	eventually(t, "all members have started", func() bool {
		complete, err := topo.MembersComplete(testContext(t), members[0].client, perMember)
		return err == nil && complete
	})
	if replace(id) {
		t.Error("a member that is back is waited for")
	}

	own, err := clientv3.New(clientv3.Config{Endpoints: []string{lost.client}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	eventually(t, "the member has the data", func() bool {
		got, err := own.Get(testContext(t), "key", clientv3.WithSerializable())
		return err == nil && len(got.Kvs) == 1 && string(got.Kvs[0].Value) == "value"
	})
}
