package resolve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

const (
	poolPath  = "spec.databases[0].tablegroups[0].shards[0].spec.pools[main]"
	shardPath = "spec.databases[0].tablegroups[0].shards[0]"
)

// tooMuch has a request above its limit.
func tooMuch() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("2Gi"), corev1.ResourceCPU: resource.MustParse("1")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourceCPU: resource.MustParse("1")},
	}
}

func TestProblems(t *testing.T) {
	type change = func(*v1alpha1.MultigresCluster)
	buffer := func(b v1alpha1.GatewayBufferSpec) change {
		return func(c *v1alpha1.MultigresCluster) {
			c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{Buffer: &b}}
		}
	}
	const bufferPath = "spec.cells[0].spec.multigateway.buffer"
	external := func(urls ...v1alpha1.EndpointURL) change {
		return withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: urls})
	}
	const endpoints = "spec.globalTopoServer.external.endpoints"
	settings := func(s v1alpha1.PostgresConfig) change {
		return withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{PostgresConfig: s}})
	}

	cases := map[string]struct {
		reason string
		spec   []change
		ts     Templates
		want   []string
	}{
		"Nothing":      {reason: "A minimal cluster is fine."},
		"NoCells":      {reason: "A cluster needs a cell, and is told only that.", spec: []change{withCells()}, want: []string{"FieldValueRequired spec.cells"}},
		"SharedSecret": {reason: "The connection Secret cannot be the password Secret.", spec: []change{func(c *v1alpha1.MultigresCluster) { c.Spec.ConnectionSecretName = "c-postgres-password" }}, want: []string{"FieldValueInvalid spec.connectionSecretName"}},

		// Resources.
		"MultiadminLimits": {
			reason: "A limit must not be below its request.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{Spec: &v1alpha1.StatelessSpec{Resources: tooMuch()}}
			}},
			want: []string{"FieldValueInvalid spec.multiadmin.spec.resources.limits[memory]"},
		},
		"MultiadminWebLimits": {
			reason: "A limit must not be below its request.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{Spec: &v1alpha1.StatelessSpec{Resources: tooMuch()}}
			}},
			want: []string{"FieldValueInvalid spec.multiadminWeb.spec.resources.limits[memory]"},
		},
		"TemplateLimits": {
			reason: "What a template gets wrong is told, too.",
			ts:     Templates{Core: coreTemplates(map[string]v1alpha1.CoreTemplateSpec{"default": {Multiadmin: &v1alpha1.StatelessSpec{Resources: tooMuch()}}})},
			want:   []string{"FieldValueInvalid spec.multiadmin.resources.limits[memory]"},
		},
		"EtcdLimits": {
			reason: "A limit must not be below its request.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Resources: tooMuch()}}
			}},
			want: []string{"FieldValueInvalid spec.globalTopoServer.etcd.resources.limits[memory]"},
		},
		"LocalEtcdLimits": {
			reason: "A limit must not be below its request.", spec: []change{withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Resources: tooMuch()}})},
			want: []string{"FieldValueInvalid spec.cells[0].spec.localTopoServer.etcd.resources.limits[memory]"},
		},
		"GatewayLimits": {
			reason: "A limit must not be below its request.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0].Overrides = &v1alpha1.CellOverrides{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Resources: tooMuch()}}}
			}},
			want: []string{"FieldValueInvalid spec.cells[0].overrides.multigateway.resources.limits[memory]"},
		},
		"MultiorchLimits": {
			reason: "A limit must not be below its request.",
			spec:   []change{withShard(v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{Multiorch: &v1alpha1.MultiorchSpec{StatelessSpec: v1alpha1.StatelessSpec{Resources: tooMuch()}}}})},
			want:   []string{"FieldValueInvalid " + shardPath + ".overrides.multiorch.resources.limits[memory]"},
		},
		"PoolLimits": {
			reason: "Both containers of a pool are looked at.",
			spec:   []change{withPool(v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{Resources: tooMuch()}, Multipooler: v1alpha1.ContainerConfig{Resources: tooMuch()}})},
			want: []string{
				"FieldValueInvalid " + poolPath + ".postgres.resources.limits[memory]",
				"FieldValueInvalid " + poolPath + ".multipooler.resources.limits[memory]",
			},
		},
		"NegativeResource": {
			reason: "Nothing can be less than nothing.", spec: []change{withPool(v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{Resources: requests("-1")}})},
			want: []string{"FieldValueInvalid " + poolPath + ".postgres.resources.requests[cpu]"},
		},
		"HugeResource": {
			reason: "A number that would take for ever to compare is refused instead.", spec: []change{withPool(v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{Resources: limits("1e1000000000")}})},
			want: []string{"FieldValueInvalid " + poolPath + ".postgres.resources.limits[cpu]"},
		},

		// Buffering.
		"BufferDurations": {
			reason: "Durations must be ones.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{Window: "soon", MaxFailoverDuration: "1", MinTimeBetweenFailovers: "9999999999h"})},
			want: []string{"FieldValueInvalid " + bufferPath + ".window", "FieldValueInvalid " + bufferPath + ".maxFailoverDuration", "FieldValueInvalid " + bufferPath + ".minTimeBetweenFailovers"},
		},
		"BufferZero": {
			reason: "A window and a failover take time.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{Window: "0s", MaxFailoverDuration: "0s"})},
			want: []string{"FieldValueInvalid " + bufferPath + ".window", "FieldValueInvalid " + bufferPath + ".maxFailoverDuration"},
		},
		"BufferNegative": {
			reason: "A pause cannot be negative.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{MinTimeBetweenFailovers: "-1s"})},
			want: []string{"FieldValueInvalid " + bufferPath + ".minTimeBetweenFailovers"},
		},
		"BufferPauseZero": {reason: "No pause at all is allowed.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{MinTimeBetweenFailovers: "0s"})}},
		"BufferWindow": {
			reason: "A query does not wait longer than the failover may take, which is 20s unless said otherwise.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{Window: "21s"})},
			want: []string{"FieldValueInvalid " + bufferPath + ".window"},
		},
		"BufferMaxFailover": {
			reason: "The window is 10s unless said otherwise.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{MaxFailoverDuration: "9s"})},
			want: []string{"FieldValueInvalid " + bufferPath + ".window"},
		},
		"BufferEqual": {reason: "Window and failover may be the same.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{Window: "20s", MaxFailoverDuration: "20s"})}},
		"BufferOff":   {reason: "Of buffering that is off the order does not matter.", spec: []change{buffer(v1alpha1.GatewayBufferSpec{Enabled: ptr.To(false), Window: "30s"})}},

		// Pools, cells, users, storage.
		"PoolName": {
			reason: "The name of a pool is part of DNS names.",
			spec:   []change{withShard(v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{Pools: v1alpha1.PoolMap{"Main_1": {}, "a-name-of-twenty-six-letter": {}, "a-name-of-twenty-five-char": {}, "a-name-of-25-characters-ok": {}}}})},
			want: []string{
				"FieldValueInvalid " + shardPath + ".overrides.pools[Main_1]", "FieldValueInvalid " + shardPath + ".overrides.pools[a-name-of-25-characters-ok]",
				"FieldValueInvalid " + shardPath + ".overrides.pools[a-name-of-twenty-five-char]", "FieldValueInvalid " + shardPath + ".overrides.pools[a-name-of-twenty-six-letter]",
			},
		},
		"UnknownCells": {
			reason: "Pools and orchestrators run in cells of the cluster.",
			spec: []change{withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{
				Multiorch: &v1alpha1.MultiorchSpec{Cells: []v1alpha1.CellName{"z9"}},
				Pools:     v1alpha1.PoolMap{"main": {Cells: []v1alpha1.CellName{"z1", "z8"}}},
			}})},
			want: []string{"FieldValueNotFound " + shardPath + ".spec.multiorch.cells[0]", "FieldValueNotFound " + poolPath + ".cells[1]"},
		},
		"UnknownCellOfATemplate": {
			reason: "Cells of a template are looked at, too.",
			ts:     Templates{Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {Pools: v1alpha1.PoolMap{"main": {Cells: []v1alpha1.CellName{"z1", "z8"}}}}})},
			want:   []string{"FieldValueNotFound spec.databases.tablegroups.shards.pools[main].cells[1]"},
		},
		"UserOfThePoolerAlone": {
			reason: "The pooler and PostgreSQL write the same files.", spec: []change{withPool(v1alpha1.PoolSpec{Multipooler: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](1000)}})},
			want: []string{"FieldValueInvalid " + poolPath + ".multipooler.runAsUser"},
		},
		"UsersDiffer": {
			reason: "The pooler and PostgreSQL write the same files.",
			spec:   []change{withPool(v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](999)}, Multipooler: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](1000)}})},
			want:   []string{"FieldValueInvalid " + poolPath + ".multipooler.runAsUser"},
		},
		"UsersSame": {
			reason: "The same user is fine, and so is that of PostgreSQL alone.",
			spec: []change{withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{
				"a": {Postgres: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](1000)}, Multipooler: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](1000)}},
				"b": {Postgres: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](1000)}},
			}}})},
		},
		"PoolSize": {
			reason: "A size is a positive quantity.",
			spec: []change{withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{
				"a": {Storage: v1alpha1.StorageSpec{Size: "10Gb"}}, "b": {Storage: v1alpha1.StorageSpec{Size: "0"}}, "c": {Storage: v1alpha1.StorageSpec{Size: "1e1000000000"}},
				"d": {Storage: v1alpha1.StorageSpec{Size: "1.5Ti"}},
			}}})},
			want: []string{
				"FieldValueInvalid " + shardPath + ".spec.pools[a].storage.size", "FieldValueInvalid " + shardPath + ".spec.pools[b].storage.size",
				"FieldValueInvalid " + shardPath + ".spec.pools[c].storage.size",
			},
		},
		"AccessModes": {
			reason: "Access modes are those of Kubernetes.",
			spec:   []change{withPool(v1alpha1.PoolSpec{Storage: v1alpha1.StorageSpec{AccessModes: []corev1.PersistentVolumeAccessMode{"RWO"}}})},
			want:   []string{"FieldValueNotSupported " + poolPath + ".storage.accessModes[0]"},
		},
		"NoReplicas": {
			reason: "A pool has instances.", spec: []change{withPool(v1alpha1.PoolSpec{ReplicasPerCell: ptr.To[int32](0)})},
			want: []string{"FieldValueInvalid " + poolPath + ".replicasPerCell", "FieldValueInvalid " + shardPath},
		},

		// Settings.
		"Settings": {
			reason: "Unknown and managed parameters and values of the wrong type are refused.",
			spec:   []change{settings(v1alpha1.PostgresConfig{"no_such_thing": "1", "port": "5433", "work_mem": "much", "auto_explain.log_min_duration": "1s"})},
			want: []string{
				"FieldValueInvalid " + shardPath + ".spec.postgresConfig[no_such_thing]", "FieldValueForbidden " + shardPath + ".spec.postgresConfig[port]",
				"FieldValueInvalid " + shardPath + ".spec.postgresConfig[work_mem]",
			},
		},
		"SettingsOfEachSource": {
			reason: "A setting is told of where it stands.",
			ts:     Templates{Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {PostgresConfig: v1alpha1.PostgresConfig{"a": "1", "work_mem": "?"}}})},
			spec:   []change{withShard(v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{PostgresConfig: v1alpha1.PostgresConfig{"b": "1", "work_mem": "4MB"}}})},
			want:   []string{"FieldValueInvalid " + shardPath + ".overrides.postgresConfig[b]", "FieldValueInvalid " + shardPath + ".postgresConfig[a]"},
		},

		// What is exposed.
		"ExternalIPs": {
			reason: "Addresses must be ones that something outside can reach.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.ExternalGateway = &v1alpha1.ExternalServiceSpec{Enabled: true, ExternalIPs: []v1alpha1.IPAddress{"203.0.113.1", "999.1.1.1", "::1", "fe80::1%eth0", "2001:db8::1"}}
				c.Spec.ExternalAdminWeb = &v1alpha1.ExternalServiceSpec{ExternalIPs: []v1alpha1.IPAddress{"0.0.0.0", "169.254.1.1"}}
			}},
			want: []string{
				"FieldValueInvalid spec.externalGateway.externalIPs[1]", "FieldValueInvalid spec.externalGateway.externalIPs[2]", "FieldValueInvalid spec.externalGateway.externalIPs[3]",
				"FieldValueInvalid spec.externalAdminWeb.externalIPs[0]", "FieldValueInvalid spec.externalAdminWeb.externalIPs[1]",
			},
		},

		// Durability.
		"DurabilityName": {
			reason: "A policy that the data plane does not know would stop it.",
			spec: []change{withPool(v1alpha1.PoolSpec{}), func(c *v1alpha1.MultigresCluster) {
				c.Spec.DurabilityPolicy = "AT_LEAST_9"
				c.Spec.Databases[0].DurabilityPolicy = "AT_LEAST_8"
			}},
			want: []string{"FieldValueNotSupported spec.durabilityPolicy", "FieldValueNotSupported spec.databases[0].durabilityPolicy"},
		},
		"OnePooler": {
			reason: "Nothing can be written with one pooler.", spec: []change{withPool(v1alpha1.PoolSpec{ReplicasPerCell: ptr.To[int32](1)})},
			want: []string{"FieldValueInvalid " + shardPath},
		},
		"MultiCellInOneCell": {
			reason: "Poolers of one cell cannot hold a write in two.",
			spec:   []change{func(c *v1alpha1.MultigresCluster) { c.Spec.DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2 }},
			want:   []string{"FieldValueInvalid spec.durabilityPolicy"},
		},
		"MultiCellOfTheDatabase": {
			reason: "The policy of a database is told of there.",
			spec: []change{withCells("z1", "z2"), withPool(v1alpha1.PoolSpec{Cells: []v1alpha1.CellName{"z2"}}), func(c *v1alpha1.MultigresCluster) {
				c.Spec.Databases[0].DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2
			}},
			want: []string{"FieldValueInvalid spec.databases[0].durabilityPolicy"},
		},
		"MultiCellOverPools": {
			reason: "What counts is the cells of all pools together.",
			spec: []change{withCells("z1", "z2", "z3"), withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{
				"a": {Cells: []v1alpha1.CellName{"z1"}, ReplicasPerCell: ptr.To[int32](1)},
				"b": {Cells: []v1alpha1.CellName{"z2"}, ReplicasPerCell: ptr.To[int32](1)},
			}}}), func(c *v1alpha1.MultigresCluster) { c.Spec.DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2 }},
		},

		// Backups.
		"BackupNotShared": {
			reason: "A volume that one node mounts cannot be what all poolers restore from.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{
					Storage: v1alpha1.StorageSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}},
				}}
			}},
			want: []string{"FieldValueInvalid spec.backup.filesystem.storage.accessModes"},
		},
		"BackupNotSharedOfAShard": {
			reason: "The level that says it is told.",
			spec: []change{withShard(v1alpha1.ShardConfig{Backup: &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{
				Storage: v1alpha1.StorageSpec{Size: "x", AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}},
			}}})},
			want: []string{"FieldValueInvalid " + shardPath + ".backup.filesystem.storage.size", "FieldValueInvalid " + shardPath + ".backup.filesystem.storage.accessModes"},
		},
		"BackupPathRelative": {
			reason: "The path is a mount point.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "backups/../x"}}
			}},
			want: []string{"FieldValueInvalid spec.backup.filesystem.path"},
		},
		"BackupPathTaken": {
			reason: "The path must not hide what the pod needs.",
			spec: []change{withPool(v1alpha1.PoolSpec{}), func(c *v1alpha1.MultigresCluster) {
				c.Spec.Databases[0].Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "/var"}}
			}},
			want: []string{"FieldValueInvalid spec.databases[0].backup.filesystem.path"},
		},

		// Topology servers.
		"EtcdEven": {
			reason: "An even number of members is no better than one less.",
			ts:     Templates{Core: coreTemplates(map[string]v1alpha1.CoreTemplateSpec{"default": {GlobalTopoServer: &v1alpha1.TopoServerTemplateSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](4), RootPath: "x"}}}})},
			want:   []string{"FieldValueInvalid spec.globalTopoServer.etcd.replicas", "FieldValueInvalid spec.globalTopoServer.etcd.rootPath"},
		},
		"EtcdSize": {
			reason: "A size is a quantity.", spec: []change{withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Storage: v1alpha1.StorageSpec{Size: "1 GB"}}})},
			want: []string{"FieldValueInvalid spec.cells[0].spec.localTopoServer.etcd.storage.size"},
		},
		"NoEndpoints": {reason: "A server has an address.", spec: []change{external()}, want: []string{"FieldValueRequired " + endpoints}},
		"EndpointKinds": {
			reason: "An endpoint is a host and a port with a scheme, and nothing else.",
			spec:   []change{external("ftp://a:1", "http://a", "http://:1", "http://a:1/path", "http://a:1?q", "http://a,b:1", "http://u@a:1", "http://[fe80::1%25eth0]:1", "http:a:1", "http://ok:1")},
			want: []string{
				"FieldValueInvalid " + endpoints + "[0]", "FieldValueInvalid " + endpoints + "[1]", "FieldValueInvalid " + endpoints + "[2]", "FieldValueInvalid " + endpoints + "[3]",
				"FieldValueInvalid " + endpoints + "[4]", "FieldValueInvalid " + endpoints + "[5]", "FieldValueInvalid " + endpoints + "[6]", "FieldValueInvalid " + endpoints + "[7]",
				"FieldValueInvalid " + endpoints + "[8]",
			},
		},
		"MixedSchemes": {
			reason: "One set of addresses is either encrypted or not.",
			spec:   []change{withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"https://a:1", "http://b:1"}, ClientCertSecret: "c"})},
			want:   []string{"FieldValueInvalid " + endpoints + "[1]"},
		},
		"TLSWithoutCertificate": {
			reason: "Multigres speaks TLS only with a certificate of its own.",
			spec:   []change{withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"https://a:1"}, CASecret: "ca"})},
			want:   []string{"FieldValueRequired spec.globalTopoServer.external.clientCertSecret"},
		},
		"CertificateWithoutTLS": {
			reason: "Certificates would switch TLS on for a server that has none.",
			spec:   []change{withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://a:1"}, CASecret: "ca", ClientCertSecret: "c"})},
			want:   []string{"FieldValueForbidden spec.globalTopoServer.external.clientCertSecret", "FieldValueForbidden spec.globalTopoServer.external.caSecret"},
		},
		"Implementation": {
			reason: "Multigres knows only etcd, and a root is a path.",
			spec:   []change{withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://a:1"}, Implementation: "zookeeper", RootPath: "a b"})},
			want:   []string{"FieldValueInvalid spec.globalTopoServer.external.rootPath", "FieldValueInvalid spec.globalTopoServer.external.implementation"},
		},
		"TLSCellBesidePlain": {
			reason: "All servers that have TLS share the certificates of the global one.",
			spec: []change{withLocal(v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"https://a:1"}, ClientCertSecret: "c",
			}})},
			want: []string{"FieldValueForbidden spec.cells[0].spec.localTopoServer.external"},
		},

		// What this version of Multigres cannot do.
		"Capabilities": {
			reason: "Everything is refused where it stands.",
			spec: []change{withCells("under_score"), func(c *v1alpha1.MultigresCluster) {
				c.Spec.Databases = []v1alpha1.DatabaseConfig{
					{Name: "app", TableGroups: []v1alpha1.TableGroupConfig{{Name: "orders", Shards: []v1alpha1.ShardConfig{{Name: "0-8"}}}}},
					{Name: "postgres", TableGroups: []v1alpha1.TableGroupConfig{{Name: "default"}}},
				}
			}},
			want: []string{
				"FieldValueInvalid spec.cells[0].name", "FieldValueInvalid spec.databases[0].name",
				"FieldValueInvalid spec.databases[0].tablegroups[0].name", "FieldValueInvalid spec.databases[0].tablegroups[0].shards[0].name",
			},
		},
		"LongCell": {
			reason: "A cell and an id of ten characters make at most 63.",
			spec:   []change{withCells("a-cell-whose-name-is-one-character-too-long-for-the-id", "a-cell-whose-name-is-just-short-enough-for-the-ids")},
			want:   []string{"FieldValueTooLong spec.cells[0].name"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, errs := Resolve(cluster(tc.spec...), tc.ts, ImageDefaults{})
			if diff := cmp.Diff(tc.want, problems(errs)); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s\n%v", tc.reason, diff, errs)
			}
		})
	}
}

// TestProblemsAreToldOnce has one mistake that applies in many places.
func TestProblemsAreToldOnce(t *testing.T) {
	c := cluster(withCells("z1", "z2"), func(c *v1alpha1.MultigresCluster) {
		c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "x"}}
		c.Spec.Databases = []v1alpha1.DatabaseConfig{
			{Name: "postgres", TableGroups: []v1alpha1.TableGroupConfig{{Name: "default", Default: true, Shards: []v1alpha1.ShardConfig{{Name: "0-inf"}, {Name: "0-inf"}}}}},
		}
	})
	_, _, errs := Resolve(c, Templates{}, ImageDefaults{})
	if diff := cmp.Diff([]string{"FieldValueInvalid spec.backup.filesystem.path"}, problems(errs)); diff != "" {
		t.Errorf("Resolve(...): -want, +got:\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	type change = func(*v1alpha1.MultigresCluster)
	multiCell := func(c *v1alpha1.MultigresCluster) { c.Spec.DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2 }
	cases := map[string]struct {
		reason string
		spec   []change
		ts     Templates
		want   []string
	}{
		"None":       {reason: "A minimal cluster is sound."},
		"TwoPoolers": {reason: "With two poolers the loss of one stops writes.", spec: []change{withPool(v1alpha1.PoolSpec{ReplicasPerCell: ptr.To[int32](2)})}, want: []string{ReasonFragileDurability}},
		"TwoCells":   {reason: "With two cells the loss of one stops writes.", spec: []change{withCells("z1", "z2"), multiCell}, want: []string{ReasonFragileDurability}},
		"ThreeCells": {reason: "With three cells one may be lost.", spec: []change{withCells("z1", "z2", "z3"), multiCell}},
		"OneMember": {
			reason: "One member of etcd is lost with its volume.",
			spec: []change{withLocal(v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](1)}}), func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](1)}}
			}},
			want: []string{ReasonSingleEtcdMember, ReasonSingleEtcdMember},
		},
		"NotExposed": {
			reason: "A ClusterIP Service without external addresses exposes nothing.",
			spec: []change{func(c *v1alpha1.MultigresCluster) {
				c.Spec.ExternalGateway = &v1alpha1.ExternalServiceSpec{Enabled: true}
				c.Spec.ExternalAdminWeb = &v1alpha1.ExternalServiceSpec{Enabled: true, ServiceType: "LoadBalancer"}
			}},
			want: []string{ReasonNotExposed},
		},
		"ExposureOff": {reason: "What is off needs no address.", spec: []change{func(c *v1alpha1.MultigresCluster) { c.Spec.ExternalGateway = &v1alpha1.ExternalServiceSpec{} }}},
		"PoolAdded": {
			reason: "A pool in overrides that the template does not have may be misspelt.",
			ts:     Templates{Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {Pools: v1alpha1.PoolMap{"main": {}}}})},
			spec:   []change{withShard(v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{Pools: v1alpha1.PoolMap{"main": {}, "mian": {}}}})},
			want:   []string{ReasonPoolAdded},
		},
		"PoolOfOverridesAlone": {
			reason: "Without a template overrides are where pools come from.",
			spec:   []change{withShard(v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{Pools: v1alpha1.PoolMap{"main": {}}}})},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, warnings, errs := Resolve(cluster(tc.spec...), tc.ts, ImageDefaults{})
			if len(errs) > 0 {
				t.Errorf("\n%s\nResolve(...): unexpected problems: %v", tc.reason, errs)
			}
			if diff := cmp.Diff(tc.want, reasons(warnings)); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestShrunk(t *testing.T) {
	cases := map[string]struct {
		reason   string
		from, to string
		want     bool
	}{
		"Smaller":     {reason: "A smaller volume is refused.", from: "10Gi", to: "5Gi", want: true},
		"SmallerUnit": {reason: "Quantities are compared, not strings.", from: "1Gi", to: "1G", want: true},
		"Same":        {reason: "The same size in another unit is fine.", from: "1Gi", to: "1024Mi"},
		"Larger":      {reason: "Volumes grow.", from: "9Gi", to: "10Gi"},
		"NoneBefore":  {reason: "There is nothing to shrink from.", to: "1Gi"},
		"NoneNow":     {reason: "What is no quantity is refused elsewhere.", from: "1Gi", to: "x"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Shrunk(field.NewPath("a"), tc.from, tc.to) != nil); diff != "" {
				t.Errorf("\n%s\nShrunk(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCheckAgainst(t *testing.T) {
	core := func(e v1alpha1.EtcdSpec) map[string]*v1alpha1.CoreTemplate {
		return coreTemplates(map[string]v1alpha1.CoreTemplateSpec{"default": {GlobalTopoServer: &v1alpha1.TopoServerTemplateSpec{Etcd: &e}}})
	}
	shard := func(size string) map[string]*v1alpha1.ShardTemplate {
		return shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {Pools: v1alpha1.PoolMap{"main": {Storage: v1alpha1.StorageSpec{Size: size}}}}})
	}
	nothing := func(*v1alpha1.MultigresCluster) {}
	cases := map[string]struct {
		reason      string
		before, now Templates
		change      func(*v1alpha1.MultigresCluster)
		want        []string
	}{
		"Same":         {reason: "What stays is fine.", before: Templates{Shard: shard("5Gi")}, now: Templates{Shard: shard("5Gi")}, change: nothing},
		"Grown":        {reason: "What grows is fine.", before: Templates{Shard: shard("5Gi")}, now: Templates{Shard: shard("6Gi")}, change: nothing},
		"PoolShrinks":  {reason: "A template cannot shrink volumes.", before: Templates{Shard: shard("5Gi")}, now: Templates{Shard: shard("4Gi")}, change: nothing, want: []string{"FieldValueForbidden spec.databases[0].tablegroups[0].shards[0].pools[main].storage.size"}},
		"PoolGone":     {reason: "A pool that is gone drains; its volumes do not shrink.", before: Templates{Shard: shard("5Gi")}, change: nothing},
		"EtcdReplicas": {reason: "A template cannot change the members of an etcd.", now: Templates{Core: core(v1alpha1.EtcdSpec{Replicas: ptr.To[int32](5)})}, change: nothing, want: []string{"FieldValueForbidden spec.globalTopoServer.etcd.replicas"}},
		"EtcdShrinks":  {reason: "A template that is gone cannot shrink volumes either.", before: Templates{Core: core(v1alpha1.EtcdSpec{Storage: v1alpha1.StorageSpec{Size: "2Gi"}})}, change: nothing, want: []string{"FieldValueForbidden spec.globalTopoServer.etcd.storage.size"}},
		"External":     {reason: "A server that something else runs has no members of ours.", now: Templates{}, change: withExternal(v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://a:1"}})},
		"Superuser":    {reason: "A database keeps its superuser.", change: func(c *v1alpha1.MultigresCluster) { c.Spec.PostgresSuperuser = "root" }, want: []string{"FieldValueForbidden spec.postgresSuperuser"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			prev := mustResolve(t, cluster(), tc.before).Effective()
			got := mustResolve(t, cluster(tc.change), tc.now)
			if diff := cmp.Diff(tc.want, problems(got.CheckAgainst(prev))); diff != "" {
				t.Errorf("\n%s\nCheckAgainst(...): -want, +got:\n%s", tc.reason, diff)
			}
			if errs := got.CheckAgainst(nil); len(errs) > 0 {
				t.Errorf("\n%s\nCheckAgainst(nil): a new cluster may be anything, got: %v", tc.reason, errs)
			}
			if errs := got.CheckAgainst(&v1alpha1.EffectiveConfig{}); len(errs) > 0 {
				t.Errorf("\n%s\nCheckAgainst(...): nothing is known of before, got: %v", tc.reason, errs)
			}
		})
	}
}
