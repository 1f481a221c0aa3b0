package shard

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
)

func TestCellsInUse(t *testing.T) {
	f := &facts{
		poolers: []mv1alpha1.ShardPooler{{Cell: "wanted"}, {Cell: "retiring"}},
		record: mv1alpha1.ShardRecordObservation{Poolers: []mv1alpha1.PoolerObservation{
			{Cell: "registered", Registered: true}, {Cell: "member", InCohort: true}, {Cell: "forgotten"},
		}},
	}
	s := compose.NewSet(composetest.Objects(t, map[string]string{
		"orch": `{apiVersion: apps/v1, kind: StatefulSet, metadata: {labels: {multigres.com/cell: orchestrated}}}`,
		"pod":  `{apiVersion: v1, kind: Pod, metadata: {labels: {multigres.com/cell: surplus}}}`,
		"svc":  `{apiVersion: v1, kind: Service, metadata: {labels: {multigres.com/cell: service}}}`,
		"bare": `{apiVersion: v1, kind: Pod}`,
	}))
	want := []string{"empty", "member", "orchestrated", "registered", "retiring", "surplus", "wanted"}
	if diff := cmp.Diff(want, cellsInUse(&shard{cells: []string{"wanted", "empty"}}, s, f)); diff != "" {
		t.Errorf("a cell is in use by what is wanted there and by what is there: -want, +got:\n%s", diff)
	}
}
