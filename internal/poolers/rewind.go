package poolers

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
)

// RewindTimeout is for pg_rewind, which copies what has changed since two histories parted, and all of the log. Whoever ends it early
// leaves data that nothing can be started from.
const RewindTimeout = 30 * time.Minute

// Rewind makes a pooler's data those of the leader, and its PostgreSQL a standby. PostgreSQL is stopped for it if it runs. If their
// histories have not parted nothing but that happens. Multigres' orchestrators make the same call for a replica that cannot follow.
//
// It has a connection of its own, since those to poolers that do not answer in time are ended.
func (c *Client) Rewind(ctx context.Context, p, leader *clustermetadatapb.MultiPooler) error {
	ctx, cancel := context.WithTimeout(ctx, RewindTimeout)
	defer cancel()
	own, done := c.Apart()
	defer done()
	resp, err := own.rpc.RewindToSource(ctx, p, &managerpb.RewindToSourceRequest{Source: leader})
	if err == nil && !resp.GetSuccess() {
		err = errors.New(resp.GetErrorMessage())
	}
	return errors.Wrapf(classify(err), "cannot rewind pooler %s to leader %s", name(p), name(leader))
}
