package v1alpha1

import "strings"

// long is a name of n characters.
func long(n int) string { return strings.Repeat("a", n) }

// shard puts the fields of a shard into a cluster.
func shard(fields string) string {
	return validCells + `databases: [{name: postgres, default: true, tablegroups: [{name: default, default: true, shards: [{name: 0-inf, ` + fields + `}]}]}]`
}

// shardPath is where shard puts them.
const shardPath = "spec.databases[0].tablegroups[0].shards[0]"

var databaseCases = map[string]ruleCase{
	"NoTableGroups": {
		reason: "Table groups have a default.",
		kind:   "MultigresCluster",
		spec:   validCells + `databases: [{name: postgres, default: true, tablegroups: []}]`,
	},
	"OneDefaultTableGroup": {
		reason: "One of several table groups is the default.",
		kind:   "MultigresCluster",
		spec:   validCells + `databases: [{name: postgres, tablegroups: [{name: default, default: true}, {name: other}]}]`,
	},
	"NoDefaultTableGroup": {
		reason: "Tables must have a table group to fall into.",
		kind:   "MultigresCluster",
		spec:   validCells + `databases: [{name: postgres, tablegroups: [{name: other}]}]`,
		want:   []string{"spec.databases[0].tablegroups"},
	},
	"TwoDefaultTableGroups": {
		reason: "Tables must fall into one table group only.",
		kind:   "MultigresCluster",
		spec:   validCells + `databases: [{name: postgres, tablegroups: [{name: a, default: true}, {name: b, default: true}]}]`,
		want:   []string{"spec.databases[0].tablegroups"},
	},
	"ShardOverridesWithoutTemplate": {
		reason: "Overrides may change defaults, too.",
		kind:   "MultigresCluster",
		spec:   shard(`overrides: {pools: {default: {replicasPerCell: 5}}}`),
	},
	"ShardSpecAndTemplate": {
		reason: "A spec in place and a template contradict each other.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {}, shardTemplate: t`),
		want:   []string{shardPath},
	},
	"ShardSpecAndOverrides": {
		reason: "There is nothing to override in a spec in place.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {}, overrides: {}`),
		want:   []string{shardPath},
	},
	"PoolName": {
		reason: "A pool name of 25 characters leaves room for those that are made from it.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {pools: {` + long(25) + `: {type: readWrite, cells: [a]}}}`),
	},
	"PoolNameTooLong": {
		reason: "A longer name does not.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {pools: {` + long(26) + `: {}}}`),
		want:   []string{shardPath + ".spec.pools"},
	},
	"PoolNameNotALabel": {
		reason: "A pool name becomes part of names and labels.",
		kind:   "MultigresCluster",
		spec:   shard(`overrides: {pools: {Main_1: {}}}`),
		want:   []string{shardPath + ".overrides.pools"},
	},
	"PoolAndCellRemoved": {
		reason: "Pools and their cells come and go.",
		kind:   "MultigresCluster",
		old:    shard(`spec: {pools: {x: {cells: [a, b]}, z: {cells: [a]}}}`),
		spec:   shard(`spec: {pools: {x: {cells: [b]}}}`),
	},
	"PoolLabelTooLong": {
		reason: "A label value has at most 63 characters.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {pools: {x: {podLabels: {team: "` + long(64) + `"}}}}`),
		want:   []string{shardPath + ".spec.pools[x].podLabels"},
	},
	"PoolReplicas": {
		reason: "A pool has at most 32 replicas in a cell.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {pools: {x: {replicasPerCell: 33}}}`),
		want:   []string{shardPath + ".spec.pools.x.replicasPerCell"},
	},
	"TemplatePoolNameTooLong": {
		reason: "Templates keep the limit that clusters have.",
		kind:   "ShardTemplate",
		spec:   `pools: {` + long(26) + `: {}}`,
		want:   []string{"spec.pools"},
	},
	"ShardTemplate": {
		reason: "A template holds all that a shard's spec holds.",
		kind:   "ShardTemplate",
		spec:   `{initdbArgs: --data-checksums, postgresConfig: {work_mem: 8MB}, pvcDeletionPolicy: {whenDeleted: Delete}, multiorch: {replicas: 1}, pools: {main: {replicasPerCell: 4}}}`,
	},
	"ShardTemplateLabels": {
		reason: "Templates keep the limits that clusters have.",
		kind:   "ShardTemplate",
		spec:   `{multiorch: {podLabels: {a: "` + long(64) + `"}, podAnnotations: {a: "` + long(256) + `"}}}`,
		want:   []string{"spec.multiorch.podAnnotations", "spec.multiorch.podLabels"},
	},
}
