package shardstate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"pgregory.net/rapid"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// poll is how often a shard is looked at that nobody wakes.
const poll = time.Minute

// A repository is a shard with a schedule, as its provider sees it over months: the backups there are, and what goes on.
type repository struct {
	t        *rapid.T
	schedule *v1alpha1.BackupSchedule
	keep     int32
	now      time.Time
	all      []*managerpb.BackupMetadata
	jobs     Jobs

	// skew is how far the poolers' clock is ahead.
	skew time.Duration

	// ends is when the job that goes on does; began is when the backup did; failing jobs fail.
	ends, began time.Time
	failing     bool

	// leaderless, alone and leased are what may be wrong with the shard. well is since when nothing has been.
	leaderless, alone, leased bool
	well                      time.Time
}

func (r *repository) state() State {
	return New(healthy(func(in *Input) {
		in.Parameters.Backups = &v1alpha1.ShardBackups{Schedule: r.schedule, RetainedFull: r.keep}
		in.Backups, in.BackupsKnown, in.Now, in.Jobs, in.BackupLeased = r.all, true, r.now, r.jobs, r.leased
		if r.leaderless {
			silent(p0)(in)
		}
		if r.alone {
			silent(p1, p2)(in)
		}
	}))
}

// take adds a backup that is complete now, as pgBackRest does: it refuses a name that is not later than all others.
func (r *repository) take(kind v1alpha1.BackupType, began time.Time) bool {
	name := began.Add(r.skew).UTC().Format(labelTime)
	short := map[v1alpha1.BackupType]string{full: "full", differential: "diff", incremental: "incr"}[kind]
	id := name + "F"
	if kind != full {
		id = LastOf(r.all, full).GetBackupId() + "_" + name + "I"
	}
	if last := LastOf(r.all, incremental); last != nil && !newer(id, last.GetBackupId()) {
		return false
	}
	r.all = append(r.all, backupOf(id, short))
	return true
}

// begin what is due, and hold it against what must never be.
func (r *repository) begin(op Operation, takes time.Duration) {
	if r.jobs.Running != "" || r.jobs.Expiring || r.leased || r.leaderless {
		r.t.Fatalf("Nothing should begin while something goes on, or nobody leads: %+v", op)
	}
	r.ends = r.now.Add(takes)
	if op.Action == Expire {
		if n, sound := Surplus(r.all, int(r.keep)); n < 1 || !sound {
			r.t.Fatalf("Nothing that is to be kept should be removed: %d, %t", n, sound)
		}
		r.jobs.Expiring = true
		return
	}
	if r.alone || op.ID == p0 {
		r.t.Fatalf("The leader should take no backup: %+v", op)
	}
	if last := r.jobs.Backups; last.Failures > 0 && r.now.Sub(last.Last) < firstPause {
		r.t.Fatalf("A failure should be followed by a pause, not %s", r.now.Sub(last.Last))
	}
	for _, k := range byFullness {
		every, taken := interval(r.schedule, k), r.jobs.Taken[k]
		if every == 0 {
			continue
		}
		begun, _ := started(LastOf(r.all, k).GetBackupId())
		due := !begun.Add(every).After(r.now) && !taken.Add(every).After(r.now)
		if due && k != op.Backup {
			r.t.Fatalf("A %s backup is due, and a %s one is taken", k, op.Backup)
		}
		if !due && k == op.Backup {
			r.t.Fatalf("A %s backup is taken that is not due: one was begun at %s, another at %s, and it is %s", k, begun, taken, r.now)
		}
		if k == op.Backup {
			break
		}
	}
	r.jobs.Running, r.began = op.Backup, r.now
}

// end what goes on, if it is time.
func (r *repository) end() {
	if r.ends.IsZero() || r.now.Before(r.ends) {
		return
	}
	kind := r.jobs.Running
	r.jobs.Running, r.ends = "", time.Time{}
	switch {
	case r.jobs.Expiring && r.failing:
		r.jobs.Expiring = false
		r.jobs.Expiries.Fail(r.now, "failed")
	case r.jobs.Expiring:
		r.jobs.Expiring, r.jobs.Expiries = false, Attempts{}
		r.expire()
	case r.failing || !r.take(kind, r.began):
		r.jobs.Backups.Fail(r.now, "failed")
	default:
		r.jobs.Backups = Attempts{}
		if r.jobs.Taken == nil {
			r.jobs.Taken = map[v1alpha1.BackupType]time.Time{}
		}
		for _, k := range CountsAs(kind) {
			r.jobs.Taken[k] = r.began
		}
	}
}

// expire keeps the last full backups, and all that is newer than the oldest of them.
func (r *repository) expire() {
	fulls := 0
	for i, b := range slices.Backward(r.all) {
		if b.GetType() == "full" {
			if fulls++; fulls == int(r.keep) {
				r.all = r.all[i:]
				return
			}
		}
	}
}

// happen is what a day may bring.
func (r *repository) happen(t *rapid.T) {
	what := rapid.SampledFrom([]string{
		"", "", "", "", "", "", "", "", "restart", "downtime", "on demand", "fails", "works", "no leader", "leader", "alone", "complete", "leased", "released", "skew", "no skew",
	}).Draw(t, "what")
	switch what {
	case "restart", "downtime":
		r.jobs, r.ends = Jobs{}, time.Time{}
		if what == "downtime" {
			r.now = r.now.Add(time.Duration(rapid.IntRange(1, 500).Draw(t, "hours")) * time.Hour)
		}
	case "on demand":
		if r.jobs.Running == "" {
			r.take(rapid.SampledFrom(byFullness).Draw(t, "type"), r.now)
		}
	case "fails", "works":
		r.failing = what == "fails"
	case "no leader", "leader":
		r.leaderless = what == "no leader"
	case "alone", "complete":
		r.alone = what == "alone"
	case "leased", "released":
		r.leased = what == "leased" && r.jobs.Running == "" && !r.jobs.Expiring
	case "skew":
		r.skew = time.Duration(rapid.IntRange(-100, 100).Draw(t, "hours")) * time.Hour
	case "no skew":
		r.skew = 0
	default:
		return
	}
	r.well = r.now
}

// kept holds the schedule while all has been well for so long that whatever was wrong before is made good.
func (r *repository) kept(slack time.Duration) {
	if r.failing || r.leaderless || r.alone || r.leased || r.skew != 0 {
		return
	}
	last, _ := started(LastOf(r.all, incremental).GetBackupId())
	if last.After(r.now) {
		r.well = r.now // pgBackRest takes none before that.
		return
	}
	for _, k := range byFullness {
		every := interval(r.schedule, k)
		begun, _ := started(LastOf(r.all, k).GetBackupId())
		// A backup that was taken by a clock that was ahead counts when it was taken.
		if late := r.now.Sub(begun); every > 0 && late > every+slack && r.now.Sub(r.well) > every+slack {
			r.t.Fatalf("The last %s backup was begun %s ago, with an interval of %s, and all has been well for %s", k, late, every, r.now.Sub(r.well))
		}
	}
}

// TestScheduleProperties lets a shard with a schedule live for some time, whatever happens to it.
func TestScheduleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(name string, shortest, longest int) time.Duration {
			return time.Duration(rapid.IntRange(shortest, longest).Draw(t, name)) * time.Minute
		}
		r := &repository{t: t, now: noonTime, well: noonTime, keep: int32(rapid.IntRange(0, 3).Draw(t, "keep"))}
		f := minutes("full", 3, 3000)
		r.schedule = every(f, 0, 0)
		if rapid.Bool().Draw(t, "differential") {
			r.schedule = every(f, min(f-time.Minute, minutes("differential", 2, 1000)), 0)
		}
		if rapid.Bool().Draw(t, "incremental") {
			d := f
			if r.schedule.Differential != nil {
				d = r.schedule.Differential.Duration
			}
			r.schedule = every(f, interval(r.schedule, differential), min(d-time.Minute, minutes("incremental", 1, 500)))
		}
		takes := time.Duration(rapid.IntRange(1, 1200).Draw(t, "seconds")) * time.Second
		r.take(full, r.now)
		// The longest pause after a failure, what goes on, one that is fuller and comes first, and looking.
		slack := longestPause + 3*takes + leasePause + 5*poll
		for step := range 250 {
			if step%5 == 0 {
				r.happen(t)
			}
			r.end()
			r.kept(slack)
			s := r.state()
			if len(s.Operations) > 1 {
				t.Fatalf("One thing at a time: %+v", s.Operations)
			}
			for _, op := range s.Operations {
				r.begin(op, takes)
			}
			next := r.now.Add(poll)
			if idle := r.jobs.Running == "" && !r.jobs.Expiring; idle && step%3 == 0 && !s.Wake.IsZero() {
				// Long times in which nothing happens are passed over.
				next = s.Wake
			}
			if !s.Wake.IsZero() && s.Wake.Before(next) {
				next = s.Wake
			}
			if !next.After(r.now) {
				t.Fatalf("It should be looked at again in the time to come: %s", fmt.Sprint(s.Wake))
			}
			r.now = next
		}
	})
}
