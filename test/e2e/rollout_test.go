package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/shard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// broken is the host of images that cannot be pulled.
const broken = "broken.example.org"

// withPool configures the only pool of a cluster's only shard.
func withPool(c *v1alpha1.MultigresCluster, p v1alpha1.PoolSpec) {
	c.Spec.Databases = []v1alpha1.DatabaseConfig{{Name: "postgres", Default: true, TableGroups: []v1alpha1.TableGroupConfig{{
		Name: "default", Default: true, Shards: []v1alpha1.ShardConfig{{
			Name: "0-inf", Spec: &v1alpha1.ShardInlineSpec{Pools: v1alpha1.PoolMap{"default": p}},
		}},
	}}}}
}

// amend edits a cluster.
func amend(t *testing.T, c *v1alpha1.MultigresCluster, f func(*v1alpha1.MultigresCluster)) {
	t.Helper()

	eventually(t, "cluster "+c.GetName()+" is edited", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		before := client.MergeFrom(c.DeepCopy())
		f(c)

		return errors.Wrap(shared.Client().Patch(ctx, c, before), "cannot patch")
	})
}

// shardOf reads the only shard of a cluster.
func shardOf(t *testing.T, c *v1alpha1.MultigresCluster) *v1alpha1.Shard {
	t.Helper()

	s := &v1alpha1.Shard{}
	if err := shared.Client().Get(t.Context(), shardKey(c), s); err != nil {
		t.Fatal(err)
	}

	return s
}

func shardKey(c *v1alpha1.MultigresCluster) client.ObjectKey {
	return client.ObjectKey{Namespace: c.GetNamespace(), Name: naming.Shard(c.GetName(), "postgres", "default", "0-inf")}
}

// poolPods are the pods of a cluster's pools.
func poolPods(ctx context.Context, c *v1alpha1.MultigresCluster) ([]corev1.Pod, error) {
	l := &corev1.PodList{}
	err := shared.Client().List(ctx, l, client.InNamespace(c.GetNamespace()), client.MatchingLabels{
		naming.LabelCluster: c.GetName(), naming.LabelComponent: naming.ComponentShardPool,
	})

	return l.Items, errors.Wrap(err, "cannot list pods")
}

// image is the image of a pod's container.
func image(p *corev1.Pod, container string) string {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if c.Name == container {
			return c.Image
		}
	}

	return ""
}

// rolled waits until a cluster's pool has that many pods, all serve and are as some function wants them, its shard says so, and
// the cluster is ready.
func rolled(t *testing.T, c *v1alpha1.MultigresCluster, want int, wanted func(*corev1.Pod) bool) {
	t.Helper()

	eventually(t, "pods of "+c.GetName()+" are rolled", func(ctx context.Context) error {
		pods, err := poolPods(ctx, c)
		if err != nil {
			return err
		}

		good := 0
		for i := range pods {
			if serves(&pods[i]) && wanted(&pods[i]) {
				good++
			}
		}

		s := &v1alpha1.Shard{}
		if err := shared.Client().Get(ctx, shardKey(c), s); err != nil {
			return err
		}

		st, n := s.Status, int32(want)
		if good != want || len(pods) != want || st.ObservedGeneration != s.GetGeneration() || st.Rollout != nil || len(st.Retiring) > 0 ||
			st.DesiredReplicas != n || st.ReadyReplicas != n || st.UpdatedReplicas != n {
			return errors.Wrapf(errNotYet, "%d of %d pods, want %d: %d updated, %d ready, %d desired; %+v %+v", good, len(pods), want,
				st.UpdatedReplicas, st.ReadyReplicas, st.DesiredReplicas, st.Rollout, st.Retiring)
		}

		return nil
	})

	ready(t, c)
}

// statuses are what a shard's status said of a rollout, in order and without repetitions: how many pods were updated and ready,
// and the condition.
func statuses(t *testing.T, e *events) []string {
	t.Helper()

	var all []string

	for _, event := range e.now() {
		s, ok := event.Object.(*v1alpha1.Shard)
		if !ok || event.Type == watch.Error {
			t.Fatalf("watch of shards failed: %v", event.Object)
		}

		rolling := s.Status.GetCondition(shard.TypeRollingUpdate)
		all = append(all, fmt.Sprintf("%d/%d/%d %s %s", s.Status.UpdatedReplicas, s.Status.ReadyReplicas, s.Status.DesiredReplicas, rolling.Status, rolling.Reason))
	}

	return slices.Compact(all)
}

// TestRollout shows that a change of what the pods are made of takes them one at a time, the next when the last is back and in
// the cohort, the leader last, on the volumes that they had; and that the status follows.
func TestRollout(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns := namespace(t)
	c := minimal(ns, "rolling")
	create(t, shared.Client(), c)
	ready(t, c)
	rolled(t, c, 3, func(*corev1.Pod) bool { return true })

	leader, volumes, before := shardOf(t, c).Status.Leader, claims(t, ns), poolers(t, ns, c.GetName())
	pods, shards := trackPods(t, ns, c.GetName()), track(t, &v1alpha1.ShardList{}, ns)

	memory := resource.MustParse("300Mi")

	amend(t, c, func(c *v1alpha1.MultigresCluster) {
		withPool(c, v1alpha1.PoolSpec{Postgres: v1alpha1.ContainerConfig{Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: memory}, Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("600Mi")},
		}}})
	})

	rolled(t, c, 3, func(p *corev1.Pod) bool {
		return slices.ContainsFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool {
			return c.Resources.Requests.Memory().Equal(memory)
		})
	})

	order := oneAtATime(t, pods)
	if len(order) != 3 || order[2] != leader {
		t.Errorf("each of three pods should have gone once, %s last: %v", leader, order)
	}

	for name, uid := range poolers(t, ns, c.GetName()) {
		if before[name] == "" || before[name] == uid {
			t.Errorf("pod %s should be a new one of the same name: %v", name, before)
		}
	}

	if now := claims(t, ns); !maps.Equal(volumes, now) {
		t.Errorf("volume claims should be the same: %v, were %v", now, volumes)
	}

	said := strings.Join(statuses(t, shards), ", ")
	for _, want := range []string{"0/3/3 True Replacing", "1/3/3 True", "2/3/3 True", "3/3/3 False PodsUpToDate"} {
		if !strings.Contains(said, want) {
			t.Errorf("status should have said %q: %s", want, said)
		}
	}

	shown("3 pods anew, one at a time, the leader last, on their volumes; status 0, 1, 2, 3 of 3")
}

// TestBadImage shows that an image that nobody can pull costs one pod, and that the next specification mends it.
func TestBadImage(t *testing.T) {
	t.Parallel()

	const good = "example.org/pgctld:v2"

	shown := scenario(t)
	ns := namespace(t)
	c := minimal(ns, "bad-image")
	create(t, shared.Client(), c)
	ready(t, c)
	rolled(t, c, 3, func(*corev1.Pod) bool { return true })

	leader := shardOf(t, c).Status.Leader
	pods := trackPods(t, ns, c.GetName())

	amend(t, c, func(c *v1alpha1.MultigresCluster) { c.Spec.Images.Postgres = broken + "/pgctld:v2" })

	var held v1alpha1.RolloutStatus

	eventually(t, "rollout is held up by the pod that cannot start", func(ctx context.Context) error {
		s := &v1alpha1.Shard{}
		if err := shared.Client().Get(ctx, shardKey(c), s); err != nil {
			return err
		}

		all, err := poolPods(ctx, c)
		if err != nil {
			return err
		}

		if s.Status.Rollout == nil || s.Status.ReadyReplicas != 2 || len(all) != 3 ||
			!slices.ContainsFunc(all, func(p corev1.Pod) bool { return strings.HasPrefix(image(&p, "postgres"), broken) }) {
			return errors.Wrapf(errNotYet, "%+v, %d of %d pods ready", s.Status.Rollout, s.Status.ReadyReplicas, len(all))
		}

		held = *s.Status.Rollout

		return nil
	})

	// Whatever else it would do, it would do now.
	quiet(t, ns)

	if order := oneAtATime(t, pods); len(order) != 1 || order[0] == leader {
		t.Errorf("one pod should have gone, and not the leader %s: %v", leader, order)
	}

	amend(t, c, func(c *v1alpha1.MultigresCluster) { c.Spec.Images.Postgres = good })
	rolled(t, c, 3, func(p *corev1.Pod) bool { return image(p, "postgres") == good })

	order := oneAtATime(t, pods)
	if len(order) != 4 || order[0] != order[1] || order[3] != leader {
		t.Errorf("the broken pod should have gone first, then the others, %s last: %v", leader, order)
	}

	shown("stopped after one pod (%s), mended by the next specification", held.Reason)
}
