package shardrecord

import (
	"context"
	"testing"
	"time"

	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

// born is when the first backup of a shard was begun, which it begins with.
var born = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const first = "20260101-000000F"

// at turns the clock of the controller, and that of the poolers, to a time since the shard was born.
func (w *world) at(since time.Duration) {
	w.ahead.Store(int64(time.Until(born.Add(since))))
	w.SetBackupTime(born.Add(since))
}

// until it is so: a backup does not hold up the reconcile. The clock runs on by the time that this takes.
func (w *world) until(reason string, ok func() bool) {
	w.t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if w.observe(); time.Since(begin) > time.Minute {
			w.t.Fatalf("%s: %v, %s, %s", reason, w.Backups(), w.reason(shardstate.TypeBackupsOnSchedule), w.reason(shardstate.TypeSurplusBackupsRemoved))
		}
	}
}

func (w *world) says(t, reason string) func() bool {
	return func() bool { return w.reason(t) == reason }
}

// calls is how often a method was called, of each pooler.
func (w *world) calls(method string) []int {
	var out []int
	for _, id := range []pooler.ID{a, b, c} {
		out = append(out, w.Calls(id)["MultiPoolerManager/"+method])
	}
	return out
}

func (w *world) schedule(full, incremental time.Duration) {
	w.mr.Spec.ForProvider.Backups = &v1alpha1.ShardBackups{
		Schedule: &v1alpha1.BackupSchedule{Full: &metav1.Duration{Duration: full}, Incremental: &metav1.Duration{Duration: incremental}},
	}
}

func TestBackupSchedule(t *testing.T) {
	w := newWorld(t)
	w.at(time.Hour)
	w.observe()
	if got := w.reason(shardstate.TypeBackupsOnSchedule); got != "" {
		t.Errorf("Without a schedule nothing should be said of it: %s", got)
	}
	w.schedule(24*time.Hour, 6*time.Hour)
	w.observe()
	if diff := cmp.Diff([]int{0, 0, 0}, w.calls("Backup")); diff != "" || w.reason(shardstate.TypeBackupsOnSchedule) != shardstate.ReasonOnSchedule {
		t.Errorf("Nothing should be done before it is due.\n-want, +got:\n%s", diff)
	}

	w.at(7 * time.Hour)
	taken := func(n int) func() bool {
		return func() bool { return len(w.Backups()) == n && w.mr.Status.AtProvider.LastBackup.ID == w.Backups()[n-1] }
	}
	w.until("An incremental backup is due", taken(2))
	// The time by which it counts is the provider's.
	w.at(25 * time.Hour)
	w.until("A full backup is due", taken(3))
	want := []string{first, first + "_20260101-070000I", "20260102-010000F"}
	if diff := cmp.Diff(want, w.Backups()); diff != "" {
		t.Errorf("Each should have been taken once, the full one alone.\n-want, +got:\n%s", diff)
	}
	o := w.mr.Status.AtProvider
	if o.LastFullBackup.ID != want[2] || o.FullBackups != 2 || o.Poolers[1].LastBackupID != want[2] {
		t.Errorf("What there is should be observed: %+v", o)
	}
	if diff := cmp.Diff([]int{0, 2, 0}, w.calls("Backup")); diff != "" {
		t.Errorf("The first replica should have taken both.\n-want, +got:\n%s", diff)
	}

	// A week without a provider.
	w.at(8 * 24 * time.Hour)
	w.clients = w.newClients()
	w.until("After downtime one is due", taken(4))
	for range 5 {
		w.observe()
	}
	if diff := cmp.Diff([]int{0, 3, 0}, w.calls("Backup")); diff != "" {
		t.Errorf("One should have been taken for all that were missed.\n-want, +got:\n%s", diff)
	}

	w.mr.Spec.ForProvider.Backups = nil
	w.at(100 * 24 * time.Hour)
	w.observe()
	if got := w.reason(shardstate.TypeBackupsOnSchedule); got != "" || len(w.Backups()) != 4 {
		t.Errorf("A schedule that is gone should leave nothing behind: %s, %v", got, w.Backups())
	}
}

func TestBackupFails(t *testing.T) {
	w := newWorld(t)
	w.schedule(24*time.Hour, 6*time.Hour)
	w.fault(b, pooler.Fault{BackupFails: true})
	w.at(25 * time.Hour)
	w.until("A failure should be seen", w.says(shardstate.TypeBackupsOnSchedule, shardstate.ReasonBackupFailed))
	c1 := w.mr.GetCondition(xpv2.ConditionType(shardstate.TypeBackupsOnSchedule))
	w.at(25*time.Hour + 30*time.Second)
	for range 5 {
		w.observe()
	}
	if diff := cmp.Diff([]int{0, 1, 0}, w.calls("Backup")); diff != "" {
		t.Errorf("After a failure there should be a pause.\n-want, +got:\n%s", diff)
	}
	if c2 := w.mr.GetCondition(xpv2.ConditionType(shardstate.TypeBackupsOnSchedule)); !c2.LastTransitionTime.Equal(&c1.LastTransitionTime) || c2.Message != c1.Message {
		t.Errorf("It should be seen since when: %v, %v", c1, c2)
	}
	w.at(25*time.Hour + 3*time.Minute)
	w.until("Another replica should be asked", w.says(shardstate.TypeBackupsOnSchedule, shardstate.ReasonOnSchedule))
	if diff := cmp.Diff([]int{0, 1, 1}, w.calls("Backup")); diff != "" {
		t.Errorf("It should have been tried once more.\n-want, +got:\n%s", diff)
	}
}

func TestBackupLease(t *testing.T) {
	w := newWorld(t)
	w.schedule(24*time.Hour, 6*time.Hour)
	w.mr.Spec.ForProvider.Backups.RetainedFull = 1
	w.AddBackup(c, "20260101-000500F", "full")
	lease := root + "/" + string(topo.BackupLeasePath("postgres", "default", "0-inf"))
	if _, err := w.raw.Put(t.Context(), lease, "p-2"); err != nil {
		t.Fatal(err)
	}
	w.at(25 * time.Hour)
	for range 5 {
		w.observe()
	}
	if diff := cmp.Diff([]int{0, 0, 0}, w.calls("Backup")); diff != "" || w.reason(shardstate.TypeBackupsOnSchedule) != shardstate.ReasonOtherBackup {
		t.Errorf("What somebody else does should go on: %s\n-want, +got:\n%s", w.reason(shardstate.TypeBackupsOnSchedule), diff)
	}
	if diff := cmp.Diff([]int{0, 0, 0}, w.calls("ExpireBackups")); diff != "" {
		t.Errorf("Nothing should be removed meanwhile.\n-want, +got:\n%s", diff)
	}
	if _, err := w.raw.Delete(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	w.until("Then it is taken", func() bool {
		return len(w.Backups()) == 1 && w.says(shardstate.TypeSurplusBackupsRemoved, shardstate.ReasonWithinRetention)()
	})
}

func TestBackupEnds(t *testing.T) {
	w := newWorld(t)
	w.schedule(24*time.Hour, 6*time.Hour)
	for _, id := range []pooler.ID{b, c} {
		w.fault(id, pooler.Fault{BackupHangs: true})
	}
	w.at(25 * time.Hour)
	w.until("A backup goes on", w.says(shardstate.TypeBackupsOnSchedule, shardstate.ReasonBackingUp))
	lists := w.calls("GetBackups")
	w.at(26 * time.Hour)
	for range 3 {
		w.observe()
	}
	if diff := cmp.Diff(lists, w.calls("GetBackups")); diff != "" {
		t.Errorf("Who takes a backup should not be asked for others meanwhile.\n-before, +after:\n%s", diff)
	}
	w.Kill(a)
	w.observe()
	if got := w.reason(shardstate.TypeBackupsOnSchedule); got != shardstate.ReasonBackingUp {
		t.Errorf("A leader that is away for a moment should end nothing: %s", got)
	}
	w.at(26*time.Hour + time.Minute)
	w.until("An election may need the replica", w.says(shardstate.TypeBackupsOnSchedule, shardstate.ReasonBackupFailed))
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"20260102-000000F", "20260103-000000F", "20260104-000000F"} {
		w.AddBackup(b, id, "full")
	}
	w.AddBackup(b, "20260104-000000F_20260104-060000I", "incr")
	w.at(100 * time.Hour)
	w.observe()
	w.mr.Spec.ForProvider.Backups = &v1alpha1.ShardBackups{RetainedFull: 5}
	w.observe()
	if got := w.reason(shardstate.TypeSurplusBackupsRemoved); got != shardstate.ReasonWithinRetention || len(w.Backups()) != 5 {
		t.Errorf("What is to be kept should be: %s, %v", got, w.Backups())
	}
	w.mr.Spec.ForProvider.Backups.RetainedFull = 2
	w.fault(b, pooler.Fault{BackupFails: true})
	w.until("A failure should be seen", w.says(shardstate.TypeSurplusBackupsRemoved, shardstate.ReasonExpiryFailed))
	if n := len(w.Backups()); n != 5 {
		t.Errorf("Nothing should be gone: %d", n)
	}
	w.fault(b, pooler.Fault{})
	w.at(101 * time.Hour)
	w.until("What is beyond the retention goes", w.says(shardstate.TypeSurplusBackupsRemoved, shardstate.ReasonWithinRetention))
	want := []string{"20260103-000000F", "20260104-000000F", "20260104-000000F_20260104-060000I"}
	if diff := cmp.Diff(want, w.Backups()); diff != "" {
		t.Errorf("The last ones should be kept, with what builds on them.\n-want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]int{0, 2, 0}, w.calls("ExpireBackups")); diff != "" {
		t.Errorf("Nobody should be asked more often than needed.\n-want, +got:\n%s", diff)
	}
	w.mr.Spec.ForProvider.Backups = nil
	w.observe()
	if got := w.reason(shardstate.TypeSurplusBackupsRemoved); got != "" {
		t.Errorf("A retention that is gone should leave nothing behind: %s", got)
	}
}

// TestBackupWakes holds that a shard is looked at when its next backup is due, and not more often for its sake.
func TestBackupWakes(t *testing.T) {
	w := newWorld(t)
	w.schedule(24*time.Hour, 6*time.Hour)
	after := func() time.Duration {
		t.Helper()
		got, err := requeue.Wrap(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			_, err := w.clients.For(w.conn).Observe(ctx, w.mr)
			return reconcile.Result{RequeueAfter: 30 * time.Minute}, err
		})).Reconcile(t.Context(), reconcile.Request{})
		if err != nil {
			t.Fatal(err)
		}
		return got.RequeueAfter
	}
	w.at(5 * time.Hour)
	if got := after(); got != 30*time.Minute {
		t.Errorf("A shard that rests should wait for the poll: %s", got)
	}
	before := w.mr.DeepCopy()
	w.at(5*time.Hour + 40*time.Minute)
	if got := after(); got <= 15*time.Minute || got > 20*time.Minute {
		t.Errorf("A backup that is due before the poll should be looked after: %s", got)
	}
	if diff := cmp.Diff(before.Status, w.mr.Status); diff != "" {
		t.Errorf("A shard that rests should change nothing.\n-before, +after:\n%s", diff)
	}
}
