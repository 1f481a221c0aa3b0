package v1alpha1

var topoCases = map[string]ruleCase{
	"TopoPlacementAlone": {
		reason: "Placement and policy do not need a server beside them.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {placement: {tolerations: []}, pvcDeletionPolicy: {whenDeleted: Delete}}`,
	},
	"TopoExternal": {
		reason: "A topology server may be somebody else's.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {external: {endpoints: ["https://a:2379", "https://b:2379"], caSecret: ca, clientCertSecret: client, implementation: etcd}}`,
	},
	"TopoTwo": {
		reason: "There is one topology server.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {etcd: {}, templateRef: t}`,
		want:   []string{"spec.globalTopoServer"},
	},
	"TopoEndpointWithoutScheme": {
		reason: "Endpoints are URLs.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {external: {endpoints: ["a:2379"]}}`,
		want:   []string{"spec.globalTopoServer.external.endpoints[0]"},
	},
	"TopoNoEndpoints": {
		reason: "A server has an endpoint.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {external: {endpoints: []}}`,
		want:   []string{"spec.globalTopoServer.external.endpoints"},
	},
	"EtcdEven": {
		reason: "An even number of members tolerates no more failures than one fewer.",
		kind:   "MultigresCluster",
		spec:   validCells + `globalTopoServer: {etcd: {replicas: 2}}`,
		want:   []string{"spec.globalTopoServer.etcd.replicas"},
	},
	"EtcdReplicasSet": {
		reason: "A number may be given to a server that had none.",
		kind:   "MultigresCluster",
		old:    validCells + `globalTopoServer: {etcd: {}}`,
		spec:   validCells + `globalTopoServer: {etcd: {replicas: 3}}`,
	},
	"EtcdReplicasChanged": {
		reason: "The members are listed when the server starts for the first time.",
		kind:   "MultigresCluster",
		old:    validCells + `globalTopoServer: {etcd: {replicas: 3}}`,
		spec:   validCells + `globalTopoServer: {etcd: {replicas: 5}}`,
		want:   []string{"spec.globalTopoServer.etcd.replicas"},
	},
	"CoreTemplate": {
		reason: "A template holds the settings of all core components.",
		kind:   "CoreTemplate",
		spec:   `{globalTopoServer: {etcd: {replicas: 3}}, multiadmin: {replicas: 2}, multiadminPlacement: {}, multiadminWeb: {replicas: 1}, multiadminWebPlacement: {}}`,
	},
	"CoreTemplateWithoutEtcd": {
		reason: "Only a managed server can come from a template.",
		kind:   "CoreTemplate",
		spec:   `{globalTopoServer: {placement: {}}}`,
		want:   []string{"spec.globalTopoServer.etcd"},
	},
	"CoreTemplateRules": {
		reason: "Templates keep the limits that clusters have.",
		kind:   "CoreTemplate",
		old:    `{globalTopoServer: {etcd: {replicas: 3, storage: {size: 2Gi}}}}`,
		spec:   `{globalTopoServer: {etcd: {replicas: 4, storage: {size: 1Gi}}}, multiadmin: {podLabels: {a: "` + long(64) + `"}, podAnnotations: {a: "` + long(256) + `"}}}`,
		want: []string{
			"spec.globalTopoServer.etcd.replicas", "spec.globalTopoServer.etcd.replicas", "spec.globalTopoServer.etcd.storage.size",
			"spec.multiadmin.podAnnotations", "spec.multiadmin.podLabels",
		},
	},
	"CellTemplate": {
		reason: "A template holds all that a cell's spec holds.",
		kind:   "CellTemplate",
		spec:   `{multigateway: {replicas: 2, buffer: {enabled: true}}, multigatewayPlacement: {}, localTopoServer: {etcd: {}}}`,
	},
}

// scheduled is a cluster with a schedule of backups, without the end of its backup.
func scheduled(schedule string) string {
	return validCells + `backup: {type: filesystem, filesystem: {}, schedule: ` + schedule
}

var storageCases = map[string]ruleCase{
	"Grow": {
		reason: "Volumes grow, in whatever unit.",
		kind:   "MultigresCluster",
		old:    shard(`spec: {pools: {x: {storage: {size: 1Gi}}}}`),
		spec:   shard(`spec: {pools: {x: {storage: {size: 1100Mi}}}}`),
	},
	"SameInOtherUnit": {
		reason: "The same size in another unit is the same size.",
		kind:   "MultigresCluster",
		old:    shard(`spec: {pools: {x: {storage: {size: 1Gi}}}}`),
		spec:   shard(`spec: {pools: {x: {storage: {size: 1024Mi}}}}`),
	},
	"Shrink": {
		reason: "Volumes do not shrink.",
		kind:   "MultigresCluster",
		old:    shard(`spec: {pools: {x: {storage: {size: 2Gi}}}}`),
		spec:   shard(`spec: {pools: {x: {storage: {size: 2000Mi}}}}`),
		want:   []string{shardPath + ".spec.pools[x].storage.size"},
	},
	"ShrinkBackup": {
		reason: "Volumes of backups do not shrink either.",
		kind:   "MultigresCluster",
		old:    validCells + `backup: {type: filesystem, filesystem: {storage: {size: 2Gi}}}`,
		spec:   validCells + `backup: {type: filesystem, filesystem: {storage: {size: 1Gi}}}`,
		want:   []string{"spec.backup.filesystem.storage.size"},
	},
	"Schedule": {
		reason: "Backups of each type have an interval of their own, in any mix of units.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 168h, differential: 24h0m0s, incremental: 1h30m}`) + `, retention: {full: 7}}`,
	},
	"ScheduleOff": {
		reason: "An empty schedule and an empty retention undo those of the level above.",
		kind:   "MultigresCluster",
		old:    scheduled(`{full: 24h}`) + `, retention: {full: 2}}`,
		spec:   scheduled(`{}`) + `, retention: {}}`,
	},
	"ScheduleWithoutFull": {
		reason: "What builds on a full backup goes with it, and a full one that is never taken again is never let go.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{differential: 24h, incremental: 1h}`) + `}`,
		want:   []string{"spec.backup.schedule.full"},
	},
	"ScheduleTooOften": {
		reason: "A backup takes seconds at least, and keeps a replica from following an election.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 59s, differential: 30s, incremental: 0s}`) + `}`,
		want:   []string{"spec.backup.schedule.differential", "spec.backup.schedule.full", "spec.backup.schedule.incremental"},
	},
	"ScheduleLongerThanFull": {
		reason: "A lesser backup that is due no sooner than a fuller one is never taken.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 24h, differential: 24h, incremental: 25h}`) + `}`,
		want:   []string{"spec.backup.schedule.differential", "spec.backup.schedule.incremental", "spec.backup.schedule.incremental"},
	},
	"ScheduleInDays": {
		reason: "Days are no unit.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 1d}`) + `}`,
		want:   []string{"spec.backup.schedule", "spec.backup.schedule.full"},
	},
	"RetentionNone": {
		reason: "The last full backup is never removed.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 24h}`) + `, retention: {full: 0}}`,
		want:   []string{"spec.backup.retention.full"},
	},
	"RetentionTooMany": {
		reason: "Multigres removes what is older than the last seven: a promise of more would be broken.",
		kind:   "MultigresCluster",
		spec:   scheduled(`{full: 24h}`) + `, retention: {full: 8}}`,
		want:   []string{"spec.backup.retention.full"},
	},
	"NotAQuantity": {
		reason: "A size is a quantity.",
		kind:   "MultigresCluster",
		spec:   shard(`spec: {pools: {x: {storage: {size: 10GB}}}}`),
		want:   []string{shardPath + ".spec.pools[x].storage.size"},
	},
	"RepairQuantity": {
		reason: "A size that never was one can be repaired.",
		kind:   "MultigresCluster",
		old:    shard(`spec: {pools: {x: {storage: {size: 10GB}}}}`),
		spec:   shard(`spec: {pools: {x: {storage: {size: 1Gi}}}}`),
	},
	"S3": {
		reason: "A repository may be in an object store.",
		kind:   "MultigresCluster",
		spec:   validCells + `backup: {type: s3, s3: {bucket: b, region: r, serviceAccountName: backup, useEnvCredentials: false}}`,
	},
	"S3Missing": {
		reason: "A type needs its block.",
		kind:   "MultigresCluster",
		spec:   validCells + `backup: {type: s3}`,
		want:   []string{"spec.backup.s3"},
	},
	"FilesystemMissing": {
		reason: "A type needs its block.",
		kind:   "MultigresCluster",
		spec:   validCells + `backup: {type: filesystem}`,
		want:   []string{"spec.backup.filesystem"},
	},
	"S3TwoCredentials": {
		reason: "A pod has one identity.",
		kind:   "MultigresCluster",
		spec:   validCells + `backup: {type: s3, s3: {bucket: b, region: r, serviceAccountName: x, credentialsSecret: s}}`,
		want:   []string{"spec.backup.s3"},
	},
	"S3AccountAndEnv": {
		reason: "A pod has one identity.",
		kind:   "MultigresCluster",
		spec:   validCells + `backup: {type: s3, s3: {bucket: b, region: r, serviceAccountName: x, useEnvCredentials: true}}`,
		want:   []string{"spec.backup.s3"},
	},
	"EncryptionKept": {
		reason: "A repository that is encrypted stays so.",
		kind:   "MultigresCluster",
		old:    validCells + `backup: {type: filesystem, filesystem: {}, encryption: {secretName: x}}`,
		spec:   validCells + `backup: {type: filesystem, filesystem: {path: /b}, encryption: {secretName: x}}`,
	},
	"EncryptionAdded": {
		reason: "A repository is encrypted from the start or never.",
		kind:   "MultigresCluster",
		old:    validCells + `backup: {type: filesystem, filesystem: {}}`,
		spec:   validCells + `backup: {type: filesystem, filesystem: {}, encryption: {secretName: x}}`,
		want:   []string{"spec.backup"},
	},
	"EncryptionChanged": {
		reason: "Another passphrase cannot read what is there.",
		kind:   "MultigresCluster",
		old:    validCells + `backup: {type: filesystem, filesystem: {}, encryption: {secretName: x}}`,
		spec:   validCells + `backup: {type: filesystem, filesystem: {}, encryption: {secretName: other}}`,
		want:   []string{"spec.backup"},
	},
	"EncryptionRemoved": {
		reason: "A repository that is encrypted stays so.",
		kind:   "MultigresCluster",
		old:    validCells + `backup: {type: filesystem, filesystem: {}, encryption: {secretName: x}}`,
		spec:   validCells + `backup: {type: filesystem, filesystem: {}}`,
		want:   []string{"spec.backup"},
	},
}
