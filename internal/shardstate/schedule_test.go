package shardstate

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/protobuf/testing/protocmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

const (
	full         = v1alpha1.BackupTypeFull
	differential = v1alpha1.BackupTypeDifferential
	incremental  = v1alpha1.BackupTypeIncremental
	hour         = time.Hour
	noon         = "20260301-120000F"
	evening      = noon + "_20260301-180000D"
)

// noonTime is when the backup noon was begun.
var noonTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// every makes a schedule of intervals, of which zero means none.
func every(f, d, i time.Duration) *v1alpha1.BackupSchedule {
	of := func(d time.Duration) *metav1.Duration {
		if d == 0 {
			return nil
		}
		return &metav1.Duration{Duration: d}
	}
	return &v1alpha1.BackupSchedule{Full: of(f), Differential: of(d), Incremental: of(i)}
}

func backupOf(id, kind string) *managerpb.BackupMetadata {
	return &managerpb.BackupMetadata{BackupId: id, Type: kind, Status: managerpb.BackupMetadata_COMPLETE}
}

func damaged(id, kind string) *managerpb.BackupMetadata {
	b := backupOf(id, kind)
	b.Status = managerpb.BackupMetadata_INCOMPLETE
	return b
}

func TestNext(t *testing.T) {
	type all = []*managerpb.BackupMetadata
	type want struct {
		Kind v1alpha1.BackupType
		At   time.Time
		OK   bool
	}
	due := func(kind v1alpha1.BackupType, since time.Duration) want { return want{kind, noonTime.Add(since), true} }
	one := all{backupOf(noon, "full")}
	two := append(all{backupOf(evening, "diff")}, one...)
	cases := map[string]struct {
		reason   string
		schedule *v1alpha1.BackupSchedule
		all      all
		taken    map[v1alpha1.BackupType]time.Time
		now      time.Duration
		want     want
	}{
		"NoSchedule":     {reason: "Without a schedule nothing is ever due.", all: one, now: 1000 * hour},
		"Empty":          {reason: "An empty schedule is none.", schedule: every(0, 0, 0), all: one, now: 1000 * hour},
		"Soonest":        {reason: "While nothing is due the next one is the one that is due first.", schedule: every(24*hour, 6*hour, hour), all: one, now: hour / 2, want: due(incremental, hour)},
		"OnTime":         {reason: "A backup is due as long after the begin of the last as the interval is.", schedule: every(24*hour, 0, 0), all: one, now: 24 * hour, want: due(full, 24*hour)},
		"NotYet":         {reason: "It is not due before.", schedule: every(24*hour, 0, 0), all: one, now: 24*hour - 1, want: due(full, 24*hour)},
		"FullestWins":    {reason: "Of several that are due the fullest comes first, however long the others wait.", schedule: every(24*hour, 6*hour, hour), all: one, now: 30 * hour, want: due(full, 24*hour)},
		"Differential":   {reason: "What is due comes before what is not, however full.", schedule: every(24*hour, 6*hour, hour), all: one, now: 8 * hour, want: due(differential, 6*hour)},
		"CountsAsLesser": {reason: "A differential backup counts as an incremental one.", schedule: every(24*hour, 12*hour, hour), all: two, now: 6*hour + hour/2, want: due(incremental, 7*hour)},
		"NotAsFuller":    {reason: "It does not count as a full one.", schedule: every(6*hour, 0, 0), all: two, now: 7 * hour, want: due(full, 6*hour)},
		"Damaged":        {reason: "A backup that is not complete counts as none.", schedule: every(24*hour, 0, 0), all: all{damaged("20260302-110000F", "full"), one[0]}, now: 25 * hour, want: due(full, 24*hour)},
		"OneForMany":     {reason: "After a week without backups one is due, not seven.", schedule: every(24*hour, 0, 0), all: one, now: 168 * hour, want: due(full, 24*hour)},
		"Never":          {reason: "If there was never a full one it has been due for ever.", schedule: every(24*hour, 0, 0), all: all{backupOf(evening, "diff")}, want: want{full, time.Time{}.Add(24 * hour), true}},
		"Nameless":       {reason: "A backup whose name tells no time tells nothing.", schedule: every(24*hour, 0, 0), all: all{backupOf("x", "full"), one[0]}, want: due(full, 24*hour)},
		"Future":         {reason: "A backup of a time to come is not repeated until then.", schedule: every(24*hour, 0, 0), all: one, now: -240 * hour, want: due(full, 24*hour)},
		"OtherClock":     {reason: "If the poolers' clock is behind, a backup that we took ourselves counts from when we took it.", schedule: every(24*hour, 0, 0), all: one, taken: map[v1alpha1.BackupType]time.Time{full: noonTime.Add(240 * hour)}, now: 241 * hour, want: due(full, 264*hour)},
		"TurnedBack":     {reason: "What we took at a time to come was taken by a clock that was turned back, and says nothing.", schedule: every(24*hour, 0, 0), all: one, taken: map[v1alpha1.BackupType]time.Time{full: noonTime.Add(240 * hour)}, now: 25 * hour, want: due(full, 24*hour)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			kind, at, ok := Next(tc.schedule, tc.all, tc.taken, noonTime.Add(tc.now))
			if d := cmp.Diff(tc.want, want{kind, at, ok}); d != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, d)
			}
		})
	}
}

// backedUp makes a shard one with a schedule of full backups every day and one full backup, at some time after that.
func backedUp(since time.Duration, change ...func(*Input)) Input {
	return healthy(append([]func(*Input){func(in *Input) {
		in.Parameters.Backups = &v1alpha1.ShardBackups{Schedule: every(24*hour, 0, 0)}
		in.Backups, in.BackupsKnown, in.Now = []*managerpb.BackupMetadata{backupOf(noon, "full")}, true, noonTime.Add(since)
	}}, change...)...)
}

func failedAt(n int, since time.Duration) Attempts {
	return Attempts{Failures: n, Last: noonTime.Add(since), Why: "no space left"}
}

func TestSchedule(t *testing.T) {
	r := rule(3, 1, p0, p0, p1, p2)
	by := func(id ID) []Operation {
		return []Operation{{Action: BackUp, ID: id, Pod: "pod-" + id.Name, Leader: p0, Rule: r.GetRuleNumber(), Backup: full}}
	}
	terminating := func(in *Input) { in.Pods["pod-p-1"] = Pod{UID: "u", Terminating: true} }
	restoring := func(in *Input) {
		in.Answers[p1].Status.Status.PostgresAction = managerpb.PostgresAction_POSTGRES_ACTION_RESTORING_FROM_BACKUP
	}
	jobs := func(j Jobs) func(*Input) { return func(in *Input) { in.Jobs = j } }
	cases := map[string]struct {
		reason string
		in     Input
		want   []Operation
		say    string
		status corev1.ConditionStatus
		wake   time.Duration
	}{
		"NotDue":      {reason: "Before it is due nothing is done until then.", in: backedUp(hour), say: ReasonOnSchedule, status: corev1.ConditionTrue, wake: 24 * hour},
		"Due":         {reason: "The first member but the leader takes it.", in: backedUp(25 * hour), want: by(p1), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"NoSchedule":  {reason: "Without a schedule nothing is done, and nothing said.", in: backedUp(1000*hour, func(in *Input) { in.Parameters.Backups.Schedule = nil })},
		"FirstIsLeft": {reason: "The first backup of a shard is Multigres' own.", in: backedUp(25*hour, func(in *Input) { in.Backups = nil }), say: ReasonNoBackup, status: corev1.ConditionFalse},
		"Unknown":     {reason: "While nobody can be asked for the backups nothing is known to be due.", in: backedUp(25*hour, func(in *Input) { in.BackupsKnown = false }), say: ReasonUnknown, status: corev1.ConditionUnknown},
		"NoLeader":    {reason: "A backup of a replica needs the leader's server.", in: backedUp(25*hour, silent(p0)), say: ReasonNoLeader, status: corev1.ConditionFalse},
		"NoReplica":   {reason: "The leader takes none.", in: backedUp(25*hour, silent(p1, p2)), say: ReasonNoReplica, status: corev1.ConditionFalse},
		"OneReplica":  {reason: "Whoever is ready takes it.", in: backedUp(25*hour, silent(p1)), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Terminating": {reason: "One that goes takes none.", in: backedUp(25*hour, terminating), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Removed":     {reason: "One that is to go takes none.", in: backedUp(25*hour, removed(p1)), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Busy":        {reason: "One that does something else takes none.", in: backedUp(25*hour, restoring), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Outsider":    {reason: "Who is not in the cohort may know less than the leader.", in: backedUp(25*hour, answers(map[ID]Answer{p0: leads(p0, rule(3, 1, p0, p0, p2)), p1: follows(p1, rule(3, 1, p0, p0, p2)), p2: follows(p2, rule(3, 1, p0, p0, p2))})), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Behind":      {reason: "Who is far behind takes none.", in: backedUp(25*hour, func(in *Input) { in.Answers[p1].Status.Status.ReplicationStatus.LastReplayLsn = "0/1" }), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Running":     {reason: "One at a time.", in: backedUp(25*hour, jobs(Jobs{Running: full})), say: ReasonBackingUp, status: corev1.ConditionTrue},
		"Leased":      {reason: "Multigres would end what goes on for the sake of ours.", in: backedUp(25*hour, func(in *Input) { in.BackupLeased = true }), say: ReasonOtherBackup, status: corev1.ConditionFalse, wake: 25*hour + leasePause},
		"OurExpiry":   {reason: "Nor do we end a removal of our own.", in: backedUp(25*hour, jobs(Jobs{Expiring: true}), func(in *Input) { in.BackupLeased = true }), say: ReasonOnSchedule, status: corev1.ConditionTrue},
		"Failed":      {reason: "After a failure there is a pause.", in: backedUp(25*hour, jobs(Jobs{Backups: failedAt(1, 25*hour)})), say: ReasonBackupFailed, status: corev1.ConditionFalse, wake: 25*hour + time.Minute},
		"FailedOften": {reason: "It grows.", in: backedUp(25*hour, jobs(Jobs{Backups: failedAt(4, 25*hour)})), say: ReasonBackupFailed, status: corev1.ConditionFalse, wake: 25*hour + 8*time.Minute},
		"FailedLong":  {reason: "It does not grow for ever.", in: backedUp(25*hour, jobs(Jobs{Backups: failedAt(400, 25*hour)})), say: ReasonBackupFailed, status: corev1.ConditionFalse, wake: 26 * hour},
		"Retry":       {reason: "After the pause it is another one's turn, and the failure is still true.", in: backedUp(25*hour, jobs(Jobs{Backups: failedAt(1, 24*hour)})), want: by(p2), say: ReasonBackupFailed, status: corev1.ConditionFalse},
		"Retrying":    {reason: "While it is tried again the failure is still true.", in: backedUp(25*hour, jobs(Jobs{Running: full, Backups: failedAt(1, 24*hour)})), say: ReasonBackupFailed, status: corev1.ConditionFalse},
		"Recovered":   {reason: "A backup on demand makes good for one that failed.", in: backedUp(hour, jobs(Jobs{Backups: failedAt(1, hour)})), say: ReasonOnSchedule, status: corev1.ConditionTrue, wake: 24 * hour},
		"MadeGood": {
			reason: "What failed before the last backup is not true any more when the next one is due.",
			in:     backedUp(25*hour, jobs(Jobs{Backups: failedAt(9, -time.Second)})), want: by(p2), say: ReasonOnSchedule, status: corev1.ConditionTrue,
		},
		"ClockSkew": {reason: "pgBackRest takes none that is older by name than the last.", in: backedUp(-hour), say: ReasonClockSkew, status: corev1.ConditionFalse, wake: -maxSkew},
		"SomeSkew":  {reason: "Clocks differ by a little.", in: backedUp(-time.Minute), say: ReasonOnSchedule, status: corev1.ConditionTrue, wake: 24 * hour},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := New(tc.in)
			if d := cmp.Diff(tc.want, got.Operations, cmpopts.EquateEmpty(), protocmp.Transform()); d != "" {
				t.Errorf("%s\nOperations: -want, +got:\n%s", tc.reason, d)
			}
			said := Verdict{}
			for _, v := range got.Verdicts {
				if v.Type == TypeBackupsOnSchedule {
					said = v
				}
			}
			if said.Reason != tc.say || said.Status != tc.status {
				t.Errorf("%s\n%s: want %s %s, got %+v", tc.reason, TypeBackupsOnSchedule, tc.status, tc.say, said)
			}
			wake := time.Time{}
			if tc.wake != 0 {
				wake = noonTime.Add(tc.wake)
			}
			if !got.Wake.Equal(wake) {
				t.Errorf("%s\nWake: want %s, got %s", tc.reason, wake, got.Wake)
			}
		})
	}
}

func TestRetention(t *testing.T) {
	r := rule(3, 1, p0, p0, p1, p2)
	by := func(id ID) []Operation {
		return []Operation{{Action: Expire, ID: id, Pod: "pod-" + id.Name, Leader: p0, Rule: r.GetRuleNumber()}}
	}
	day := func(n int) *managerpb.BackupMetadata {
		return backupOf(fmt.Sprintf("202603%02d-120000F", n), "full")
	}
	keep := func(n int32, all ...*managerpb.BackupMetadata) func(*Input) {
		return func(in *Input) {
			in.Parameters.Backups = &v1alpha1.ShardBackups{RetainedFull: n}
			in.Backups, in.BackupsKnown, in.Now = all, true, noonTime
		}
	}
	jobs := func(j Jobs) func(*Input) { return func(in *Input) { in.Jobs = j } }
	cases := map[string]struct {
		reason string
		in     Input
		want   []Operation
		say    string
	}{
		"None":     {reason: "Without a retention nothing is removed, and nothing said.", in: healthy(keep(0, day(1), day(2), day(3)))},
		"Within":   {reason: "What is to be kept is.", in: healthy(keep(2, day(1), day(2))), say: ReasonWithinRetention},
		"Surplus":  {reason: "What is beyond goes.", in: healthy(keep(2, day(1), day(3), day(2))), want: by(p1), say: ReasonExpiring},
		"OnlyFull": {reason: "Only full backups count.", in: healthy(keep(1, backupOf(noon, "full"), backupOf(evening, "diff"))), say: ReasonWithinRetention},
		"Damaged":  {reason: "If one that would stay is damaged, one that is sound would go for it.", in: healthy(keep(2, day(1), day(2), damaged(day(3).GetBackupId(), "full"), day(4))), say: ReasonDamagedBackup},
		"DamagedOld": {
			reason: "One that is damaged and beyond those to keep keeps nobody.",
			in:     healthy(keep(2, damaged(day(1).GetBackupId(), "full"), day(2), day(3), day(4))), want: by(p1), say: ReasonExpiring,
		},
		"DamagedNotCounted": {reason: "What is damaged is no surplus.", in: healthy(keep(2, damaged(day(1).GetBackupId(), "full"), day(2), day(3))), say: ReasonWithinRetention},
		"Unknown":           {reason: "Nothing is removed that nobody knows of.", in: healthy(keep(1, day(1), day(2)), func(in *Input) { in.BackupsKnown = false }), say: ReasonUnknown},
		"Leader":            {reason: "The leader may remove what no other is there to.", in: healthy(keep(1, day(1), day(2)), silent(p1, p2)), want: by(p0), say: ReasonExpiring},
		"NoLeader":          {reason: "A shard without a leader has other troubles.", in: healthy(keep(1, day(1), day(2)), silent(p0)), say: ReasonExpiring},
		"BackingUp":         {reason: "One thing at a time.", in: healthy(keep(1, day(1), day(2)), jobs(Jobs{Running: full})), say: ReasonExpiring},
		"Expiring":          {reason: "Once at a time.", in: healthy(keep(1, day(1), day(2)), jobs(Jobs{Expiring: true})), say: ReasonExpiring},
		"Leased":            {reason: "It waits for what others do.", in: healthy(keep(1, day(1), day(2)), func(in *Input) { in.BackupLeased = true }), say: ReasonExpiring},
		"Failed":            {reason: "After a failure there is a pause.", in: healthy(keep(1, day(1), day(2)), jobs(Jobs{Expiries: failedAt(1, 0)})), say: ReasonExpiryFailed},
		"FailedBackup":      {reason: "A backup that failed does not hold it up.", in: healthy(keep(1, day(1), day(2)), jobs(Jobs{Backups: failedAt(2, 0)})), want: by(p1), say: ReasonExpiring},
		"BackupFirst": {
			reason: "A backup that is due comes before a removal.",
			in: healthy(keep(1, day(1), day(2)), func(in *Input) {
				in.Parameters.Backups.Schedule, in.Now = every(hour, 0, 0), noonTime.Add(100*hour)
			}),
			want: []Operation{{Action: BackUp, ID: p1, Pod: "pod-p-1", Leader: p0, Rule: r.GetRuleNumber(), Backup: full}}, say: ReasonExpiring,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := New(tc.in)
			if d := cmp.Diff(tc.want, got.Operations, cmpopts.EquateEmpty(), protocmp.Transform()); d != "" {
				t.Errorf("%s\nOperations: -want, +got:\n%s", tc.reason, d)
			}
			said := ""
			for _, v := range got.Verdicts {
				if v.Type == TypeSurplusBackupsRemoved {
					said = v.Reason
				}
			}
			if said != tc.say {
				t.Errorf("%s\n%s: want %s, got %s", tc.reason, TypeSurplusBackupsRemoved, tc.say, said)
			}
		})
	}
}

func TestHindered(t *testing.T) {
	uid := New(healthy()).Observation.Poolers[1].PodUID
	cases := map[string]struct {
		reason             string
		in                 Input
		hindered, doubtful bool
	}{
		"Healthy":     {reason: "A backup goes on in a healthy shard.", in: healthy()},
		"Terminating": {reason: "A pooler cannot stop while it takes a backup.", in: healthy(func(in *Input) { in.Pods["pod-p-1"] = Pod{UID: uid, Terminating: true} }), hindered: true},
		"OtherPod":    {reason: "Another pod takes no backup.", in: healthy(func(in *Input) { in.Pods["pod-p-1"] = Pod{UID: "other"} }), hindered: true},
		"Gone":        {reason: "Nor does one that is not listed any more.", in: healthy(func(in *Input) { in.Parameters.Poolers = listed(p0, p2) }, noPod(p1)), hindered: true},
		"NoLeader":    {reason: "A leader may be silent for a moment.", in: healthy(silent(p0)), doubtful: true},
		"OtherLeader": {
			reason: "A backup reads the former leader's files, and its pooler cannot follow the new one before it ends.",
			in: healthy(answers(map[ID]Answer{
				p1: follows(p1, rule(3, 1, p0, p0, p1, p2)), p2: leads(p2, rule(4, 0, p2, p0, p1, p2)),
			})),
			hindered: true,
		},
		"Silent": {reason: "That the pooler itself says nothing for a moment means nothing.", in: healthy(silent(p1))},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			hindered, doubtful := New(tc.in).Hindered(p1, uid, p0)
			if hindered != tc.hindered || doubtful != tc.doubtful {
				t.Errorf("%s\nwant %t, %t, got %t, %t", tc.reason, tc.hindered, tc.doubtful, hindered, doubtful)
			}
		})
	}
}
