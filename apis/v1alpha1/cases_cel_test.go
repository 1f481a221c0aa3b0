package v1alpha1_test

import "strings"

func long(n int) string { return strings.Repeat("a", n) }

var ruleCases = map[string]ruleCase{
	"NameTooLong": {
		reason:   "The names of Services and pods are made from the name and must stay within 63 characters.",
		message:  "metadata.name must not be longer than 25 characters",
		accepted: change{new: "metadata: {name: " + long(25) + "}"},
		refused:  change{new: "metadata: {name: " + long(26) + "}"},
	},
	"NameWithDot": {
		reason:   "The name of a Service has no dots.",
		message:  "metadata.name must start with a letter and hold only lower-case letters, digits and dashes: it is part of Service names",
		accepted: change{new: "metadata: {name: a-1}"},
		refused:  change{new: "metadata: {name: a.b}"},
	},
	"NameStartsWithDigit": {
		reason:   "The name of a Service starts with a letter.",
		message:  "metadata.name must start with a letter and hold only lower-case letters, digits and dashes: it is part of Service names",
		accepted: change{new: "metadata: {name: a}"},
		refused:  change{new: "metadata: {name: 1a}"},
	},

	"TwoPlaces": {
		reason:   "Nodes that must satisfy two labels may not exist.",
		message:  "zoneId, region and zone are mutually exclusive",
		accepted: change{new: "{zone: null, zoneId: use1-az1}"},
		refused:  change{new: "{zone: z, region: r}"},
	},
	"ThreePlaces": {
		reason:   "Each pair excludes each other, and all three do.",
		message:  "zoneId, region and zone are mutually exclusive",
		accepted: change{new: "{zone: null, region: r}"},
		refused:  change{new: "{zone: z, region: r, zoneId: i}"},
	},
	"Nowhere": {
		reason:   "A cell is a failure domain: without a place it is none.",
		message:  "a cell needs one of zoneId, region and zone",
		accepted: change{new: "{zone: z}"},
		refused:  change{new: "{zone: null}"},
	},
	"ZoneIDChanged": {
		reason:   "Volumes cannot follow a cell to another zone.",
		message:  "zoneId of a cell cannot be changed; add a new cell instead",
		accepted: change{old: "{zone: null, zoneId: i}", new: "{zone: null, zoneId: i, cellTemplate: t}"},
		refused:  change{old: "{zone: null, zoneId: i}", new: "{zone: null, zoneId: j}"},
	},
	"ZoneIDAdded": {
		reason:   "Another kind of place is another place.",
		message:  "zoneId of a cell cannot be changed; add a new cell instead",
		accepted: change{old: "{zone: z}", new: "{zone: z}"},
		refused:  change{old: "{zone: z}", new: "{zone: null, zoneId: i}"},
	},
	"RegionChanged": {
		reason:   "Volumes cannot follow a cell to another region.",
		message:  "region of a cell cannot be changed; add a new cell instead",
		accepted: change{old: "{zone: null, region: r}", new: "{zone: null, region: r, cellTemplate: t}"},
		refused:  change{old: "{zone: null, region: r}", new: "{zone: null, region: s}"},
	},
	"RegionRemoved": {
		reason:   "Another kind of place is another place.",
		message:  "region of a cell cannot be changed; add a new cell instead",
		accepted: change{old: "{zone: z}", new: "{zone: z}"},
		refused:  change{old: "{zone: null, region: r}", new: "{zone: z}"},
	},
	"ZoneChanged": {
		reason:   "Volumes cannot follow a cell to another zone.",
		message:  "zone of a cell cannot be changed; add a new cell instead",
		accepted: change{old: "{zone: z}", new: "{zone: z, cellTemplate: t}"},
		refused:  change{old: "{zone: z}", new: "{zone: x}"},
	},
	"CellSpecAndTemplate": {
		reason:   "What is configured in place cannot come from a template.",
		message:  "spec and cellTemplate of a cell are mutually exclusive",
		accepted: change{new: "{cellTemplate: t}"},
		refused:  change{new: "{spec: {}, cellTemplate: t}"},
	},
	"CellSpecAndOverrides": {
		reason:   "There is nothing to override in what is configured in place.",
		message:  "spec and overrides of a cell are mutually exclusive",
		accepted: change{new: "{overrides: {multigateway: {replicas: 2}}}"},
		refused:  change{new: "{spec: {}, overrides: {}}"},
	},

	"NoDefaultTableGroup": {
		reason:   "Tables that no table group claims must go somewhere.",
		message:  "tablegroups: exactly one table group must be the default",
		accepted: change{new: "{tablegroups: [{name: default, default: true}, {name: b}]}"},
		refused:  change{new: "{tablegroups: [{name: default}, {name: b, default: false}]}"},
	},
	"TwoDefaultTableGroups": {
		reason:   "Tables that no table group claims must go to one place.",
		message:  "tablegroups: exactly one table group must be the default",
		accepted: change{new: "{tablegroups: []}"},
		refused:  change{new: "{tablegroups: [{name: default, default: true}, {name: b, default: true}]}"},
	},
	"ShardSpecAndTemplate": {
		reason:   "What is configured in place cannot come from a template.",
		message:  "spec and shardTemplate of a shard are mutually exclusive",
		accepted: change{new: "{shardTemplate: t, overrides: {}}"},
		refused:  change{new: "{spec: {}, shardTemplate: t}"},
	},
	"ShardSpecAndOverrides": {
		reason:   "There is nothing to override in what is configured in place.",
		message:  "spec and overrides of a shard are mutually exclusive",
		accepted: change{new: "{overrides: {pools: {main: {replicasPerCell: 3}}}}"},
		refused:  change{new: "{spec: {}, overrides: {}}"},
	},
	"PoolNameTooLong": {
		reason:   "The names of pods are made from it and must stay within 63 characters.",
		message:  "pools: a pool name must be a DNS label of at most 25 characters",
		accepted: change{new: "{" + long(25) + ": {}}"},
		refused:  change{new: "{" + long(26) + ": {}}"},
	},
	"PoolNameUpperCase": {
		reason:   "The names of pods and Services are lower-case.",
		message:  "pools: a pool name must be a DNS label of at most 25 characters",
		accepted: change{new: "{main-app-1: {}}"},
		refused:  change{new: "{main: {}, Main: {}}"},
	},
	"PodAnnotationKey": {
		reason:   "An annotation that Kubernetes refuses would keep pods from being made.",
		message:  "podAnnotations keys must be shorter than 64 characters and values shorter than 256",
		accepted: change{new: "{" + long(63) + ": " + long(255) + "}"},
		refused:  change{new: "{" + long(64) + ": v}"},
	},
	"PodAnnotationValue": {
		reason:   "Annotations are copied to every pod, so they are kept short.",
		message:  "podAnnotations keys must be shorter than 64 characters and values shorter than 256",
		accepted: change{new: "{prometheus.io/scrape: \"true\"}"},
		refused:  change{new: "{k: v, l: " + long(256) + "}"},
	},
	"PodLabelKey": {
		reason:   "A label that Kubernetes refuses would keep pods from being made.",
		message:  "podLabels keys and values must be shorter than 64 characters",
		accepted: change{new: "{" + long(63) + ": " + long(63) + "}"},
		refused:  change{new: "{" + long(64) + ": v}"},
	},
	"PodLabelValue": {
		reason:   "A label that Kubernetes refuses would keep pods from being made.",
		message:  "podLabels keys and values must be shorter than 64 characters",
		accepted: change{new: "{team: app}"},
		refused:  change{new: "{k: v, l: " + long(64) + "}"},
	},

	"S3Missing": {
		reason:   "Without a bucket there is nowhere to write backups to.",
		message:  "backup.s3 is required when backup.type is s3",
		accepted: change{new: "{type: s3, s3: {bucket: b, region: r}}"},
		refused:  change{new: "{type: s3}"},
	},
	"FilesystemMissing": {
		reason:   "The block says that a volume is meant, even if it is empty.",
		message:  "backup.filesystem is required when backup.type is filesystem",
		accepted: change{new: "{type: filesystem, filesystem: {}}"},
		refused:  change{new: "{type: filesystem, filesystem: null}"},
	},
	"EncryptionAdded": {
		reason:   "A repository is encrypted from the start or never.",
		message:  "backup.encryption is immutable: it cannot be added, changed or removed",
		accepted: change{old: "{encryption: {secretName: s}}", new: "{encryption: {secretName: s}, filesystem: {path: /b}}"},
		refused:  change{old: "{filesystem: {}}", new: "{encryption: {secretName: s}}"},
	},
	"EncryptionChanged": {
		reason:   "Another passphrase cannot read what is there.",
		message:  "backup.encryption is immutable: it cannot be added, changed or removed",
		accepted: change{old: "{filesystem: {}}", new: "{filesystem: {path: /b}}"},
		refused:  change{old: "{encryption: {secretName: s}}", new: "{encryption: {secretName: t}}"},
	},
	"EncryptionRemoved": {
		reason:   "Without a passphrase nobody can read what is there.",
		message:  "backup.encryption is immutable: it cannot be added, changed or removed",
		accepted: change{new: "{encryption: {secretName: s}}"},
		refused:  change{old: "{encryption: {secretName: s}}", new: "{filesystem: {}}"},
	},
	"ScheduleWithoutFull": {
		reason:   "What builds on a full backup goes with it.",
		message:  "schedule.full is required: differential and incremental backups are of no use without the full one that they build on, and go with it",
		accepted: change{new: "{full: 3h, differential: 2h, incremental: 1h}"},
		refused:  change{new: "{differential: 2h}"},
	},
	"ScheduleFullTooOften": {
		reason:   "A backup keeps a replica from following an election.",
		message:  "schedule.full must be at least 1m",
		accepted: change{new: "{full: 1m}"},
		refused:  change{new: "{full: 59s}"},
	},
	"ScheduleDifferentialTooOften": {
		reason:   "A backup keeps a replica from following an election.",
		message:  "schedule.differential must be at least 1m",
		accepted: change{new: "{full: 1h, differential: 60s}"},
		refused:  change{new: "{full: 1h, differential: 59s}"},
	},
	"ScheduleIncrementalTooOften": {
		reason:   "A backup keeps a replica from following an election.",
		message:  "schedule.incremental must be at least 1m",
		accepted: change{new: "{full: 1h, incremental: 1m0s}"},
		refused:  change{new: "{full: 1h, incremental: 0h}"},
	},
	"ScheduleDifferentialTooLong": {
		reason:   "A lesser backup that is due no sooner than a fuller one is never taken.",
		message:  "schedule.differential must be shorter than schedule.full",
		accepted: change{new: "{full: 1h, differential: 59m}"},
		refused:  change{new: "{full: 1h, differential: 60m}"},
	},
	"ScheduleIncrementalTooLong": {
		reason:   "A lesser backup that is due no sooner than a fuller one is never taken.",
		message:  "schedule.incremental must be shorter than schedule.full",
		accepted: change{new: "{full: 1h, incremental: 59m}"},
		refused:  change{new: "{full: 1h, incremental: 1h}"},
	},
	"ScheduleIncrementalAsDifferential": {
		reason:   "A lesser backup that is due no sooner than a fuller one is never taken.",
		message:  "schedule.incremental must be shorter than schedule.differential",
		accepted: change{new: "{full: 3h, differential: 2h, incremental: 1h}"},
		refused:  change{new: "{full: 3h, differential: 2h, incremental: 2h}"},
	},
	"AccountAndCredentials": {
		reason:   "A pod has one identity, and which of two it uses would be a guess.",
		message:  "backup.s3.serviceAccountName and backup.s3.credentialsSecret are mutually exclusive",
		accepted: change{new: "{serviceAccountName: a, credentialsSecret: \"\"}"},
		refused:  change{new: "{serviceAccountName: a, credentialsSecret: s}"},
	},
	"AccountAndEnvironment": {
		reason:   "A pod has one identity, and which of two it uses would be a guess.",
		message:  "backup.s3.serviceAccountName and backup.s3.useEnvCredentials are mutually exclusive",
		accepted: change{new: "{serviceAccountName: a, useEnvCredentials: false}"},
		refused:  change{new: "{serviceAccountName: a, useEnvCredentials: true}"},
	},
	"NotAQuantity": {
		reason:   "Kubernetes writes GB as G.",
		message:  "storage.size must be a quantity such as 10Gi",
		accepted: change{new: "{size: 10Gi}"},
		refused:  change{new: "{size: 10GB}"},
	},
	"Shrink": {
		reason:   "A volume cannot shrink, so the change would never arrive.",
		message:  "storage.size cannot shrink",
		accepted: change{old: "{size: 1Gi}", new: "{size: 1025Mi}"},
		refused:  change{old: "{size: 1Gi}", new: "{size: 1023Mi}"},
	},

	"TwoTopoServers": {
		reason:   "A cluster has one topology server.",
		message:  "globalTopoServer takes at most one of etcd, external and templateRef",
		accepted: change{new: "{placement: {tolerations: [{operator: Exists}]}}"},
		refused:  change{new: "{etcd: {}, external: {endpoints: [\"http://a:2379\"]}}"},
	},
	"TopoServerAndTemplate": {
		reason:   "What is configured in place cannot come from a template.",
		message:  "globalTopoServer takes at most one of etcd, external and templateRef",
		accepted: change{new: "{templateRef: t, pvcDeletionPolicy: {whenScaled: Delete}}"},
		refused:  change{new: "{templateRef: t, external: {endpoints: [\"http://a:2379\"]}}"},
	},
	"NoLocalTopoServer": {
		reason:   "A block that names no server says nothing.",
		message:  "a local topology server needs one of etcd and external",
		accepted: change{new: "{etcd: {}}"},
		refused:  change{new: "{}"},
	},
	"TwoLocalTopoServers": {
		reason:   "A cell has one topology server.",
		message:  "a local topology server takes only one of etcd and external",
		accepted: change{new: "{external: {endpoints: [\"http://a:2379\"]}}"},
		refused:  change{new: "{etcd: {}, external: {endpoints: [\"http://a:2379\"]}}"},
	},
	"EvenMembers": {
		reason:   "Four members tolerate as many failures as three, and fail more often.",
		message:  "etcd.replicas must be odd: an even number of members tolerates no more failures",
		accepted: change{new: "{replicas: 5}"},
		refused:  change{new: "{replicas: 4}"},
	},
	"MembersChanged": {
		reason:   "Members find each other by a list that is written when the first of them starts.",
		message:  "etcd.replicas cannot be changed once set",
		accepted: change{old: "{image: a}", new: "{image: a, replicas: 3}"},
		refused:  change{old: "{replicas: 3}", new: "{replicas: 5}"},
	},
	"NoEtcd": {
		reason:   "There is nothing to run without etcd.",
		message:  "etcd is required",
		accepted: change{new: "{etcd: {replicas: 1}}"},
		refused:  change{new: "{etcd: null, nodeSelector: {}}"},
	},
	"NoEtcdInTemplate": {
		reason:   "Only a managed server can come from a template.",
		message:  "globalTopoServer.etcd is required",
		accepted: change{new: "{etcd: {}}"},
		refused:  change{new: "{placement: {}}"},
	},

	"AdminSpecAndTemplate": {
		reason:   "What is configured in place cannot come from a template.",
		message:  "spec and templateRef are mutually exclusive",
		accepted: change{new: "{placement: {}}"},
		refused:  change{new: "{spec: {}, templateRef: t}"},
	},
	"ReservedAnnotation": {
		reason:   "Annotations of ours mean something; a user's would be taken for one.",
		message:  "annotations must not start with the reserved prefix multigres.com/",
		accepted: change{new: "{example.org/multigres.com: x}"},
		refused:  change{new: "{a: b, multigres.com/x: d}"},
	},
}
