package provider

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
)

// TestA1RemoveOnlyOurs: of a shared record only what the managed resource put there is removed, and other records not at all.
func TestA1RemoveOnlyOurs(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	foreign, err := proto.Marshal(&clustermetadatapb.Database{Name: "foreign", Cells: []string{"z2"}})
	s.must(err)
	st.put(foreign, databaseKey("foreign"))
	before, _ := st.revision(databaseKey("foreign"))

	d := database("d", "pc", "z1", "z2")
	s.create(d)
	s.settled(d)
	st.edit(func(db *clustermetadatapb.Database) { db.Cells = append(db.Cells, "z9") }, databaseKey("d"))
	s.edit(d, func() { d.Spec.ForProvider.Cells = []string{"z1"} })
	st.cells([]string{"z1", "z9"}, databaseKey("d"))
	s.settled(d)
	s.never("z9 is removed", func() bool { return !slices.Contains(st.database(databaseKey("d")).GetCells(), "z9") })
	if after, _ := st.revision(databaseKey("foreign")); after != before {
		t.Errorf("the foreign record was written at revision %d", after)
	}
	s.notef("%d revisions", len(st.history()))
}

// TestA2ContextChange: a record that moves is at every revision in one place at least, and in the end in the new one only.
func TestA2ContextChange(t *testing.T) {
	t.Parallel()
	s, st, pc := ordinary(t, "a")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	s.edit(pc, func() { pc.Spec.Root = path.Join(s.root, "b") })
	st.absent("a", cellKey("z1"))
	s.settled(z)
	if st.cell("b", cellKey("z1")) == nil {
		t.Error("the record should be in the new place")
	}
	s.claims(z, "b")
	there := false
	for _, m := range st.history() {
		_, a := m.State["a/"+cellKey("z1")]
		_, b := m.State["b/"+cellKey("z1")]
		if there && !a && !b {
			t.Errorf("revision %d: the record is nowhere", m.Revision)
		}
		there = there || a || b
	}
	s.notef("%d revisions, never nowhere", len(st.history()))
}

// TestA2OldServerDown: a record moves although its old server is down, which is cleaned up when it is back.
func TestA2OldServerDown(t *testing.T) {
	t.Parallel()
	s := begin(t)
	old, next := s.own(), s.shared()
	s.provider()
	pc := s.config("pc", old, "a")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	old.server.Kill()
	s.edit(pc, func() { pc.Spec.Root, pc.Spec.Endpoints = path.Join(s.root, "b"), []string{next.address} })
	s.condition(z, "Settled", "False", "PreviousContextPending")
	s.ready(z)
	if next.cell("b", cellKey("z1")) == nil {
		t.Error("the record should be in the new place")
	}
	s.claims(z, "a", "b")
	s.must(old.server.Start())
	old.absent("a", cellKey("z1"))
	s.settled(z)
	s.claims(z, "b")
	s.notef("pending while down, removed when back")
}

// TestA4Unset: what was there when it was asked for, so that there was nothing to do, is removed when it is not asked for any more.
func TestA4Unset(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	d := database("d", "pc", "z1", "z2")
	byHand, err := proto.Marshal(&clustermetadatapb.Database{
		Name: "d", Cells: []string{"z1", "z2", "z3"},
		BackupLocation: &clustermetadatapb.BackupLocation{Location: &clustermetadatapb.BackupLocation_S3{
			S3: &clustermetadatapb.S3Backup{Bucket: "backups", Region: "eu-1", KeyPrefix: "d"},
		}},
	})
	s.must(err)
	st.put(byHand, databaseKey("d"))
	s.create(d)
	s.settled(d)
	s.edit(d, func() {
		d.Spec.ForProvider.Cells = []string{"z1"}
		d.Spec.ForProvider.BackupLocation.S3.KeyPrefix = ""
	})
	st.cells([]string{"z1", "z3"}, databaseKey("d"))
	s.settled(d)
	if got := st.database(databaseKey("d")).GetBackupLocation().GetS3().GetKeyPrefix(); got != "" {
		t.Errorf("the prefix should be unset, got %q", got)
	}
	s.notef("a cell and a field")
}

// TestA5BadBookkeeping: claims that cannot be read remove nothing, and those that were copied are nobody's.
func TestA5BadBookkeeping(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	d := database("d", "pc", "z1", "z2")
	s.create(d)
	s.settled(d)
	good := d.Annotations[claims.Annotation]

	s.edit(d, func() {
		d.Annotations[claims.Annotation] = "{"
		d.Spec.ForProvider.Cells = []string{"z1"}
	})
	s.condition(d, "Settled", "False", "ClaimsUnreadable")
	s.until("an event says so", func(context.Context) error {
		if events := s.events(d); !slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, "claims are unreadable") }) {
			return errors.Errorf("%v", events)
		}
		return nil
	})
	s.never("anything is removed", func() bool { return len(st.database(databaseKey("d")).GetCells()) < 2 })
	s.edit(d, func() { d.Annotations[claims.Annotation] = good })
	st.cells([]string{"z1"}, databaseKey("d"))
	s.settled(d)

	twin := database("twin", "pc", "z1")
	twin.Spec.ForProvider = d.Spec.ForProvider
	twin.Annotations = map[string]string{claims.Annotation: d.Annotations[claims.Annotation]}
	s.create(twin)
	s.condition(twin, "Synced", "False", "")
	before, _ := st.revision(databaseKey("d"))
	s.remove(twin)
	s.gone(twin)
	if after, _ := st.revision(databaseKey("d")); after != before {
		t.Errorf("the record was written at revision %d", after)
	}
	s.settled(d)
	s.notef("unreadable: nothing removed, copied: nothing owned")
}

// TestA6UnobservedEdit: what was written where the configuration does not point any more is removed when the managed resource goes.
func TestA6UnobservedEdit(t *testing.T) {
	t.Parallel()
	s, st, pc := ordinary(t, "a")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	s.edit(z, func() { z.Annotations["crossplane.io/paused"] = "true" })
	s.condition(z, "Synced", "False", "ReconcilePaused")
	s.edit(pc, func() { pc.Spec.Root = path.Join(s.root, "b") })
	s.remove(z)
	s.never("a paused record goes", func() bool { return st.cell("a", cellKey("z1")) == nil })
	s.edit(z, func() { delete(z.Annotations, "crossplane.io/paused") })
	s.gone(z)
	h := st.history()
	if got := records(h[len(h)-1].State); len(got) > 0 {
		t.Errorf("nothing should be left, got %v", got)
	}
	if n := h.Creations("b/" + cellKey("z1")); n > 0 {
		t.Errorf("nothing should have been written to the new place, got %d creations", n)
	}
	s.notef("%d revisions", len(h))
}
