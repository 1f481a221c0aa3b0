package topo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestKeys(t *testing.T) {
	cases := map[string]struct {
		reason string
		root   string
		path   Path
		key    string
		owner  string
	}{
		"Cell": {
			reason: "A cell is where Multigres looks for it.",
			root:   "/multigres/global", path: CellPath("zone1"),
			key: "/multigres/global/cells/zone1/Cell", owner: "/multigres/global/crossplane/owners/cells/zone1/Cell",
		},
		"Database": {
			reason: "A database is where Multigres looks for it.",
			root:   "/r", path: DatabasePath("postgres"),
			key: "/r/databases/postgres/Database", owner: "/r/crossplane/owners/databases/postgres/Database",
		},
		"Claim": {
			reason: "A claim is below its database.",
			root:   "/r", path: ShardInitClaimPath("postgres", "default", "0-inf"),
			key:   "/r/databases/postgres/default/0-inf/ShardInitClaim",
			owner: "/r/crossplane/owners/databases/postgres/default/0-inf/ShardInitClaim",
		},
		"Pooler": {
			reason: "A pooler's folder names its kind and cell.",
			root:   "/r", path: MultiPoolerPath("zone1", "p-0"),
			key: "/r/poolers/multipooler-zone1-p-0/Pooler", owner: "/r/crossplane/owners/poolers/multipooler-zone1-p-0/Pooler",
		},
		"BackupLease": {
			reason: "A lease has a folder of its own for each shard.",
			root:   "/r", path: BackupLeasePath("postgres", "default", "0-inf"),
			key: "/r/backups/postgres/default/0-inf/lock", owner: "/r/crossplane/owners/backups/postgres/default/0-inf/lock",
		},
		"Orch": {
			reason: "The root may be all of etcd.",
			root:   "/", path: MultiOrchPath("zone1", "o-0"),
			key: "/orchs/multiorch-zone1-o-0/Orch", owner: "/crossplane/owners/orchs/multiorch-zone1-o-0/Orch",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := &Store{root: tc.root, identity: "cluster-a"}

			if diff := cmp.Diff(tc.key, s.recordKey(tc.path)); diff != "" {
				t.Errorf("\n%s\nrecordKey(%s): -want +got:\n%s", tc.reason, tc.path, diff)
			}

			if diff := cmp.Diff(tc.owner, s.ownerKey(tc.path)); diff != "" {
				t.Errorf("\n%s\nownerKey(%s): -want +got:\n%s", tc.reason, tc.path, diff)
			}

			if diff := cmp.Diff(tc.path, s.path(tc.key)); diff != "" {
				t.Errorf("\n%s\npath(%s): -want +got:\n%s", tc.reason, tc.key, diff)
			}
		})
	}
}

func TestPathCheck(t *testing.T) {
	s := &Store{}
	cells, claims, poolers := s.Cells().pattern, s.ShardInitClaims().pattern, s.MultiPoolers().pattern

	cases := map[string]struct {
		reason  string
		path    Path
		pattern string
		want    error
	}{
		"Cell":      {reason: "A cell's path is a cell's path.", path: CellPath("zone1"), pattern: cells},
		"Claim":     {reason: "A claim's path has three names in it.", path: ShardInitClaimPath("a", "b", "c"), pattern: claims},
		"Pooler":    {reason: "A pooler's path is one.", path: MultiPoolerPath("z", "p"), pattern: poolers},
		"OtherKind": {reason: "A database is no cell.", path: DatabasePath("zone1"), pattern: cells, want: ErrInvalid},
		"Empty":     {reason: "A name that is empty would name the folder.", path: CellPath(""), pattern: cells, want: ErrInvalid},
		"Parent":    {reason: "A name must not lead out of its folder.", path: CellPath(".."), pattern: cells, want: ErrInvalid},
		"Slash":     {reason: "A name must not hold others.", path: CellPath("a/b"), pattern: cells, want: ErrInvalid},
		"Absolute":  {reason: "Paths are relative to the root.", path: "/cells/zone1/Cell", pattern: cells, want: ErrInvalid},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.path.check(tc.pattern), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\n%q.check(%q): -want +got:\n%s", tc.reason, tc.path, tc.pattern, diff)
			}
		})
	}
}
