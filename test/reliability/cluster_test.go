package reliability

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
	"github.com/crossplane-multigres/crossplane-multigres/test/load"
)

// patience bounds how long anything may take that takes less than a minute on a machine that does nothing else. Five other control planes
// beside the bed make it ten times that.
const patience = 15 * time.Minute

// zones of the bed, and the cells in them.
var (
	zones = [...]string{"eu-1a", "eu-1b", "eu-1c"}
	cells = [...]v1alpha1.CellName{"zone-a", "zone-b", "zone-c"}
)

var errNotYet = errors.New("not yet")

// A cluster is one MultigresCluster with one shard.
type cluster struct {
	namespace, name string
}

// spec is what the demonstration has, spelled out: a cell in each zone, one pooler in each, backups on a volume that all share.
func spec(change ...func(*v1alpha1.MultigresClusterSpec)) v1alpha1.MultigresClusterSpec {
	s := v1alpha1.MultigresClusterSpec{
		Backup: &v1alpha1.BackupConfig{
			Type:       v1alpha1.BackupFilesystem,
			Filesystem: &v1alpha1.FilesystemBackupConfig{Storage: v1alpha1.StorageSpec{Class: "shared"}},
		},
	}
	s.Databases = []v1alpha1.DatabaseConfig{{Name: "postgres", Default: true, TableGroups: []v1alpha1.TableGroupConfig{{
		Name: "default", Default: true, Shards: []v1alpha1.ShardConfig{{
			Name: "0-inf", Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{"default": {ReplicasPerCell: ptr.To[int32](1)}}},
		}},
	}}}}
	for i, z := range zones {
		s.Cells = append(s.Cells, v1alpha1.CellConfig{Name: cells[i], Zone: v1alpha1.ZoneName(z)})
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

// shard is the spec of the only shard.
func shard(s *v1alpha1.MultigresClusterSpec) *v1alpha1.ShardInlineSpec {
	return s.Databases[0].TableGroups[0].Shards[0].Spec
}

// changePool changes the spec of the only pool.
func changePool(s *v1alpha1.MultigresClusterSpec, f func(*v1alpha1.PoolSpec)) {
	pool := shard(s).Pools["default"]
	f(&pool)
	shard(s).Pools["default"] = pool
}

// broken counts the clusters that scenarios shared, and left in a state in which nobody else can begin.
var broken int

// the returns the cluster that scenarios share. The first who asks makes it, and so does the first after one that failed.
func the(t *testing.T) *cluster {
	t.Helper()
	supported(t)
	name := "reliability"
	if broken > 0 {
		name += fmt.Sprint("-", broken)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		broken++
		if os.Getenv(envKeep) != "" {
			return
		}
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := shared.client.Delete(context.WithoutCancel(t.Context()), ns); client.IgnoreNotFound(err) != nil {
			t.Logf("cannot delete namespace: %v", err)
		}
	})
	return create(t, name, spec())
}

// create makes a cluster, unless there is one of that name and namespace, and waits until it is complete.
func create(t *testing.T, name string, s v1alpha1.MultigresClusterSpec) *cluster {
	t.Helper()
	supported(t)
	c := &cluster{namespace: name, name: "orders"}
	// Whatever happens to the namespace of a team, its pods must keep to the strictest standard.
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}}
	if err := client.IgnoreAlreadyExists(shared.client.Create(t.Context(), ns)); err != nil {
		t.Fatalf("cannot make namespace: %v", err)
	}
	t.Cleanup(func() { keep(t, c.namespace) })
	mgc := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: c.name}, Spec: s}
	begin, load := time.Now(), loadAverage()
	err := shared.client.Create(t.Context(), mgc)
	if client.IgnoreAlreadyExists(err) != nil {
		t.Fatalf("cannot make cluster: %v", err)
	}
	eventually(t, "cluster is complete", c.complete)
	if err == nil {
		tell(line{scenario: t.Name(), what: "bootstrap of 3 instances in 3 zones", recovery: time.Since(begin), load: load})
	}
	return c
}

// change edits the cluster's spec, as a user would.
func (c *cluster) change(t *testing.T, f func(*v1alpha1.MultigresClusterSpec)) {
	t.Helper()
	eventually(t, "cluster can be changed", func(ctx context.Context) error {
		mgc, err := c.get(ctx)
		if err != nil {
			return err
		}
		f(&mgc.Spec)
		return shared.client.Update(ctx, mgc)
	})
}

func (c *cluster) get(ctx context.Context) (*v1alpha1.MultigresCluster, error) {
	mgc := &v1alpha1.MultigresCluster{}
	err := shared.client.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: c.name}, mgc)
	return mgc, err
}

// record is what is known of the cluster's shard.
func (c *cluster) record(ctx context.Context) (*mv1alpha1.ShardRecord, error) {
	list := &mv1alpha1.ShardRecordList{}
	if err := shared.client.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return nil, err
	}
	if len(list.Items) != 1 {
		return nil, errors.Wrapf(errNotYet, "%d shard records", len(list.Items))
	}
	return &list.Items[0], nil
}

// shard is the cluster's only one.
func (c *cluster) shard(ctx context.Context) (*v1alpha1.Shard, error) {
	list := &v1alpha1.ShardList{}
	if err := shared.client.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return nil, err
	}
	if len(list.Items) != 1 {
		return nil, errors.Wrapf(errNotYet, "%d shards", len(list.Items))
	}
	return &list.Items[0], nil
}

// poolers are the pods with PostgreSQL, by name.
func (c *cluster) poolers(ctx context.Context) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := shared.client.List(ctx, list, client.InNamespace(c.namespace), client.HasLabels{naming.LabelPool}); err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return list.Items, nil
}

// volumes are the UIDs of the poolers' volume claims, by name.
func (c *cluster) volumes(t *testing.T) map[string]types.UID {
	t.Helper()
	list := &corev1.PersistentVolumeClaimList{}
	if err := shared.client.List(t.Context(), list, client.InNamespace(c.namespace), client.HasLabels{naming.LabelPool}); err != nil {
		t.Fatalf("cannot list volumes: %v", err)
	}
	out := map[string]types.UID{}
	for i := range list.Items {
		out[list.Items[i].GetName()] = list.Items[i].GetUID()
	}
	return out
}

// leader is the pod that leads.
func (c *cluster) leader(t *testing.T) corev1.Pod {
	t.Helper()
	return c.pod(t, func(r *mv1alpha1.ShardRecord, name string) bool { return r.Status.AtProvider.LeaderPod == name })
}

// replica is a pod that does not lead, the first by name.
func (c *cluster) replica(t *testing.T) corev1.Pod {
	t.Helper()
	return c.pod(t, func(r *mv1alpha1.ShardRecord, name string) bool { return r.Status.AtProvider.LeaderPod != name })
}

func (c *cluster) pod(t *testing.T, ok func(r *mv1alpha1.ShardRecord, name string) bool) corev1.Pod {
	t.Helper()
	var found corev1.Pod
	eventually(t, "it is known who leads", func(ctx context.Context) error {
		r, err := c.record(ctx)
		if err != nil {
			return err
		}
		pods, err := c.poolers(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return ok(r, p.GetName()) })
		if r.Status.AtProvider.LeaderPod == "" || i < 0 {
			return errors.Wrapf(errNotYet, "leader is %q", r.Status.AtProvider.LeaderPod)
		}
		found = pods[i]
		return nil
	})
	return found
}

// target is the database, as an application in a pod on a node reaches it that knows the connection Secret and nothing else.
func (c *cluster) target(ctx context.Context, from bed.Node) (load.Target, error) {
	s := &corev1.Secret{}
	if err := shared.client.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: naming.ConnectionSecret(c.name)}, s); err != nil {
		return load.Target{}, err
	}
	return load.Target{URI: string(s.Data["uri"]), Dial: shared.DialFrom(from), Lookup: cached(shared.LookupFrom(from))}, nil
}

// cached keeps what was found for a while, as applications' resolvers do, and for longer if it cannot be found again.
func cached(lookup func(context.Context, string) ([]string, error)) func(context.Context, string) ([]string, error) {
	var (
		known []string
		at    time.Time
	)
	return func(ctx context.Context, host string) ([]string, error) {
		if time.Since(at) < 30*time.Second {
			return known, nil
		}
		found, err := lookup(ctx, host)
		switch {
		case err == nil:
			known, at = found, time.Now()
		case known == nil:
			return nil, err
		}
		return known, nil
	}
}

// readOnly is the same for the port that serves from replicas.
func (c *cluster) readOnly(ctx context.Context, from bed.Node) (load.Target, error) {
	target, err := c.target(ctx, from)
	if err != nil {
		return target, err
	}
	s := &corev1.Secret{}
	if err := shared.client.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: naming.ConnectionSecret(c.name)}, s); err != nil {
		return target, err
	}
	target.URI = strings.Replace(target.URI, fmt.Sprintf("@%s:%s/", s.Data["host"], s.Data["port"]), fmt.Sprintf("@%s:%s/", s.Data["replicaHost"], s.Data["replicaPort"]), 1)
	return target, nil
}

// complete says what is missing until all of the cluster is as its spec wants it.
func (c *cluster) complete(ctx context.Context) error {
	mgc, err := c.get(ctx)
	if err != nil {
		return err
	}
	if mgc.Status.ObservedGeneration != mgc.GetGeneration() {
		return errors.Wrap(errNotYet, "the cluster's spec has not been looked at")
	}
	for _, gvk := range kinds {
		if err := allTrue(ctx, c.namespace, gvk); err != nil {
			return err
		}
	}
	if err := c.topologyServes(ctx); err != nil {
		return err
	}
	s, err := c.shard(ctx)
	if err != nil {
		return err
	}
	if s.Status.UpdatedReplicas != s.Status.DesiredReplicas || s.Status.DesiredReplicas == 0 {
		return errors.Wrapf(errNotYet, "%d of %d instances are updated", s.Status.UpdatedReplicas, s.Status.DesiredReplicas)
	}
	if err := c.cohort(ctx, int(s.Status.DesiredReplicas)); err != nil {
		return err
	}
	return c.streaming(ctx, int(s.Status.DesiredReplicas)-1)
}

// topologyServes says which topology server lacks members: it is Ready as soon as enough of them serve.
func (c *cluster) topologyServes(ctx context.Context) error {
	list := &v1alpha1.TopoServerList{}
	if err := shared.client.List(ctx, list, client.InNamespace(c.namespace)); err != nil {
		return err
	}
	for _, t := range list.Items {
		if t.Status.ReadyReplicas != t.Status.Replicas {
			return errors.Wrapf(errNotYet, "%d of %d members of %s serve", t.Status.ReadyReplicas, t.Status.Replicas, t.GetName())
		}
	}
	return nil
}

// kinds whose objects must all be Ready, and Synced.
var kinds = []schema.GroupVersionKind{
	v1alpha1.SchemeGroupVersion.WithKind("MultigresCluster"), v1alpha1.SchemeGroupVersion.WithKind("TopoServer"), v1alpha1.SchemeGroupVersion.WithKind("Cell"),
	v1alpha1.SchemeGroupVersion.WithKind("TableGroup"), v1alpha1.SchemeGroupVersion.WithKind("Shard"),
	mv1alpha1.CellRecordGroupVersionKind, mv1alpha1.DatabaseRecordGroupVersionKind, mv1alpha1.ShardRecordGroupVersionKind,
}

func allTrue(ctx context.Context, namespace string, gvk schema.GroupVersionKind) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(gvk)
	if err := shared.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return err
	}
	for i := range list.Items {
		for _, want := range []string{"Ready", "Synced"} {
			if s := condition(&list.Items[i], want); s != "True" {
				return errors.Wrapf(errNotYet, "%s %s is not %s: %s", gvk.Kind, list.Items[i].GetName(), want, s)
			}
		}
	}
	return nil
}

// condition is the status of a condition, with its message if it is not True.
func condition(u *unstructured.Unstructured, kind string) string {
	all, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range all {
		m, ok := c.(map[string]any)
		if !ok || m["type"] != kind {
			continue
		}
		if m["status"] == "True" {
			return "True"
		}
		return fmt.Sprintf("%v %v", m["reason"], m["message"])
	}
	return "unknown"
}

// cohort says who of the wanted instances is not a full member: by what the poolers themselves said, about the very pods that there are.
func (c *cluster) cohort(ctx context.Context, want int) error {
	r, err := c.record(ctx)
	if err != nil {
		return err
	}
	pods, err := c.poolers(ctx)
	if err != nil {
		return err
	}
	o := r.Status.AtProvider
	if len(pods) != want || len(o.Cohort) != want || o.Leader == "" {
		return errors.Wrapf(errNotYet, "%d pods, %d members, leader %q; want %d", len(pods), len(o.Cohort), o.Leader, want)
	}
	for _, p := range pods {
		i := slices.IndexFunc(o.Poolers, func(o mv1alpha1.PoolerObservation) bool { return o.Pod == p.GetName() && o.PodUID == p.GetUID() })
		if i < 0 {
			return errors.Wrapf(errNotYet, "nothing is known of pod %s", p.GetName())
		}
		if o := o.Poolers[i]; !o.InCohort || !o.PostgresReady || !o.LagWithinLimit || !o.Registered || o.Terminating || !ready(&p) {
			return errors.Wrapf(errNotYet, "pod %s (ready %t) is %+v", p.GetName(), ready(&p), o)
		}
	}
	return nil
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	}) && p.GetDeletionTimestamp() == nil
}

// streaming says how many standbys do not follow, as the leader itself sees it.
func (c *cluster) streaming(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var n int
	if err := c.query(ctx, "select count(*) from pg_stat_replication where state = 'streaming' and application_name like '%\\_p-%'", &n); err != nil {
		return err
	}
	if n != want {
		return errors.Wrapf(errNotYet, "%d standbys stream, want %d", n, want)
	}
	return nil
}

// query runs one query through the gateway and reads one value.
func (c *cluster) query(ctx context.Context, sql string, value any) error {
	target, err := c.target(ctx, shared.alive())
	if err != nil {
		return err
	}
	conn, err := target.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return conn.QueryRow(ctx, sql).Scan(value)
}

// eventually tries something twice a second until it holds, and fails the test if that takes too long.
func eventually(t *testing.T, what string, ok func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	begin, last := time.Now(), ""
	for {
		err := ok(ctx)
		if err == nil {
			return
		}
		// What it waited for, and when, tells more than the last error.
		if ctx.Err() == nil && err.Error() != last {
			last = err.Error()
			t.Logf("%s, after %.1f s: %s: %s", time.Now().UTC().Format(time.TimeOnly), time.Since(begin).Seconds(), what, last)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s: %s", patience, what, last)
		case <-time.After(500 * time.Millisecond):
		}
	}
}
