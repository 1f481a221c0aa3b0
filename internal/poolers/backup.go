package poolers

import (
	"context"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
)

const (
	// BackupTimeout is for a backup and its verification, to which a pooler gives 30 minutes (multigres v0.1.0, BackupTimeout), and for
	// what it does before.
	BackupTimeout = 40 * time.Minute

	// ExpiryTimeout is for the removal of backups, to which a pooler gives 10 minutes (multigres v0.1.0, ExpireTimeout), and for listing
	// them before and after.
	ExpiryTimeout = 15 * time.Minute
)

// retentionFull is pgBackRest's option for how many full backups are kept, in the form that Multigres makes the flag
// --repo1-retention-full of (multigres v0.1.0, ApplyPgBackRestOverrides). A flag overrides pgBackRest's configuration file, which says 7.
const retentionFull = "repo1_retention_full"

// Backups of the shard, as the pooler finds them in the repository.
func (l *Line) Backups(ctx context.Context) ([]*managerpb.BackupMetadata, error) {
	resp, err := call(ctx, BackupsTimeout, func(ctx context.Context) (*managerpb.GetBackupsResponse, error) {
		return l.manager.GetBackups(ctx, &managerpb.GetBackupsRequest{})
	})
	return resp.GetBackups(), errors.Wrapf(err, "cannot get backups from pooler %s", name(l.pooler))
}

// BackUp has the pooler take a backup: full, differential or incremental. It returns when the backup is complete and verified. Whoever
// holds the shard's lease for backups loses it. While it goes on the pooler does nothing else, and ends it if the call ends.
func (l *Line) BackUp(ctx context.Context, kind string) error {
	_, err := call(ctx, BackupTimeout, func(ctx context.Context) (*managerpb.BackupResponse, error) {
		return l.manager.Backup(ctx, &managerpb.BackupRequest{Type: kind})
	})
	return errors.Wrapf(err, "cannot take %s backup with pooler %s", kind, name(l.pooler))
}

// Expire has the pooler remove all but the last full backups, what builds on these, and the log since the oldest of them. It is refused
// while somebody holds the shard's lease for backups.
func (l *Line) Expire(ctx context.Context, keep int) error {
	_, err := call(ctx, ExpiryTimeout, func(ctx context.Context) (*managerpb.ExpireBackupsResponse, error) {
		return l.manager.ExpireBackups(ctx, &managerpb.ExpireBackupsRequest{Overrides: map[string]string{retentionFull: strconv.Itoa(keep)}})
	})
	return errors.Wrapf(err, "cannot remove backups with pooler %s", name(l.pooler))
}
