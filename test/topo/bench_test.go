package topo

import (
	"fmt"
	"testing"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// database is a record of usual size.
func database() *clustermetadatapb.Database {
	return &clustermetadatapb.Database{
		Name: "postgres", Cells: []string{"zone1", "zone2", "zone3"}, BackupLocation: s3, BootstrapDurabilityPolicy: policy,
	}
}

// BenchmarkWrite compares a record's write with a plain transaction of etcd
// that writes as many keys of the same size.
func BenchmarkWrite(b *testing.B) {
	etcd := startEtcd(b)
	ctx, s, raw := b.Context(), open(b, etcd.Address), etcd.Client(b)

	value, err := proto.Marshal(database())
	if err != nil {
		b.Fatalf("cannot marshal: %v", err)
	}

	b.Run("RawCreate", func(b *testing.B) {
		for i := range b.N {
			key := "/raw/" + fmt.Sprint(b.N, "/", i)

			_, err := raw.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", 0)).
				Then(clientv3.OpPut(key, string(value)), clientv3.OpPut(key+"/owner", writer.Owner)).Commit()
			if err != nil {
				b.Fatalf("cannot put: %v", err)
			}
		}
	})

	b.Run("Create", func(b *testing.B) {
		for i := range b.N {
			if _, err := s.Databases().Create(ctx, writer, topo.DatabasePath(fmt.Sprint("db", b.N, "-", i)), database()); err != nil {
				b.Fatalf("cannot create: %v", err)
			}
		}
	})

	b.Run("RawUpdate", func(b *testing.B) {
		for range b.N {
			_, err := raw.Txn(ctx).If(clientv3.Compare(clientv3.Version("/raw"), "!=", -1)).Then(clientv3.OpPut("/raw", string(value))).Commit()
			if err != nil {
				b.Fatalf("cannot put: %v", err)
			}
		}
	})

	b.Run("Update", func(b *testing.B) {
		rec, err := s.Databases().Create(ctx, writer, topo.DatabasePath(fmt.Sprint("update", b.N)), database())
		if err != nil {
			b.Fatalf("cannot create: %v", err)
		}

		for range b.N {
			rec, err = s.Databases().Update(ctx, writer, rec, func(db *clustermetadatapb.Database) error {
				db.BootstrapDurabilityPolicy.PolicyVersion++

				return nil
			})
			if err != nil {
				b.Fatalf("cannot update: %v", err)
			}
		}
	})
}
