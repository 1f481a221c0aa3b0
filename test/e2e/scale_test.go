package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

// replicas makes a cluster's pool have that many pods in each of its cells.
func replicas(n int32) func(*v1alpha1.MultigresCluster) {
	return func(c *v1alpha1.MultigresCluster) { withPool(c, v1alpha1.PoolSpec{ReplicasPerCell: ptr.To(n)}) }
}

// played is the simulated shard of a cluster that has one.
func played(t *testing.T, c *v1alpha1.MultigresCluster) *pooler.Shard {
	t.Helper()

	s := shared.DataPlane.Shard(c.GetNamespace(), c.GetName(), "postgres", "default", "0-inf")
	if s == nil {
		t.Fatal("no pooler of the shard ever ran")
	}

	return s
}

// registered are the ids of the poolers that the topology has records of, or that are in the cohort.
func registered(t *testing.T, c *v1alpha1.MultigresCluster) []string {
	t.Helper()

	ids := map[string]bool{}

	for _, key := range keys(t, c.GetNamespace(), c.GetName()) {
		if _, id, ok := strings.Cut(key, "/poolers/"); ok {
			// Before it are the component's name and the cell's.
			_, id, _ = strings.Cut(id, "-p-")
			id, _, _ = strings.Cut(id, "/")
			ids["p-"+id] = true
		}
	}

	for _, id := range played(t, c).Cohort() {
		ids[id.Name] = true
	}

	return slices.Sorted(maps.Keys(ids))
}

// serviceIDs are the ids with which the poolers of some pods register.
func serviceIDs(pods map[string]types.UID) []string {
	var ids []string
	for name := range pods {
		ids = append(ids, naming.ServiceID(name))
	}

	return slices.Sorted(slices.Values(ids))
}

// TestScale shows a pool that grows and shrinks: what goes is drained one after the other, the leader last even though it is the
// one that the smaller pool does not have, the records are true in the end, and the volumes are kept and taken up again.
func TestScale(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns := namespace(t)
	c := minimal(ns, "scaled", replicas(3))
	create(t, shared.Client(), c)
	ready(t, c)

	anyPod := func(*corev1.Pod) bool { return true }
	rolled(t, c, 3, anyPod)

	pods, few := trackPods(t, ns, c.GetName()), poolers(t, ns, c.GetName())

	amend(t, c, replicas(5))
	rolled(t, c, 5, anyPod)

	many, volumes := poolers(t, ns, c.GetName()), claims(t, ns)

	if got, want := registered(t, c), serviceIDs(many); !slices.Equal(got, want) {
		t.Errorf("all poolers should be registered: %v, want %v", got, want)
	}

	// The last one leads, and the shard says so.
	var last string
	for name := range many {
		if i, ok := naming.PodIndex(name); ok && i == 4 {
			last = name
		}
	}

	if !played(t, c).Appoint(pooler.ID{Cell: "zone-a", Name: naming.ServiceID(last)}) {
		t.Fatalf("cannot appoint %s", last)
	}

	eventually(t, "the last pod leads", func(ctx context.Context) error {
		s := &v1alpha1.Shard{}
		if err := shared.Client().Get(ctx, shardKey(c), s); err != nil {
			return err
		}
		if s.Status.Leader != last {
			return errors.Wrap(errNotYet, s.Status.Leader)
		}

		return nil
	})

	amend(t, c, replicas(3))
	rolled(t, c, 3, anyPod)

	if order := oneAtATime(t, pods); len(order) != 2 || order[1] != last {
		t.Errorf("two pods should have gone, %s last because it led: %v", last, order)
	}

	if now := poolers(t, ns, c.GetName()); !maps.Equal(few, now) {
		t.Errorf("the pods of before should be the same: %v, were %v", now, few)
	}

	if got, want := registered(t, c), serviceIDs(few); !slices.Equal(got, want) {
		t.Errorf("only poolers that are there should be registered: %v, want %v", got, want)
	}

	if kept := shardOf(t, c).Status.RetainedVolumes; len(kept) != 2 {
		t.Errorf("two volumes should be kept, and listed: %v", kept)
	}

	amend(t, c, replicas(4))
	rolled(t, c, 4, anyPod)

	if now := claims(t, ns); !maps.Equal(volumes, now) {
		t.Errorf("volumes should be kept and taken up again: %v, were %v", now, volumes)
	}

	shown("3 to 5 to 3 to 4 pods, the leader last, 2 volumes kept and 1 of them taken up again, records true")
}

// of lists what is there of a cell, by kind and name.
func of(t *testing.T, ns, cell string) []string {
	t.Helper()

	return slices.Sorted(maps.Keys(objects(t, ns, client.MatchingLabels{naming.LabelCell: cell})))
}

// TestCell shows a cell that is taken out of a cluster: it drains, comes back when it is put back, and in the end leaves nothing
// but its volumes.
func TestCell(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()
	a, b, gone := v1alpha1.CellConfig{Name: "zone-a", Zone: "us-central1-a"}, v1alpha1.CellConfig{Name: "zone-b", Zone: "us-central1-b"},
		v1alpha1.CellConfig{Name: "zone-c", Zone: "us-central1-c"}

	c := minimal(ns, "celled", replicas(1), func(c *v1alpha1.MultigresCluster) { c.Spec.Cells = []v1alpha1.CellConfig{a, b, gone} })
	create(t, k, c)
	ready(t, c)

	anyPod := func(*corev1.Pod) bool { return true }
	rolled(t, c, 3, anyPod)

	pods, volumes, before := trackPods(t, ns, c.GetName()), claims(t, ns), of(t, ns, "zone-c")

	// It leaves slowly, so that it can be put back on its way.
	stop := func(after string) {
		t.Helper()

		n := &corev1.Namespace{}
		n.SetName(ns)

		patch := `{"metadata":{"annotations":{"kubelet.test/stop-after":` + after + `}}}`
		if err := k.Patch(t.Context(), n, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}
	stop(`"20s"`)

	without := func(c *v1alpha1.MultigresCluster) { c.Spec.Cells = []v1alpha1.CellConfig{a, b} }
	amend(t, c, without)

	eventually(t, "the cell's pod is on its way out, and the cluster says so", func(ctx context.Context) error {
		if err := k.Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		all, err := poolPods(ctx, c)
		if err != nil {
			return err
		}

		if !slices.ContainsFunc(all, func(p corev1.Pod) bool { return p.GetDeletionTimestamp() != nil }) ||
			!slices.ContainsFunc(c.Status.Retiring, func(r v1alpha1.RetiringResource) bool { return strings.Contains(r.Name, "zone-c") }) {
			return errors.Wrapf(errNotYet, "%+v", c.Status.Retiring)
		}

		return nil
	})

	amend(t, c, func(c *v1alpha1.MultigresCluster) { c.Spec.Cells = []v1alpha1.CellConfig{a, b, gone} })
	rolled(t, c, 3, anyPod)

	eventually(t, "the cell is back", func(ctx context.Context) error {
		if err := k.Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}
		if len(c.Status.Retiring) > 0 || !c.Status.Cells["zone-c"].Ready {
			return errors.Wrapf(errNotYet, "%+v %+v", c.Status.Retiring, c.Status.Cells)
		}

		return nil
	})

	if now := of(t, ns, "zone-c"); !slices.Equal(before, now) {
		t.Errorf("the cell should be as before: %v, was %v", now, before)
	}

	if now := claims(t, ns); !maps.Equal(volumes, now) {
		t.Errorf("volume claims should be the same: %v, were %v", now, volumes)
	}

	stop("null")
	amend(t, c, without)
	rolled(t, c, 2, anyPod)

	eventually(t, "the cell is gone", func(ctx context.Context) error {
		if err := k.Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		var left []string
		for _, name := range of(t, ns, "zone-c") {
			if !strings.HasPrefix(name, "PersistentVolumeClaim ") && !strings.HasPrefix(name, "VolumeClaim ") {
				left = append(left, name)
			}
		}

		if len(left) > 0 || len(c.Status.Retiring) > 0 {
			return errors.Wrapf(errNotYet, "left %v, retiring %+v", left, c.Status.Retiring)
		}

		return nil
	})

	ready(t, c)

	if now := claims(t, ns); !maps.Equal(volumes, now) {
		t.Errorf("volume claims should be kept: %v, were %v", now, volumes)
	}

	for _, key := range keys(t, ns, c.GetName()) {
		if strings.Contains(key, "zone-c") {
			t.Errorf("no record of the cell should be left: %s", key)
		}
	}

	if got, want := registered(t, c), serviceIDs(poolers(t, ns, c.GetName())); !slices.Equal(got, want) {
		t.Errorf("only poolers that are there should be registered: %v, want %v", got, want)
	}

	if order := oneAtATime(t, pods); len(order) != 2 {
		t.Errorf("the cell's pod should have gone twice, and no other: %v", order)
	}

	shown("drained, put back on its way, drained again: %d objects of the cell gone, its volumes kept, no record left", len(before))
}
