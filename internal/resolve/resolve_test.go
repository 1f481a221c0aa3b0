package resolve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// cluster returns a cluster named c of namespace ns, with one cell, after changes.
func cluster(changes ...func(*v1alpha1.MultigresCluster)) *v1alpha1.MultigresCluster {
	c := &v1alpha1.MultigresCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: "ns"},
		Spec:       v1alpha1.MultigresClusterSpec{Cells: []v1alpha1.CellConfig{{Name: "z1", Zone: "zone-1"}}},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

// withCells replaces the cells of a cluster.
func withCells(names ...v1alpha1.CellName) func(*v1alpha1.MultigresCluster) {
	return func(c *v1alpha1.MultigresCluster) {
		c.Spec.Cells = nil
		for _, n := range names {
			c.Spec.Cells = append(c.Spec.Cells, v1alpha1.CellConfig{Name: n, Zone: v1alpha1.ZoneName(n)})
		}
	}
}

// withShard replaces the databases of a cluster with the system's, with a shard of this configuration.
func withShard(sh v1alpha1.ShardConfig) func(*v1alpha1.MultigresCluster) {
	return func(c *v1alpha1.MultigresCluster) {
		sh.Name = systemShard
		c.Spec.Databases = []v1alpha1.DatabaseConfig{{Name: systemDatabase, Default: true, TableGroups: []v1alpha1.TableGroupConfig{
			{Name: systemTableGroup, Default: true, Shards: []v1alpha1.ShardConfig{sh}},
		}}}
	}
}

// withPool gives a cluster one shard with one pool in its spec.
func withPool(p v1alpha1.PoolSpec) func(*v1alpha1.MultigresCluster) {
	return withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{"main": p}}})
}

// tableGroup returns the system's table group of a spec that has one.
func tableGroup(c *v1alpha1.MultigresCluster) *v1alpha1.TableGroupConfig {
	return &c.Spec.Databases[0].TableGroups[0]
}

// mustResolve resolves a cluster that nothing is wrong with.
func mustResolve(t testing.TB, c *v1alpha1.MultigresCluster, ts Templates) *Cluster {
	t.Helper()
	got, _, errs := Resolve(c, ts, ImageDefaults{})
	if len(errs) > 0 {
		t.Fatalf("Resolve(...): unexpected problems: %v", errs)
	}
	return got
}

// onlyShard returns the one shard of a cluster.
func onlyShard(t testing.TB, c *Cluster) Shard {
	t.Helper()
	if len(c.Databases) != 1 || len(c.Databases[0].TableGroups) != 1 || len(c.Databases[0].TableGroups[0].Shards) != 1 {
		t.Fatalf("want one shard, got: %+v", c.Databases)
	}
	return c.Databases[0].TableGroups[0].Shards[0]
}

// problems writes down what is wrong where.
func problems(errs field.ErrorList) []string {
	var out []string
	for _, err := range errs {
		out = append(out, string(err.Type)+" "+err.Field)
	}
	return out
}

// reasons writes down what was warned of.
func reasons(ws []Warning) []string {
	var out []string
	for _, w := range ws {
		out = append(out, w.Reason)
	}
	return out
}

func TestResolveMinimal(t *testing.T) {
	retain := v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain, WhenScaled: v1alpha1.PVCRetain}
	backup := v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{
		Path: "/backups",
		Storage: v1alpha1.StorageSpec{
			Size:        "10Gi",
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
		},
	}}
	once := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	pull := v1alpha1.ImagePullSpec{ImagePullPolicy: corev1.PullIfNotPresent}
	set := DefaultImages.Set
	revision := Revision(set)

	want := &Cluster{
		Name:      "minimal",
		Namespace: "db",
		GlobalTopo: GlobalTopo{
			Managed: &v1alpha1.TopoServerSpec{
				ImagePullSpec: pull,
				ClusterName:   "minimal",
				Etcd: &v1alpha1.EtcdSpec{
					Image:     "gcr.io/etcd-development/etcd:v3.6.7",
					Replicas:  ptr.To[int32](3),
					Storage:   v1alpha1.StorageSpec{Size: "1Gi", AccessModes: once},
					Resources: etcdDefaults.resources(),
					RootPath:  "/multigres/global",
				},
				PVCDeletionPolicy: &retain,
			},
			Ref: v1alpha1.GlobalTopoServerRef{
				Address:        "minimal-global-topo.db.svc:2379",
				RootPath:       "/multigres/global",
				Implementation: "etcd",
			},
			Endpoints: []string{"http://minimal-global-topo.db.svc:2379"},
		},
		MultiAdmin:    Admin{Spec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: multiadminDefaults.resources()}},
		MultiAdminWeb: Admin{Spec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: multiadminWebDefaults.resources()}},
		Cells: []Cell{{
			Name:           "zone-a",
			ZoneID:         "us-central1-a",
			TopologyLabels: map[string]string{"topology.k8s.aws/zone-id": "us-central1-a"},
			Gateway: v1alpha1.MultigatewaySpec{
				StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: multigatewayDefaults.resources()},
				Buffer:        &v1alpha1.GatewayBufferSpec{Enabled: ptr.To(true)},
			},
			Record: CellRecord{Addresses: []string{"minimal-global-topo.db.svc:2379"}, Root: "/multigres/global"},
		}},
		Databases: []Database{{
			Name:       "postgres",
			Backup:     backup,
			Durability: v1alpha1.DurabilityAtLeast2,
			TableGroups: []TableGroup{{
				Name:              "default",
				Default:           true,
				PVCDeletionPolicy: retain,
				Backup:            backup,
				Shards: []Shard{{
					TotalPoolers: 3,
					ShardResolvedSpec: v1alpha1.ShardResolvedSpec{
						Name: "0-inf",
						Multiorch: v1alpha1.MultiorchSpec{
							StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: multiorchDefaults.resources()},
							Cells:         []v1alpha1.CellName{"zone-a"},
						},
						Pools: v1alpha1.PoolMap{"default": {
							Type:              v1alpha1.PoolReadWrite,
							Cells:             []v1alpha1.CellName{"zone-a"},
							ReplicasPerCell:   ptr.To[int32](3),
							Storage:           v1alpha1.StorageSpec{Size: "1Gi", AccessModes: once},
							Postgres:          v1alpha1.ContainerConfig{Resources: postgresDefaults.resources()},
							Multipooler:       v1alpha1.ContainerConfig{Resources: multipoolerDefaults.resources()},
							PVCDeletionPolicy: &retain,
						}},
						PVCDeletionPolicy: &retain,
						Backup:            &backup,
					},
				}},
			}},
		}},
		Images: Images{
			Pull: pull,
			Set:  set,
			Status: v1alpha1.ImagesStatus{
				UpdateStrategy: "immediate", Source: "defaults",
				Effective: &set, Applied: &set, AppliedRevision: revision, Available: &set, AvailableRevision: revision,
			},
			Reason:  "UpToDate",
			Message: "Images that the spec does not pin are those of the default set " + revision,
		},
		LogLevels:         v1alpha1.ComponentLogLevels{Pgctld: "info", Multipooler: "info", Multiorch: "info", Multiadmin: "info", Multigateway: "info"},
		PVCDeletionPolicy: retain,
		Backup:            backup,
		Superuser:         "postgres",
		PasswordSecret:    v1alpha1.PostgresPasswordSecretRef{Name: "minimal-postgres-password", Key: "password"},
		PasswordGenerated: true,
		ConnectionSecret:  "minimal-connection",
		Durability:        v1alpha1.DurabilityAtLeast2,
		TopologyPruning:   true,
	}

	got, warnings, errs := Resolve(&v1alpha1.MultigresCluster{
		ObjectMeta: metav1.ObjectMeta{Name: "minimal", Namespace: "db"},
		Spec:       v1alpha1.MultigresClusterSpec{Cells: []v1alpha1.CellConfig{{Name: "zone-a", ZoneID: "us-central1-a"}}},
	}, Templates{}, ImageDefaults{})

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Resolve(...): -want, +got:\n%s", diff)
	}
	if len(errs) > 0 || len(warnings) > 0 {
		t.Errorf("Resolve(...): want no problems and warnings, got: %v, %v", errs, warnings)
	}

	wantEffective := &v1alpha1.EffectiveConfig{
		GlobalTopoServer: &v1alpha1.EffectiveTopoServer{
			Implementation: "etcd", Address: "minimal-global-topo.db.svc:2379", RootPath: "/multigres/global",
			Replicas: ptr.To[int32](3), Image: "gcr.io/etcd-development/etcd:v3.6.7", Size: "1Gi",
		},
		DurabilityPolicy:  "AT_LEAST_2",
		Backup:            &v1alpha1.EffectiveBackup{Type: "filesystem", Location: "/backups"},
		PVCDeletionPolicy: &v1alpha1.EffectivePVCDeletionPolicy{WhenDeleted: "Retain", WhenScaled: "Retain"},
		Superuser:         "postgres",
		Cells: []v1alpha1.EffectiveCell{
			{Name: "zone-a", GatewayReplicas: 1, NodeSelector: map[string]string{"topology.k8s.aws/zone-id": "us-central1-a"}},
		},
		Shards: []v1alpha1.EffectiveShard{{
			Database: "postgres", TableGroup: "default", Name: "0-inf", MultiorchCells: []string{"zone-a"}, TotalPoolers: 3,
			Pools: []v1alpha1.EffectivePool{{Name: "default", Cells: []string{"zone-a"}, ReplicasPerCell: 3, Size: "1Gi", Postgres: "cpu=100m memory=256Mi/512Mi"}},
		}},
		Images: map[string]string{
			"multiadmin": set.Multiadmin, "multiadminWeb": set.MultiadminWeb, "multigateway": set.Multigateway, "multiorch": set.Multiorch,
			"multipooler": set.Multipooler, "postgres": set.Postgres, "etcd": set.Etcd, "postgresExporter": set.PostgresExporter,
		},
	}
	if diff := cmp.Diff(wantEffective, got.Effective()); diff != "" {
		t.Errorf("Effective(): -want, +got:\n%s", diff)
	}
}

func TestResolveDefaults(t *testing.T) {
	cases := map[string]struct {
		reason string
		spec   func(*v1alpha1.MultigresCluster)
		got    func(*Cluster) any
		want   any
	}{
		"ReplicasPerCellInOneCell": {
			reason: "One cell alone must hold three instances.",
			spec:   withCells("z1"),
			got:    func(c *Cluster) any { return *onlyShard(t, c).Pools["default"].ReplicasPerCell },
			want:   int32(3),
		},
		"ReplicasPerCellInTwoCells": {
			reason: "Two cells hold four instances: three cannot be split evenly.",
			spec:   withCells("z1", "z2"),
			got:    func(c *Cluster) any { return *onlyShard(t, c).Pools["default"].ReplicasPerCell },
			want:   int32(2),
		},
		"ReplicasPerCellInThreeCells": {
			reason: "Three cells hold three instances.",
			spec:   withCells("z1", "z2", "z3"),
			got:    func(c *Cluster) any { return *onlyShard(t, c).Pools["default"].ReplicasPerCell },
			want:   int32(1),
		},
		"ReplicasPerCellInFourCells": {
			reason: "More cells hold one instance each.",
			spec:   withCells("z1", "z2", "z3", "z4"),
			got:    func(c *Cluster) any { return onlyShard(t, c).TotalPoolers },
			want:   int32(4),
		},
		"ReplicasPerCellCountsThePoolsCells": {
			reason: "What counts is the number of cells of the pool, not of the cluster.",
			spec: func(c *v1alpha1.MultigresCluster) {
				withCells("z1", "z2", "z3")(c)
				withPool(v1alpha1.PoolSpec{Cells: []v1alpha1.CellName{"z2"}})(c)
			},
			got:  func(c *Cluster) any { return *onlyShard(t, c).Pools["main"].ReplicasPerCell },
			want: int32(3),
		},
		"CellsAreSorted": {
			reason: "Cells that nobody chose are in the order of their names.",
			spec:   withCells("z3", "z1", "z2"),
			got:    func(c *Cluster) any { return onlyShard(t, c).Multiorch.Cells },
			want:   []v1alpha1.CellName{"z1", "z2", "z3"},
		},
		"DefaultPoolFollowsOrchestrators": {
			reason: "The pool that nobody asked for is where the orchestrators are.",
			spec: func(c *v1alpha1.MultigresCluster) {
				withCells("z1", "z2")(c)
				withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{Multiorch: &v1alpha1.MultiorchSpec{Cells: []v1alpha1.CellName{"z2"}}}})(c)
			},
			got:  func(c *Cluster) any { return onlyShard(t, c).Pools["default"].Cells },
			want: []v1alpha1.CellName{"z2"},
		},
		"NoDefaultPoolBesideAnother": {
			reason: "A shard with a pool of its own gets no second one.",
			spec:   withPool(v1alpha1.PoolSpec{}),
			got:    func(c *Cluster) any { return len(onlyShard(t, c).Pools) },
			want:   1,
		},
		"RegionSelectsNodes": {
			reason: "A cell of a region selects the nodes of the region.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0] = v1alpha1.CellConfig{Name: "z1", Region: "r"}
			},
			got:  func(c *Cluster) any { return c.Cells[0].TopologyLabels },
			want: map[string]string{naming.NodeLabelRegion: "r"},
		},
		"ZoneSelectsNodes": {
			reason: "A cell of a zone selects the nodes of the zone.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0] = v1alpha1.CellConfig{Name: "z1", Zone: "z"}
			},
			got:  func(c *Cluster) any { return c.Cells[0].TopologyLabels },
			want: map[string]string{naming.NodeLabelZone: "z"},
		},
		"LimitsAloneStay": {
			reason: "Resources of which anything is written down are not mixed with the built-in ones.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{Spec: &v1alpha1.StatelessSpec{Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{}}}}
			},
			got:  func(c *Cluster) any { return c.MultiAdmin.Spec.Resources },
			want: corev1.ResourceRequirements{Limits: corev1.ResourceList{}},
		},
		"ZeroReplicasStay": {
			reason: "Zero is a number of replicas, not an omission.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{Spec: &v1alpha1.StatelessSpec{Replicas: ptr.To[int32](0)}}
			},
			got:  func(c *Cluster) any { return *c.MultiAdminWeb.Spec.Replicas },
			want: int32(0),
		},
		"PlacementAlone": {
			reason: "A component can be placed without anything else being said of it.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{Placement: &v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: "k"}}}}
			},
			got:  func(c *Cluster) any { return c.MultiAdmin.Placement },
			want: &v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: "k"}}},
		},
		"BufferCanBeOff": {
			reason: "Buffering that is switched off stays off.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{Enabled: ptr.To(false)}}}
			},
			got:  func(c *Cluster) any { return c.Cells[0].Gateway.Buffer },
			want: &v1alpha1.GatewayBufferSpec{Enabled: ptr.To(false)},
		},
		"LogLevelsEach": {
			reason: "Each log level has its own default.",
			spec:   func(c *v1alpha1.MultigresCluster) { c.Spec.LogLevels.Multiorch = "debug" },
			got:    func(c *Cluster) any { return c.LogLevels },
			want:   v1alpha1.ComponentLogLevels{Pgctld: "info", Multipooler: "info", Multiorch: "debug", Multiadmin: "info", Multigateway: "info"},
		},
		"NamedPassword": {
			reason: "A password that the spec names is not ours to make.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PostgresPasswordSecretRef = &v1alpha1.PostgresPasswordSecretRef{Name: "mine", Key: "pw"}
			},
			got: func(c *Cluster) any {
				return []any{c.PasswordSecret, c.PasswordGenerated}
			},
			want: []any{v1alpha1.PostgresPasswordSecretRef{Name: "mine", Key: "pw"}, false},
		},
		"IssuerKindAndGroup": {
			reason: "An issuer is one of cert-manager's in the namespace unless the spec says otherwise.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.CertificateIssuerRef = &v1alpha1.CertificateIssuerRef{Name: "ca"}
			},
			got:  func(c *Cluster) any { return c.CertificateIssuerRef },
			want: &v1alpha1.CertificateIssuerRef{Name: "ca", Kind: "Issuer", Group: "cert-manager.io"},
		},
		"SamplingKey": {
			reason: "The file of a sampler has a conventional name.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Observability = &v1alpha1.ObservabilityConfig{SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: "s"}}
			},
			got:  func(c *Cluster) any { return c.Observability.SamplingConfigRef.Key },
			want: "sampling-config.yaml",
		},
		"Switches": {
			reason: "Switches of the spec are plain truth values.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.TopologyPruning = &v1alpha1.TopologyPruningConfig{Enabled: ptr.To(false)}
				c.Spec.InternalTLS = &v1alpha1.InternalTLSConfig{Enabled: ptr.To(true)}
			},
			got:  func(c *Cluster) any { return []bool{c.TopologyPruning, c.InternalTLS} },
			want: []bool{false, true},
		},
		"ServiceType": {
			reason: "A Service is a ClusterIP unless the spec says otherwise.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.ExternalGateway = &v1alpha1.ExternalServiceSpec{Enabled: true, ExternalIPs: []v1alpha1.IPAddress{"203.0.113.7"}}
			},
			got:  func(c *Cluster) any { return c.ExternalGateway.ServiceType },
			want: "ClusterIP",
		},
		"DurabilityOfTheDatabase": {
			reason: "A database may have a policy of its own.",
			spec: func(c *v1alpha1.MultigresCluster) {
				withCells("z1", "z2", "z3")(c)
				withPool(v1alpha1.PoolSpec{})(c)
				c.Spec.Databases[0].DurabilityPolicy = v1alpha1.DurabilityMultiCellAtLeast2
			},
			got:  func(c *Cluster) any { return []v1alpha1.DurabilityPolicy{c.Durability, c.Databases[0].Durability} },
			want: []v1alpha1.DurabilityPolicy{v1alpha1.DurabilityAtLeast2, v1alpha1.DurabilityMultiCellAtLeast2},
		},
		"ProjectRef": {
			reason: "The identity of the project is an annotation of the cluster.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Annotations = map[string]string{naming.AnnotationProjectRef: "p"}
			},
			got:  func(c *Cluster) any { return []string{c.ProjectRef, c.GlobalTopo.Managed.ProjectRef} },
			want: []string{"p", "p"},
		},
		"ConfigRefs": {
			reason: "The ConfigMap keys that shards refer to are distinct and sorted.",
			spec: func(c *v1alpha1.MultigresCluster) {
				withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{PostgresConfigRef: &v1alpha1.PostgresConfigRef{Name: "b", Key: "k"}}})(c)
			},
			got: func(c *Cluster) any {
				tg := &c.Databases[0].TableGroups[0]
				a := Shard{ShardResolvedSpec: v1alpha1.ShardResolvedSpec{PostgresConfigRef: &v1alpha1.PostgresConfigRef{Name: "a", Key: "k"}}}
				tg.Shards = append(tg.Shards, tg.Shards[0], a, Shard{})
				return c.ConfigRefs()
			},
			want: []v1alpha1.PostgresConfigRef{{Name: "a", Key: "k"}, {Name: "b", Key: "k"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := tc.got(mustResolve(t, cluster(tc.spec), Templates{}))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestResolvePVCDeletionPolicy pins the chains by which the fate of volume claims is inherited.
func TestResolvePVCDeletionPolicy(t *testing.T) {
	policy := func(deleted, scaled v1alpha1.PVCRetentionPolicy) *v1alpha1.PVCDeletionPolicy {
		return &v1alpha1.PVCDeletionPolicy{WhenDeleted: deleted, WhenScaled: scaled}
	}
	const keep, drop, inherit = v1alpha1.PVCRetain, v1alpha1.PVCDelete, v1alpha1.PVCRetentionPolicy("")

	cases := map[string]struct {
		reason string
		change func(*v1alpha1.MultigresCluster)
		got    func(*Cluster) v1alpha1.PVCDeletionPolicy
		want   *v1alpha1.PVCDeletionPolicy
	}{
		"BuiltIn": {
			reason: "Nothing is deleted unless somebody says so.",
			got:    func(c *Cluster) v1alpha1.PVCDeletionPolicy { return c.PVCDeletionPolicy },
			want:   policy(keep, keep),
		},
		"HalfOfTheCluster": {
			reason: "The half that a policy leaves out is the built-in one.",
			change: func(c *v1alpha1.MultigresCluster) { c.Spec.PVCDeletionPolicy = policy(inherit, drop) },
			got:    func(c *Cluster) v1alpha1.PVCDeletionPolicy { return c.PVCDeletionPolicy },
			want:   policy(keep, drop),
		},
		"GlobalTopoInheritsCluster": {
			reason: "The global topology server has the policy of the cluster.",
			change: func(c *v1alpha1.MultigresCluster) { c.Spec.PVCDeletionPolicy = policy(drop, keep) },
			got:    func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *c.GlobalTopo.Managed.PVCDeletionPolicy },
			want:   policy(drop, keep),
		},
		"EtcdOverGlobalTopoOverCluster": {
			reason: "Each field comes from the nearest level that sets it.",
			change: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PVCDeletionPolicy = policy(drop, keep)
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{
					PVCDeletionPolicy: policy(keep, inherit),
					Etcd:              &v1alpha1.EtcdSpec{PVCDeletionPolicy: policy(inherit, drop)},
				}
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *c.GlobalTopo.Managed.PVCDeletionPolicy },
			want: policy(keep, drop),
		},
		"LocalTopoInheritsCluster": {
			reason: "The policy of the cluster reaches the topology servers of cells.",
			change: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PVCDeletionPolicy = policy(drop, drop)
				c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{PVCDeletionPolicy: policy(keep, inherit)}}}
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *c.Cells[0].LocalTopoPVC },
			want: policy(keep, drop),
		},
		"TableGroupOverCluster": {
			reason: "A table group inherits what it leaves out from the cluster.",
			change: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PVCDeletionPolicy = policy(drop, drop)
				withPool(v1alpha1.PoolSpec{})(c)
				tableGroup(c).PVCDeletionPolicy = policy(keep, inherit)
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return c.Databases[0].TableGroups[0].PVCDeletionPolicy },
			want: policy(keep, drop),
		},
		"ShardOverTableGroup": {
			reason: "A shard inherits what it leaves out from the table group.",
			change: func(c *v1alpha1.MultigresCluster) {
				withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{PVCDeletionPolicy: policy(inherit, drop)}})(c)
				tableGroup(c).PVCDeletionPolicy = policy(drop, keep)
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *onlyShard(t, c).PVCDeletionPolicy },
			want: policy(drop, drop),
		},
		"PoolOverShard": {
			reason: "A pool inherits what it leaves out from the shard.",
			change: func(c *v1alpha1.MultigresCluster) {
				withShard(v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{
					PVCDeletionPolicy: policy(drop, drop),
					Pools:             v1alpha1.PoolMap{"main": {PVCDeletionPolicy: policy(keep, inherit)}},
				}})(c)
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *onlyShard(t, c).Pools["main"].PVCDeletionPolicy },
			want: policy(keep, drop),
		},
		"PoolInheritsCluster": {
			reason: "A policy passes through levels that say nothing.",
			change: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PVCDeletionPolicy = policy(drop, keep)
				withPool(v1alpha1.PoolSpec{})(c)
			},
			got:  func(c *Cluster) v1alpha1.PVCDeletionPolicy { return *onlyShard(t, c).Pools["main"].PVCDeletionPolicy },
			want: policy(drop, keep),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := cluster()
			if tc.change != nil {
				tc.change(c)
			}
			got := tc.got(mustResolve(t, c, Templates{}))
			if diff := cmp.Diff(*tc.want, got); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
