package shardstate

import (
	"fmt"
	"slices"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// Surplus is how many complete full backups there are beyond those to keep, and whether those that would stay are sound. pgBackRest
// keeps the last ones, damaged ones among them: where one is, nothing may be removed.
func Surplus(all []*managerpb.BackupMetadata, keep int) (surplus int, sound bool) {
	full := slices.DeleteFunc(slices.Clone(all), func(b *managerpb.BackupMetadata) bool { return !isFull(b) })
	slices.SortStableFunc(full, func(a, b *managerpb.BackupMetadata) int {
		switch {
		case newer(a.GetBackupId(), b.GetBackupId()):
			return -1
		case newer(b.GetBackupId(), a.GetBackupId()):
			return 1
		}
		return 0
	})
	complete := 0
	sound = true
	for i, b := range full {
		if b.GetStatus() == managerpb.BackupMetadata_COMPLETE {
			complete++
			continue
		}
		sound = sound && i >= keep
	}
	return max(0, complete-keep), sound
}

// retention returns the removal of backups that is due: of the full ones beyond those to keep, with what builds on them.
func (f *facts) retention() todo {
	if f.Parameters.Backups == nil || f.Parameters.Backups.RetainedFull < 1 {
		return todo{}
	}
	say := func(v Verdict, wake time.Time) todo { return todo{verdicts: []Verdict{v}, wake: wake} }
	if !f.BackupsKnown {
		return say(Verdict{Type: TypeSurplusBackupsRemoved, Status: corev1.ConditionUnknown, Reason: ReasonUnknown, Message: "nobody could be asked which backups there are"}, time.Time{})
	}
	surplus, sound := Surplus(f.Backups, int(f.Parameters.Backups.RetainedFull))
	failed := f.Jobs.Expiries
	by, found := f.remover()
	expiring := no(TypeSurplusBackupsRemoved, ReasonExpiring, fmt.Sprintf("full backups beyond the last %d: %d", f.Parameters.Backups.RetainedFull, surplus))
	if failed.Failures > 0 {
		expiring.Reason, expiring.Message = ReasonExpiryFailed, failed.Why
	}
	switch {
	case surplus == 0:
		return say(yes(TypeSurplusBackupsRemoved, ReasonWithinRetention), time.Time{})
	case !sound:
		return say(no(TypeSurplusBackupsRemoved, ReasonDamagedBackup, "one of the full backups that would stay is not complete: nothing is removed"), time.Time{})
	case f.Jobs.Running != "" || f.Jobs.Expiring || !found:
		return say(expiring, time.Time{})
	case failed.pausedUntil().After(f.Now):
		return say(expiring, failed.pausedUntil())
	case f.BackupLeased:
		return say(expiring, f.Now.Add(leasePause))
	}
	out := say(expiring, time.Time{})
	out.operations = []Operation{{Action: Expire, ID: by, Pod: f.podOf(by), Leader: f.leader, Rule: f.rule.GetRuleNumber()}}
	return out
}

// remover is the pooler that removes backups: who would take one, or the leader if there is no other. All have the same repository.
func (f *facts) remover() (ID, bool) {
	if id, ok := f.taker(); ok || !f.leads {
		return id, ok
	}
	i := slices.IndexFunc(f.Parameters.Poolers, func(p v1alpha1.ShardPooler) bool { return poolerID(p) == f.leader })
	return f.leader, i >= 0 && f.serves(f.Parameters.Poolers[i])
}

// backups returns what is to be done about the backups of the shard: one thing at a time.
func (f *facts) backups() todo {
	take, remove := f.schedule(), f.retention()
	out := todo{operations: slices.Concat(take.operations, remove.operations), verdicts: slices.Concat(take.verdicts, remove.verdicts)}
	if len(out.operations) > 1 {
		out.operations = out.operations[:1]
	}
	for _, t := range []time.Time{take.wake, remove.wake} {
		if !t.IsZero() && (out.wake.IsZero() || t.Before(out.wake)) {
			out.wake = t
		}
	}
	return out
}
