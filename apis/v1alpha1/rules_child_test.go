package v1alpha1

// settings that every TableGroup and Shard needs.
const settings = `
images: {multiorch: o, multipooler: p, postgres: g}
globalTopoServer: {address: "topo:2379", rootPath: /multigres/global, implementation: etcd}
postgresPasswordSecretRef: {name: admin, key: password}
databaseName: postgres
tableGroupName: default
`

var childCases = map[string]ruleCase{
	"TopoServer": {
		reason: "A topology server needs its members' settings only.",
		kind:   "TopoServer",
		spec:   `{clusterName: c, etcd: {replicas: 3}, imagePullPolicy: IfNotPresent, nodeSelector: {a: b}}`,
	},
	"TopoServerWithoutEtcd": {
		reason: "There is nothing to run without etcd.",
		kind:   "TopoServer",
		spec:   `{clusterName: c}`,
		want:   []string{"spec.etcd"},
	},
	"Cell": {
		reason: "A cell needs its place and the topology server.",
		kind:   "Cell",
		spec:   `{name: a, zone: z, globalTopoServer: {address: "a:1,b:2", rootPath: /r, implementation: etcd}}`,
	},
	"CellChildNowhere": {
		reason: "A cell must be somewhere.",
		kind:   "Cell",
		spec:   `{name: a, globalTopoServer: {address: "a:1", rootPath: /r, implementation: etcd}}`,
		want:   []string{"spec"},
	},
	"CellChildInTwoPlaces": {
		reason: "A cell cannot be in two places.",
		kind:   "Cell",
		spec:   `{name: a, zone: z, region: r, globalTopoServer: {address: "a:1", rootPath: /r, implementation: etcd}}`,
		want:   []string{"spec"},
	},
	"TableGroup": {
		reason: "Structs that may be empty are not required.",
		kind:   "TableGroup",
		spec:   settings + `shards: [{name: 0-inf}]`,
	},
	"TableGroupPoolName": {
		reason: "Resolved pools keep the limit that clusters have.",
		kind:   "TableGroup",
		spec:   settings + `shards: [{name: 0-inf, pools: {` + long(26) + `: {}}}]`,
		want:   []string{"spec.shards[0].pools"},
	},
	"Shard": {
		reason: "Structs that may be empty are not required.",
		kind:   "Shard",
		spec:   settings + `shardName: 0-inf`,
	},
	"ShardWithoutImages": {
		reason: "There is nothing to run without images.",
		kind:   "Shard",
		spec: `
shardName: 0-inf
globalTopoServer: {address: "topo:2379", rootPath: /multigres/global, implementation: etcd}
postgresPasswordSecretRef: {name: admin, key: password}
databaseName: postgres
tableGroupName: default
`,
		want: []string{"spec.images"},
	},
	"ShardCells": {
		reason: "Cells may leave a shard, too.",
		kind:   "Shard",
		old:    settings + "shardName: 0-inf\npools: {x: {cells: [a, b]}}\nreplicas: 6",
		spec:   settings + "shardName: 0-inf\npools: {x: {cells: [a]}}\nreplicas: 3",
	},
}
