package shardstate

import (
	"strings"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// labelTime is how the id of a backup begins, as pgBackRest makes it, in the time zone of the pooler's container: UTC.
const labelTime = "20060102-150405"

// backupTypes are the types of backups by what pgBackRest calls them.
var backupTypes = map[string]v1alpha1.BackupType{
	"full": v1alpha1.BackupTypeFull, "diff": v1alpha1.BackupTypeDifferential, "incr": v1alpha1.BackupTypeIncremental,
}

// newest is the last of all complete backups of a kind, nil if there is none. A backup of a newer time has a greater beginning of its id,
// whatever its type adds at the end.
func newest(all []*managerpb.BackupMetadata, kind func(*managerpb.BackupMetadata) bool) *managerpb.BackupMetadata {
	var last *managerpb.BackupMetadata
	for _, b := range all {
		if b.GetStatus() == managerpb.BackupMetadata_COMPLETE && kind(b) && (last == nil || newer(b.GetBackupId(), last.GetBackupId())) {
			last = b
		}
	}
	return last
}

func anyType(*managerpb.BackupMetadata) bool { return true }

func isFull(b *managerpb.BackupMetadata) bool {
	return backupTypes[b.GetType()] == v1alpha1.BackupTypeFull
}

// shownBackup is a backup as a ShardRecord shows it.
func shownBackup(b *managerpb.BackupMetadata) *v1alpha1.BackupObservation {
	if b == nil {
		return nil
	}
	out := &v1alpha1.BackupObservation{ID: b.GetBackupId(), Type: backupTypes[b.GetType()]}
	if t, ok := started(b.GetBackupId()); ok {
		at := metav1.NewTime(t)
		out.StartedAt = &at
	}
	return out
}

// fullBackups is how many complete full backups there are.
func fullBackups(all []*managerpb.BackupMetadata) int32 {
	n, _ := Surplus(all, 0)
	return int32(n)
}

// takers are the ids of the last complete backup that each pooler took, by its service id: that is all that a backup says.
func takers(all []*managerpb.BackupMetadata) map[string]string {
	out := map[string]string{}
	for _, b := range all {
		by := b.GetMultipoolerId()
		if b.GetStatus() != managerpb.BackupMetadata_COMPLETE || by == "" {
			continue
		}
		if last, ok := out[by]; !ok || newer(b.GetBackupId(), last) {
			out[by] = b.GetBackupId()
		}
	}
	return out
}

// newer is true if a backup is newer than another. The id of a backup that builds on a full one is the full one's, an
// underscore and its own.
func newer(a, b string) bool {
	at, aok := started(a)
	bt, bok := started(b)
	if aok && bok && !at.Equal(bt) {
		return at.After(bt)
	}
	if aok != bok {
		return aok
	}
	return a > b
}

// started is when a backup was begun, from its id: 20260101-120000F for a full backup, and for others the id of the full one
// that they build on, an underscore and their own, as in 20260101-120000F_20260102-120000I.
func started(id string) (time.Time, bool) {
	if i := strings.LastIndexByte(id, '_'); i >= 0 {
		id = id[i+1:]
	}
	if len(id) < len(labelTime) {
		return time.Time{}, false
	}
	t, err := time.Parse(labelTime, id[:len(labelTime)])
	return t, err == nil
}
