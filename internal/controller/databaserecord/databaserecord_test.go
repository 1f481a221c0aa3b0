package databaserecord

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/recordtest"
)

func database(change ...func(*v1alpha1.DatabaseRecordParameters)) *v1alpha1.DatabaseRecord {
	mg := recordtest.Database("ns", "pc", "z1", "z2")
	mg.Spec.ForProvider.BackupLocation = v1alpha1.BackupLocation{S3: &v1alpha1.S3Backup{Bucket: "b", Region: "r", KeyPrefix: "k"}}
	for _, f := range change {
		f(&mg.Spec.ForProvider)
	}
	return mg
}

func message(change ...func(*clustermetadatapb.Database)) *clustermetadatapb.Database {
	m := &clustermetadatapb.Database{
		Name: "db", Cells: []string{"z1", "z2"},
		BackupLocation: &clustermetadatapb.BackupLocation{Location: &clustermetadatapb.BackupLocation_S3{
			S3: &clustermetadatapb.S3Backup{Bucket: "b", Region: "r", KeyPrefix: "k"},
		}},
		BootstrapDurabilityPolicy: &clustermetadatapb.DurabilityPolicy{
			PolicyName: "AT_LEAST_2", QuorumType: clustermetadatapb.QuorumType_QUORUM_TYPE_AT_LEAST_N, RequiredCount: 2,
		},
	}
	for _, f := range change {
		f(m)
	}
	return m
}

func TestApply(t *testing.T) {
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.DatabaseRecord
		remove []string
		before *clustermetadatapb.Database
		want   *clustermetadatapb.Database
	}{
		"New": {
			reason: "A new record should have all fields.",
			mg:     database(), before: &clustermetadatapb.Database{}, want: message(),
		},
		"Same": {
			reason: "What is as it should be should stay.",
			mg:     database(), before: message(), want: message(),
		},
		"ForeignCell": {
			reason: "A cell that somebody else listed should stay where it is, and one that is to go should go.",
			mg:     database(func(p *v1alpha1.DatabaseRecordParameters) { p.Cells = []string{"z1"} }), remove: []string{cellPrefix + "z2"},
			before: message(func(m *clustermetadatapb.Database) { m.Cells = []string{"z9", "z2", "z1"} }),
			want:   message(func(m *clustermetadatapb.Database) { m.Cells = []string{"z9", "z1"} }),
		},
		"PolicyVersion": {
			reason: "What others keep with the policy should stay.",
			mg:     database(func(p *v1alpha1.DatabaseRecordParameters) { p.DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2 }),
			before: message(func(m *clustermetadatapb.Database) { m.BootstrapDurabilityPolicy.Description = "kept" }),
			want: message(func(m *clustermetadatapb.Database) {
				m.BootstrapDurabilityPolicy.PolicyName, m.BootstrapDurabilityPolicy.Description = "MULTI_CELL_AT_LEAST_2", "kept"
				m.BootstrapDurabilityPolicy.QuorumType = clustermetadatapb.QuorumType_QUORUM_TYPE_MULTI_CELL_AT_LEAST_N
			}),
		},
		"Filesystem": {
			reason: "A location of another type should replace the one that was.",
			mg: database(func(p *v1alpha1.DatabaseRecordParameters) {
				p.BackupLocation = v1alpha1.BackupLocation{Filesystem: &v1alpha1.FilesystemBackup{Path: "/b"}}
			}),
			before: message(),
			want: message(func(m *clustermetadatapb.Database) {
				m.BackupLocation.Location = &clustermetadatapb.BackupLocation_Filesystem{Filesystem: &clustermetadatapb.FilesystemBackup{Path: "/b"}}
			}),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := proto.Clone(tc.before).(*clustermetadatapb.Database)
			if !ok {
				t.Fatal("a clone is of the same type")
			}
			if err := apply(tc.mg, tc.remove, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s\napply(): -want, +got:\n%s", tc.reason, diff)
			}
			// What is observed then holds all that is desired, in the same form.
			want, err := desired(tc.mg)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := observed(path(tc.mg), got)
			if err != nil {
				t.Fatal(err)
			}
			for id, h := range want {
				if s, found := seen[id]; !found || s != h {
					t.Errorf("%s\nobserved(): want %s=%q, got %q", tc.reason, id, h, s)
				}
			}
		})
	}
}

func TestFree(t *testing.T) {
	recordtest.Free(t, free, database(), ReasonShardsRemain, map[string]recordtest.Need{
		"Shard":         {Reason: "A shard of the database needs it.", Other: recordtest.Shard("pc", "db"), Want: errInUse},
		"OtherDatabase": {Reason: "A shard of another one does not.", Other: recordtest.Shard("pc", "other")},
		"OtherTopology": {Reason: "Nor does one in another topology.", Other: recordtest.Shard("other", "db")},
	})
}
