package resolve

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// maybe draws a value, or nothing.
func maybe[T any](t *rapid.T, label string, draw func() T) *T {
	if !rapid.Bool().Draw(t, label) {
		return nil
	}
	return ptr.To(draw())
}

func drawReplicas(t *rapid.T) *int32 {
	return maybe(t, "replicas?", func() int32 { return rapid.Int32Range(1, 4).Draw(t, "replicas") })
}

func drawResources(t *rapid.T) corev1.ResourceRequirements {
	return rapid.SampledFrom([]corev1.ResourceRequirements{{}, requests("1"), limits("2"), multiorchDefaults.resources()}).Draw(t, "resources")
}

func drawStateless(t *rapid.T) v1alpha1.StatelessSpec {
	out := v1alpha1.StatelessSpec{Replicas: drawReplicas(t), Resources: drawResources(t)}
	if rapid.Bool().Draw(t, "labels?") {
		out.PodLabels = v1alpha1.PodLabels{rapid.SampledFrom([]string{"a", "b"}).Draw(t, "label"): "1"}
	}
	return out
}

func drawPlacement(t *rapid.T) *v1alpha1.PodPlacementSpec {
	return maybe(t, "placement?", func() v1alpha1.PodPlacementSpec {
		return v1alpha1.PodPlacementSpec{Tolerations: []corev1.Toleration{{Key: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "toleration")}}}
	})
}

func drawPVC(t *rapid.T) *v1alpha1.PVCDeletionPolicy {
	half := rapid.SampledFrom([]v1alpha1.PVCRetentionPolicy{"", v1alpha1.PVCRetain, v1alpha1.PVCDelete})
	return maybe(t, "pvc?", func() v1alpha1.PVCDeletionPolicy {
		return v1alpha1.PVCDeletionPolicy{WhenDeleted: half.Draw(t, "whenDeleted"), WhenScaled: half.Draw(t, "whenScaled")}
	})
}

func drawStorage(t *rapid.T) v1alpha1.StorageSpec {
	return v1alpha1.StorageSpec{
		Size:  rapid.SampledFrom([]string{"", "2Gi", "3Gi"}).Draw(t, "size"),
		Class: rapid.SampledFrom([]string{"", "fast"}).Draw(t, "class"),
	}
}

func drawEtcd(t *rapid.T) v1alpha1.EtcdSpec {
	return v1alpha1.EtcdSpec{
		Replicas:          rapid.SampledFrom([]*int32{nil, ptr.To[int32](1), ptr.To[int32](3), ptr.To[int32](5)}).Draw(t, "members"),
		Storage:           drawStorage(t),
		Resources:         drawResources(t),
		PVCDeletionPolicy: drawPVC(t),
	}
}

func drawGateway(t *rapid.T) v1alpha1.MultigatewaySpec {
	return v1alpha1.MultigatewaySpec{StatelessSpec: drawStateless(t), Buffer: maybe(t, "buffer?", func() v1alpha1.GatewayBufferSpec {
		return v1alpha1.GatewayBufferSpec{
			Enabled: rapid.SampledFrom([]*bool{nil, ptr.To(true), ptr.To(false)}).Draw(t, "enabled"),
			Window:  rapid.SampledFrom([]v1alpha1.Duration{"", "5s", "20s"}).Draw(t, "window"),
		}
	})}
}

func drawPools(t *rapid.T, cells []v1alpha1.CellName) v1alpha1.PoolMap {
	out := v1alpha1.PoolMap{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]v1alpha1.PoolName{"a", "b", "c"}), 0, 3, rapid.ID[v1alpha1.PoolName]).Draw(t, "pools") {
		out[name] = v1alpha1.PoolSpec{
			Cells:             drawCells(t, cells),
			ReplicasPerCell:   maybe(t, "perCell?", func() int32 { return rapid.Int32Range(2, 4).Draw(t, "perCell") }),
			Storage:           drawStorage(t),
			Postgres:          v1alpha1.ContainerConfig{Resources: drawResources(t)},
			PVCDeletionPolicy: drawPVC(t),
		}
	}
	return out
}

func drawCells(t *rapid.T, cells []v1alpha1.CellName) []v1alpha1.CellName {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(cells), 0, len(cells), rapid.ID[v1alpha1.CellName]).Draw(t, "some cells")
}

func drawMultiorch(t *rapid.T, cells []v1alpha1.CellName) *v1alpha1.MultiorchSpec {
	return maybe(t, "multiorch?", func() v1alpha1.MultiorchSpec {
		return v1alpha1.MultiorchSpec{StatelessSpec: drawStateless(t), Placement: drawPlacement(t), Cells: drawCells(t, cells)}
	})
}

func drawSettings(t *rapid.T) v1alpha1.PostgresConfig {
	return rapid.MapOfN(rapid.SampledFrom([]string{"work_mem", "Work_Mem", "maintenance_work_mem"}), rapid.SampledFrom([]string{"1MB", "2MB"}), 0, 1).Draw(t, "settings")
}

// drawCluster draws a cluster that nothing is wrong with, and the templates of its namespace.
func drawCluster(t *rapid.T) (*v1alpha1.MultigresCluster, Templates) {
	cells := rapid.SliceOfNDistinct(rapid.SampledFrom([]v1alpha1.CellName{"z1", "z2", "z3", "z4"}), 1, 4, rapid.ID[v1alpha1.CellName]).Draw(t, "cells")
	names := []string{"default", "team"}

	ts := Templates{Core: map[string]*v1alpha1.CoreTemplate{}, Cell: map[string]*v1alpha1.CellTemplate{}, Shard: map[string]*v1alpha1.ShardTemplate{}}
	for _, name := range names {
		meta := metav1.ObjectMeta{Name: name}
		if rapid.Bool().Draw(t, "core template?") {
			ts.Core[name] = &v1alpha1.CoreTemplate{ObjectMeta: meta, Spec: v1alpha1.CoreTemplateSpec{
				GlobalTopoServer: &v1alpha1.TopoServerTemplateSpec{Etcd: ptr.To(drawEtcd(t)), PVCDeletionPolicy: drawPVC(t), Placement: drawPlacement(t)},
				Multiadmin:       ptr.To(drawStateless(t)), MultiadminPlacement: drawPlacement(t),
				MultiadminWeb: ptr.To(drawStateless(t)), MultiadminWebPlacement: drawPlacement(t),
			}}
		}
		if rapid.Bool().Draw(t, "cell template?") {
			ts.Cell[name] = &v1alpha1.CellTemplate{ObjectMeta: meta, Spec: v1alpha1.CellTemplateSpec{
				Multigateway: ptr.To(drawGateway(t)), MultigatewayPlacement: drawPlacement(t),
				LocalTopoServer: maybe(t, "local?", func() v1alpha1.LocalTopoServerSpec {
					return v1alpha1.LocalTopoServerSpec{Etcd: ptr.To(drawEtcd(t))}
				}),
			}}
		}
		if rapid.Bool().Draw(t, "shard template?") {
			ts.Shard[name] = &v1alpha1.ShardTemplate{ObjectMeta: meta, Spec: v1alpha1.ShardTemplateSpec{
				Multiorch: drawMultiorch(t, cells), PostgresConfig: drawSettings(t), Pools: drawPools(t, cells), PVCDeletionPolicy: drawPVC(t),
				InitdbArgs: rapid.SampledFrom([]v1alpha1.InitdbArgs{"", "--no-sync"}).Draw(t, "initdb"),
			}}
		}
	}

	c := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: "ns"}}
	c.Spec.PVCDeletionPolicy = drawPVC(t)
	if ts.Cell["team"] != nil && rapid.Bool().Draw(t, "team cells") {
		c.Spec.TemplateDefaults.CellTemplate = "team"
	}
	if ts.Core["team"] != nil && rapid.Bool().Draw(t, "team core") {
		c.Spec.TemplateDefaults.CoreTemplate = "team"
	}
	c.Spec.GlobalTopoServer = maybe(t, "topo?", func() v1alpha1.GlobalTopoServerSpec {
		return v1alpha1.GlobalTopoServerSpec{Etcd: maybe(t, "etcd?", func() v1alpha1.EtcdSpec { return drawEtcd(t) }), PVCDeletionPolicy: drawPVC(t), Placement: drawPlacement(t)}
	})
	c.Spec.Multiadmin = maybe(t, "multiadmin?", func() v1alpha1.MultiadminConfig {
		return v1alpha1.MultiadminConfig{Spec: ptr.To(drawStateless(t)), Placement: drawPlacement(t)}
	})
	for _, name := range cells {
		cell := v1alpha1.CellConfig{Name: name, Zone: v1alpha1.ZoneName(name)}
		switch rapid.IntRange(0, 3).Draw(t, "cell") {
		case 1:
			cell.Overrides = &v1alpha1.CellOverrides{Multigateway: ptr.To(drawGateway(t)), MultigatewayPlacement: drawPlacement(t)}
		case 2:
			cell.Spec = &v1alpha1.CellInlineSpec{Multigateway: ptr.To(drawGateway(t))}
		case 3:
			cell.Spec = &v1alpha1.CellInlineSpec{LocalTopoServer: &v1alpha1.LocalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{Endpoints: []v1alpha1.EndpointURL{"http://e:2379"}}}}
		}
		c.Spec.Cells = append(c.Spec.Cells, cell)
	}
	if rapid.Bool().Draw(t, "databases?") {
		sh := v1alpha1.ShardConfig{}
		switch rapid.IntRange(0, 2).Draw(t, "shard") {
		case 1:
			sh.Overrides = &v1alpha1.ShardOverrides{Multiorch: drawMultiorch(t, cells), Pools: drawPools(t, cells), PostgresConfig: drawSettings(t)}
		case 2:
			sh.Spec = &v1alpha1.ShardInlineSpec{Multiorch: drawMultiorch(t, cells), Pools: drawPools(t, cells), PVCDeletionPolicy: drawPVC(t)}
		}
		withShard(sh)(c)
		tableGroup(c).PVCDeletionPolicy = drawPVC(t)
	}
	return c, ts
}

// inPlace writes what applies to a cluster into a spec that uses no template.
func inPlace(c *Cluster) *v1alpha1.MultigresCluster {
	out := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Name: c.Name, Namespace: c.Namespace}}
	s := &out.Spec
	s.LogLevels = c.LogLevels
	s.PVCDeletionPolicy = &c.PVCDeletionPolicy
	s.Backup = &c.Backup
	s.PostgresSuperuser = c.Superuser
	s.DurabilityPolicy = c.Durability
	s.ConnectionSecretName = c.ConnectionSecret
	s.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{
		Etcd: c.GlobalTopo.Managed.Etcd, PVCDeletionPolicy: c.GlobalTopo.Managed.PVCDeletionPolicy, Placement: c.GlobalTopo.Managed.Placement,
	}
	s.Multiadmin = &v1alpha1.MultiadminConfig{Spec: &c.MultiAdmin.Spec, Placement: c.MultiAdmin.Placement}
	s.MultiadminWeb = &v1alpha1.MultiadminConfig{Spec: &c.MultiAdminWeb.Spec, Placement: c.MultiAdminWeb.Placement}
	for _, cell := range c.Cells {
		local := cell.LocalTopo.DeepCopy()
		if local != nil && local.Etcd != nil {
			local.Etcd.PVCDeletionPolicy = cell.LocalTopoPVC
		}
		s.Cells = append(s.Cells, v1alpha1.CellConfig{
			Name: v1alpha1.CellName(cell.Name), Zone: v1alpha1.ZoneName(cell.Zone),
			Spec: &v1alpha1.CellInlineSpec{Multigateway: &cell.Gateway, MultigatewayPlacement: cell.Placement, LocalTopoServer: local},
		})
	}
	for _, db := range c.Databases {
		d := v1alpha1.DatabaseConfig{Name: v1alpha1.DatabaseName(db.Name), Backup: &db.Backup, DurabilityPolicy: db.Durability}
		for _, tg := range db.TableGroups {
			g := v1alpha1.TableGroupConfig{Name: v1alpha1.TableGroupName(tg.Name), Default: tg.Default, Backup: &tg.Backup, PVCDeletionPolicy: &tg.PVCDeletionPolicy}
			for _, sh := range tg.Shards {
				g.Shards = append(g.Shards, v1alpha1.ShardConfig{Name: v1alpha1.ShardName(sh.Name), Backup: sh.Backup, Spec: &v1alpha1.ShardInlineSpec{
					Multiorch: &sh.Multiorch, InitdbArgs: sh.InitdbArgs, PostgresConfigRef: sh.PostgresConfigRef, PostgresConfig: sh.PostgresConfig,
					Pools: sh.Pools, PVCDeletionPolicy: sh.PVCDeletionPolicy,
				}})
			}
			d.TableGroups = append(d.TableGroups, g)
		}
		s.Databases = append(s.Databases, d)
	}
	return out
}

// withoutTemplates returns what applies without the names of the templates that it came from.
func withoutTemplates(c *Cluster) *Cluster {
	out := *c
	out.Templates, out.ResolvedTemplates = v1alpha1.EffectiveTemplates{}, v1alpha1.ResolvedTemplates{}
	out.Cells = slices.Clone(c.Cells)
	for i := range out.Cells {
		out.Cells[i].Template = ""
	}
	out.Databases = slices.Clone(c.Databases)
	for i := range out.Databases {
		groups := slices.Clone(out.Databases[i].TableGroups)
		for j := range groups {
			groups[j].Shards = slices.Clone(groups[j].Shards)
			for k := range groups[j].Shards {
				groups[j].Shards[k].Template = ""
			}
		}
		out.Databases[i].TableGroups = groups
	}
	return &out
}

func TestResolveProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, ts := drawCluster(t)
		before, beforeTS := c.DeepCopy(), copyTemplates(ts)
		got, warnings, errs := Resolve(c, ts, ImageDefaults{})
		if len(errs) > 0 {
			t.Fatalf("unexpected problems: %v", errs)
		}
		effective := got.Effective()

		again, warningsAgain, _ := Resolve(c, ts, ImageDefaults{})
		if diff := cmp.Diff(got, again); diff != "" {
			t.Fatalf("the same sources give another result: -first, +second:\n%s", diff)
		}
		if diff := cmp.Diff(warnings, warningsAgain); diff != "" {
			t.Fatalf("the same sources give other warnings: -first, +second:\n%s", diff)
		}

		scribble(again)
		if diff := cmp.Diff(before, c); diff != "" {
			t.Fatalf("the cluster was changed: -before, +after:\n%s", diff)
		}
		if diff := cmp.Diff(beforeTS, ts); diff != "" {
			t.Fatalf("the templates were changed: -before, +after:\n%s", diff)
		}

		if errs := got.CheckAgainst(effective); len(errs) > 0 {
			t.Fatalf("a cluster that does not change is refused: %v", errs)
		}
		checkComplete(t, got)
		checkNames(t, Names(&c.Spec), got.ResolvedTemplates)

		inlined, _, errs := Resolve(inPlace(got), Templates{}, ImageDefaults{})
		if len(errs) > 0 {
			t.Fatalf("what applies is refused as a spec: %v", errs)
		}
		if diff := cmp.Diff(withoutTemplates(got), inlined, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what applies, written into a spec, gives something else: -want, +got:\n%s", diff)
		}
	})
}

// scribble changes much of what applies, to prove that its sources do not change with it.
func scribble(c *Cluster) {
	*c.MultiAdmin.Spec.Replicas = 77
	*c.GlobalTopo.Managed.Etcd.Replicas = 77
	for i := range c.Cells {
		*c.Cells[i].Gateway.Replicas = 77
		*c.Cells[i].Gateway.Buffer.Enabled = false
		if l := c.Cells[i].LocalTopo; l != nil && l.External != nil {
			l.External.Endpoints[0] = "x"
		}
	}
	for _, db := range c.Databases {
		for _, tg := range db.TableGroups {
			for _, sh := range tg.Shards {
				for name, p := range sh.Pools {
					p.Cells[0] = "x"
					*p.ReplicasPerCell = 77
					maps.DeleteFunc(p.Postgres.Resources.Limits, func(corev1.ResourceName, resource.Quantity) bool { return true })
					delete(sh.Pools, name)
				}
				for name := range sh.PostgresConfig {
					sh.PostgresConfig[name] = "x"
				}
			}
		}
	}
}

func copyTemplates(ts Templates) Templates {
	out := Templates{Core: map[string]*v1alpha1.CoreTemplate{}, Cell: map[string]*v1alpha1.CellTemplate{}, Shard: map[string]*v1alpha1.ShardTemplate{}}
	for name, t := range ts.Core {
		out.Core[name] = t.DeepCopy()
	}
	for name, t := range ts.Cell {
		out.Cell[name] = t.DeepCopy()
	}
	for name, t := range ts.Shard {
		out.Shard[name] = t.DeepCopy()
	}
	return out
}

// checkComplete proves that composers need no defaults of their own.
func checkComplete(t *rapid.T, c *Cluster) {
	complete := func(what string, p *v1alpha1.PVCDeletionPolicy) {
		if p == nil || p.WhenDeleted == "" || p.WhenScaled == "" {
			t.Fatalf("%s has no complete policy: %v", what, p)
		}
	}
	complete("the global topology server", c.GlobalTopo.Managed.PVCDeletionPolicy)
	for _, cell := range c.Cells {
		if len(cell.Record.Addresses) == 0 || cell.Record.Root == "" || cell.Gateway.Replicas == nil || cell.Gateway.Buffer == nil {
			t.Fatalf("cell %s is incomplete: %+v", cell.Name, cell)
		}
		if cell.LocalTopo != nil && cell.LocalTopo.Etcd != nil {
			complete("cell "+cell.Name, cell.LocalTopoPVC)
		}
	}
	for _, db := range c.Databases {
		for _, tg := range db.TableGroups {
			for _, sh := range tg.Shards {
				complete("shard "+sh.Name, sh.PVCDeletionPolicy)
				if len(sh.Multiorch.Cells) == 0 || len(sh.Pools) == 0 || sh.TotalPoolers < 2 || sh.Backup == nil {
					t.Fatalf("shard %s is incomplete: %+v", sh.Name, sh)
				}
				for name, p := range sh.Pools {
					complete("pool "+string(name), p.PVCDeletionPolicy)
					if len(p.Cells) == 0 || p.ReplicasPerCell == nil || p.Storage.Size == "" || len(p.Storage.AccessModes) == 0 {
						t.Fatalf("pool %s is incomplete: %+v", name, p)
					}
				}
			}
		}
	}
}

// checkNames proves that every template that applies was asked for.
func checkNames(t *rapid.T, asked TemplateNames, got v1alpha1.ResolvedTemplates) {
	for _, kind := range []struct{ asked, got []string }{{asked.Core, got.CoreTemplates}, {asked.Cell, got.CellTemplates}, {asked.Shard, got.ShardTemplates}} {
		if !slices.IsSorted(kind.asked) || len(slices.Compact(slices.Clone(kind.asked))) != len(kind.asked) {
			t.Fatalf("names are not sorted and distinct: %v", kind.asked)
		}
		for _, name := range kind.got {
			if !slices.Contains(kind.asked, name) {
				t.Fatalf("template %q applies but was not asked for: %v", name, kind.asked)
			}
		}
	}
}
