package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

func TestMinimal(t *testing.T) {
	ns := shared.Namespace(t)
	c := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "minimal"}}
	c.Spec.Cells = []v1alpha1.CellConfig{{Name: "zone-a", Zone: "us-central1-a"}}
	if err := shared.Client().Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_ = corev1.Pod{}
	controlplane.Eventually(t, 40*time.Second, "ready", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}
		for _, cond := range c.Status.Conditions {
			if cond.Type == "Ready" && cond.Status == "True" {
				return nil
			}
		}
		return errors.Errorf("%+v", c.Status)
	})
}
