package resolve

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func coreTemplates(byName map[string]v1alpha1.CoreTemplateSpec) map[string]*v1alpha1.CoreTemplate {
	out := make(map[string]*v1alpha1.CoreTemplate)
	for name, spec := range byName {
		out[name] = &v1alpha1.CoreTemplate{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	return out
}

func cellTemplates(byName map[string]v1alpha1.CellTemplateSpec) map[string]*v1alpha1.CellTemplate {
	out := make(map[string]*v1alpha1.CellTemplate)
	for name, spec := range byName {
		out[name] = &v1alpha1.CellTemplate{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	return out
}

func shardTemplates(byName map[string]v1alpha1.ShardTemplateSpec) map[string]*v1alpha1.ShardTemplate {
	out := make(map[string]*v1alpha1.ShardTemplate)
	for name, spec := range byName {
		out[name] = &v1alpha1.ShardTemplate{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	}
	return out
}

func replicas(n int32) v1alpha1.StatelessSpec { return v1alpha1.StatelessSpec{Replicas: ptr.To(n)} }

func gateways(n int32) *v1alpha1.MultigatewaySpec {
	return &v1alpha1.MultigatewaySpec{StatelessSpec: replicas(n)}
}

// TestPrecedence has one cluster in which every level applies somewhere.
func TestPrecedence(t *testing.T) {
	ts := Templates{
		Core: coreTemplates(map[string]v1alpha1.CoreTemplateSpec{
			"default": {
				Multiadmin:       ptr.To(replicas(1)),
				MultiadminWeb:    ptr.To(replicas(1)),
				GlobalTopoServer: &v1alpha1.TopoServerTemplateSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](1), Image: "etcd:default"}},
			},
			"explicit": {Multiadmin: ptr.To(replicas(5))},
		}),
		Cell: cellTemplates(map[string]v1alpha1.CellTemplateSpec{
			"default":  {Multigateway: gateways(1)},
			"explicit": {Multigateway: gateways(5)},
		}),
		Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{
			"default": {Pools: v1alpha1.PoolMap{"main": {ReplicasPerCell: ptr.To[int32](4)}}},
		}),
	}
	c := cluster(func(c *v1alpha1.MultigresCluster) {
		c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{TemplateRef: "explicit"}
		c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{Spec: ptr.To(replicas(9))}
		c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](9)}}
		c.Spec.Cells = []v1alpha1.CellConfig{
			{Name: "z1", Zone: "1"},
			{Name: "z2", Zone: "2", CellTemplate: "explicit"},
			{Name: "z3", Zone: "3", CellTemplate: "explicit", Overrides: &v1alpha1.CellOverrides{Multigateway: gateways(3)}},
			{Name: "z4", Zone: "4", Spec: &v1alpha1.CellInlineSpec{Multigateway: gateways(9)}},
		}
	})
	got := mustResolve(t, c, ts)

	type summary struct {
		Gateways                     []int32
		Templates                    []string
		Multiadmin, MultiadminWeb    int32
		Etcd                         int32
		EtcdImage                    v1alpha1.ImageRef
		Pools                        []v1alpha1.PoolName
		ReplicasPerCell              int32
		EffectiveCore                v1alpha1.EffectiveTemplates
		ResolvedCore, Cellt, Shardts []string
	}
	sh := onlyShard(t, got)
	have := summary{
		Multiadmin: *got.MultiAdmin.Spec.Replicas, MultiadminWeb: *got.MultiAdminWeb.Spec.Replicas,
		Etcd: *got.GlobalTopo.Managed.Etcd.Replicas, EtcdImage: got.GlobalTopo.Managed.Etcd.Image,
		ReplicasPerCell: *sh.Pools["main"].ReplicasPerCell, EffectiveCore: got.Templates,
		ResolvedCore: got.ResolvedTemplates.CoreTemplates, Cellt: got.ResolvedTemplates.CellTemplates, Shardts: got.ResolvedTemplates.ShardTemplates,
	}
	for _, cell := range got.Cells {
		have.Gateways = append(have.Gateways, *cell.Gateway.Replicas)
		have.Templates = append(have.Templates, cell.Template)
	}
	for name := range sh.Pools {
		have.Pools = append(have.Pools, name)
	}
	want := summary{
		Gateways:   []int32{1, 5, 3, 9},
		Templates:  []string{"default", "explicit", "explicit", "default"},
		Multiadmin: 5, MultiadminWeb: 9,
		Etcd: 9, EtcdImage: "etcd:default",
		Pools: []v1alpha1.PoolName{"main"}, ReplicasPerCell: 4,
		EffectiveCore: v1alpha1.EffectiveTemplates{GlobalTopoServer: "default", Multiadmin: "explicit", MultiadminWeb: "default"},
		ResolvedCore:  []string{"default", "explicit"}, Cellt: []string{"default", "explicit"}, Shardts: []string{"default"},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("\nThe template default is under the explicit one, that under overrides, those under the spec in place.\nResolve(...): -want, +got:\n%s", diff)
	}
}

func TestTemplateSelection(t *testing.T) {
	two := Templates{
		Core:  coreTemplates(map[string]v1alpha1.CoreTemplateSpec{"team": {Multiadmin: ptr.To(replicas(2))}}),
		Cell:  cellTemplates(map[string]v1alpha1.CellTemplateSpec{"team": {Multigateway: gateways(2)}}),
		Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"team": {Pools: v1alpha1.PoolMap{"team": {}}}}),
	}
	cases := map[string]struct {
		reason string
		spec   func(*v1alpha1.MultigresCluster)
		ts     Templates
		want   []string
		names  TemplateNames
	}{
		"NoneAtAll": {
			reason: "The implicit templates need not exist.",
			names:  TemplateNames{Core: []string{"default"}, Cell: []string{"default"}, Shard: []string{"default"}},
		},
		"TemplateDefaults": {
			reason: "Templates of templateDefaults apply where none is named.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.TemplateDefaults = v1alpha1.TemplateDefaults{CoreTemplate: "team", CellTemplate: "team", ShardTemplate: "team"}
			},
			ts:    two,
			names: TemplateNames{Core: []string{"team"}, Cell: []string{"team"}, Shard: []string{"team"}},
		},
		"MissingTemplateDefaults": {
			reason: "A template that is missing is told once, where it is named, however many use it.",
			spec: func(c *v1alpha1.MultigresCluster) {
				withCells("z1", "z2")(c)
				c.Spec.TemplateDefaults = v1alpha1.TemplateDefaults{CoreTemplate: "x", CellTemplate: "y", ShardTemplate: "z"}
			},
			names: TemplateNames{Core: []string{"x"}, Cell: []string{"y"}, Shard: []string{"z"}},
			want: []string{
				"FieldValueNotFound spec.templateDefaults.coreTemplate",
				"FieldValueNotFound spec.templateDefaults.cellTemplate",
				"FieldValueNotFound spec.templateDefaults.shardTemplate",
			},
		},
		"MissingUnused": {
			reason: "A template that is named must exist even if nothing uses it.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.TemplateDefaults.CellTemplate = "x"
				c.Spec.Cells[0].CellTemplate = "team"
			},
			ts:    two,
			names: TemplateNames{Core: []string{"default"}, Cell: []string{"team", "x"}, Shard: []string{"default"}},
			want:  []string{"FieldValueNotFound spec.templateDefaults.cellTemplate"},
		},
		"MissingExplicit": {
			reason: "Every component tells of its own missing template.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{TemplateRef: "a"}
				c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{TemplateRef: "b"}
				c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{TemplateRef: "c"}
				c.Spec.Cells[0].CellTemplate = "d"
				withShard(v1alpha1.ShardConfig{ShardTemplate: "e"})(c)
			},
			names: TemplateNames{Core: []string{"a", "b", "c"}, Cell: []string{"d"}, Shard: []string{"e"}},
			want: []string{
				"FieldValueNotFound spec.multiadmin.templateRef",
				"FieldValueNotFound spec.multiadminWeb.templateRef",
				"FieldValueNotFound spec.globalTopoServer.templateRef",
				"FieldValueNotFound spec.cells[0].cellTemplate",
				"FieldValueNotFound spec.databases[0].tablegroups[0].shards[0].shardTemplate",
			},
		},
		"MissingExplicitDefault": {
			reason: "The template default must exist if somebody names it.",
			spec:   func(c *v1alpha1.MultigresCluster) { c.Spec.Cells[0].CellTemplate = "default" },
			names:  TemplateNames{Core: []string{"default"}, Cell: []string{"default"}, Shard: []string{"default"}},
			want:   []string{"FieldValueNotFound spec.cells[0].cellTemplate"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := cluster()
			if tc.spec != nil {
				tc.spec(c)
			}
			_, _, errs := Resolve(c, tc.ts, ImageDefaults{})
			if diff := cmp.Diff(tc.want, problems(errs)); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.names, Names(&c.Spec)); diff != "" {
				t.Errorf("\n%s\nNames(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestTemplateContent(t *testing.T) {
	toleration := func(key string) *v1alpha1.PodPlacementSpec {
		return &v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: key}}}
	}
	ts := Templates{
		Core: coreTemplates(map[string]v1alpha1.CoreTemplateSpec{"default": {
			MultiadminPlacement:    toleration("admin"),
			MultiadminWebPlacement: toleration("web"),
			GlobalTopoServer: &v1alpha1.TopoServerTemplateSpec{
				Etcd:              &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](5), Storage: v1alpha1.StorageSpec{Size: "5Gi"}},
				Placement:         toleration("etcd"),
				PVCDeletionPolicy: &v1alpha1.PVCDeletionPolicy{WhenScaled: v1alpha1.PVCDelete},
			},
		}}),
		Cell: cellTemplates(map[string]v1alpha1.CellTemplateSpec{"default": {
			MultigatewayPlacement: toleration("gateway"),
			LocalTopoServer:       &v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Replicas: ptr.To[int32](5), Image: "etcd:template"}},
		}}),
		Shard: shardTemplates(map[string]v1alpha1.ShardTemplateSpec{"default": {
			PVCDeletionPolicy: &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete},
		}}),
	}
	cases := map[string]struct {
		reason string
		spec   func(*v1alpha1.MultigresCluster)
		got    func(*Cluster) any
		want   any
	}{
		"AdminPlacements": {
			reason: "A template places the admin API and its user interface.",
			got:    func(c *Cluster) any { return []any{c.MultiAdmin.Placement, c.MultiAdminWeb.Placement} },
			want:   []any{toleration("admin"), toleration("web")},
		},
		"AdminPlacementOfTheSpec": {
			reason: "A placement of the spec replaces that of the template.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{Placement: &v1alpha1.PodPlacementSpec{}}
			},
			got:  func(c *Cluster) any { return c.MultiAdminWeb.Placement },
			want: &v1alpha1.PodPlacementSpec{},
		},
		"GlobalTopoOfTheTemplate": {
			reason: "A template configures the global topology server, and its policy inherits its other half.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.PVCDeletionPolicy = &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete}
			},
			got: func(c *Cluster) any {
				m := c.GlobalTopo.Managed
				return []any{*m.Etcd.Replicas, m.Etcd.Storage.Size, m.Placement, *m.PVCDeletionPolicy}
			},
			want: []any{int32(5), "5Gi", toleration("etcd"), v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCDelete}},
		},
		"GlobalTopoPolicyReplacesTheTemplates": {
			reason: "A policy of the spec replaces that of the template as a whole.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{
					PVCDeletionPolicy: &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete},
					Placement:         toleration("spec"),
				}
			},
			got: func(c *Cluster) any {
				return []any{*c.GlobalTopo.Managed.PVCDeletionPolicy, c.GlobalTopo.Managed.Placement}
			},
			want: []any{v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCRetain}, toleration("spec")},
		},
		"ExternalDropsTheTemplates": {
			reason: "An external server replaces the managed one of a template, which then does not apply.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://e:2379"}}}
			},
			got:  func(c *Cluster) any { return []any{c.GlobalTopo.Managed == nil, c.Templates.GlobalTopoServer} },
			want: []any{true, ""},
		},
		"LocalTopoOfTheTemplate": {
			reason: "A template gives a cell its own topology server.",
			got: func(c *Cluster) any {
				return []any{*c.Cells[0].LocalTopo.Etcd.Replicas, c.Cells[0].LocalTopo.Etcd.Image, c.Cells[0].Placement}
			},
			want: []any{int32(5), v1alpha1.ImageRef("etcd:template"), toleration("gateway")},
		},
		"LocalTopoOfTheSpecReplaces": {
			reason: "A topology server of the spec replaces that of the template as a whole.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{
					LocalTopoServer:       &v1alpha1.LocalTopoServerSpec{Etcd: &v1alpha1.EtcdSpec{Image: "etcd:spec"}},
					MultigatewayPlacement: toleration("spec"),
				}
			},
			got: func(c *Cluster) any {
				return []any{*c.Cells[0].LocalTopo.Etcd.Replicas, c.Cells[0].LocalTopo.Etcd.Image, c.Cells[0].Placement}
			},
			want: []any{int32(3), v1alpha1.ImageRef("etcd:spec"), toleration("spec")},
		},
		"OverriddenPlacement": {
			reason: "Overrides replace the placement of the template.",
			spec: func(c *v1alpha1.MultigresCluster) {
				c.Spec.Cells[0].Overrides = &v1alpha1.CellOverrides{MultigatewayPlacement: toleration("overrides")}
			},
			got:  func(c *Cluster) any { return c.Cells[0].Placement },
			want: toleration("overrides"),
		},
		"ShardPolicyOfTheTemplate": {
			reason: "A template has a say in the fate of volume claims.",
			got:    func(c *Cluster) any { return *onlyShard(t, c).PVCDeletionPolicy },
			want:   v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCRetain},
		},
		"PoolBesideTemplateWithoutPools": {
			reason: "The built-in pool is there only if neither template nor spec has one.",
			got:    func(c *Cluster) any { return onlyShard(t, c).Template + "/" + c.Effective().Shards[0].Pools[0].Name },
			want:   "default/default",
		},
		"TemplatesAreCopied": {
			reason: "Components that share a template do not share what it says.",
			spec:   withCells("z1", "z2"),
			got: func(c *Cluster) any {
				c.Cells[0].LocalTopo.Etcd.Image = "changed"
				return c.Cells[1].LocalTopo.Etcd.Image
			},
			want: v1alpha1.ImageRef("etcd:template"),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := cluster()
			if tc.spec != nil {
				tc.spec(c)
			}
			if diff := cmp.Diff(tc.want, tc.got(mustResolve(t, c, ts))); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
