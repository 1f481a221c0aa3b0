package cellrecord

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/recordtest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

func cell() *v1alpha1.CellRecord {
	return &v1alpha1.CellRecord{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cell"},
		Spec: v1alpha1.CellRecordSpec{ManagedResourceSpec: recordtest.Spec("pc"), ForProvider: v1alpha1.CellRecordParameters{
			Cell: "z1", ServerAddresses: []string{"etcd:2379"}, Root: "/z1",
		}},
	}
}

func TestRecord(t *testing.T) {
	cases := map[string]struct {
		reason string
		before *clustermetadatapb.Cell
		same   bool
	}{
		"Empty":   {"A new record should have all fields.", &clustermetadatapb.Cell{}, false},
		"Changed": {"Each field that differs should be seen and mended.", &clustermetadatapb.Cell{Name: "z1", ServerAddresses: []string{"other:2379"}, Root: "/z1"}, false},
		"Same":    {"What is as it should be should be left alone.", &clustermetadatapb.Cell{Name: "z1", ServerAddresses: []string{"etcd:2379"}, Root: "/z1"}, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			mg := cell()
			want, err := desired(mg)
			if err != nil {
				t.Fatal(err)
			}
			got, err := observed(path(mg), tc.before)
			if err != nil {
				t.Fatal(err)
			}
			if same := cmp.Equal(map[string]string(want), map[string]string(got)); same != tc.same {
				t.Errorf("%s\nwant same %t, got %t", tc.reason, tc.same, same)
			}
			if err := apply(mg, nil, tc.before); err != nil {
				t.Fatal(err)
			}
			got, err = observed(path(mg), tc.before)
			if diff := cmp.Diff(map[string]string(want), map[string]string(got)); diff != "" || err != nil {
				t.Errorf("%s\nafter apply(): error %v, -want, +got:\n%s", tc.reason, err, diff)
			}
			report(mg, topo.Record[*clustermetadatapb.Cell]{Message: tc.before, Revision: 7})
			shown := v1alpha1.CellRecordObservation{Cell: "z1", ServerAddresses: []string{"etcd:2379"}, Root: "/z1", Revision: 7}
			if diff := cmp.Diff(shown, mg.Status.AtProvider); diff != "" {
				t.Errorf("report(): -want, +got:\n%s", diff)
			}
		})
	}
}

func TestFree(t *testing.T) {
	recordtest.Free(t, free, cell(), ReasonCellInUse, map[string]recordtest.Need{
		"Database":      {Reason: "A database that lists the cell needs it.", Other: recordtest.Database("ns", "pc", "z0", "z1"), Want: errInUse},
		"OtherCell":     {Reason: "A database that lists others does not.", Other: recordtest.Database("ns", "pc", "z2")},
		"OtherTopology": {Reason: "A database in another topology does not.", Other: recordtest.Database("ns", "other", "z1")},
		"Elsewhere":     {Reason: "Nor does one in another namespace.", Other: recordtest.Database("elsewhere", "pc", "z1")},
		"Shard":         {Reason: "A shard with poolers there needs it.", Other: recordtest.Shard("pc", "db", "z1"), Want: errInUse},
		"OtherShard":    {Reason: "A shard without does not.", Other: recordtest.Shard("pc", "db", "z2")},
	})
}
