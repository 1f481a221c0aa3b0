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
		complete, err := topo.MembersComplete(testContext(t), members[0].client)
		return err == nil && complete
	})

	return members
}

func (m *member) start(t *testing.T, name, all, state string) {
	t.Helper()

	p, err := process.Start(process.Config{Name: name, Path: os.Getenv(etcd.EnvBinary), Log: filepath.Join(m.dir, "log-"+state), Env: []string{"ETCD_INITIAL_CLUSTER_STATE=" + state}, Args: []string{
		"--name=" + name, "--data-dir=" + filepath.Join(m.dir, "data"), "--initial-cluster=" + all,
		"--listen-client-urls=" + m.client, "--advertise-client-urls=" + m.client,
		"--listen-peer-urls=" + m.peer, "--initial-advertise-peer-urls=" + m.peer,
		"--unsafe-no-fsync", "--log-level=error",
	}})
	if err != nil {
		t.Fatal(err)
	}

	m.Process = p
}

// ends waits for the end of a member that cannot start.
func ends(t *testing.T, m *member) {
	t.Helper()

	select {
	case <-m.Exited():
	case <-time.After(time.Minute):
		t.Fatal("a member that cannot start goes on")
	}
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
	ends(t, lost)

	id, ok := topo.LostMember(lost.Tail(2048))
	if !ok {
		t.Fatalf("no member was lost by etcd's last words: %s", lost.Tail(2048))
	}

	endpoint := members[0].client
	if gone, err := topo.MemberLost(testContext(t), endpoint, "1", lost.peer); err != nil || gone {
		t.Errorf("a member whose ID is another one is lost: %t, %v", gone, err)
	}

	// What holds it touches nothing, so that it can still say what it lost.
	lost.start(t, "m2", all, topo.StateHeld)
	ends(t, lost)
	if !topo.HeldMember(lost.Tail(2048)) {
		t.Fatalf("no member was held by etcd's last words: %s", lost.Tail(2048))
	}

	members[1].Kill()
	if _, err := topo.MemberLost(testContext(t), endpoint, id, lost.peer); !errors.Is(err, topo.ErrUnavailable) {
		t.Errorf("it may be replaced while another member is dead: %v", err)
	}
	if err := members[1].Start(); err != nil {
		t.Fatal(err)
	}

	// etcd allows each once the others have been connected for five seconds.
	do := func(what string, f func() error) {
		t.Helper()
		eventually(t, what, func() bool {
			err := f()
			if err != nil && !errors.Is(err, topo.ErrUnavailable) {
				t.Fatal(err)
			}

			return err == nil
		})
	}
	do("it may be replaced", func() error {
		gone, err := topo.MemberLost(testContext(t), endpoint, id, lost.peer)
		if err == nil && !gone {
			t.Fatal("it is not lost any more")
		}

		return err
	})
	// Twice, as after an answer that got lost.
	for range 2 {
		do("it is removed", func() error { return topo.RemoveMember(testContext(t), endpoint, id) })
	}
	for range 2 {
		do("it is added", func() error { return topo.AddMember(testContext(t), endpoint, lost.peer) })
	}
	if complete, err := topo.MembersComplete(testContext(t), endpoint); err != nil || complete {
		t.Errorf("complete is %t, %v while a member is waited for", complete, err)
	}

	lost.start(t, "m2", all, topo.StateExisting)
	eventually(t, "all members have started", func() bool {
		complete, err := topo.MembersComplete(testContext(t), endpoint)
		return err == nil && complete
	})
	if gone, err := topo.MemberLost(testContext(t), endpoint, id, lost.peer); err != nil || gone {
		t.Errorf("a member that is back is lost: %t, %v", gone, err)
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
