// Package poolers asks the poolers of a shard how they are, and tells a leader or a server the few things that a controller may.
//
// It speaks Multigres' own client. What that leaves to its caller is here: deadlines, so that one pooler that hangs delays
// nobody; a bound on how many are asked at a time; TLS for each shard; and connections that end with the poolers.
package poolers

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/multigres/multigres/go/common/rpcclient"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// Timeout of one call. A healthy pooler answers within some 50 ms; one whose PostgreSQL starts may need a second.
	Timeout = 3 * time.Second

	// BackupsTimeout is for pgBackRest, which reads the repository.
	BackupsTimeout = 10 * time.Second

	// askTimeout bounds how long all poolers of a shard are asked. Each takes two calls.
	askTimeout = 10 * time.Second

	// parallel is how many poolers of a shard are asked at a time. If as many hang the others wait for them.
	parallel = 64

	// capacity of the connections to poolers that speak the same TLS. Multigres' client waits busily for a free one when
	// there are more poolers, so that there must never be as many.
	capacity = 4096

	portGRPC = "grpc"
)

// Classes of errors. Match them with errors.Is.
var (
	// ErrRefused means that a pooler answered, and that it did not do what it was asked for.
	ErrRefused = errors.New("pooler refused")

	// ErrUnavailable means that no answer came in time. What was asked for may or may not have happened.
	ErrUnavailable = errors.New("pooler is unavailable")

	// ErrInvalid means that the TLS material cannot be used.
	ErrInvalid = errors.New("invalid TLS configuration")
)

// A Client speaks to poolers. It is safe for concurrent use.
type Client struct {
	rpc   rpcclient.MultiPoolerClient
	conns *conns
}

// Status asks a pooler how it is.
func (c *Client) Status(ctx context.Context, p *clustermetadatapb.MultiPooler) (*managerpb.StatusResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	resp, err := c.rpc.Status(ctx, p, &managerpb.StatusRequest{})
	return resp, errors.Wrapf(classify(err), "cannot get status of pooler %s", name(p))
}

// Backups of the shard, as a pooler finds them in the repository. It is not cheap, and keeps the pooler from doing anything else
// meanwhile, an election among it: rather ask a replica, and seldom.
func (c *Client) Backups(ctx context.Context, p *clustermetadatapb.MultiPooler) ([]*managerpb.BackupMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, BackupsTimeout)
	defer cancel()
	// A limit would cut off the newest.
	resp, err := c.rpc.GetBackups(ctx, p, &managerpb.GetBackupsRequest{})
	return resp.GetBackups(), errors.Wrapf(classify(err), "cannot get backups from pooler %s", name(p))
}

// RemoveMember has the leader take a member out of its cohort, if the rule in force is still the one with the given number. The
// leader refuses if it is not, if it leads no more, and if the durability policy could not be kept without the member. It is no
// error if the member is none.
func (c *Client) RemoveMember(ctx context.Context, leader *clustermetadatapb.MultiPooler, member *clustermetadatapb.ID, rule *clustermetadatapb.RuleNumber) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	_, err := c.rpc.UpdateConsensusRule(ctx, leader, &managerpb.UpdateConsensusRuleRequest{
		Operation:            managerpb.CohortUpdateOperation_COHORT_UPDATE_OPERATION_REMOVE,
		StandbyIds:           []*clustermetadatapb.ID{member},
		ExpectedOutgoingRule: rule,
		CoordinatorId:        leader.GetId(),
	})
	return errors.Wrapf(classify(err), "cannot remove member %s with leader %s", member.GetName(), name(leader))
}

// Forget ends the connections to a pooler.
func (c *Client) Forget(p *clustermetadatapb.MultiPooler) {
	c.rpc.CloseTablet(p)
	c.conns.forget(address(p))
}

func (c *Client) close() {
	c.rpc.Close()
	c.conns.close()
}

// classify gives an error of a call its class. A pooler whose PostgreSQL is away answers, and its own error has a code of its
// own: only what gRPC itself says when there is no answer counts as none.
func classify(err error) error {
	if err == nil {
		return nil
	}
	class := ErrRefused
	switch status.Code(err) { //nolint:exhaustive // All other codes come from the pooler.
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		class = ErrUnavailable
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		class = ErrUnavailable
	}
	return &classified{class: class, cause: err}
}

// classified is an error of one class with its cause. Both match errors.Is.
type classified struct {
	class error
	cause error
}

// Error is the class with the text of its cause.
func (e *classified) Error() string { return e.class.Error() + ": " + e.cause.Error() }

// Unwrap gives the class and the cause.
func (e *classified) Unwrap() []error { return []error{e.class, e.cause} }

func name(p *clustermetadatapb.MultiPooler) string {
	return p.GetId().GetCell() + "_" + p.GetId().GetName()
}

// address of a pooler's gRPC server.
func address(p *clustermetadatapb.MultiPooler) string {
	return net.JoinHostPort(p.GetHostname(), strconv.Itoa(int(p.GetPortMap()[portGRPC])))
}
