package naming

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// constantKeys are the keys that hold no name.
var constantKeys = []string{
	KeyCluster, KeyGlobalTopo, KeyProviderConfig, KeyPostgresPassword, KeyConnectionSecret,
	KeyMultiAdminDeployment, KeyMultiAdminService, KeyMultiAdminWebDeployment, KeyMultiAdminWebService,
	KeyMultiGatewayService, KeyMultiGatewayReplicaService, KeyGatewayTLS, KeyMultiAdminPDB, KeyMultiAdminWebPDB,
	KeyTopoStatefulSet, KeyTopoService, KeyTopoHeadlessService, KeyTopoPDB,
	KeyLocalTopo, KeyGatewayDeployment, KeyGatewayService, KeyGatewayPDB,
	KeyShardRecord, KeyBackupClaim, KeyShardPDB, KeyPgHbaConfig, KeyPostgresConfig, KeyExporterQueries, KeyPgBackRestTLS,
}

// keyFuncs are the keys that hold names, with the number of names each takes.
var keyFuncs = []struct {
	name  string
	names int
	index bool
	key   func(n []string, index int) string
}{
	{"Cell", 1, false, func(n []string, _ int) string { return KeyCell(n[0]) }},
	{"CellRecord", 1, false, func(n []string, _ int) string { return KeyCellRecord(n[0]) }},
	{"DatabaseRecord", 1, false, func(n []string, _ int) string { return KeyDatabaseRecord(n[0]) }},
	{"TableGroup", 2, false, func(n []string, _ int) string { return KeyTableGroup(n[0], n[1]) }},
	{"InternalTLS", 1, false, func(n []string, _ int) string { return KeyInternalTLS(n[0]) }},
	{"Shard", 1, false, func(n []string, _ int) string { return KeyShard(n[0]) }},
	{"Pod", 2, true, func(n []string, i int) string { return KeyPod(n[0], n[1], i) }},
	{"DataClaim", 2, true, func(n []string, i int) string { return KeyDataClaim(n[0], n[1], i) }},
	{"HeadlessService", 2, false, func(n []string, _ int) string { return KeyHeadlessService(n[0], n[1]) }},
	{"MultiOrch", 1, false, func(n []string, _ int) string { return KeyMultiOrch(n[0]) }},
	{"MultiOrchService", 1, false, func(n []string, _ int) string { return KeyMultiOrchService(n[0]) }},
	{"MultiOrchPDB", 1, false, func(n []string, _ int) string { return KeyMultiOrchPDB(n[0]) }},
	{"Usage", 2, false, func(n []string, _ int) string { return KeyUsage(KeyCell(n[0]), KeyShard(n[1])) }},
}

func TestKeys(t *testing.T) {
	cases := map[string]struct {
		reason string
		got    string
		want   string
	}{
		"Cell":             {"Plain names stay as they are.", KeyCell("zone-a"), "cell-zone-a"},
		"CellRecord":       {"Plain names stay as they are.", KeyCellRecord("zone-a"), "record-cell-zone-a"},
		"DatabaseRecord":   {"Plain names stay as they are.", KeyDatabaseRecord("postgres"), "record-database-postgres"},
		"TableGroup":       {"Two names are separated by a dot.", KeyTableGroup("postgres", "default"), "tablegroup-postgres.default"},
		"Shard":            {"Plain names stay as they are.", KeyShard("0-inf"), "shard-0-inf"},
		"Pod":              {"The index is the pod's, not a position in a list.", KeyPod("main", "zone-a", 2), "pod-main.zone-a.2"},
		"DataClaim":        {"A claim has its pod's names.", KeyDataClaim("main", "zone-a", 2), "data-claim-main.zone-a.2"},
		"HeadlessService":  {"Two names are separated by a dot.", KeyHeadlessService("main", "zone-a"), "headless-service-main.zone-a"},
		"MultiOrch":        {"Plain names stay as they are.", KeyMultiOrch("zone-a"), "multiorch-zone-a"},
		"MultiOrchService": {"Plain names stay as they are.", KeyMultiOrchService("zone-a"), "service-multiorch-zone-a"},
		"MultiOrchPDB":     {"Plain names stay as they are.", KeyMultiOrchPDB("zone-a"), "pdb-multiorch-zone-a"},
		"InternalTLS":      {"One per component.", KeyInternalTLS(ComponentMultiPooler), "internal-tls-multipooler"},
		"Usage":            {"A Usage names both ends.", KeyUsage(KeyCell("zone-a"), KeyShard("0-inf")), "usage-cell-zone-a/shard-0-inf"},
		"Escaped":          {"A separator inside a name is escaped.", KeyCell("a.b/c%"), "cell-a%2Eb%2Fc%25"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestKeysAreInjective(t *testing.T) {
	if KeyPod("a-b", "c", 0) == KeyPod("a", "b-c", 0) {
		t.Errorf("KeyPod: pool a-b in cell c and pool a in cell b-c have the same key")
	}

	rapid.Check(t, func(t *rapid.T) {
		// Few characters make near collisions likely: separators, prefixes of
		// other keys and the escape character itself.
		name := rapid.OneOf(
			rapid.StringOfN(rapid.RuneFrom([]rune("ab-.%/2E")), 0, 6, -1),
			rapid.SampledFrom([]string{"record", "cell", "shard", "multiorch-a", "pdb", "service", "record-cell-a", "a.b"}),
		)
		draw := func(label string) (string, []any) {
			f := rapid.SampledFrom(keyFuncs).Draw(t, label)
			n := rapid.SliceOfN(name, f.names, f.names).Draw(t, label+"Names")
			i := 0
			if f.index {
				i = rapid.IntRange(0, 12).Draw(t, label+"Index")
			}
			return f.key(n, i), []any{f.name, strings.Join(n, "\x00"), i}
		}

		a, fromA := draw("a")
		b, fromB := draw("b")
		if (a == b) != slices.Equal(fromA, fromB) {
			t.Errorf("%q has the key %q and %q has the key %q", fromA, a, fromB, b)
		}
		if slices.Contains(constantKeys, a) {
			t.Errorf("%q has the key %q, which is a constant", fromA, a)
		}
	})
}

// TestKeyStartsAreDistinct keeps a name from completing one key's fixed start
// to another key.
func TestKeyStartsAreDistinct(t *testing.T) {
	starts := []string{
		prefixCell, prefixCellRecord, prefixDatabaseRecord, prefixTableGroup, prefixShard, prefixPod, prefixDataClaim,
		prefixHeadlessService, prefixMultiOrch, prefixMultiOrchService, prefixMultiOrchPDB, prefixInternalTLS, prefixUsage,
	}
	all := append(slices.Clone(starts), constantKeys...)

	for i, start := range starts {
		for j, other := range all {
			if i != j && strings.HasPrefix(other, start) {
				t.Errorf("%q starts with %q", other, start)
			}
		}
	}

	slices.Sort(all)
	if diff := cmp.Diff(len(all), len(slices.Compact(slices.Clone(all)))); diff != "" {
		t.Errorf("\nNo key is used twice.\n-want, +got:\n%s", diff)
	}
}
