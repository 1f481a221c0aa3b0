package controlplane

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestKeep shows that an API server is prepared once for the same input, that each control plane has what was prepared and an
// identity of its own, and that another input prepares anew.
func TestKeep(t *testing.T) {
	input := filepath.Join(t.TempDir(), "input")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(input, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	prepared := 0
	opts := Options{CRDs: options.CRDs, Keep: &Keep{Name: "test", Inputs: []string{input}, Prepare: func(ctx context.Context, c *ControlPlane) error {
		prepared++

		return c.Client().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "prepared"}})
	}}}
	identities := map[types.UID]bool{}

	for i, tc := range []struct {
		reason string
		input  string
		want   int
	}{
		{"There is nothing yet.", "a", 1},
		{"It is kept.", "a", 1},
		{"What it was made from has changed.", "b", 2},
		{"It is kept again.", "b", 2},
	} {
		write(tc.input)

		c, err := New(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}

		if prepared != tc.want {
			t.Errorf("start %d: %s\nit should have been prepared %d times, not %d", i, tc.reason, tc.want, prepared)
		}

		for _, name := range []string{"prepared", metav1.NamespaceSystem} {
			n := &corev1.Namespace{}
			Eventually(t, waiting, "namespace "+name, func(ctx context.Context) error { return c.Client().Get(ctx, client.ObjectKey{Name: name}, n) })

			if name == metav1.NamespaceSystem {
				identities[n.GetUID()] = true
			}
		}

		for _, crd := range []string{"cellrecords.m.multigres.com", "shardrecords.m.multigres.com"} {
			if err := c.established(t.Context(), crd); err != nil {
				t.Errorf("start %d: %v", i, err)
			}
		}

		c.Stop()
	}

	if len(identities) != 4 {
		t.Errorf("each control plane should have an identity of its own: %v", identities)
	}

	left, err := filepath.Glob(filepath.Join("..", "..", runs, kept, "test-*"))
	if err != nil || len(left) != 1 {
		t.Errorf("one folder of data should be kept for a name: %v %v", left, err)
	}
}
