package shardstate

import (
	"fmt"
	"slices"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

const (
	// firstPause is how long nothing is tried after something about backups failed. It doubles with every failure in a row.
	firstPause = time.Minute

	// longestPause is what it grows to.
	longestPause = time.Hour

	// leasePause is how soon it is looked again for a backup, or a removal of some, that somebody else has going on.
	leasePause = 30 * time.Second

	// maxSkew is how far ahead of ours the clock of a pooler may be, by which it names its backups.
	maxSkew = 5 * time.Minute
)

// byFullness are the types of backups, the fullest first. Each counts as all that follow.
var byFullness = []v1alpha1.BackupType{v1alpha1.BackupTypeFull, v1alpha1.BackupTypeDifferential, v1alpha1.BackupTypeIncremental}

// Jobs are what is remembered of the backups of a shard that were taken and removed by us. Whoever has forgotten, because the
// process has begun anew, takes at most one backup more than is due.
type Jobs struct {
	// Running is the type of the backup that is being taken, empty if none is.
	Running v1alpha1.BackupType

	// Expiring is true while surplus backups are being removed.
	Expiring bool

	// Taken is when the last backup of a type was begun, or one that counts as such, by the clock that Input.Now is from. The
	// name of a backup has the time of the pooler, which may be another.
	Taken map[v1alpha1.BackupType]time.Time

	// Backups and Expiries that failed.
	Backups  Attempts
	Expiries Attempts
}

// Attempts are those that failed since the last success.
type Attempts struct {
	Failures int

	// Last is when the last one ended, and Why it failed.
	Last time.Time
	Why  string
}

// Fail adds one.
func (a *Attempts) Fail(now time.Time, why string) {
	a.Failures, a.Last, a.Why = a.Failures+1, now, why
}

// pausedUntil is when the next attempt may be made.
func (a Attempts) pausedUntil() time.Time {
	if a.Failures == 0 {
		return time.Time{}
	}
	pause := longestPause
	if n := a.Failures - 1; n < 6 {
		pause = min(pause, firstPause<<n)
	}
	return a.Last.Add(pause)
}

// CountsAs are the types that a backup of a type is good for.
func CountsAs(kind v1alpha1.BackupType) []v1alpha1.BackupType {
	i := slices.Index(byFullness, kind)
	if i < 0 {
		return nil
	}
	return byFullness[i:]
}

// LastOf is the last complete backup that counts as one of a type, nil if there is none whose name tells when it was begun.
func LastOf(all []*managerpb.BackupMetadata, kind v1alpha1.BackupType) *managerpb.BackupMetadata {
	return newest(all, func(b *managerpb.BackupMetadata) bool {
		_, ok := started(b.GetBackupId())
		return ok && slices.Contains(CountsAs(backupTypes[b.GetType()]), kind)
	})
}

// Next is the backup that is due next by a schedule, and since or from when. What is due now comes first, the fullest of it. It is
// false if the schedule has no interval.
func Next(s *v1alpha1.BackupSchedule, all []*managerpb.BackupMetadata, taken map[v1alpha1.BackupType]time.Time, now time.Time) (kind v1alpha1.BackupType, at time.Time, ok bool) {
	for _, k := range byFullness {
		every := interval(s, k)
		if every <= 0 {
			continue
		}
		// Without one it has been due for ever.
		begun, _ := started(LastOf(all, k).GetBackupId())
		due := begun.Add(every)
		// A time to come is one of a clock that was turned back since.
		if t := taken[k]; !t.After(now) && t.Add(every).After(due) {
			due = t.Add(every)
		}
		if !due.After(now) {
			return k, due, true
		}
		if !ok || due.Before(at) {
			kind, at, ok = k, due, true
		}
	}
	return kind, at, ok
}

func interval(s *v1alpha1.BackupSchedule, kind v1alpha1.BackupType) time.Duration {
	if s == nil {
		return 0
	}
	d := s.Incremental
	switch kind { //nolint:exhaustive // The third is the default.
	case v1alpha1.BackupTypeFull:
		d = s.Full
	case v1alpha1.BackupTypeDifferential:
		d = s.Differential
	}
	if d == nil {
		return 0
	}
	return d.Duration
}

// A todo is what is to be done about backups, what is to be said, and when to look again, if that is not zero.
type todo struct {
	operations []Operation
	verdicts   []Verdict
	wake       time.Time
}

// schedule returns the backup that is due. It is taken by a member that follows the leader: Multigres takes none of a leader's data
// unless it is forced, and calls that dangerous. The first one of a shard is Multigres' own. Multigres ends a backup that goes on for
// the sake of the next: nothing is begun while somebody has one going on.
func (f *facts) schedule() todo {
	if f.Parameters.Backups == nil {
		return todo{}
	}
	kind, due, ok := Next(f.Parameters.Backups.Schedule, f.Backups, f.Jobs.Taken, f.Now)
	if !ok {
		return todo{}
	}
	say := func(v Verdict, wake time.Time) todo { return todo{verdicts: []Verdict{v}, wake: wake} }
	late := func(reason, why string, wake time.Time) todo {
		return say(no(TypeBackupsOnSchedule, reason, fmt.Sprintf("a %s backup is due: %s", kind, why)), wake)
	}
	taker, found := f.taker()
	failed, paused := f.Jobs.Backups, f.Jobs.Backups.pausedUntil()
	last := LastOf(f.Backups, v1alpha1.BackupTypeIncremental)
	begun, _ := started(last.GetBackupId())
	if begun.After(failed.Last) {
		// Somebody else's made good for it. By whose clock is not certain, so that the pause stays.
		failed = Attempts{}
	}
	switch {
	case f.Jobs.Running != "" && failed.Failures > 0:
		return say(no(TypeBackupsOnSchedule, ReasonBackupFailed, failed.Why), time.Time{})
	case f.Jobs.Running != "":
		v := yes(TypeBackupsOnSchedule, ReasonBackingUp)
		v.Message = fmt.Sprintf("a %s backup is being taken", f.Jobs.Running)
		return say(v, time.Time{})
	case !f.BackupsKnown:
		return say(Verdict{Type: TypeBackupsOnSchedule, Status: corev1.ConditionUnknown, Reason: ReasonUnknown, Message: "nobody could be asked which backups there are"}, time.Time{})
	case last == nil:
		return say(no(TypeBackupsOnSchedule, ReasonNoBackup, "the shard has no complete backup yet: it begins with one"), time.Time{})
	case begun.Sub(f.Now) > maxSkew:
		// pgBackRest refuses to take one that would be older by its name.
		return say(no(TypeBackupsOnSchedule, ReasonClockSkew, fmt.Sprintf("backup %s is from a time to come: the clocks of poolers and provider differ", last.GetBackupId())), begun.Add(-maxSkew))
	case due.After(f.Now):
		return say(yes(TypeBackupsOnSchedule, ReasonOnSchedule), due)
	case paused.After(f.Now):
		return say(no(TypeBackupsOnSchedule, ReasonBackupFailed, f.Jobs.Backups.Why), paused)
	case f.Jobs.Expiring:
		return say(yes(TypeBackupsOnSchedule, ReasonOnSchedule), time.Time{})
	case f.BackupLeased:
		return late(ReasonOtherBackup, "somebody else takes or removes one", f.Now.Add(leasePause))
	case !f.leads:
		return late(ReasonNoLeader, "no pooler leads", time.Time{})
	case !found:
		return late(ReasonNoReplica, "no member of the cohort but the leader is ready to take it", time.Time{})
	}
	out := say(yes(TypeBackupsOnSchedule, ReasonOnSchedule), time.Time{})
	if failed.Failures > 0 {
		out = say(no(TypeBackupsOnSchedule, ReasonBackupFailed, failed.Why), time.Time{})
	}
	out.operations = []Operation{{Action: BackUp, ID: taker, Pod: f.podOf(taker), Leader: f.leader, Rule: f.rule.GetRuleNumber(), Backup: kind}}
	return out
}

// taker is the pooler that takes the next backup: a member that is ready and close behind the leader. After a failure it is the next
// one, since the reason may be its own.
func (f *facts) taker() (ID, bool) {
	if !f.leads {
		return ID{}, false
	}
	var all []ID
	for _, p := range f.Parameters.Poolers {
		if id := poolerID(p); id != f.leader && f.inCohort(id) && f.serves(p) && f.follows(id, f.Answers[id]) {
			all = append(all, id)
		}
	}
	if len(all) == 0 {
		return ID{}, false
	}
	slices.SortFunc(all, ID.Compare)
	return all[f.Jobs.Backups.Failures%len(all)], true
}

// serves is true if a pooler that is to stay is ready, and does nothing that keeps it from all else.
func (f *facts) serves(p v1alpha1.ShardPooler) bool {
	id := poolerID(p)
	pod, exists := f.Pods[p.Pod]
	registered, known := f.isRegistered(id)
	s := f.Answers[id].Status.GetStatus()
	return exists && !pod.Terminating && registered && known && !f.isRemoved(id) && s.GetIsInitialized() && s.GetPostgresReady() &&
		s.GetPostgresAction() == managerpb.PostgresAction_POSTGRES_ACTION_UNSPECIFIED
}

// Hindered says whether a backup should end that the pooler in a pod takes from the server of a leader. While it lasts the pooler takes
// part in no election, follows no other leader and does not stop (multigres v0.1.0, its lock for actions). It is doubtful while
// nobody is known to lead: that may be for a moment.
func (s State) Hindered(taker ID, pod types.UID, leader ID) (hindered, doubtful bool) {
	i := slices.IndexFunc(s.Observation.Poolers, func(p v1alpha1.PoolerObservation) bool { return p.Cell == taker.Cell && p.ServiceID == taker.Name })
	if i < 0 || s.Observation.Poolers[i].Terminating || s.Observation.Poolers[i].PodUID != pod {
		return true, false
	}
	if s.Observation.Leader == "" {
		return false, true
	}
	return s.Observation.Leader != leader.Name, false
}
