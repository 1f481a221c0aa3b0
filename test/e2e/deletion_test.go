package e2e

import (
	"bytes"
	"encoding/base64"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
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

// TestDelete shows that a cluster goes without a trace if that is its policy.
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

	if err := k.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	gone(t, c)
	leftovers(t, ns, func(*unstructured.Unstructured) bool { return false })

	shown("%d objects gone", before)
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
