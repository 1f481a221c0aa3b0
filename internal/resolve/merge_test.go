package resolve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func requests(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

func limits(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

func affinity(topologyKey string) *corev1.Affinity {
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: topologyKey}}}}
}

func TestMergeStateless(t *testing.T) {
	cases := map[string]struct {
		reason     string
		base, over v1alpha1.StatelessSpec
		want       v1alpha1.StatelessSpec
	}{
		"ReplicasReplace": {
			reason: "Replicas that are set win.",
			base:   v1alpha1.StatelessSpec{Replicas: ptr.To[int32](2)},
			over:   v1alpha1.StatelessSpec{Replicas: ptr.To[int32](0)},
			want:   v1alpha1.StatelessSpec{Replicas: ptr.To[int32](0)},
		},
		"ReplicasStay": {
			reason: "Replicas that are not set leave those of the base.",
			base:   v1alpha1.StatelessSpec{Replicas: ptr.To[int32](2)},
			want:   v1alpha1.StatelessSpec{Replicas: ptr.To[int32](2)},
		},
		"AffinityReplaces": {
			reason: "Affinity is replaced as a whole.",
			base:   v1alpha1.StatelessSpec{Affinity: affinity("a")},
			over:   v1alpha1.StatelessSpec{Affinity: affinity("b")},
			want:   v1alpha1.StatelessSpec{Affinity: affinity("b")},
		},
		"ResourcesReplaceAsABlock": {
			reason: "Limits of one source are not mixed with requests of another.",
			base:   v1alpha1.StatelessSpec{Resources: requests("1")},
			over:   v1alpha1.StatelessSpec{Resources: limits("2")},
			want:   v1alpha1.StatelessSpec{Resources: limits("2")},
		},
		"EmptyResourcesReplace": {
			reason: "A block of which an empty list is written down says: none.",
			base:   v1alpha1.StatelessSpec{Resources: requests("1")},
			over:   v1alpha1.StatelessSpec{Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{}}},
			want:   v1alpha1.StatelessSpec{Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{}}},
		},
		"ResourcesStay": {
			reason: "A block that is left out leaves that of the base.",
			base:   v1alpha1.StatelessSpec{Resources: requests("1")},
			want:   v1alpha1.StatelessSpec{Resources: requests("1")},
		},
		"AnnotationsAndLabelsByKey": {
			reason: "Annotations and labels are merged key by key.",
			base: v1alpha1.StatelessSpec{
				PodAnnotations: v1alpha1.PodAnnotations{"a": "1", "b": "1"},
				PodLabels:      v1alpha1.PodLabels{"a": "1", "b": "1"},
			},
			over: v1alpha1.StatelessSpec{
				PodAnnotations: v1alpha1.PodAnnotations{"b": "2", "c": "2"},
				PodLabels:      v1alpha1.PodLabels{"b": "2", "c": "2"},
			},
			want: v1alpha1.StatelessSpec{
				PodAnnotations: v1alpha1.PodAnnotations{"a": "1", "b": "2", "c": "2"},
				PodLabels:      v1alpha1.PodLabels{"a": "1", "b": "2", "c": "2"},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, mergeStateless(tc.base, tc.over)); diff != "" {
				t.Errorf("\n%s\nmergeStateless(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestMergeGateway(t *testing.T) {
	cases := map[string]struct {
		reason string
		base   v1alpha1.MultigatewaySpec
		over   *v1alpha1.MultigatewaySpec
		want   v1alpha1.MultigatewaySpec
	}{
		"NothingOver": {
			reason: "A source that says nothing of gateways changes nothing.",
			base:   v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{Window: "1s"}},
			want:   v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{Window: "1s"}},
		},
		"BufferByField": {
			reason: "Each field of the buffer is replaced on its own.",
			base: v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{
				Enabled: ptr.To(true), Window: "1s", MaxFailoverDuration: "2s", MinTimeBetweenFailovers: "3s", Size: ptr.To[int32](4), DrainConcurrency: ptr.To[int32](5),
			}},
			over: &v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{Enabled: ptr.To(false), MaxFailoverDuration: "9s", Size: ptr.To[int32](9)}},
			want: v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{
				Enabled: ptr.To(false), Window: "1s", MaxFailoverDuration: "9s", MinTimeBetweenFailovers: "3s", Size: ptr.To[int32](9), DrainConcurrency: ptr.To[int32](5),
			}},
		},
		"BufferOfTheBase": {
			reason: "A buffer that only the base has stays.",
			base:   v1alpha1.MultigatewaySpec{Buffer: &v1alpha1.GatewayBufferSpec{Window: "1s"}},
			over:   &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](2)}},
			want:   v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](2)}, Buffer: &v1alpha1.GatewayBufferSpec{Window: "1s"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, mergeGateway(tc.base, tc.over)); diff != "" {
				t.Errorf("\n%s\nmergeGateway(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestMergeEtcd(t *testing.T) {
	keep, drop := &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain}, &v1alpha1.PVCDeletionPolicy{WhenScaled: v1alpha1.PVCDelete}
	many, once := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	base := v1alpha1.EtcdSpec{
		Image: "a", Replicas: ptr.To[int32](3), Storage: v1alpha1.StorageSpec{Size: "1Gi", Class: "a", AccessModes: once},
		Resources: requests("1"), RootPath: "/a", PVCDeletionPolicy: keep,
	}
	cases := map[string]struct {
		reason string
		over   *v1alpha1.EtcdSpec
		want   func(*v1alpha1.EtcdSpec)
	}{
		"Nothing":     {reason: "A source that says nothing of etcd changes nothing.", want: func(*v1alpha1.EtcdSpec) {}},
		"Empty":       {reason: "An empty block changes nothing.", over: &v1alpha1.EtcdSpec{}, want: func(*v1alpha1.EtcdSpec) {}},
		"Image":       {reason: "The image is replaced.", over: &v1alpha1.EtcdSpec{Image: "b"}, want: func(e *v1alpha1.EtcdSpec) { e.Image = "b" }},
		"Replicas":    {reason: "The replicas are replaced.", over: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](5)}, want: func(e *v1alpha1.EtcdSpec) { e.Replicas = ptr.To[int32](5) }},
		"RootPath":    {reason: "The root is replaced.", over: &v1alpha1.EtcdSpec{RootPath: "/b"}, want: func(e *v1alpha1.EtcdSpec) { e.RootPath = "/b" }},
		"Size":        {reason: "The size is replaced on its own.", over: &v1alpha1.EtcdSpec{Storage: v1alpha1.StorageSpec{Size: "2Gi"}}, want: func(e *v1alpha1.EtcdSpec) { e.Storage.Size = "2Gi" }},
		"Class":       {reason: "The class is replaced on its own.", over: &v1alpha1.EtcdSpec{Storage: v1alpha1.StorageSpec{Class: "b"}}, want: func(e *v1alpha1.EtcdSpec) { e.Storage.Class = "b" }},
		"AccessModes": {reason: "The access modes are replaced as a list.", over: &v1alpha1.EtcdSpec{Storage: v1alpha1.StorageSpec{AccessModes: many}}, want: func(e *v1alpha1.EtcdSpec) { e.Storage.AccessModes = many }},
		"Resources":   {reason: "The resources are replaced as a block.", over: &v1alpha1.EtcdSpec{Resources: limits("2")}, want: func(e *v1alpha1.EtcdSpec) { e.Resources = limits("2") }},
		"Policy":      {reason: "The policy is replaced as a whole.", over: &v1alpha1.EtcdSpec{PVCDeletionPolicy: drop}, want: func(e *v1alpha1.EtcdSpec) { e.PVCDeletionPolicy = drop }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			want := base.DeepCopy()
			tc.want(want)
			if diff := cmp.Diff(want, mergeEtcd(base.DeepCopy(), tc.over)); diff != "" {
				t.Errorf("\n%s\nmergeEtcd(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestMergePools(t *testing.T) {
	keep, drop := &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain}, &v1alpha1.PVCDeletionPolicy{WhenScaled: v1alpha1.PVCDelete}
	many, once := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	base := v1alpha1.PoolSpec{
		Type:                      v1alpha1.PoolReadWrite,
		Cells:                     []v1alpha1.CellName{"z1", "z2"},
		ReplicasPerCell:           ptr.To[int32](1),
		Storage:                   v1alpha1.StorageSpec{Size: "1Gi", Class: "a", AccessModes: once},
		Postgres:                  v1alpha1.ContainerConfig{Resources: requests("1"), RunAsUser: ptr.To[int64](1), RunAsGroup: ptr.To[int64](1)},
		Multipooler:               v1alpha1.ContainerConfig{Resources: requests("1"), RunAsUser: ptr.To[int64](1), RunAsGroup: ptr.To[int64](1)},
		Affinity:                  affinity("a"),
		Tolerations:               []corev1.Toleration{{Key: "a"}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{TopologyKey: "a"}},
		PriorityClassName:         "a",
		PodAnnotations:            v1alpha1.PodAnnotations{"a": "1"},
		PodLabels:                 v1alpha1.PodLabels{"a": "1"},
		FSGroup:                   ptr.To[int64](1),
		PVCDeletionPolicy:         keep,
	}
	cases := map[string]struct {
		reason string
		over   v1alpha1.PoolSpec
		want   func(*v1alpha1.PoolSpec)
	}{
		"Nothing":             {reason: "An empty pool changes nothing.", want: func(*v1alpha1.PoolSpec) {}},
		"Type":                {reason: "The type is replaced.", over: v1alpha1.PoolSpec{Type: "other"}, want: func(p *v1alpha1.PoolSpec) { p.Type = "other" }},
		"Cells":               {reason: "The cells are replaced as a list.", over: v1alpha1.PoolSpec{Cells: []v1alpha1.CellName{"z3"}}, want: func(p *v1alpha1.PoolSpec) { p.Cells = []v1alpha1.CellName{"z3"} }},
		"ReplicasPerCell":     {reason: "The replicas are replaced.", over: v1alpha1.PoolSpec{ReplicasPerCell: ptr.To[int32](4)}, want: func(p *v1alpha1.PoolSpec) { p.ReplicasPerCell = ptr.To[int32](4) }},
		"Size":                {reason: "The size is replaced on its own.", over: v1alpha1.PoolSpec{Storage: v1alpha1.StorageSpec{Size: "2Gi"}}, want: func(p *v1alpha1.PoolSpec) { p.Storage.Size = "2Gi" }},
		"Class":               {reason: "The class is replaced on its own.", over: v1alpha1.PoolSpec{Storage: v1alpha1.StorageSpec{Class: "b"}}, want: func(p *v1alpha1.PoolSpec) { p.Storage.Class = "b" }},
		"AccessModes":         {reason: "The access modes are replaced as a list.", over: v1alpha1.PoolSpec{Storage: v1alpha1.StorageSpec{AccessModes: many}}, want: func(p *v1alpha1.PoolSpec) { p.Storage.AccessModes = many }},
		"PostgresResources":   {reason: "The resources are replaced as a block.", over: v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{Resources: limits("2")}}, want: func(p *v1alpha1.PoolSpec) { p.Postgres.Resources = limits("2") }},
		"PostgresUser":        {reason: "The user is replaced on its own.", over: v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](2)}}, want: func(p *v1alpha1.PoolSpec) { p.Postgres.RunAsUser = ptr.To[int64](2) }},
		"PostgresGroup":       {reason: "The group is replaced on its own.", over: v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{RunAsGroup: ptr.To[int64](0)}}, want: func(p *v1alpha1.PoolSpec) { p.Postgres.RunAsGroup = ptr.To[int64](0) }},
		"MultipoolerResource": {reason: "The resources are replaced as a block.", over: v1alpha1.PoolSpec{Multipooler: v1alpha1.ContainerConfig{Resources: limits("2")}}, want: func(p *v1alpha1.PoolSpec) { p.Multipooler.Resources = limits("2") }},
		"MultipoolerUser":     {reason: "The user is replaced on its own.", over: v1alpha1.PoolSpec{Multipooler: v1alpha1.ContainerConfig{RunAsUser: ptr.To[int64](2)}}, want: func(p *v1alpha1.PoolSpec) { p.Multipooler.RunAsUser = ptr.To[int64](2) }},
		"MultipoolerGroup":    {reason: "The group is replaced on its own.", over: v1alpha1.PoolSpec{Multipooler: v1alpha1.ContainerConfig{RunAsGroup: ptr.To[int64](2)}}, want: func(p *v1alpha1.PoolSpec) { p.Multipooler.RunAsGroup = ptr.To[int64](2) }},
		"Affinity":            {reason: "The affinity is replaced as a whole.", over: v1alpha1.PoolSpec{Affinity: affinity("b")}, want: func(p *v1alpha1.PoolSpec) { p.Affinity = affinity("b") }},
		"Tolerations":         {reason: "The tolerations are replaced as a list.", over: v1alpha1.PoolSpec{Tolerations: []corev1.Toleration{{Key: "b"}}}, want: func(p *v1alpha1.PoolSpec) { p.Tolerations = []corev1.Toleration{{Key: "b"}} }},
		"Spread": {
			reason: "The constraints are replaced as a list.",
			over:   v1alpha1.PoolSpec{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{TopologyKey: "b"}}},
			want: func(p *v1alpha1.PoolSpec) {
				p.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{TopologyKey: "b"}}
			},
		},
		"Priority":    {reason: "The priority class is replaced.", over: v1alpha1.PoolSpec{PriorityClassName: "b"}, want: func(p *v1alpha1.PoolSpec) { p.PriorityClassName = "b" }},
		"Annotations": {reason: "The annotations are merged by key.", over: v1alpha1.PoolSpec{PodAnnotations: v1alpha1.PodAnnotations{"b": "2"}}, want: func(p *v1alpha1.PoolSpec) { p.PodAnnotations = v1alpha1.PodAnnotations{"a": "1", "b": "2"} }},
		"Labels":      {reason: "The labels are merged by key.", over: v1alpha1.PoolSpec{PodLabels: v1alpha1.PodLabels{"a": "2"}}, want: func(p *v1alpha1.PoolSpec) { p.PodLabels = v1alpha1.PodLabels{"a": "2"} }},
		"FSGroup":     {reason: "The group of the files is replaced.", over: v1alpha1.PoolSpec{FSGroup: ptr.To[int64](2)}, want: func(p *v1alpha1.PoolSpec) { p.FSGroup = ptr.To[int64](2) }},
		"Policy":      {reason: "The policy is replaced as a whole.", over: v1alpha1.PoolSpec{PVCDeletionPolicy: drop}, want: func(p *v1alpha1.PoolSpec) { p.PVCDeletionPolicy = drop }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			want := v1alpha1.PoolMap{"main": *base.DeepCopy(), "other": base}
			main := want["main"]
			tc.want(&main)
			want["main"] = main

			got := mergePools(v1alpha1.PoolMap{"main": *base.DeepCopy(), "other": base}, v1alpha1.PoolMap{"main": tc.over})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("\n%s\nmergePools(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestMergeShard(t *testing.T) {
	keep, drop := &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCRetain}, &v1alpha1.PVCDeletionPolicy{WhenScaled: v1alpha1.PVCDelete}
	a, b, c := &v1alpha1.PostgresConfigRef{Name: "a"}, &v1alpha1.PostgresConfigRef{Name: "b"}, &v1alpha1.PostgresConfigRef{Name: "c"}
	toleration := func(key string) *v1alpha1.PodPlacementSpec {
		return &v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: key}}}
	}
	cases := map[string]struct {
		reason    string
		template  v1alpha1.ShardTemplateSpec
		overrides *v1alpha1.ShardOverrides
		spec      *v1alpha1.ShardInlineSpec
		want      v1alpha1.ShardTemplateSpec
	}{
		"TemplateAlone": {
			reason:   "A template applies as it is.",
			template: v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a, PVCDeletionPolicy: keep},
			want:     v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a, PVCDeletionPolicy: keep},
		},
		"OverridesOverTemplate": {
			reason:    "Overrides win over the template.",
			template:  v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a},
			overrides: &v1alpha1.ShardOverrides{InitdbArgs: "b", PostgresConfigRef: b},
			want:      v1alpha1.ShardTemplateSpec{InitdbArgs: "b", PostgresConfigRef: b},
		},
		"SpecOverBoth": {
			reason:    "The spec in place wins over everything.",
			template:  v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a, PVCDeletionPolicy: keep},
			overrides: &v1alpha1.ShardOverrides{InitdbArgs: "b", PostgresConfigRef: b},
			spec:      &v1alpha1.ShardInlineSpec{InitdbArgs: "c", PostgresConfigRef: c, PVCDeletionPolicy: drop},
			want:      v1alpha1.ShardTemplateSpec{InitdbArgs: "c", PostgresConfigRef: c, PVCDeletionPolicy: drop},
		},
		"EmptyDoesNotUnset": {
			reason:    "What is left out unsets nothing.",
			template:  v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a, PVCDeletionPolicy: keep},
			overrides: &v1alpha1.ShardOverrides{},
			spec:      &v1alpha1.ShardInlineSpec{},
			want:      v1alpha1.ShardTemplateSpec{InitdbArgs: "a", PostgresConfigRef: a, PVCDeletionPolicy: keep},
		},
		"SettingsByName": {
			reason:    "Settings are merged one by one over all three.",
			template:  v1alpha1.ShardTemplateSpec{PostgresConfig: v1alpha1.PostgresConfig{"a": "1", "b": "1", "c": "1"}},
			overrides: &v1alpha1.ShardOverrides{PostgresConfig: v1alpha1.PostgresConfig{"b": "2", "c": "2"}},
			spec:      &v1alpha1.ShardInlineSpec{PostgresConfig: v1alpha1.PostgresConfig{"c": "3", "d": "3"}},
			want:      v1alpha1.ShardTemplateSpec{PostgresConfig: v1alpha1.PostgresConfig{"a": "1", "b": "2", "c": "3", "d": "3"}},
		},
		"SettingsIgnoreCase": {
			reason:   "A setting replaces one whose name is written in another case.",
			template: v1alpha1.ShardTemplateSpec{PostgresConfig: v1alpha1.PostgresConfig{"Work_Mem": "1MB"}},
			spec:     &v1alpha1.ShardInlineSpec{PostgresConfig: v1alpha1.PostgresConfig{"work_mem": "2MB"}},
			want:     v1alpha1.ShardTemplateSpec{PostgresConfig: v1alpha1.PostgresConfig{"work_mem": "2MB"}},
		},
		"PoolsByName": {
			reason:    "Pools are merged by name, and a new name adds a pool.",
			template:  v1alpha1.ShardTemplateSpec{Pools: v1alpha1.PoolMap{"main": {ReplicasPerCell: ptr.To[int32](1), FSGroup: ptr.To[int64](1)}}},
			overrides: &v1alpha1.ShardOverrides{Pools: v1alpha1.PoolMap{"main": {ReplicasPerCell: ptr.To[int32](2)}, "analytics": {}}},
			want:      v1alpha1.ShardTemplateSpec{Pools: v1alpha1.PoolMap{"main": {ReplicasPerCell: ptr.To[int32](2), FSGroup: ptr.To[int64](1)}, "analytics": {}}},
		},
		"Multiorch": {
			reason: "Orchestrators are merged field by field, their placement and cells as a whole.",
			template: v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{
				StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: requests("1")},
				Placement:     toleration("a"), Cells: []v1alpha1.CellName{"z1", "z2"},
			}},
			overrides: &v1alpha1.ShardOverrides{Multiorch: &v1alpha1.MultiorchSpec{Placement: toleration("b"), Cells: []v1alpha1.CellName{"z3"}}},
			spec:      &v1alpha1.ShardInlineSpec{Multiorch: &v1alpha1.MultiorchSpec{StatelessSpec: v1alpha1.StatelessSpec{Resources: limits("3")}}},
			want: v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{
				StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To[int32](1), Resources: limits("3")},
				Placement:     toleration("b"), Cells: []v1alpha1.CellName{"z3"},
			}},
		},
		"PlacementCleared": {
			reason:    "An empty placement clears that of the template.",
			template:  v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{Placement: toleration("a")}},
			overrides: &v1alpha1.ShardOverrides{Multiorch: &v1alpha1.MultiorchSpec{Placement: &v1alpha1.PodPlacementSpec{}}},
			want:      v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{Placement: &v1alpha1.PodPlacementSpec{}}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, mergeShard(tc.template, tc.overrides, tc.spec)); diff != "" {
				t.Errorf("\n%s\nmergeShard(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
