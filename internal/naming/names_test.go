package naming

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNames(t *testing.T) {
	shard := ShardID{Cluster: "test-cluster", Database: "postgres", TableGroup: "default", Shard: "0-inf"}
	minimal := ShardID{Cluster: "minimal", Database: "postgres", TableGroup: "default", Shard: "0-inf"}
	long := ShardID{Cluster: "very-long-cluster-name-for-testing", Database: "long-database-name", TableGroup: "long-tablegroup", Shard: "long-shard"}

	cases := map[string]struct {
		reason string
		got    string
		want   string
	}{
		"GlobalTopoServer":       {"Singletons carry no hash.", GlobalTopoServer("minimal"), "minimal-global-topo"},
		"TopoServerHeadless":     {"The headless Service follows its TopoServer.", TopoServerHeadlessService("minimal-global-topo"), "minimal-global-topo-headless"},
		"TopoServerJoin":         {"So does the Secret by which a member joins.", TopoServerJoinSecret("minimal-global-topo"), "minimal-global-topo-join"},
		"WorkloadPDB":            {"The budget follows its workload.", WorkloadPDB("minimal-global-topo"), "minimal-global-topo-pdb"},
		"MultiAdmin":             {"Singletons carry no hash.", MultiAdmin("minimal"), "minimal-multiadmin"},
		"MultiAdminWeb":          {"Singletons carry no hash.", MultiAdminWeb("minimal"), "minimal-multiadmin-web"},
		"MultiGateway":           {"Applications guess this name.", MultiGateway("minimal"), "minimal-multigateway"},
		"MultiGatewayReplica":    {"Applications guess this name.", MultiGatewayReplica("minimal"), "minimal-multigateway-replica"},
		"PostgresPasswordSecret": {"Singletons carry no hash.", PostgresPasswordSecret("minimal"), "minimal-postgres-password"},
		"ConnectionSecret":       {"Applications guess this name.", ConnectionSecret("minimal"), "minimal-connection"},
		"GatewayTLSSecret":       {"Singletons carry no hash.", GatewayTLSSecret("minimal"), "minimal-gateway-tls"},
		"InternalCASecret":       {"Singletons carry no hash.", InternalCASecret("minimal"), "minimal-internal-ca"},
		"InternalTLSSecret":      {"The Secret is named like the certificate.", InternalTLSSecret("multipooler", "minimal", "db"), "multipooler.minimal.db.multigres.internal"},
		"InternalTLSHost":        {"Clients compare this name.", InternalTLSHost("multipooler", "minimal", "db"), "multipooler.minimal.db.multigres.internal"},
		"ProviderConfig":         {"A cluster has one.", ProviderConfig("minimal"), "minimal"},
		"Cell":                   {"Published vector.", Cell("minimal", "zone-a"), "minimal-zone-a-96c88ae0"},
		"CellRecord":             {"A record is named like its cell.", CellRecord("minimal", "zone-a"), "minimal-zone-a-96c88ae0"},
		"Usage":                  {"Cluster and key, hashed.", Usage("minimal", KeyUsage("a", "b")), Join(Default, "minimal", "usage-a/b")},
		"DatabaseRecord":         {"Cluster and database, hashed.", DatabaseRecord("minimal", "postgres"), Join(Default, "minimal", "postgres")},
		"LocalTopoServer":        {"Published vector: the name of the Cell is a part.", LocalTopoServer("minimal", "zone-a"), "minimal-zone-a-96c88ae0-topo-26e28848"},
		"GatewayDeployment":      {"Published vector.", GatewayDeployment("minimal", "zone-a"), "minimal-zone-a-multigateway-0ccc2e8b"},
		"GatewayService":         {"Published vector.", GatewayService("minimal", "zone-a"), "minimal-zone-a-multigateway-0ccc2e8b"},
		"GatewayPDB":             {"One per cell.", GatewayPDB("minimal", "zone-a"), Join(Service, "minimal", "zone-a", "multigateway", "pdb")},
		"TableGroup":             {"Published vector.", TableGroup("minimal", "postgres", "default"), "minimal-postgres-default-f7d4ad4a"},
		"Shard":                  {"Published vector.", Shard("minimal", "postgres", "default", "0-inf"), "minimal-postgres-default-0-inf-1e3c045c"},
		"ShardName":              {"Published vector.", shard.Name(), "test-cluster-postgres-default-0-inf-a2a83906"},
		"ShardRecord":            {"A record is named like its shard.", shard.Record(), "test-cluster-postgres-default-0-inf-a2a83906"},
		"PodName":                {"Published vector.", shard.PodName("main", "z1", 0), "test-cluster-postgres-default-0-inf-pool-main-z1-67edfaca-0"},
		"PodNameLong":            {"Published vector of 63 characters.", long.PodName("main-pool", "us-east-1a", 99), "very-long-cluster-name-for-testing-long-database----2353f872-99"},
		"PodNameMinimal":         {"Published vector.", minimal.PodName("default", "zone-a", 2), "minimal-postgres-default-0-inf-pool-default-zone-a-a3a0d77b-2"},
		"PodNameNoCluster":       {"A missing cluster is visible.", ShardID{Database: "d", TableGroup: "t", Shard: "s"}.PodName("p", "c", 0), "x-d-t-s-pool-p-c-" + Hash("", "d", "t", "s", "pool", "p", "c") + "-0"},
		"DataClaim":              {"A claim is named after its pod.", shard.DataClaim("main", "z1", 0), "data-test-cluster-postgres-default-0-inf-pool-main-z1-67edfaca-0"},
		"HeadlessService":        {"Published vector.", shard.HeadlessService("main", "z1"), "test-cluster-postgres-default-0-inf-pool-main-z1-hea---c1c75107"},
		"PDB":                    {"One budget per shard.", shard.PDB(), "test-cluster-postgres-default-0-inf-pdb-" + Hash("test-cluster", "postgres", "default", "0-inf", "pdb")},
		"MultiOrch":              {"A StatefulSet has 52 characters at most.", shard.MultiOrch("z1"), "test-cluster-postgres-default-0-inf-multi---7077927e"},
		"MultiOrchService":       {"Published vector.", shard.MultiOrchService("z1"), "test-cluster-postgres-default-0-inf-multiorch-z1-7077927e"},
		"MultiOrchPDB":           {"One per cell.", shard.MultiOrchPDB("z1"), Join(Service, "test-cluster", "postgres", "default", "0-inf", "multiorch", "z1", "pdb")},
		"MultiOrchServiceID":     {"Ten characters, whatever the shard is called.", shard.MultiOrchServiceIDPrefix("z1"), "o-" + Hash("test-cluster-postgres-default-0-inf-multi---7077927e")},
		"BackupClaim":            {"Published vector: one claim for all cells.", shard.BackupClaim(), "backup-data-test-cluster-postgres-default-0-inf-ff22ab6d"},
		"PgHbaConfigMap":         {"Named after the Shard.", shard.PgHbaConfigMap(), "test-cluster-postgres-default-0-inf-a2a83906-pg-hba"},
		"PostgresConfigMap":      {"Named after the Shard.", shard.PostgresConfigMap(), "test-cluster-postgres-default-0-inf-a2a83906-postgres-config"},
		"ExporterQueries":        {"Named after the Shard.", shard.ExporterQueriesConfigMap(), "test-cluster-postgres-default-0-inf-a2a83906-exporter-queries"},
		"PgBackRestTLSSecret":    {"Named after the Shard.", shard.PgBackRestTLSSecret(), "test-cluster-postgres-default-0-inf-a2a83906-pgbackrest-tls"},
		"PgBackRestCASecret":     {"Named after the Shard.", shard.PgBackRestCASecret(), "test-cluster-postgres-default-0-inf-a2a83906-pgbackrest-ca"},
		"ServiceID":              {"Published vector.", ServiceID("test-cluster-postgres-default-0-inf-pool-main-z1-67edfaca-0"), "p-2ef84aa5"},
		"TopologyRoot":           {"Clusters of two namespaces do not meet.", TopologyRoot("db", "minimal"), "/multigres/db/minimal/global"},
		"ServiceHost":            {"No cluster domain.", ServiceHost("minimal-global-topo", "db"), "minimal-global-topo.db.svc"},
		"PodHost":                {"No cluster domain.", PodHost("pod-0", "headless", "db"), "pod-0.headless.db.svc"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestNameLengths draws names as the schemas bound them and checks the limit
// of the strictest consumer of each.
func TestNameLengths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, longest int) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("abz09-")), 1, longest, longest).Draw(t, label)
		}
		cluster, cell, pool := draw("cluster", 253), draw("cell", 30), draw("pool", 25)
		id := ShardID{Cluster: cluster, Database: draw("database", 30), TableGroup: draw("tableGroup", 25), Shard: draw("shard", 25)}

		checks := map[string]struct {
			name  string
			limit int
		}{
			"GlobalTopoServer":    {GlobalTopoServer(cluster), 52},
			"TopoHeadlessService": {TopoServerHeadlessService(GlobalTopoServer(cluster)), 63},
			"TopoPDB":             {WorkloadPDB(GlobalTopoServer(cluster)), 63},
			"MultiAdminWeb":       {MultiAdminWeb(cluster), 63},
			"MultiGatewayReplica": {MultiGatewayReplica(cluster), 63},
			"LocalTopoServer":     {LocalTopoServer(cluster, cell), 52},
			"Cell":                {Cell(cluster, cell), 63},
			"GatewayService":      {GatewayService(cluster, cell), 63},
			"TableGroup":          {TableGroup(cluster, id.Database, id.TableGroup), 63},
			"Shard":               {id.Name(), 63},
			"PodName":             {id.PodName(pool, cell, 99), 63},
			"HeadlessService":     {id.HeadlessService(pool, cell), 63},
			"PDB":                 {id.PDB(), 63},
			"MultiOrch":           {id.MultiOrch(cell), 52},
			"MultiOrchService":    {id.MultiOrchService(cell), 63},
			"BackupClaim":         {id.BackupClaim(), 63},
			"MultiOrchID":         {cell + "_" + id.MultiOrchServiceIDPrefix(cell) + "-99", 63},
			"PoolerID":            {cell + "_" + ServiceID(id.PodName(pool, cell, 99)), 63},
		}
		for what, c := range checks {
			if len(c.name) > c.limit {
				t.Errorf("%s %q: %d characters, allowed are %d", what, c.name, len(c.name), c.limit)
			}
		}
	})
}

func TestPodIndex(t *testing.T) {
	type want struct {
		index int
		ok    bool
	}

	cases := map[string]struct {
		reason string
		name   string
		want   want
	}{
		"Zero":        {"The first pod.", "pod-0", want{0, true}},
		"TwoDigits":   {"Only the last dash counts.", "a-1-b-31", want{31, true}},
		"Claim":       {"A claim has its pod's index.", "data-pod-2", want{2, true}},
		"NoDash":      {"There is no index.", "pod0", want{}},
		"Empty":       {"There is no name.", "", want{}},
		"Letters":     {"A word is no index.", "pod-a", want{}},
		"DashLast":    {"Nothing follows the dash.", "pod-", want{}},
		"Sign":        {"PodName writes no sign.", "pod-+1", want{}},
		"LeadingZero": {"PodName writes no leading zero, so 01 is another pod than 1.", "pod-01", want{}},
		"TooBig":      {"A number no int holds is no index.", "pod-" + strings.Repeat("9", 40), want{}},
		"OtherDigits": {"Only ASCII digits count.", "pod-١", want{}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			index, ok := PodIndex(tc.name)
			if diff := cmp.Diff(tc.want, want{index, ok}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nPodIndex(%q): -want, +got:\n%s", tc.reason, tc.name, diff)
			}
		})
	}
}

func TestPodIndexReadsPodName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.String(), 6, 6).Draw(t, "parts")
		index := rapid.IntRange(0, 1000).Draw(t, "index")
		id := ShardID{parts[0], parts[1], parts[2], parts[3]}

		for _, name := range []string{id.PodName(parts[4], parts[5], index), id.DataClaim(parts[4], parts[5], index)} {
			if got, ok := PodIndex(name); !ok || got != index {
				t.Errorf("PodIndex(%q): got %d, %t, want %d", name, got, ok, index)
			}
		}
	})
}
