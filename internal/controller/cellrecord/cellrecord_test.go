package cellrecord

import (
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

func spec(config string) xpv2.ManagedResourceSpec {
	return xpv2.ManagedResourceSpec{ProviderConfigReference: &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: config}}
}

func cell() *v1alpha1.CellRecord {
	return &v1alpha1.CellRecord{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cell"},
		Spec: v1alpha1.CellRecordSpec{ManagedResourceSpec: spec("pc"), ForProvider: v1alpha1.CellRecordParameters{
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
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	db := func(ns, config string, cells ...string) client.Object {
		return &v1alpha1.DatabaseRecord{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "db"}, Spec: v1alpha1.DatabaseRecordSpec{
			ManagedResourceSpec: spec(config), ForProvider: v1alpha1.DatabaseRecordParameters{Database: "db", Cells: cells},
		}}
	}
	shard := func(cells ...string) client.Object {
		return &v1alpha1.ShardRecord{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "shard"}, Spec: v1alpha1.ShardRecordSpec{
			ManagedResourceSpec: spec("pc"), ForProvider: v1alpha1.ShardRecordParameters{Cells: cells},
		}}
	}
	cases := map[string]struct {
		reason string
		other  client.Object
		want   error
	}{
		"Database":      {"A database that lists the cell needs it.", db("ns", "pc", "z0", "z1"), errInUse},
		"OtherCell":     {"A database that lists others does not.", db("ns", "pc", "z2"), nil},
		"OtherTopology": {"A database in another topology does not.", db("ns", "other", "z1"), nil},
		"Elsewhere":     {"Nor does one in another namespace.", db("elsewhere", "pc", "z1"), nil},
		"Shard":         {"A shard with poolers there needs it.", shard("z1"), errInUse},
		"OtherShard":    {"A shard without does not.", shard("z2"), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := free(t.Context(), fake.NewClientBuilder().WithScheme(s).WithObjects(tc.other).Build(), cell())
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nfree(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if err != nil && topology.ReasonOf(err) != ReasonCellInUse {
				t.Errorf("%s\nwant reason %s, got %s", tc.reason, ReasonCellInUse, topology.ReasonOf(err))
			}
		})
	}
	// Without the kinds nothing is known, and then the cell stays.
	if err := free(t.Context(), fake.NewClientBuilder().WithScheme(runtime.NewScheme()).Build(), cell()); err == nil || errors.Is(err, errInUse) {
		t.Errorf("free(): who needs it could not be found out, got %v", err)
	}
}
