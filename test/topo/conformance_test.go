package topo

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/multigres/multigres/go/common/topoclient"
	// Registers the topology implementation "etcd".
	_ "github.com/multigres/multigres/go/common/topoclient/etcdtopo"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

var (
	writer   = topo.Writer{Token: 1, Owner: "uid-a"}
	poolerID = &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIPOOLER, Cell: "zone1", Name: "p-0"}
	orchID   = &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIORCH, Cell: "zone1", Name: "o-0"}
	shardKey = &clustermetadatapb.ShardKey{Database: "postgres", TableGroup: "default", Shard: "0-inf"}
	policy   = &clustermetadatapb.DurabilityPolicy{
		PolicyName: "AT_LEAST_2", PolicyVersion: 7, QuorumType: clustermetadatapb.QuorumType_QUORUM_TYPE_AT_LEAST_N,
		RequiredCount: 2, Description: "two",
	}
	s3 = &clustermetadatapb.BackupLocation{Location: &clustermetadatapb.BackupLocation_S3{S3: &clustermetadatapb.S3Backup{
		Bucket: "b", Region: "r", Endpoint: "https://s3", KeyPrefix: "p", UseEnvCredentials: true,
	}}}
	filesystem = &clustermetadatapb.BackupLocation{Location: &clustermetadatapb.BackupLocation_Filesystem{
		Filesystem: &clustermetadatapb.FilesystemBackup{Path: "/backups"},
	}}
)

// full checks that a message, and each message in it, has all fields set that there are, so that a field that one side drops is seen.
// Of fields that exclude each other it has one; which ones were seen is noted.
func full[M proto.Message](t *testing.T, m M) M {
	t.Helper()
	complete(t, m.ProtoReflect())

	return m
}

func complete(t *testing.T, m protoreflect.Message) {
	t.Helper()

	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.Has(f) {
			if f.ContainingOneof() == nil {
				t.Fatalf("the test must set %s", f.FullName())
			}

			continue
		}

		if f.ContainingOneof() != nil {
			chosen[f.FullName()] = true
		}

		if f.Message() == nil || f.IsMap() {
			continue
		}

		if !f.IsList() {
			complete(t, m.Get(f).Message())

			continue
		}

		for j := range m.Get(f).List().Len() {
			complete(t, m.Get(f).List().Get(j).Message())
		}
	}
}

// chosen are the fields that were set of those that exclude each other.
var chosen = map[protoreflect.FullName]bool{}

// conform writes a message by one library and reads it by the other, both ways.
func conform[M proto.Message](t *testing.T, records topo.Records[M], p topo.Path, m M, create func(context.Context) error, get func(context.Context) (M, error)) {
	t.Helper()

	ctx := testContext(t)

	created, err := records.Create(ctx, writer, p, m)
	if err != nil {
		t.Fatalf("Create(%s): %v", p, err)
	}

	read, err := get(ctx)
	if err != nil {
		t.Fatalf("Multigres does not find %s: %v", p, err)
	}

	if diff := cmp.Diff(m, read, protocmp.Transform()); diff != "" {
		t.Errorf("Multigres reads %s otherwise: -want +got:\n%s", p, diff)
	}

	if err := records.Delete(ctx, writer, created); err != nil {
		t.Fatalf("Delete(%s): %v", p, err)
	}

	if _, err := get(ctx); err == nil {
		t.Errorf("Multigres finds %s after its deletion", p)
	}

	if err := create(ctx); err != nil {
		t.Fatalf("Multigres does not create %s: %v", p, err)
	}

	rec, err := records.Get(ctx, p)
	if err != nil {
		t.Fatalf("Get(%s): %v", p, err)
	}

	if diff := cmp.Diff(m, rec.Message, protocmp.Transform()); diff != "" {
		t.Errorf("%s of Multigres is read otherwise: -want +got:\n%s", p, diff)
	}

	if rec.Owner != "" || rec.Revision == 0 {
		t.Errorf("%s of Multigres: owner %q, revision %d", p, rec.Owner, rec.Revision)
	}

	list, err := records.List(ctx)
	if err != nil || len(list) != 1 {
		t.Fatalf("List(): %d records, error %v", len(list), err)
	}

	if diff := cmp.Diff(p, list[0].Path); diff != "" {
		t.Errorf("List(): -want path, +got path:\n%s", diff)
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()

	etcd := startEtcd(t)
	store := open(t, etcd.Address)

	ts, err := topoclient.OpenServer("etcd", root, []string{etcd.Address}, topoclient.NewDefaultTopoConfig())
	if err != nil {
		t.Fatalf("cannot open Multigres' client: %v", err)
	}
	defer ts.Close()

	// Everything of a cell is found through the record of the cell.
	zone := &clustermetadatapb.Cell{Name: "zone1", ServerAddresses: []string{etcd.Address}, Root: root}

	t.Run("Cell", func(t *testing.T) {
		conform(t, store.Cells(), topo.CellPath("zone1"), full(t, zone),
			func(ctx context.Context) error { return ts.CreateCell(ctx, "zone1", proto.CloneOf(zone)) },
			func(ctx context.Context) (*clustermetadatapb.Cell, error) { return ts.GetCell(ctx, "zone1") })
	})

	for name, location := range map[string]*clustermetadatapb.BackupLocation{"DatabaseS3": s3, "DatabaseFilesystem": filesystem} {
		t.Run(name, func(t *testing.T) {
			db := full(t, &clustermetadatapb.Database{
				Name: "postgres", Cells: []string{"zone1", "zone2"}, BackupLocation: location, BootstrapDurabilityPolicy: policy,
			})

			conform(t, store.Databases(), topo.DatabasePath("postgres"), db,
				func(ctx context.Context) error { return ts.CreateDatabase(ctx, "postgres", proto.CloneOf(db)) },
				func(ctx context.Context) (*clustermetadatapb.Database, error) { return ts.GetDatabase(ctx, "postgres") })

			if err := ts.DeleteDatabase(testContext(t), "postgres", false); err != nil {
				t.Fatalf("Multigres does not delete the database: %v", err)
			}
		})
	}

	t.Run("BackupLease", func(t *testing.T) {
		shard := &clustermetadatapb.ShardKey{Database: "postgres", TableGroup: "default", Shard: "0-inf"}
		leased := func() bool {
			held, err := store.Leased(testContext(t), topo.BackupLeasePath("postgres", "default", "0-inf"))
			if err != nil {
				t.Fatalf("Leased(...): %v", err)
			}

			return held
		}

		if leased() {
			t.Error("nobody holds the lease yet")
		}

		if err := ts.WithBackupLease(testContext(t), shard, "p-0", "backup", slog.New(slog.DiscardHandler), func(context.Context) error {
			if !leased() {
				t.Error("a lease that Multigres holds should be seen")
			}

			return nil
		}); err != nil {
			t.Fatalf("Multigres gets no lease: %v", err)
		}

		if leased() {
			t.Error("a lease that Multigres gave back should be seen to be free")
		}
	})

	t.Run("MultiPooler", func(t *testing.T) {
		pooler := full(t, &clustermetadatapb.MultiPooler{
			Id: poolerID, ShardKey: shardKey, KeyRange: &clustermetadatapb.KeyRange{Start: []byte{1}, End: []byte{2}},
			Type: clustermetadatapb.PoolerType_PRIMARY, ServingStatus: clustermetadatapb.PoolerServingStatus_NOT_SERVING,
			Hostname: "pod.svc", PortMap: map[string]int32{"grpc": 15270, "http": 15200, "postgres": 5432, "pgbackrest": 8432},
			PoolerDir: "/var/lib/pooler", PgDataDir: "/var/lib/pooler/pg_data",
		})
		conform(t, store.MultiPoolers(), topo.MultiPoolerPath("zone1", "p-0"), pooler,
			func(ctx context.Context) error { return ts.CreateMultiPooler(ctx, proto.CloneOf(pooler)) },
			func(ctx context.Context) (*clustermetadatapb.MultiPooler, error) {
				info, err := ts.GetMultiPooler(ctx, poolerID)
				if err != nil {
					return nil, err
				}

				return info.MultiPooler, nil
			})
	})

	t.Run("MultiOrch", func(t *testing.T) {
		orch := full(t, &clustermetadatapb.MultiOrch{Id: orchID, Hostname: "pod.svc", PortMap: map[string]int32{"grpc": 15370, "http": 15300}})
		conform(t, store.MultiOrchs(), topo.MultiOrchPath("zone1", "o-0"), orch,
			func(ctx context.Context) error { return ts.CreateMultiOrch(ctx, proto.CloneOf(orch)) },
			func(ctx context.Context) (*clustermetadatapb.MultiOrch, error) {
				info, err := ts.GetMultiOrch(ctx, orchID)
				if err != nil {
					return nil, err
				}

				return info.MultiOrch, nil
			})
	})

	t.Run("ShardInitClaim", func(t *testing.T) {
		claim := full(t, &clustermetadatapb.ShardInitClaim{ClaimerId: orchID, CohortMembers: []*clustermetadatapb.ID{poolerID}})
		p := topo.ShardInitClaimPath("postgres", "default", "0-inf")
		// Multigres has no method that reads a claim.
		conform(t, store.ShardInitClaims(), p, claim,
			func(ctx context.Context) error {
				_, _, err := ts.ClaimShardInitialization(ctx, shardKey, orchID, claim.GetCohortMembers())

				return err
			},
			func(ctx context.Context) (*clustermetadatapb.ShardInitClaim, error) {
				conn, err := ts.ConnForCell(ctx, topoclient.GlobalCell)
				if err != nil {
					return nil, err
				}

				raw, _, err := conn.Get(ctx, string(p))
				if err != nil {
					return nil, err
				}

				got := &clustermetadatapb.ShardInitClaim{}

				return got, proto.Unmarshal(raw, got)
			})
	})

	locations := (&clustermetadatapb.BackupLocation{}).ProtoReflect().Descriptor().Fields()
	for i := range locations.Len() {
		if name := locations.Get(i).FullName(); !chosen[name] {
			t.Errorf("no record has %s", name)
		}
	}

	// Our own keys must not show up as somebody's records.
	cells, err := ts.GetCellNames(testContext(t))
	if diff := cmp.Diff([]string{"zone1"}, cells); diff != "" || err != nil {
		t.Errorf("GetCellNames(): error %v, -want +got:\n%s", err, diff)
	}
}
