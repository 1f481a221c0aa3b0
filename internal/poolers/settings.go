package poolers

import (
	"context"
	"net"
	"strconv"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	poolerservicepb "github.com/multigres/multigres/go/pb/multipoolerservice"
	pgctldpb "github.com/multigres/multigres/go/pb/pgctldservice"
	querypb "github.com/multigres/multigres/go/pb/query"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// Marker is the name of the setting in which a configuration file carries its hash.
const Marker = "multigres.config_reload_marker"

// question is read-only and as cheap as its view. A marker that was never set is NULL.
const question = "SELECT coalesce(current_setting('" + Marker + "', true), ''), " +
	"EXISTS (SELECT 1 FROM pg_settings WHERE pending_restart)"

// errNoRow means that PostgreSQL answered something else than was asked.
var errNoRow = errors.New("answer is no row of two values")

// Settings that the PostgreSQL server of a pooler has in force. Every user may read them; the pooler's own runs the query.
func (c *Client) Settings(ctx context.Context, p *clustermetadatapb.MultiPooler) (*shardstate.Settings, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	conn, err := c.conns.get(address(p))
	if err != nil {
		return nil, errors.Wrapf(err, "cannot connect to pooler %s", name(p))
	}
	resp, err := poolerservicepb.NewMultiPoolerServiceClient(conn).ExecuteQuery(ctx, &poolerservicepb.ExecuteQueryRequest{
		Query: question,
		// A replica refuses what is for primaries, and a primary takes both.
		Target: &querypb.Target{
			TableGroup: p.GetShardKey().GetTableGroup(), Shard: p.GetShardKey().GetShard(), PoolerType: clustermetadatapb.PoolerType_REPLICA,
		},
		MaxRows: 1,
	})
	if err != nil {
		return nil, errors.Wrapf(classify(err), "cannot read settings of pooler %s", name(p))
	}
	rows := resp.GetResult().GetRows()
	if len(rows) != 1 {
		return nil, errors.Wrapf(errNoRow, "cannot read settings of pooler %s", name(p))
	}
	values, ok := columns(rows[0])
	if !ok || len(values) != 2 {
		return nil, errors.Wrapf(errNoRow, "cannot read settings of pooler %s", name(p))
	}
	return &shardstate.Settings{Hash: values[0], RestartPending: values[1] == "t"}, nil
}

// columns are the values of a row, NULL as an empty string.
func columns(r *querypb.Row) ([]string, bool) {
	rest := r.GetValues()
	out := make([]string, 0, len(r.GetLengths()))
	for _, n := range r.GetLengths() {
		n = max(n, 0)
		if n > int64(len(rest)) {
			return nil, false
		}
		out = append(out, string(rest[:n]))
		rest = rest[n:]
	}
	return out, true
}

// Reload makes the PostgreSQL server at a host read its configuration again. It tells pgctld, whose server speaks plain text
// whatever the poolers speak, because multipooler is its only other client. Which settings are in force then, Settings tells:
// the kubelet may not have brought the new file yet.
func Reload(ctx context.Context, host string, port int32) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	addr := net.JoinHostPort(host, strconv.Itoa(int(port)))
	// Reloads are rare: no connection is kept.
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return errors.Wrapf(err, "cannot connect to pgctld at %s", addr)
	}
	defer func() { _ = conn.Close() }()
	_, err = pgctldpb.NewPgCtldClient(conn).ReloadConfig(ctx, &pgctldpb.ReloadConfigRequest{})
	return errors.Wrapf(classify(err), "cannot reload configuration with pgctld at %s", addr)
}
