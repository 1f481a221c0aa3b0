package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// pending is the condition of a cluster for which new default images wait.
const pending = "ImageRolloutPending"

// running are all pods of a namespace that run, with how often their containers were restarted.
func running(t *testing.T, ns string) map[string]int32 {
	t.Helper()

	l := &corev1.PodList{}
	if err := shared.Client().List(t.Context(), l, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}

	m := map[string]int32{}

	for _, p := range l.Items {
		key := p.GetName() + " " + string(p.GetUID())
		m[key] = 0
		for _, s := range p.Status.ContainerStatuses {
			m[key] += s.RestartCount
		}
	}

	return m
}

// pipeline is in what Crossplane says of a composite between the moment when it activates a new function and the moment when it
// has seen that this one can do what compositions need. It composes nothing then, and calls the composite not ready: long enough
// to be seen on a slow machine.
const pipeline = "does not have a valid function pipeline"

// always fails the test if some cluster ever was not ready since it was tracked, but for Crossplane's own exchange of functions.
func always(t *testing.T, e *events) int {
	t.Helper()

	all := e.now()
	for _, event := range all {
		c, ok := event.Object.(*v1alpha1.MultigresCluster)
		if !ok {
			t.Fatalf("watch of clusters failed: %v", event.Object)
		}
		if strings.Contains(c.Status.GetCondition("Synced").Message, pipeline) {
			continue
		}
		if r := c.Status.GetCondition("Ready"); r.Status != corev1.ConditionTrue {
			t.Errorf("cluster %s should have stayed ready: %s %s %s", c.GetName(), r.Reason, c.Status.Phase, c.Status.Message)
		}
	}

	return len(all)
}

// revisions fails the test if a package's only active revision is not of a version, and returns the number of all.
func packageRevisions(t *testing.T, version string) int {
	t.Helper()

	n := 0

	for _, kind := range []string{"ConfigurationRevision", "FunctionRevision", "ProviderRevision"} {
		var active []string

		for _, r := range list(t, schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: kind}) {
			n++

			image, _, _ := unstructured.NestedString(r.Object, "spec", "image")
			if state, _, _ := unstructured.NestedString(r.Object, "spec", "desiredState"); state == "Active" {
				active = append(active, image)
			}
		}

		if len(active) != 1 || !strings.HasSuffix(active[0], ":"+version) {
			t.Errorf("one %s should be active, of version %s: %v", kind, version, active)
		}
	}

	return n
}

// TestUpgrade is the first of all: it installs a previous version with other default images, makes clusters, and upgrades to the
// version that all others test. No pod restarts and none is replaced, clusters stay ready. Those that follow new default images
// lazily wait for the acknowledgement of just these, and then roll.
func TestUpgrade(t *testing.T) {
	dir, version, shown := os.Getenv(envPrevious), os.Getenv(envPreviousVersion), summary(t, "Upgrade")
	if err := install(dir, version); err != nil {
		t.Fatal(err)
	}

	ns, anyPod := namespace(t), func(*corev1.Pod) bool { return true }
	lazy := minimal(ns, "lazy", func(c *v1alpha1.MultigresCluster) {
		c.Spec.ImageUpdatePolicy = &v1alpha1.ImageUpdatePolicy{Strategy: v1alpha1.ImageUpdateLazy}
	})
	pinned := minimal(ns, "pinned", func(c *v1alpha1.MultigresCluster) {
		s := resolve.DefaultImages.Set
		c.Spec.Images = v1alpha1.ClusterImages{
			Multigateway: v1alpha1.ImageRef(s.Multigateway), Multiorch: v1alpha1.ImageRef(s.Multiorch), Multipooler: v1alpha1.ImageRef(s.Multipooler),
			Multiadmin: v1alpha1.ImageRef(s.Multiadmin), MultiadminWeb: v1alpha1.ImageRef(s.MultiadminWeb), Postgres: v1alpha1.ImageRef(s.Postgres),
			Etcd: v1alpha1.ImageRef(s.Etcd), PostgresExporter: v1alpha1.ImageRef(s.PostgresExporter),
		}
	})
	create(t, shared.Client(), lazy, pinned)

	for _, c := range []*v1alpha1.MultigresCluster{lazy, pinned} {
		ready(t, c)
		rolled(t, c, 3, anyPod)
	}

	packageRevisions(t, version)

	before, clusters := running(t, ns), track(t, &v1alpha1.MultigresClusterList{}, ns)
	old := lazy.Status.Images.AppliedRevision

	if err := installed(); err != nil {
		t.Fatal(err)
	}

	if n := packageRevisions(t, os.Getenv(envVersion)); n < 6 {
		t.Errorf("each of three packages should have another revision than before: %d in all", n)
	}

	waiting := func(what, reason string) {
		t.Helper()

		eventually(t, what, func(ctx context.Context) error {
			if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(lazy), lazy); err != nil {
				return err
			}

			is, images := lazy.Status.GetCondition(pending), lazy.Status.Images
			if is.Status != corev1.ConditionTrue || string(is.Reason) != reason || images.AppliedRevision != old || images.AvailableRevision != resolve.Revision(resolve.DefaultImages.Set) {
				return errors.Wrapf(errNotYet, "%s %s, %+v", is.Status, is.Reason, images)
			}

			return nil
		})
	}
	waiting("the new function offers its images", resolve.ReasonAwaitingAcknowledgement)

	// The new function has had its way with the other one, too, when this is there.
	amend(t, pinned, func(c *v1alpha1.MultigresCluster) {
		withPool(c, v1alpha1.PoolSpec{PodLabels: v1alpha1.PodLabels{"example.org/pool": "main"}})
	})
	rolled(t, pinned, 3, func(p *corev1.Pod) bool { return p.GetLabels()["example.org/pool"] == "main" })

	amend(t, lazy, func(c *v1alpha1.MultigresCluster) { c.Spec.ImageUpdatePolicy.AcknowledgedRevision = "0123456789ab" })
	waiting("another revision is no acknowledgement", resolve.ReasonRevisionMismatch)
	quiet(t, ns)

	after := running(t, ns)
	for pod, restarts := range before {
		if now, ok := after[pod]; !ok || now != restarts {
			t.Errorf("pod %s should be there, not restarted: %v, %d restarts, were %d", pod, ok, now, restarts)
		}
	}

	shown("%s to %s: 3 new revisions, %d pods of 2 clusters the same and not restarted, clusters ready in %d states", version, os.Getenv(envVersion), len(before), always(t, clusters))

	// What follows disturbs nobody.
	t.Parallel()
	acknowledge(t, lazy)
}

// acknowledge shows that a cluster adopts new default images when it says so.
func acknowledge(t *testing.T, c *v1alpha1.MultigresCluster) {
	t.Helper()

	shown, ns, leader := summary(t, "LazyImages"), c.GetNamespace(), shardOf(t, c).Status.Leader
	pods, available := trackPods(t, ns, c.GetName()), c.Status.Images.AvailableRevision
	image := func(p *corev1.Pod) bool { return image(p, "multipooler") == resolve.DefaultImages.Set.Multipooler }

	all, err := poolPods(t.Context(), c)
	if err != nil || slices.ContainsFunc(all, func(p corev1.Pod) bool { return image(&p) }) {
		t.Fatalf("no pod should have the new image before it is acknowledged: %v", err)
	}

	amend(t, c, func(c *v1alpha1.MultigresCluster) { c.Spec.ImageUpdatePolicy.AcknowledgedRevision = available })
	rolled(t, c, 3, image)

	if order := oneAtATime(t, pods); len(order) != 3 || order[2] != leader {
		t.Errorf("each of three pods should have gone once, %s last: %v", leader, order)
	}

	is, images := c.Status.GetCondition(pending), c.Status.Images
	if is.Status != corev1.ConditionFalse || string(is.Reason) != resolve.ReasonUpToDate || images.AppliedRevision != available {
		t.Errorf("the available images should apply: %s %s, %+v", is.Status, is.Reason, images)
	}

	shown("new default images waited, a wrong acknowledgement changed nothing, the right one rolled 3 pods, the leader last")
}

// TestPreviousFolder guards against an upgrade from nothing.
func TestPreviousFolder(t *testing.T) {
	if _, err := os.Stat(filepath.Join(os.Getenv(envPrevious), "SHA256SUMS")); err != nil {
		t.Errorf("packages of the previous version should come with their sums: %v", err)
	}
}
