package reliability

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// TestBackupScheduled gives a running cluster a schedule with the shortest interval there is, and a retention: two full backups are taken by
// themselves, the last two are kept, no pod is restarted for it and nobody waits. Then it takes both back.
func TestBackupScheduled(t *testing.T) {
	const retained = 2
	s := watch(t, the(t))
	pods := s.pods()
	r, err := s.cluster.record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	if b := r.Status.AtProvider.LastFullBackup; b != nil {
		seen[b.ID] = true
	}
	before := len(seen)

	s.strike("full backup every minute, the last two kept", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) {
			spec.Backup.Schedule = &v1alpha1.BackupSchedule{Full: &metav1.Duration{Duration: time.Minute}}
			spec.Backup.Retention = &v1alpha1.BackupRetention{Full: ptr.To[int32](retained)}
		})
	})
	s.recovered(func(ctx context.Context) error {
		r, err := s.cluster.record(ctx)
		if err != nil {
			return err
		}
		o := r.Status.AtProvider
		if o.LastFullBackup != nil {
			seen[o.LastFullBackup.ID] = true
		}
		if n := len(seen) - before; n < 2 {
			return errors.Wrapf(errNotYet, "%d scheduled backups; %s: %s", n, shardstate.TypeBackupsOnSchedule, r.GetCondition(shardstate.TypeBackupsOnSchedule).Message)
		}
		if o.FullBackups > retained {
			return errors.Wrapf(errNotYet, "%d full backups; %s: %s", o.FullBackups, shardstate.TypeSurplusBackupsRemoved, r.GetCondition(shardstate.TypeSurplusBackupsRemoved).Message)
		}
		return s.keeping(ctx, shardstate.ReasonWithinRetention, shardstate.ReasonOnSchedule, shardstate.ReasonBackingUp)
	})

	s.strike("schedule and retention taken back", func() {
		s.cluster.change(t, func(spec *v1alpha1.MultigresClusterSpec) { spec.Backup.Schedule, spec.Backup.Retention = nil, nil })
	})
	s.recovered(func(ctx context.Context) error { return s.keeping(ctx, compose.ReasonNotRequested) })
	if diff := cmp.Diff(pods, s.pods()); diff != "" {
		t.Errorf("pods are not what they were: -want, +got:\n%s", diff)
	}
	s.end()
}

// keeping is nil if the shard says that it is on schedule and has as many backups as it should, for one of some reasons.
func (s *scenario) keeping(ctx context.Context, reasons ...string) error {
	sh, err := s.cluster.shard(ctx)
	if err != nil {
		return err
	}
	said := 0
	for _, c := range sh.Status.Conditions {
		if c.Type != shardstate.TypeBackupsOnSchedule && c.Type != shardstate.TypeSurplusBackupsRemoved {
			continue
		}
		said++
		if c.Status != corev1.ConditionTrue || !slices.Contains(reasons, string(c.Reason)) {
			return errors.Wrapf(errNotYet, "%s is %s, %s: %s", c.Type, c.Status, c.Reason, c.Message)
		}
	}
	if said != 2 {
		return errors.Wrap(errNotYet, "the shard says nothing of its backups")
	}
	return nil
}
