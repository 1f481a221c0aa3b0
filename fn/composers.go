package fn

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/cell"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/claim"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/cluster"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/shard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/tablegroup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/toposerver"
)

// composers holds one composer per kind of composite resource.
var composers = map[schema.GroupKind]compose.Composer{
	kind(v1alpha1.MultigresClusterKind):  cluster.Compose,
	kind(v1alpha1.TopoServerKind):        toposerver.Compose,
	kind(v1alpha1.CellKind):              cell.Compose,
	kind(v1alpha1.TableGroupKind):        tablegroup.Compose,
	kind(v1alpha1.ShardKind):             shard.Compose,
	kind(v1alpha1.XMultigresClusterKind): claim.Compose,
}

func kind(k string) schema.GroupKind { return schema.GroupKind{Group: v1alpha1.Group, Kind: k} }
