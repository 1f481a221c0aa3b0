package pooler

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// patience is how long a pooler waits for the topology server. Nobody who asks the shard something meanwhile gets an answer, and a
// topology server may have gone for good.
const patience = 2 * time.Second

// register writes the record of a pooler, over any that is there.
func (s *Shard) register(ctx context.Context, p *pooler) error {
	place, ok := s.cfg.Cells[p.id.Cell]
	if !ok {
		return nil
	}
	m := &clustermetadatapb.MultiPooler{
		Id:        p.id.proto(),
		ShardKey:  &clustermetadatapb.ShardKey{Database: s.cfg.Database, TableGroup: s.cfg.TableGroup, Shard: s.cfg.Shard},
		Type:      p.kind(),
		Hostname:  p.host,
		PortMap:   map[string]int32{"grpc": PortPooler, "http": 15200, "pgbackrest": 8432, "postgres": 5432},
		PoolerDir: "/var/lib/pooler", PgDataDir: "/var/lib/pooler/pg_data",
	}
	p.registered = false
	if p.drained {
		m.Type, m.ServingStatus = clustermetadatapb.PoolerType_DRAINED, clustermetadatapb.PoolerServingStatus_NOT_SERVING
	}
	raw, err := proto.Marshal(m)
	if err != nil {
		return errors.Wrap(err, "cannot encode record")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = place.Client.Put(ctx, place.Root+"/"+string(topo.MultiPoolerPath(p.id.Cell, p.id.Name)), string(raw))
	p.registered = err == nil
	return errors.Wrap(err, "cannot register pooler")
}

// claim the initialization of the shard for our orchestrator. A claim of another is an error for ever, as in Multigres.
func (s *Shard) claim(ctx context.Context, members []ID) error {
	if s.cfg.Global.Client == nil {
		return nil
	}
	claimer := &clustermetadatapb.ID{Component: clustermetadatapb.ID_MULTIORCH, Cell: members[0].Cell, Name: s.cfg.Claimer}
	raw, err := proto.Marshal(&clustermetadatapb.ShardInitClaim{ClaimerId: claimer, CohortMembers: protos(members)})
	if err != nil {
		return errors.Wrap(err, "cannot encode claim")
	}
	key := s.cfg.Global.Root + "/" + string(topo.ShardInitClaimPath(s.cfg.Database, s.cfg.TableGroup, s.cfg.Shard))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := s.cfg.Global.Client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, string(raw))).
		Else(clientv3.OpGet(key)).
		Commit()
	if err != nil {
		return errors.Wrap(err, "cannot claim shard")
	}
	if resp.Succeeded {
		return nil
	}
	held := &clustermetadatapb.ShardInitClaim{}
	if err := proto.Unmarshal(resp.Responses[0].GetResponseRange().GetKvs()[0].Value, held); err != nil {
		return errors.Wrap(err, "cannot decode claim")
	}
	if held.GetClaimerId().GetName() != s.cfg.Claimer {
		return errors.Errorf("cannot claim shard: it is claimed by %s", held.GetClaimerId().GetName())
	}
	return nil
}
