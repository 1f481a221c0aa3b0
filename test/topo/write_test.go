package topo

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

var zone1 = topo.CellPath("zone1")

func cell(root string) *clustermetadatapb.Cell {
	return &clustermetadatapb.Cell{Name: "zone1", ServerAddresses: []string{"etcd:2379"}, Root: root}
}

func setRoot(root string) func(*clustermetadatapb.Cell) error {
	return func(c *clustermetadatapb.Cell) error {
		c.Root = root

		return nil
	}
}

// want checks that an error is of a class.
func want(t *testing.T, reason string, want, got error) {
	t.Helper()

	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\n%s: -want error, +got error:\n%s", reason, diff)
	}
}

// revision is etcd's revision, which every write raises.
func revision(t *testing.T, c *clientv3.Client) int64 {
	t.Helper()

	resp, err := c.Get(testContext(t), "/none")
	if err != nil {
		t.Fatalf("cannot read revision: %v", err)
	}

	return resp.Header.GetRevision()
}

func mustGet(ctx context.Context, t *testing.T, s *topo.Store) topo.Record[*clustermetadatapb.Cell] {
	t.Helper()

	rec, err := s.Cells().Get(ctx, zone1)
	if err != nil {
		t.Fatalf("Get(%s): %v", zone1, err)
	}

	return rec
}

func TestLifeOfARecord(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s, raw := testContext(t), open(t, etcd.Address), etcd.Client(t)

	_, err := s.Cells().Get(ctx, zone1)
	want(t, "A record that nobody wrote is absent", topo.ErrAbsent, err)

	list, err := s.Cells().List(ctx)
	want(t, "No records are no error", nil, err)

	if len(list) != 0 {
		t.Errorf("List() of nothing: %d records", len(list))
	}

	created, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "The first creates it", nil, err)

	if diff := cmp.Diff(created.Revision, mustGet(ctx, t, s).Revision); diff != "" {
		t.Errorf("Create(...) returned another revision: -created +read:\n%s", diff)
	}

	_, err = s.Cells().Create(ctx, writer, zone1, cell("/b"))
	want(t, "It is not created twice", topo.ErrExists, err)

	before := revision(t, raw)
	same, err := s.Cells().Update(ctx, writer, created, setRoot("/a"))
	want(t, "Nothing to change is no error", nil, err)

	if same.Revision != created.Revision || revision(t, raw) != before {
		t.Errorf("identical bytes were written again")
	}

	updated, err := s.Cells().Update(ctx, writer, created, setRoot("/b"))
	want(t, "The owner updates it", nil, err)

	if revision(t, raw) != before+1 || updated.Message.GetRoot() != "/b" || updated.Revision != before+1 {
		t.Errorf("Update(...): root %q at revision %d, etcd at %d", updated.Message.GetRoot(), updated.Revision, revision(t, raw))
	}

	_, err = s.Cells().Update(ctx, writer, created, setRoot("/c"))
	want(t, "A stale update changes nothing", topo.ErrConflict, err)
	want(t, "A stale delete deletes nothing", topo.ErrConflict, s.Cells().Delete(ctx, writer, created))
	want(t, "The owner deletes it", nil, s.Cells().Delete(ctx, writer, updated))
	want(t, "It is deleted once", topo.ErrAbsent, s.Cells().Delete(ctx, writer, updated))

	_, err = s.Cells().Update(ctx, writer, updated, setRoot("/c"))
	want(t, "An update does not create it", topo.ErrAbsent, err)

	left, err := raw.Get(ctx, root+"/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil || len(left.Kvs) != 1 || string(left.Kvs[0].Key) != root+"/crossplane/fence/"+identity {
		t.Errorf("more than the fence is left: %v, error %v", left, err)
	}
}

func TestFence(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s, raw := testContext(t), open(t, etcd.Address), etcd.Client(t)
	old, next := topo.Writer{Token: 9, Owner: "uid-a"}, topo.Writer{Token: 10, Owner: "uid-a"}

	want(t, "The first leader raises the fence", nil, s.Raise(ctx, 9))

	before := revision(t, raw)
	want(t, "Raising it again is no error", nil, s.Raise(ctx, 9))

	if revision(t, raw) != before {
		t.Errorf("Raise(...) wrote a fence that was there")
	}

	rec, err := s.Cells().Create(ctx, old, zone1, cell("/a"))
	want(t, "The leader writes", nil, err)
	want(t, "The next leader raises the fence", nil, s.Raise(ctx, 10))
	want(t, "The old one cannot raise it", topo.ErrFenced, s.Raise(ctx, 9))

	before = revision(t, raw)
	_, err = s.Cells().Update(ctx, old, rec, setRoot("/old"))
	want(t, "The old leader updates nothing", topo.ErrFenced, err)
	want(t, "The old leader deletes nothing", topo.ErrFenced, s.Cells().Delete(ctx, old, rec))

	_, err = s.Cells().Create(ctx, old, topo.CellPath("zone2"), cell("/old"))
	want(t, "The old leader creates nothing", topo.ErrFenced, err)

	if revision(t, raw) != before {
		t.Errorf("an old leader wrote")
	}

	_, err = s.Cells().Update(ctx, next, rec, setRoot("/b"))
	want(t, "The next leader writes", nil, err)

	_, err = s.Cells().Update(ctx, topo.Writer{Token: 11, Owner: "uid-a"}, mustGet(ctx, t, s), setRoot("/c"))
	want(t, "A write raises the fence that its leader did not", nil, err)
	want(t, "Which fences off the one before", topo.ErrFenced, s.Raise(ctx, 10))

	other := open(t, etcd.Address, func(c *topo.Config) { c.Identity = "provider-b" })
	want(t, "Another provider has a fence of its own", nil, other.Raise(ctx, 1))
}

func TestOwnership(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s, raw := testContext(t), open(t, etcd.Address), etcd.Client(t)
	// The other is of another control plane.
	theirs := open(t, etcd.Address, func(c *topo.Config) { c.Identity = "provider-b" })
	other := topo.Writer{Token: 1, Owner: "uid-b", Adopt: topo.AdoptUnowned}

	want(t, "Both raise their fences", nil, s.Raise(ctx, 1))
	want(t, "Both raise their fences", nil, theirs.Raise(ctx, 1))

	_, err := s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "The first wins", nil, err)

	before := revision(t, raw)
	_, err = theirs.Cells().Create(ctx, other, zone1, cell("/b"))
	want(t, "The second does not create", topo.ErrOwnedByOther, err)

	rec := mustGet(ctx, t, theirs)
	_, err = theirs.Cells().Update(ctx, other, rec, setRoot("/b"))
	want(t, "The second does not update", topo.ErrOwnedByOther, err)
	want(t, "The second does not delete", topo.ErrOwnedByOther, theirs.Cells().Delete(ctx, other, rec))

	if revision(t, raw) != before || rec.Owner != "uid-a" {
		t.Errorf("the loser wrote, or the owner %q is not the winner", rec.Owner)
	}

	takeover := topo.Writer{Token: 1, Owner: "uid-b", Adopt: topo.AdoptAny}
	taken, err := theirs.Cells().Update(ctx, takeover, rec, setRoot("/a"))
	want(t, "The second takes it when asked to", nil, err)

	if taken.Owner != "uid-b" || taken.Revision != rec.Revision || revision(t, raw) != before+1 {
		t.Errorf("taking over wrote the record: owner %q, revision %d, was %d", taken.Owner, taken.Revision, rec.Revision)
	}

	_, err = s.Cells().Update(ctx, writer, rec, setRoot("/c"))
	want(t, "The first has lost it", topo.ErrOwnedByOther, err)
}

func TestForeignRecords(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	ctx, s, raw := testContext(t), open(t, etcd.Address), etcd.Client(t)
	adopting := topo.Writer{Token: 1, Owner: "uid-a", Adopt: topo.AdoptUnowned}

	if _, err := raw.Put(ctx, root+"/"+string(zone1), "\x0a\x05zone1"); err != nil {
		t.Fatalf("cannot put: %v", err)
	}

	_, err := s.Cells().Create(ctx, adopting, zone1, cell("/a"))
	want(t, "What another program wrote exists", topo.ErrExists, err)

	rec := mustGet(ctx, t, s)
	_, err = s.Cells().Update(ctx, writer, rec, setRoot("/a"))
	want(t, "It is not ours", topo.ErrOwnedByOther, err)

	rec, err = s.Cells().Update(ctx, adopting, rec, setRoot("/a"))
	want(t, "It is adopted on request", nil, err)

	if _, err := raw.Delete(ctx, root+"/"+string(zone1)); err != nil {
		t.Fatalf("cannot delete: %v", err)
	}

	gone, err := s.Cells().Get(ctx, zone1)
	want(t, "It was deleted by hand", topo.ErrAbsent, err)

	if gone.Owner != rec.Owner {
		t.Errorf("Get(...) of a record deleted by hand: owner %q, want %q", gone.Owner, rec.Owner)
	}

	_, err = s.Cells().Create(ctx, topo.Writer{Token: 1, Owner: "uid-b"}, zone1, cell("/b"))
	want(t, "Its path is still its owner's", topo.ErrOwnedByOther, err)

	_, err = s.Cells().Create(ctx, writer, zone1, cell("/a"))
	want(t, "Its owner creates it again", nil, err)

	if _, err := raw.Delete(ctx, root+"/"+string(zone1)); err != nil {
		t.Fatalf("cannot delete: %v", err)
	}

	want(t, "Or gives up its path", nil, s.Cells().Delete(ctx, writer, gone))

	_, err = s.Cells().Create(ctx, topo.Writer{Token: 1, Owner: "uid-b"}, zone1, cell("/b"))
	want(t, "Which another may then use", nil, err)

	if _, err := raw.Put(ctx, root+"/"+string(zone1), "\xff"); err != nil {
		t.Fatalf("cannot put: %v", err)
	}

	_, err = s.Cells().Get(ctx, zone1)
	want(t, "Bytes that are no message are reported", topo.ErrInvalid, err)

	_, err = s.Cells().List(ctx)
	want(t, "Also in a list", topo.ErrInvalid, err)
}
