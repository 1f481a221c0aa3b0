package e2e

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// component lists the objects of one component of a cluster.
func component(t *testing.T, l client.ObjectList, ns, cluster, component string) {
	t.Helper()

	if err := shared.Client().List(t.Context(), l, client.InNamespace(ns), client.MatchingLabels{
		naming.LabelCluster: cluster, naming.LabelComponent: component,
	}); err != nil {
		t.Fatal(err)
	}
}

// TestDrift shows that what somebody changes of a cluster's objects by hand is
// put back, and that what others add is left alone.
func TestDrift(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()
	c := minimal(ns, "drift")
	create(t, k, c)
	ready(t, c)

	deployments, services, maps := &appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}
	component(t, deployments, ns, "drift", naming.ComponentMultiGateway)
	component(t, services, ns, "drift", naming.ComponentMultiGateway)
	component(t, maps, ns, "drift", naming.ComponentPgHbaConfig)

	if len(deployments.Items) != 1 || len(services.Items) == 0 || len(maps.Items) != 1 {
		t.Fatalf("cannot find what to change: %d deployments, %d services, %d config maps", len(deployments.Items), len(services.Items), len(maps.Items))
	}

	deployment, service, hba := &deployments.Items[0], &services.Items[0], &maps.Items[0]
	image, selector, rules := deployment.Spec.Template.Spec.Containers[0].Image, service.Spec.Selector, hba.Data

	patch := func(o client.Object, merge string) {
		t.Helper()
		if err := k.Patch(t.Context(), o, client.RawPatch(types.MergePatchType, []byte(merge))); err != nil {
			t.Fatal(err)
		}
	}

	// What others add: labels, annotations, a sidecar.
	patch(deployment, `{"metadata":{"labels":{"example.org/team":"shop"}},"spec":{"template":{"metadata":{"annotations":{"sidecar.example.org/inject":"true"}}}}}`)
	injected := corev1.Container{Name: "injected", Image: "example.org/proxy:1"}
	edit := client.StrategicMergeFrom(deployment.DeepCopy())
	deployment.Spec.Template.Spec.Containers = append(deployment.Spec.Template.Spec.Containers, injected)
	if err := k.Patch(t.Context(), deployment, edit); err != nil {
		t.Fatal(err)
	}

	// What somebody changes.
	edit = client.StrategicMergeFrom(deployment.DeepCopy())
	deployment.Spec.Template.Spec.Containers[0].Image = "example.org/wrong:1"
	if err := k.Patch(t.Context(), deployment, edit); err != nil {
		t.Fatal(err)
	}
	patch(service, `{"spec":{"selector":{"app.kubernetes.io/component":"nobody"}}}`)
	patch(hba, `{"data":{"pg_hba_template.conf":"local all postgres trust","pg_hba.conf":"local all postgres trust"}}`)

	if err := k.Delete(t.Context(), &services.Items[len(services.Items)-1]); err != nil {
		t.Fatal(err)
	}

	eventually(t, "changes are put back", func(ctx context.Context) error {
		for _, o := range []client.Object{deployment, service, hba} {
			if err := k.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
				return err
			}
		}

		if got := deployment.Spec.Template.Spec.Containers[0].Image; got != image {
			return errors.Wrap(errNotYet, got)
		}
		for key, want := range selector {
			if service.Spec.Selector[key] != want {
				return errors.Wrapf(errNotYet, "%v", service.Spec.Selector)
			}
		}
		for key, want := range rules {
			if hba.Data[key] != want {
				return errors.Wrapf(errNotYet, "%v", hba.Data)
			}
		}

		return nil
	})

	ready(t, c)

	if err := k.Get(t.Context(), client.ObjectKeyFromObject(deployment), deployment); err != nil {
		t.Fatal(err)
	}

	spec := deployment.Spec.Template
	if deployment.GetLabels()["example.org/team"] != "shop" || spec.GetAnnotations()["sidecar.example.org/inject"] != "true" || len(spec.Spec.Containers) != 2 {
		t.Errorf("what others add should be left alone: labels %v, annotations %v, %d containers", deployment.GetLabels(), spec.GetAnnotations(), len(spec.Spec.Containers))
	}

	shown("image, selector, rules and a deleted Service put back; label, annotation and sidecar left alone")
}
