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
// It has a line of its own.
func (c *Client) Rewind(ctx context.Context, p, leader *clustermetadatapb.MultiPooler) error {
	l, err := c.Line(p)
	if err != nil {
		return err
	}
	defer l.Close()
	resp, err := call(ctx, RewindTimeout, func(ctx context.Context) (*managerpb.RewindToSourceResponse, error) {
		return l.consensus.RewindToSource(ctx, &managerpb.RewindToSourceRequest{Source: leader})
	})
	if err == nil && !resp.GetSuccess() {
		err = classify(errors.New(resp.GetErrorMessage()))
	}
	return errors.Wrapf(err, "cannot rewind pooler %s to leader %s", name(p), name(leader))
}
