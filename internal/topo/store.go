package topo

import (
	"context"
	"path"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// A Store is an open topology. It is safe for concurrent use: an impatient
// caller disturbs no other. While etcd does not answer only probes ask it, and
// all calls fail at once as ErrUnavailable.
type Store struct {
	client   *clientv3.Client
	root     string
	identity string
	timeout  time.Duration
	observe  func(time.Duration, error)
	circuit  circuit

	// cluster is the ID of the etcd cluster that answered last.
	cluster atomic.Uint64
}

// Open makes a store. It connects in the background, except with a user and
// password, which it checks first: that fails as ErrUnavailable or ErrDenied. A
// configuration that cannot be used is ErrInvalid.
func Open(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}

	timeout := cfg.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}

	etcd := clientv3.Config{
		Endpoints:            cfg.Endpoints,
		Username:             cfg.Username,
		Password:             cfg.Password,
		DialTimeout:          timeout,
		DialKeepAliveTime:    keepAliveTime,
		DialKeepAliveTimeout: keepAliveTimeout,
		// The client logs a line per retry, tens of them in a second.
		Logger:      zap.NewNop(),
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(connectParams(timeout))},
	}

	if cfg.TLS != nil {
		t, err := cfg.TLS.config()
		if err != nil {
			return nil, err
		}

		etcd.TLS = t
		// The client checks the certificate against the endpoint's host,
		// whatever the TLS configuration says, unless gRPC is told otherwise.
		if cfg.TLS.ServerName != "" {
			etcd.DialOptions = append(etcd.DialOptions, grpc.WithAuthority(cfg.TLS.ServerName))
		}
	}

	client, err := clientv3.New(etcd)
	if err != nil {
		return nil, errors.Wrap(classify(err), "cannot open topology")
	}

	s := &Store{client: client, root: path.Clean(cfg.Root), identity: cfg.Identity, timeout: timeout, observe: cfg.Observe}
	if s.observe == nil {
		s.observe = func(time.Duration, error) {}
	}

	return s, nil
}

// connectParams are when an endpoint is tried again, and for how long each time.
func connectParams(timeout time.Duration) grpc.ConnectParams {
	rest := backoff.DefaultConfig
	rest.BaseDelay, rest.MaxDelay = minConnectRest, maxConnectRest

	return grpc.ConnectParams{Backoff: rest, MinConnectTimeout: timeout}
}

// Close ends the connection and all watches. Calls after it are ErrUnavailable.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return errors.Wrap(err, "cannot close topology")
	}

	return nil
}

// Cluster is the ID of the etcd cluster that holds the records, in hexadecimal.
// Two stores with the same ID and root are the same place, whatever their
// endpoints. etcd makes the ID from what the cluster was bootstrapped with, so
// one that is built anew in the same way has the same ID.
func (s *Store) Cluster(ctx context.Context) (string, error) {
	if s.cluster.Load() == 0 {
		err := s.do(ctx, func(ctx context.Context) error {
			resp, err := s.client.Get(ctx, s.fenceKey(), clientv3.WithCountOnly())
			if err == nil {
				s.answered(resp.Header)
			}

			return err
		})
		if err != nil {
			return "", errors.Wrap(err, "cannot identify topology server")
		}
	}

	return strconv.FormatUint(s.cluster.Load(), 16), nil
}

// answered takes note of which cluster an answer is from.
func (s *Store) answered(h *etcdserverpb.ResponseHeader) { s.cluster.Store(h.GetClusterId()) }

// Cells are the cells of the cluster, in the global topology.
func (s *Store) Cells() Records[*clustermetadatapb.Cell] {
	return Records[*clustermetadatapb.Cell]{store: s, folder: folderCells, pattern: string(CellPath("*"))}
}

// Databases are the databases of the cluster, in the global topology.
func (s *Store) Databases() Records[*clustermetadatapb.Database] {
	return Records[*clustermetadatapb.Database]{store: s, folder: folderDatabases, pattern: string(DatabasePath("*"))}
}

// ShardInitClaims say which coordinator initialized a shard, in the global
// topology.
func (s *Store) ShardInitClaims() Records[*clustermetadatapb.ShardInitClaim] {
	return Records[*clustermetadatapb.ShardInitClaim]{store: s, folder: folderDatabases, pattern: string(ShardInitClaimPath("*", "*", "*"))}
}

// MultiPoolers are the poolers in a cell's topology. They register themselves.
func (s *Store) MultiPoolers() Records[*clustermetadatapb.MultiPooler] {
	return Records[*clustermetadatapb.MultiPooler]{store: s, folder: folderPoolers, pattern: folderPoolers + "/*/" + filePooler}
}

// MultiOrchs are the coordinators in a cell's topology. They register
// themselves.
func (s *Store) MultiOrchs() Records[*clustermetadatapb.MultiOrch] {
	return Records[*clustermetadatapb.MultiOrch]{store: s, folder: folderOrchs, pattern: folderOrchs + "/*/" + fileOrch}
}

// Leased says whether somebody holds the lease at a path. One that dies holds it
// until it runs out.
func (s *Store) Leased(ctx context.Context, p Path) (bool, error) {
	held := false

	err := s.do(ctx, func(ctx context.Context) error {
		resp, err := s.client.Get(ctx, s.recordKey(p), clientv3.WithCountOnly())
		if err == nil {
			held = resp.Count > 0
			s.answered(resp.Header)
		}

		return err
	})

	return held, errors.Wrapf(err, "cannot read lease %s", p)
}

// do runs one call to etcd with the store's deadline and gives its error a
// class. It fails at once while etcd is known not to answer.
func (s *Store) do(ctx context.Context, call func(ctx context.Context) error) error {
	if err := s.circuit.refuses(); err != nil {
		return err
	}

	return s.ask(ctx, call)
}

// ask runs one call to etcd, whether or not etcd is known to answer.
func (s *Store) ask(ctx context.Context, call func(ctx context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()

	start := time.Now()
	err := classify(call(bounded))

	// The client is closed, not the caller gone.
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		err = &classified{class: ErrUnavailable, cause: err}
	}

	s.observe(time.Since(start), err)

	// A caller who is gone did not wait for the answer.
	if ctx.Err() == nil && s.circuit.heard(start, time.Now(), err) {
		go s.probe() //nolint:contextcheck // It outlives the call that found out that etcd does not answer.
	}

	return err
}
