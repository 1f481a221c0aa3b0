package shard

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// backupTypes are the types of backups as pgBackRest calls them.
var backupTypes = map[mv1alpha1.BackupType]string{
	mv1alpha1.BackupTypeFull: "full", mv1alpha1.BackupTypeDifferential: "diff", mv1alpha1.BackupTypeIncremental: "incr",
}

// backups says whether there is a backup to restore from. How old it may be is for its owner to say, by a schedule.
func backups(f *facts) compose.Condition {
	b := f.record.LastBackup
	switch {
	case b != nil:
		return compose.True(TypeBackupHealthy, "BackupComplete", "last backup is "+b.ID)
	case f.record.known && f.record.LeaderPod != "":
		return compose.False(TypeBackupHealthy, "NoBackup", "no complete backup is known")
	default:
		return compose.Condition{Type: TypeBackupHealthy, Status: metav1.ConditionUnknown, Reason: "RecordUnknown", Message: "the shard's record does not say yet"}
	}
}

// keeping returns what the record says of the schedule and of the retention, for as long as they are asked for.
func keeping(in compose.Input, sh *shard) []compose.Condition {
	wanted := recordBackups(sh.backup)
	record := in.Observed[naming.KeyShardRecord]
	var out []compose.Condition
	for _, c := range []struct {
		name  string
		asked bool
	}{
		{TypeBackupsOnSchedule, wanted != nil && wanted.Schedule != nil},
		{TypeSurplusBackupsRemoved, wanted != nil && wanted.RetainedFull > 0},
	} {
		switch _, was := in.XR.Condition(c.name); {
		case c.asked:
			out = append(out, carried(record, c.name))
		case was:
			// What was said once stays in a status, so that it is taken back.
			out = append(out, compose.True(c.name, compose.ReasonNotRequested, ""))
		}
	}
	return out
}

// carried is a condition of the record as the shard shows it. A record that could not be observed says what was true before.
func carried(record object.Object, name string) compose.Condition {
	out := compose.Condition{Type: name, Status: metav1.ConditionUnknown, Reason: reasonRecordUnknown, Message: "the shard's record does not say yet"}
	c, ok := record.Condition(name)
	if !ok {
		return out
	}
	out.Status, out.Reason, out.Message = metav1.ConditionStatus(c.Status), cmp.Or(c.Reason, out.Reason), c.Message
	if synced, said := record.Condition("Synced"); said && synced.Status == "False" {
		out.Status, out.Reason, out.Message = metav1.ConditionUnknown, reasonRecordUnknown, "the shard's record could not be observed"
	}
	return out
}
