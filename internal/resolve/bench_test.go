package resolve

import (
	"fmt"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func BenchmarkResolve(b *testing.B) {
	many := func(c *v1alpha1.MultigresCluster) {
		withCells("z1", "z2", "z3")(c)
		withPool(v1alpha1.PoolSpec{Storage: v1alpha1.StorageSpec{Size: "100Gi"}})(c)
		tg := tableGroup(c)
		for i := range 31 {
			sh := *tg.Shards[0].DeepCopy()
			sh.Name = v1alpha1.ShardName(fmt.Sprintf("s-%d", i))
			tg.Shards = append(tg.Shards, sh)
		}
	}
	ts := Templates{Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {
		PostgresConfig: v1alpha1.PostgresConfig{"work_mem": "4MB"}, Pools: v1alpha1.PoolMap{"main": {}},
	}})}
	for name, c := range map[string]*v1alpha1.MultigresCluster{"Minimal": cluster(), "ThirtyTwoShards": cluster(many)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				Resolve(c, ts, ImageDefaults{})
			}
		})
	}
}
