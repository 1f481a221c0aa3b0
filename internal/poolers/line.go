package poolers

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	consensuspb "github.com/multigres/multigres/go/pb/consensus"
	managerservicepb "github.com/multigres/multigres/go/pb/multipoolermanager"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

const (
	// pingAfter is how long a line is silent before it is made sure that somebody is at its other end. A pooler ends a connection on which
	// it is asked that three times sooner than 10 s after the time before, while a call lasts. Multigres' own client asks after 10 s
	// (multigres v0.1.0): nothing but the pooler's own question, at the same pace, keeps it from being a moment too soon.
	pingAfter = 30 * time.Second

	// pingTimeout is how long the answer may take.
	pingTimeout = 20 * time.Second
)

// A Line is a connection of its own to one pooler, for a call that takes long. Other connections end when a pooler does not answer in
// time, or when there is other TLS material.
type Line struct {
	pooler    *clustermetadatapb.MultiPooler
	conn      *grpc.ClientConn
	manager   managerservicepb.MultiPoolerManagerClient
	consensus consensuspb.MultiPoolerConsensusClient
}

// Line to a pooler, which lasts until it is closed.
func (c *Client) Line(p *clustermetadatapb.MultiPooler) (*Line, error) {
	conn, err := grpc.NewClient("passthrough:///"+address(p), c.conns.creds, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot connect to pooler %s", name(p))
	}
	return &Line{pooler: p, conn: conn, manager: managerservicepb.NewMultiPoolerManagerClient(conn), consensus: consensuspb.NewMultiPoolerConsensusClient(conn)}, nil
}

// Close the line.
func (l *Line) Close() { _ = l.conn.Close() }

// call the pooler, for no longer than a time.
func call[T any](ctx context.Context, longest time.Duration, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out, err := do(ctx)
	return out, classify(err)
}
