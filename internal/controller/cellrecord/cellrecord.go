// Package cellrecord keeps the records of cells.
package cellrecord

import (
	"context"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/record"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// ReasonCellInUse is the reason of topology.TypeSettled while a cell that is being deleted is needed by others.
const ReasonCellInUse xpv2.ConditionReason = "CellInUse"

// errInUse is why the record of a cell is not deleted.
var errInUse = errors.New("the cell is in use")

// SetupGated sets up the controller of CellRecords once the API server serves them, and what may need them.
func SetupGated(mgr ctrl.Manager, o setup.Options, l *topology.Layer) {
	record.SetupGated(mgr, o, l, kind(mgr.GetClient()))
}

func kind(kube client.Reader) record.Kind[*v1alpha1.CellRecord, *clustermetadatapb.Cell] {
	return record.Kind[*v1alpha1.CellRecord, *clustermetadatapb.Cell]{
		GroupVersionKind: v1alpha1.CellRecordGroupVersionKind,
		Needs:            []schema.GroupVersionKind{v1alpha1.DatabaseRecordGroupVersionKind, v1alpha1.ShardRecordGroupVersionKind},
		Managed:          &v1alpha1.CellRecord{},
		List:             &v1alpha1.CellRecordList{},
		Watches: []setup.Watch{
			topology.Dependents(kube, v1alpha1.DatabaseRecordKind, &v1alpha1.DatabaseRecord{}, &v1alpha1.CellRecordList{}),
			topology.Dependents(kube, v1alpha1.ShardRecordKind, &v1alpha1.ShardRecord{}, &v1alpha1.CellRecordList{}),
		},
		Path:     path,
		Below:    func(*v1alpha1.CellRecord) []topo.Path { return []topo.Path{"databases"} },
		Records:  func(s *topo.Store) topo.Records[*clustermetadatapb.Cell] { return s.Cells() },
		Desired:  desired,
		Observed: observed,
		Apply:    apply,
		Report:   report,
		Free:     free,
		Clear:    unlisted,
	}
}

func path(mg *v1alpha1.CellRecord) topo.Path { return topo.CellPath(mg.Spec.ForProvider.Cell) }

// content is what a managed resource says about a record.
type content struct {
	Name            string
	ServerAddresses []string
	Root            string
}

func desired(mg *v1alpha1.CellRecord) (claims.Items, error) {
	p := mg.Spec.ForProvider
	h, err := claims.Hash(content{Name: p.Cell, ServerAddresses: p.ServerAddresses, Root: p.Root})
	return claims.Items{string(path(mg)): h}, err
}

func observed(p topo.Path, m *clustermetadatapb.Cell) (claims.Observed, error) {
	h, err := claims.Hash(content{Name: m.GetName(), ServerAddresses: m.GetServerAddresses(), Root: m.GetRoot()})
	return claims.Observed{string(p): h}, err
}

func apply(mg *v1alpha1.CellRecord, _ []string, m *clustermetadatapb.Cell) error {
	p := mg.Spec.ForProvider
	m.Name, m.ServerAddresses, m.Root = p.Cell, slices.Clone(p.ServerAddresses), p.Root
	return nil
}

func report(mg *v1alpha1.CellRecord, rec topo.Record[*clustermetadatapb.Cell]) {
	mg.Status.AtProvider = v1alpha1.CellRecordObservation{
		Cell:            rec.Message.GetName(),
		ServerAddresses: rec.Message.GetServerAddresses(),
		Root:            rec.Message.GetRoot(),
		Revision:        rec.Revision,
	}
}

// free returns an error as long as records of databases and shards with the same configuration name the cell: who finds itself by
// the cell's record must be gone first.
func free(ctx context.Context, kube client.Reader, mg *v1alpha1.CellRecord) error {
	dbs, shards := &v1alpha1.DatabaseRecordList{}, &v1alpha1.ShardRecordList{}
	for _, list := range []client.ObjectList{dbs, shards} {
		if err := kube.List(ctx, list, client.InNamespace(mg.GetNamespace())); err != nil {
			return errors.Wrap(err, "cannot list who needs the cell")
		}
	}
	for i := range dbs.Items {
		if topology.Companion(mg, &dbs.Items[i]) && slices.Contains(dbs.Items[i].Spec.ForProvider.Cells, mg.Spec.ForProvider.Cell) {
			return inUse("DatabaseRecord", dbs.Items[i].Name)
		}
	}
	for i := range shards.Items {
		if topology.Companion(mg, &shards.Items[i]) && slices.Contains(shards.Items[i].Spec.ForProvider.Cells, mg.Spec.ForProvider.Cell) {
			return inUse("ShardRecord", shards.Items[i].Name)
		}
	}
	return nil
}

// unlisted returns an error as long as a database in the topology, whoever wrote it, lists the cell.
func unlisted(ctx context.Context, _ *topology.Connection, s *topo.Store, mg *v1alpha1.CellRecord) error {
	dbs, err := s.Databases().List(ctx)
	if err != nil {
		return err
	}
	for _, db := range dbs {
		if slices.Contains(db.Message.GetCells(), mg.Spec.ForProvider.Cell) {
			return inUse("database", db.Message.GetName())
		}
	}
	return nil
}

func inUse(what, name string) error {
	return topology.Because(ReasonCellInUse, errors.Wrapf(errInUse, "%s %q lists it", what, name))
}
