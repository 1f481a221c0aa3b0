package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// claims are the UIDs of a namespace's volume claims, by name.
func claims(t *testing.T, ns string) map[string]types.UID {
	t.Helper()

	l := &corev1.PersistentVolumeClaimList{}
	if err := shared.Client().List(t.Context(), l, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}

	m := map[string]types.UID{}
	for _, c := range l.Items {
		m[c.GetName()] = c.GetUID()
	}

	return m
}

// leftovers fails the test if something of a deleted cluster is there but what
// is kept, and returns the number of objects that are kept.
func leftovers(t *testing.T, ns string, kept func(o *unstructured.Unstructured) bool) int {
	t.Helper()

	var left []client.Object

	n := 0

	for _, o := range objects(t, ns) {
		if kept(o) {
			n++
			continue
		}
		left = append(left, o)
	}

	// Some take their time.
	gone(t, left...)

	return n
}

// TestRetain shows that a deleted cluster leaves its volumes and its password,
// and that one of the same name takes them up.
func TestRetain(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()

	c := minimal(ns, "kept")
	create(t, k, c)
	ready(t, c)

	password := connection(t, ns, c.Status.ConnectionSecretName, "kept").Data["password"]
	before := claims(t, ns)

	if err := k.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	gone(t, c)

	n := leftovers(t, ns, func(o *unstructured.Unstructured) bool {
		data, _, _ := unstructured.NestedString(o.Object, "data", "password")

		return o.GetKind() == "PersistentVolumeClaim" || o.GetKind() == "Secret" && data == base64.StdEncoding.EncodeToString(password)
	})

	for name, uid := range before {
		if now := claims(t, ns)[name]; now != uid {
			t.Errorf("volume claim %s should be kept: %q, was %q", name, now, uid)
		}
	}

	again := minimal(ns, "kept")
	create(t, k, again)
	ready(t, again)

	if now := connection(t, ns, again.Status.ConnectionSecretName, "kept").Data["password"]; !bytes.Equal(password, now) {
		t.Error("a cluster of the same name should have the same password")
	}
	for name, uid := range claims(t, ns) {
		if before[name] != uid {
			t.Errorf("volume claim %s should be the one of before: %q, was %q", name, uid, before[name])
		}
	}

	shown("%d objects kept, %d volumes and the password adopted", n, len(before))
}

// ended is the revision of the API server's etcd at which the last of some objects was gone, and the first. All are of one etcd,
// so revisions of different kinds compare.
func ended(t *testing.T, e *events) (first, last uint64) {
	t.Helper()

	for _, event := range e.now() {
		o, ok := event.Object.(client.Object)
		if !ok || event.Type != watch.Deleted {
			continue
		}

		at, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}

		last = max(last, at)
		if first == 0 {
			first = at
		}
	}

	return first, last
}

// TestDelete shows that a cluster goes without a trace if that is its policy, and
// in order: what uses something goes before it.
func TestDelete(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()

	c := minimal(ns, "gone", func(c *v1alpha1.MultigresCluster) {
		c.Spec.PVCDeletionPolicy = &v1alpha1.PVCDeletionPolicy{WhenDeleted: v1alpha1.PVCDelete, WhenScaled: v1alpha1.PVCDelete}
	})
	create(t, k, c)
	ready(t, c)

	before := len(objects(t, ns))
	stages := []struct {
		name string
		*events
	}{
		{"gateways", track(t, &appsv1.DeploymentList{}, ns, client.MatchingLabels{naming.LabelComponent: naming.ComponentMultiGateway})},
		{"poolers", trackPods(t, ns, c.GetName())},
		{"shard records", track(t, &mv1alpha1.ShardRecordList{}, ns)},
		{"database records", track(t, &mv1alpha1.DatabaseRecordList{}, ns)},
		{"cell records", track(t, &mv1alpha1.CellRecordList{}, ns)},
		{"topology server", track(t, &appsv1.StatefulSetList{}, ns, client.MatchingLabels{naming.LabelComponent: naming.ComponentGlobalTopo})},
		{"configuration of the provider", track(t, &mv1alpha1.ProviderConfigList{}, ns)},
	}

	if err := k.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	gone(t, c)
	leftovers(t, ns, func(*unstructured.Unstructured) bool { return false })

	// The last is no stage: it goes with the topology server, after the records.
	for i := range stages {
		first := uint64(0)

		eventually(t, stages[i].name+" have ended", func(context.Context) error {
			if first, _ = ended(t, stages[i].events); first == 0 {
				return errNotYet
			}

			return nil
		})

		after := i - 1
		if i == len(stages)-1 {
			after = i - 2
		}

		if after < 0 {
			continue
		}

		if _, before := ended(t, stages[after].events); first < before {
			t.Errorf("%s should have gone after all %s: at revision %d, not %d", stages[i].name, stages[after].name, first, before)
		}
	}

	shown("%d objects gone, in order: gateways, poolers, records of shards, databases and cells, topology server", before)
}

// TestDeadTopology shows that a cluster whose topology server does not answer any
// more can be deleted without anybody's help.
func TestDeadTopology(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()

	c := minimal(ns, "dead")
	create(t, k, c)
	ready(t, c)

	server := shared.DataPlane.Topology(ns, "dead-global-topo")
	if server == nil {
		t.Fatal("cannot find the topology server")
	}

	// It listens and never answers.
	server.Pause()
	t.Cleanup(server.Resume)

	if err := k.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	gone(t, c)

	var records []client.Object
	for _, l := range []client.ObjectList{&mv1alpha1.CellRecordList{}, &mv1alpha1.DatabaseRecordList{}, &mv1alpha1.ShardRecordList{}} {
		if err := k.List(t.Context(), l, client.InNamespace(ns)); err != nil {
			t.Fatal(err)
		}
		switch l := l.(type) {
		case *mv1alpha1.CellRecordList:
			for i := range l.Items {
				records = append(records, &l.Items[i])
			}
		case *mv1alpha1.DatabaseRecordList:
			for i := range l.Items {
				records = append(records, &l.Items[i])
			}
		case *mv1alpha1.ShardRecordList:
			for i := range l.Items {
				records = append(records, &l.Items[i])
			}
		}
	}
	gone(t, records...)

	shown("deleted, %d records released", len(records))
}
