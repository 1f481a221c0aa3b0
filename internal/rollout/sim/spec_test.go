package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/shard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

var realComposer = shard.Compose

// The shard of every world.
const (
	shardName  = "orders-postgres-default-0-inf-x"
	badImage   = "pgctld:none" // never pulled
	badLibrary = "no_such_library"
)

var shardID = naming.ShardID{Cluster: "orders", Database: "postgres", TableGroup: "default", Shard: "0-inf"}

// A pool of a spec.
type pool struct {
	cells    []string
	replicas int
	size     string
	cpu      string
	scaled   v1alpha1.PVCRetentionPolicy
}

// A spec is what the user wants of the shard, less what does not matter here.
type spec struct {
	pools    map[string]pool
	image    string
	settings map[string]string
	policy   v1alpha1.DurabilityPolicy
	deleted  v1alpha1.PVCRetentionPolicy
	scaled   v1alpha1.PVCRetentionPolicy
	paused   bool
	drain    bool
	override string // what the rollout need not wait for: roles, quorum
}

func (s *spec) clone() *spec {
	c := *s
	c.pools = maps.Clone(s.pools)
	for name, p := range c.pools {
		p.cells = slices.Clone(p.cells)
		c.pools[name] = p
	}
	c.settings = maps.Clone(s.settings)
	return &c
}

// cells are all cells that the spec has members in, sorted.
func (s *spec) cells() []string {
	m := map[string]bool{}
	for _, p := range s.pools {
		for _, c := range p.cells {
			m[c] = true
		}
	}
	return slices.Sorted(maps.Keys(m))
}

// valid is true for what the API server and the composer's own validation let through, and for nothing that can never serve.
func (s *spec) valid() bool {
	n := 0
	for _, p := range s.pools {
		if len(p.cells) == 0 || p.replicas < 1 {
			return false
		}
		n += len(p.cells) * p.replicas
	}
	return n >= 2 && n <= 9 && (s.policy != v1alpha1.DurabilityMultiCellAtLeast2 || len(s.cells()) >= 2)
}

// broken is true if pods made from the spec never become ready.
func (s *spec) broken() bool {
	return s.image == badImage || s.settings["shared_preload_libraries"] == badLibrary
}

func (s *spec) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.pools)) {
		p := s.pools[name]
		fmt.Fprintf(&b, "%s: %d in each of %s (%s, cpu %s, whenScaled %s); ", name, p.replicas, strings.Join(p.cells, " "), p.size, p.cpu, p.scaled)
	}
	fmt.Fprintf(&b, "image %s, settings %v, %s, whenDeleted %s, whenScaled %s", s.image, s.settings, s.policy, s.deleted, s.scaled)
	for _, flag := range []struct {
		name string
		on   bool
	}{{"paused", s.paused}, {"drain", s.drain}, {"override of " + s.override, s.override != ""}} {
		if flag.on {
			b.WriteString(", " + flag.name)
		}
	}
	return b.String()
}

// typed returns the spec as a Shard has it.
func (s *spec) typed() *v1alpha1.ShardSpec {
	out := &v1alpha1.ShardSpec{
		DataPlaneSettings: v1alpha1.DataPlaneSettings{
			ClusterName: shardID.Cluster,
			Images: v1alpha1.ShardImages{
				Postgres: v1alpha1.ImageRef(s.image), Multipooler: "multigres:v0.1.0", Multiorch: "multigres:v0.1.0",
			},
			GlobalTopoServer:          v1alpha1.GlobalTopoServerRef{Address: "topo:2379", RootPath: "/multigres/global", Implementation: "etcd"},
			DurabilityPolicy:          s.policy,
			PostgresPasswordSecretRef: v1alpha1.PostgresPasswordSecretRef{Name: "orders-postgres-password", Key: "password"},
		},
		DatabaseName: v1alpha1.DatabaseName(shardID.Database), TableGroupName: v1alpha1.TableGroupName(shardID.TableGroup), ShardName: v1alpha1.ShardName(shardID.Shard),
		Multiorch:         v1alpha1.MultiorchSpec{Cells: []v1alpha1.CellName{"z1"}},
		Backup:            &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "r"}},
		Pools:             v1alpha1.PoolMap{},
		PVCDeletionPolicy: &v1alpha1.PVCDeletionPolicy{WhenDeleted: s.deleted, WhenScaled: s.scaled},
		PostgresConfig:    v1alpha1.PostgresConfig{},
	}
	maps.Copy(out.PostgresConfig, s.settings)
	for name, p := range s.pools {
		q := v1alpha1.PoolSpec{
			ReplicasPerCell: ptr.To(int32(p.replicas)),
			Storage:         v1alpha1.StorageSpec{Size: p.size},
			Multipooler: v1alpha1.ContainerConfig{Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(p.cpu)},
			}},
		}
		if p.scaled != "" {
			q.PVCDeletionPolicy = &v1alpha1.PVCDeletionPolicy{WhenScaled: p.scaled}
		}
		for _, c := range p.cells {
			q.Cells = append(q.Cells, v1alpha1.CellName(c))
		}
		out.Pools[v1alpha1.PoolName(name)] = q
	}
	return out
}

// wanted are the names of the pods that the spec wants.
func (s *spec) wanted() map[string]bool {
	out := map[string]bool{}
	if s.drain {
		return out
	}
	for name, p := range s.pools {
		for _, c := range p.cells {
			for i := range p.replicas {
				out[podName(name, c, i)] = true
			}
		}
	}
	return out
}

// names of pods, which are costly to make.
var podNames sync.Map

func podName(pool, cell string, i int) string {
	k := fmt.Sprint(pool, "/", cell, "/", i)
	if n, ok := podNames.Load(k); ok {
		return n.(string)
	}
	n := shardID.PodName(pool, cell, i)
	podNames.Store(k, n)
	shortNames.Store(n, k)
	shortNames.Store(shardID.DataClaim(pool, cell, i), k)
	return n
}

var shortNames sync.Map

// short is a name as a story has it: pool, cell and index where there are such.
func short(name string) string {
	if n, ok := shortNames.Load(name); ok {
		return n.(string)
	}
	return strings.TrimPrefix(name, "orders-postgres-default-0-inf-")
}

// retains is true if the spec keeps the volumes of members of the pool that are scaled away.
func (s *spec) retains(name string) bool {
	if p := s.pools[name]; p.scaled != "" {
		return p.scaled != v1alpha1.PVCDelete
	}
	return s.scaled != v1alpha1.PVCDelete
}

// outdated is true if a pod of the pool that was made for one spec is not what another one wants.
func outdated(made, now *spec, name string) bool {
	return made.image != now.image || made.pools[name].cpu != now.pools[name].cpu || restartOnly(made) != restartOnly(now)
}

func restartOnly(s *spec) string {
	return s.settings["shared_preload_libraries"] + "/" + s.settings["max_files_per_process"]
}

// A user writes the specification, and holds what the API server has of the composite.
type user struct {
	w          *world
	spec       *spec
	revision   int
	value      *structpb.Value
	view       object.Object
	viewed     int
	changed    bool // the status changed since the view was made
	generation int
	mended     *spec // the last spec whose pods work
	history    []*spec
	sizes      map[string]string // of pools, at most
}

// write changes the specification.
func (u *user) write(what string, s *spec) {
	w := u.w
	for name, p := range s.pools {
		// A volume never shrinks, not even one of a pool that comes back.
		u.sizes[name] = max(u.sizes[name], p.size)
		p.size = u.sizes[name]
		s.pools[name] = p
	}
	u.spec = s
	u.revision++
	u.history = append(u.history, s)
	enc, err := object.NewEncoder().EncodeWithStatus(s.typed())
	if err != nil {
		panic(err)
	}
	if s.drain {
		enc.Fields["drain"] = yes(true)
	}
	u.value = valueOf(enc)
	u.generation++
	if !s.broken() {
		u.mended = s
	}
	w.story.tellf("user", "%s: %s", what, s)
	w.core.event(2)
}

// look returns the composite as core sees it.
func (u *user) look() object.Object {
	if u.viewed == u.revision && !u.changed {
		return u.view
	}
	c := u.w.core
	meta := fields("name", shardName, "namespace", namespace, "uid", "xr", "generation", u.generation, "creationTimestamp", epoch.Format("2006-01-02T15:04:05Z"))
	notes := fields()
	if u.spec.paused {
		notes.Fields[naming.AnnotationRolloutPaused] = str("true")
	}
	if u.spec.override != "" {
		notes.Fields[annotationOverride] = str(u.spec.override)
	}
	meta.Fields["annotations"] = valueOf(notes)
	status := &structpb.Struct{Fields: maps.Clone(c.statusValue.GetStructValue().GetFields())}
	if status.Fields == nil {
		status.Fields = map[string]*structpb.Value{}
	}
	conds := make([]*structpb.Value, 0, len(c.conditions))
	for _, d := range c.conditions {
		conds = append(conds, record("type", d.Type, "status", string(d.Status), "reason", d.Reason, "message", d.Message,
			"lastTransitionTime", d.since.Format("2006-01-02T15:04:05Z")))
	}
	status.Fields["conditions"] = list(conds...)
	u.view = object.New(fields("apiVersion", "multigres.com/v1alpha1", "kind", "Shard", "metadata", meta, "spec", u.value, "status", status))
	u.viewed, u.changed = u.revision, false
	return u.view
}

// annotationOverride lets a rollout go on although a role is unknown.
const annotationOverride = "multigres.com/rollout-override"

var serviceIDs sync.Map

func serviceID(pod string) string {
	if id, ok := serviceIDs.Load(pod); ok {
		return id.(string)
	}
	id := naming.ServiceID(pod)
	serviceIDs.Store(pod, id)
	return id
}

func (w *world) poolOf(o *stored) string { return o.label(naming.LabelPool) }
