package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/history"
	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

// Names of controllers in metrics.
const (
	cellController     = `controller="managed/cellrecord.m.multigres.com"`
	databaseController = `controller="managed/databaserecord.m.multigres.com"`
)

// reconciles of a controller so far.
func (s *scenario) reconciles(r *replica, controller string) float64 {
	s.Helper()
	return s.metric(r, "controller_runtime_reconcile_total", controller)
}

// reconciled waits until a controller has reconciled n times more than before.
func (s *scenario) reconciled(r *replica, controller string, before, n float64) {
	s.Helper()
	s.until(fmt.Sprintf("%g more reconciles", n), func(context.Context) error {
		if got := s.reconciles(r, controller) - before; got < n {
			return errors.Errorf("%g", got)
		}
		return nil
	})
}

// TestG1StaleCreate: with a cache that lags behind nothing is created, and later it is created once.
func TestG1StaleCreate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	api := proxy.RunAPI(t, plane.Config())
	r := s.provider(through(api))
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)

	api.Hold("cellrecords")
	s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
	before := s.reconciles(r, cellController)
	st.drop(cellKey("z1"))
	s.reconciled(r, cellController, before, 2)
	s.never("a record is created", func() bool { return st.cell(cellKey("z1")) != nil })
	n := s.reconciles(r, cellController) - before
	api.Release("cellrecords")
	s.settled(z)
	if got := st.cell(cellKey("z1")).GetRoot(); got != "/another" {
		t.Errorf("want the new root, got %q", got)
	}
	if _, version := st.revision(cellKey("z1")); version != 1 {
		t.Errorf("want one write, got %d", version)
	}
	s.notef("%g reconciles with an old view, no create, then one", n)
}

// TestG2StaleUpdate: a record never goes back to what a cache that lags behind still says.
func TestG2StaleUpdate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	api := proxy.RunAPI(t, plane.Config())
	r := s.provider(through(api))
	s.config("pc", st, "")
	d := database("d", "pc", "z1")
	d.Spec.ForProvider.BackupLocation.S3.KeyPrefix = "old"
	s.create(d)
	s.settled(d)

	api.Hold("databaserecords")
	s.edit(d, func() { d.Spec.ForProvider.BackupLocation.S3.KeyPrefix = "new" })
	before := s.reconciles(r, databaseController)
	revision := st.now()
	// What another replica does, and what wakes this one.
	st.edit(func(db *clustermetadatapb.Database) { db.BackupLocation.GetS3().KeyPrefix = "new" }, databaseKey("d"))
	s.reconciled(r, databaseController, before, 2)
	s.never("the record goes back", func() bool { return prefix(st) != "new" })
	n := s.reconciles(r, databaseController) - before
	if got := s.metric(r, "multigres_provider_guard_results_total", `result="Stale"`); got == 0 {
		t.Error("the guard should have counted stale views")
	}
	api.Release("databaserecords")
	s.settled(d)
	if h := st.history().After(revision); len(h.Of(databaseKey("d"))) != 1 {
		t.Errorf("want the one write of the other replica, got %v", h.Of(databaseKey("d")))
	}
	s.notef("%g reconciles with an old view, no write", n)
}

func prefix(st *store) string {
	return st.database(databaseKey("d")).GetBackupLocation().GetS3().GetKeyPrefix()
}

// TestG3StaleDelete: the record of a managed resource that was made anew survives a provider that still sees the old one go.
func TestG3StaleDelete(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	tcp := s.behind(st)
	api := proxy.RunAPI(t, plane.Config())
	r := s.provider(through(api))
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)

	tcp.Refuse()
	s.remove(z)
	s.condition(z, "Settled", "False", "Unavailable")
	api.Hold("cellrecords")
	s.must(s.kube.Patch(s.Context(), z, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))))
	s.gone(z)
	again := cell("z1", "pc")
	s.create(again)
	created, _ := st.revision(cellKey("z1"))
	before := s.reconciles(r, cellController)
	s.must(tcp.Pass())
	s.reconciled(r, cellController, before, 2)
	s.never("the record is removed", func() bool { return st.cell(cellKey("z1")) == nil })
	n := s.reconciles(r, cellController) - before
	api.Release("cellrecords")
	s.settled(again)
	h := st.history()
	if n := h.Creations(cellKey("z1")); n != 1 {
		t.Errorf("want the record that was there, created once, got %d times", n)
	}
	s.notef("%g reconciles of a managed resource that is gone, record of revision %d stays", n, created)
}

// lock returns the annotation of a lock.
func lock(t *testing.T, holder string, token int64, age time.Duration) string {
	t.Helper()
	b, err := json.Marshal(guard.Lock{Operation: guard.OperationUpdate, Holder: holder, Token: token, Generation: 1, At: time.Now().Add(-age)})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestG5LockHygiene: a lock of a later leader is waited for, one of an earlier leader or an old one is not, and a busy writer of the
// same managed resource does not keep a change from being made.
func TestG5LockHygiene(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	held, deposed, old, busy := cell("held", "pc"), cell("deposed", "pc"), cell("old", "pc"), cell("busy", "pc")
	s.create(held, deposed, old, busy)
	s.settled(held, deposed, old, busy)
	locked := func(z *v1alpha1.CellRecord, lock string) {
		s.edit(z, func() {
			z.Annotations[guard.Annotation] = lock
			z.Spec.ForProvider.Root = "/another"
		})
	}
	locked(held, lock(t, "somebody", 1<<62, 0))
	locked(deposed, lock(t, "somebody", -1, 0))
	locked(old, lock(t, "somebody", 1<<62, time.Hour))
	s.settled(deposed, old)
	s.condition(held, xpv2.TypeSynced, "False", "")
	s.never("a lock that is held is broken", func() bool { return st.cell(cellKey("held")).GetRoot() == "/another" })
	s.edit(held, func() { delete(held.Annotations, guard.Annotation) })
	s.settled(held)

	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				stopped <- n
				return
			case <-time.After(20 * time.Millisecond):
			}
			p := fmt.Appendf(nil, `{"metadata":{"labels":{"busy":"%d"}}}`, n)
			_ = s.kube.Patch(context.Background(), &v1alpha1.CellRecord{ObjectMeta: metaIn(s.ns, "busy")}, client.RawPatch(types.MergePatchType, p))
		}
	}()
	s.edit(busy, func() { busy.Spec.ForProvider.Root = "/another" })
	s.settled(busy)
	close(stop)
	n := <-stopped
	for _, z := range []*v1alpha1.CellRecord{held, deposed, old, busy} {
		s.until("no lock is left on "+z.Name, func(context.Context) error {
			s.get(z)
			if l := z.Annotations[guard.Annotation]; l != "" {
				return errors.New(l)
			}
			return nil
		})
		if got := st.cell(cellKey(z.Name)).GetRoot(); got != "/another" {
			t.Errorf("%s: want the new root, got %q", z.Name, got)
		}
	}

	// An owner of 3 KiB makes a message that no condition may hold.
	long := cell("long", "pc")
	st.put([]byte(strings.Repeat("x", 3<<10)), ownerKey(cellKey("long")))
	s.create(long)
	c := s.condition(long, "Settled", "False", "OwnedByOther")
	s.get(long)
	if l := long.Annotations[guard.Annotation]; l != "" || len(c.Message) > 1024 {
		t.Errorf("want no lock and a message of 1 KiB at most, got %q and %d bytes", l, len(c.Message))
	}
	s.notef("%d label changes beside a change, message cut to %d bytes", n, len(c.Message))
}

// TestG6Ownership: of two managed resources of one record the first wins; what is only observed is not touched; a record is taken
// over on request, in one transaction.
func TestG6Ownership(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	first := database("first", "pc", "z1")
	s.create(first)
	s.settled(first)
	revision, _ := st.revision(databaseKey("first"))

	second := database("second", "pc", "z2")
	second.Spec.ForProvider.Database = "first"
	s.create(second)
	s.condition(second, "Settled", "False", "OwnedByOther")
	watcher := database("watcher", "pc", "z3")
	watcher.Spec.ForProvider.Database = "first"
	watcher.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionObserve}
	s.create(watcher)
	s.ready(watcher)
	if diff := cmp.Diff([]string{"z1"}, watcher.Status.AtProvider.Cells); diff != "" {
		t.Errorf("observed cells: -want, +got:\n%s", diff)
	}
	s.remove(second, watcher)
	s.gone(second, watcher)
	if now, _ := st.revision(databaseKey("first")); now != revision {
		t.Errorf("the record was written at revision %d", now)
	}

	heir := database("heir", "pc", "z1", "z2")
	heir.Spec.ForProvider.Database = "first"
	heir.Annotations = map[string]string{"topology.m.multigres.com/adopt": string(st.value(ownerKey(databaseKey("first"))))}
	s.create(heir)
	s.settled(heir)
	st.cells([]string{"z1", "z2"}, databaseKey("first"))
	s.condition(first, "Settled", "False", "OwnedByOther")
	s.remove(first)
	s.gone(first)
	h := st.history()
	if n := h.Creations(databaseKey("first")); n != 1 {
		t.Errorf("the record should have been created once, got %d times", n)
	}
	for _, m := range h.After(revision) {
		if _, owned := m.State[ownerKey(databaseKey("first"))]; !owned {
			t.Errorf("revision %d: the record has no owner", m.Revision)
		}
	}
	if !takenInOne(h) {
		t.Error("the record and its owner should change in one transaction")
	}
	s.notef("loser, observer and successor")
}

// takenInOne is true if the second writing of the record's owner came with a writing of the record.
func takenInOne(h history.History) bool {
	n := 0
	for _, m := range h {
		owner, record := false, false
		for _, c := range m.Changes {
			owner = owner || c.Key == ownerKey(databaseKey("first"))
			record = record || c.Key == databaseKey("first")
		}
		if owner {
			n++
		}
		if owner && n == 2 {
			return record
		}
	}
	return false
}

// TestG8Ambiguity: a creation whose reply is lost is found by the next pass, which says nothing of it.
func TestG8Ambiguity(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	tcp := s.behind(st)
	s.provider()
	s.config("pc", st, "")
	warm := cell("warm", "pc")
	s.create(warm)
	s.settled(warm)
	z := cell("z1", "pc")
	// Only a write holds what the record holds.
	lost := tcp.LoseReply(func(sent []byte) bool { return strings.Contains(string(sent), z.Spec.ForProvider.Root) })
	s.create(z)
	select {
	case <-lost:
	case <-time.After(patience):
		t.Fatal("no creation was seen")
	}
	s.settled(z)
	if n := st.history().Creations(cellKey("z1")); n != 1 {
		t.Errorf("want one creation, got %d", n)
	}
	// That the reply was lost may be said. That there is a record already may not: it is the one that was asked for.
	said := append(s.events(z), z.GetCondition("Synced").Message, z.GetCondition("Settled").Message)
	for _, text := range said {
		if strings.Contains(text, topo.ErrExists.Error()) || strings.Contains(text, topo.ErrOwnedByOther.Error()) {
			t.Errorf("the record should be found as its own, got %q", text)
		}
	}
	s.notef("found by the next pass, said %q", said[:len(said)-2])
}

// TestB7OwnerMove: when a record gets another owner the old one and the new one are both reconciled, without waiting for a poll.
func TestB7OwnerMove(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	a, b := cell("a", "pc"), cell("b", "pc")
	a.Spec.ForProvider.Cell, b.Spec.ForProvider.Cell = "z1", "z1"
	s.create(a)
	s.settled(a)
	s.create(b)
	s.condition(b, "Settled", "False", "OwnedByOther")
	mine := string(st.value(ownerKey(cellKey("z1"))))
	theirs := strings.Replace(mine, "/a/"+string(a.GetUID()), "/b/"+string(b.GetUID()), 1)
	if theirs == mine {
		t.Fatalf("cannot read owner %q", mine)
	}
	began := time.Now()
	st.put([]byte(theirs), ownerKey(cellKey("z1")))
	s.settled(b)
	s.condition(a, "Settled", "False", "OwnedByOther")
	s.notef("both within %.2f s", time.Since(began).Seconds())
}
