package poolers

import (
	"context"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/multigres/multigres/go/common/rpcclient"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
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

// Apart returns a client of the same kind with connections of its own, which last until they are closed: those to poolers that do not
// answer in time are ended, and others when there is other TLS material. It is for one pooler.
func (c *Client) Apart() (client *Client, done func()) {
	out := &Client{rpc: rpcclient.NewMultiPoolerClient(1, c.conns.creds), conns: newConns(c.conns.creds)}
	return out, out.close
}

// BackUp has a pooler take a backup: full, differential or incremental. It returns when the backup is complete and verified. Whoever
// holds the shard's lease for backups loses it. While it goes on the pooler does nothing else, and ends it if the call ends.
func (c *Client) BackUp(ctx context.Context, p *clustermetadatapb.MultiPooler, kind string) error {
	ctx, cancel := context.WithTimeout(ctx, BackupTimeout)
	defer cancel()
	_, err := c.rpc.Backup(ctx, p, &managerpb.BackupRequest{Type: kind})
	return errors.Wrapf(classify(err), "cannot take %s backup with pooler %s", kind, name(p))
}

// Expire has a pooler remove all but the last full backups, what builds on these, and the log since the oldest of them. It is refused
// while somebody holds the shard's lease for backups.
func (c *Client) Expire(ctx context.Context, p *clustermetadatapb.MultiPooler, keep int) error {
	ctx, cancel := context.WithTimeout(ctx, ExpiryTimeout)
	defer cancel()
	_, err := c.rpc.ExpireBackups(ctx, p, &managerpb.ExpireBackupsRequest{Overrides: map[string]string{retentionFull: strconv.Itoa(keep)}})
	return errors.Wrapf(classify(err), "cannot remove backups with pooler %s", name(p))
}
