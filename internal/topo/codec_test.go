package topo

import (
	"bytes"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

// newer is a database as a later version of Multigres writes it: with a field
// of its own, also inside the backup location.
func newer(t *testing.T) []byte {
	t.Helper()

	location := marshal(t, &clustermetadatapb.BackupLocation{
		Location: &clustermetadatapb.BackupLocation_S3{S3: &clustermetadatapb.S3Backup{Bucket: "b", Region: "r"}},
	})
	location = protowire.AppendTag(location, 4, protowire.VarintType)
	location = protowire.AppendVarint(location, 3)

	raw := marshal(t, &clustermetadatapb.Database{Name: "postgres", Cells: []string{"zone1"}})
	raw = protowire.AppendTag(raw, 2, protowire.BytesType)
	raw = protowire.AppendBytes(raw, location)
	raw = protowire.AppendTag(raw, 99, protowire.BytesType)

	return protowire.AppendBytes(raw, []byte("future"))
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()

	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("cannot marshal: %v", err)
	}

	return raw
}

func TestEditKeepsUnknownFields(t *testing.T) {
	raw, changed, err := edit(newer(t), func(db *clustermetadatapb.Database) error {
		db.Cells = append(db.Cells, "zone2")
		db.GetBackupLocation().GetS3().KeyPrefix = "p"

		return nil
	})
	if err != nil || !changed {
		t.Fatalf("edit(...): changed %t, error %v", changed, err)
	}

	got, err := decode[*clustermetadatapb.Database](raw)
	if err != nil {
		t.Fatalf("decode(...): %v", err)
	}

	want := &clustermetadatapb.Database{
		Name:  "postgres",
		Cells: []string{"zone1", "zone2"},
		BackupLocation: &clustermetadatapb.BackupLocation{
			Location: &clustermetadatapb.BackupLocation_S3{S3: &clustermetadatapb.S3Backup{Bucket: "b", Region: "r", KeyPrefix: "p"}},
		},
	}

	unknown := protowire.AppendTag(nil, 99, protowire.BytesType)
	want.ProtoReflect().SetUnknown(protowire.AppendBytes(unknown, []byte("future")))

	unknown = protowire.AppendTag(nil, 4, protowire.VarintType)
	want.GetBackupLocation().ProtoReflect().SetUnknown(protowire.AppendVarint(unknown, 3))

	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("What a later version wrote must stay: -want +got:\n%s", diff)
	}
}

func TestEditOfNothing(t *testing.T) {
	// Multigres encodes maps in any order.
	ports := map[string]int32{"grpc": 1, "http": 2, "postgres": 3, "pgbackrest": 4, "metrics": 5}
	want := marshal(t, &clustermetadatapb.MultiPooler{Hostname: "h", PortMap: ports})

	got, changed, err := edit(want, func(p *clustermetadatapb.MultiPooler) error {
		p.PortMap = map[string]int32{"metrics": 5, "grpc": 1, "http": 2, "postgres": 3, "pgbackrest": 4}

		return nil
	})
	if err != nil || changed || !bytes.Equal(want, got) {
		t.Errorf("A change that makes no difference must keep the bytes: changed %t, error %v", changed, err)
	}
}

func TestEditErrors(t *testing.T) {
	boom := errors.New("boom")

	cases := map[string]struct {
		reason string
		raw    []byte
		change func(*clustermetadatapb.Cell) error
		want   error
	}{
		"Undecodable": {
			reason: "Bytes that are no message must not be overwritten.",
			raw:    []byte{0xff},
			change: func(*clustermetadatapb.Cell) error { return nil },
			want:   ErrInvalid,
		},
		"Refused": {
			reason: "The error of the change is the error of the edit.",
			raw:    marshal(t, &clustermetadatapb.Cell{Name: "zone1"}),
			change: func(*clustermetadatapb.Cell) error { return boom },
			want:   boom,
		},
		"NotText": {
			reason: "A message that cannot be encoded is invalid.",
			raw:    marshal(t, &clustermetadatapb.Cell{Name: "zone1"}),
			change: func(c *clustermetadatapb.Cell) error {
				c.Root = "\xff"

				return nil
			},
			want: ErrInvalid,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := edit(tc.raw, tc.change)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nedit(...): -want +got:\n%s", tc.reason, diff)
			}
		})
	}
}
