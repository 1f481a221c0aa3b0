package topology

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

func TestOwnership(t *testing.T) {
	o := newOwner("plane", "CellRecord", cellRecord(func(c *v1alpha1.CellRecord) {
		c.Annotations = map[string]string{AnnotationAdopt: "plane/ns/CellRecord/named/1"}
	}))
	cases := map[string]struct {
		reason string
		owner  string
		want   Ownership
	}{
		"Mine":             {"What the managed resource wrote is its own.", "plane/ns/CellRecord/cell/uid", Mine},
		"Free":             {"A record without owner is free.", "", Free},
		"Predecessor":      {"The same name with another UID is a predecessor.", "plane/ns/CellRecord/cell/before", Predecessor},
		"Named":            {"The owner that a person named is taken over from.", "plane/ns/CellRecord/named/1", Named},
		"NamedSuccessor":   {"Only exactly the owner that was named is.", "plane/ns/CellRecord/named/2", Other},
		"OtherPlane":       {"The same name in another control plane is another.", "elsewhere/ns/CellRecord/cell/before", Other},
		"OtherNamespace":   {"The same name in another namespace is another.", "plane/other/CellRecord/cell/before", Other},
		"OtherKind":        {"The same name of another kind is another.", "plane/ns/DatabaseRecord/cell/before", Other},
		"LongerName":       {"A name that begins alike is another.", "plane/ns/CellRecord/cell-b/before", Other},
		"SomethingElse":    {"Who does not write owners as we do is another.", "6dd3bb1e", Other},
		"NameIsNoIdentity": {"A line without UID is no predecessor of anybody's but ours.", "plane/ns/CellRecord/cell", Other},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, o.of(tc.owner)); diff != "" {
				t.Errorf("%s\nof(): -want, +got:\n%s", tc.reason, diff)
			}
			if got, want := o.inherits(tc.owner), tc.want == Predecessor || tc.want == Named; got != want {
				t.Errorf("%s\ninherits(): want %t, got %t", tc.reason, want, got)
			}
		})
	}
}

func TestIdentifier(t *testing.T) {
	calls, fail := 0, true
	i := &identifier{live: &test.MockClient{MockGet: func(_ context.Context, key client.ObjectKey, obj client.Object) error {
		calls++
		if fail {
			return errBoom
		}
		obj.(*corev1.Namespace).SetName(key.Name)
		obj.(*corev1.Namespace).SetUID("plane")
		return nil
	}}}
	if _, err := i.get(context.Background()); !errors.Is(err, errBoom) {
		t.Errorf("get(): want %v, got %v", errBoom, err)
	}
	fail = false
	for range 3 {
		if id, err := i.get(context.Background()); id != "plane" || err != nil {
			t.Errorf("get(): want the UID, got %q, %v", id, err)
		}
	}
	if calls != 2 {
		t.Errorf("get(): a failure should be tried again and an answer kept, got %d calls", calls)
	}
}
