package e2e

import (
	"context"
	"maps"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// cellTemplate is a template with a number of gateways.
func cellTemplate(ns, name string, gateways int32) *v1alpha1.CellTemplate {
	return &v1alpha1.CellTemplate{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec:       v1alpha1.CellTemplateSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To(gateways)}}},
	}
}

// gateways waits until the gateways of a cluster's only cell are that many.
func gateways(t *testing.T, c *v1alpha1.MultigresCluster, want int32) {
	t.Helper()

	eventually(t, "gateways of "+c.GetName(), func(ctx context.Context) error {
		l := &appsv1.DeploymentList{}
		if err := shared.Client().List(ctx, l, client.InNamespace(c.GetNamespace()), client.MatchingLabels{
			naming.LabelCluster: c.GetName(), naming.LabelComponent: naming.ComponentMultiGateway,
		}); err != nil {
			return err
		}

		if len(l.Items) != 1 || ptr.Deref(l.Items[0].Spec.Replicas, 1) != want || l.Items[0].Status.ReadyReplicas != want {
			return errors.Wrapf(errNotYet, "%d deployments, want %d gateways", len(l.Items), want)
		}

		return nil
	})
}

// scale sets the number of gateways, again if somebody else wrote in between.
func scale(t *testing.T, c *v1alpha1.MultigresCluster, replicas int32) {
	t.Helper()

	eventually(t, "number of gateways is set", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		edit := client.MergeFrom(c.DeepCopy())
		c.Spec.Cells[0].Spec = &v1alpha1.CellInlineSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: v1alpha1.StatelessSpec{Replicas: ptr.To(replicas)}}}

		return errors.Wrap(shared.Client().Patch(ctx, c, edit), "cannot patch")
	})
}

// revisions are the generations, or where a kind has none the contents, of a
// cluster's objects: what changes when somebody changes what is wanted.
func revisions(t *testing.T, ns, cluster string) map[string]string {
	t.Helper()

	m := map[string]string{}
	for name, o := range objects(t, ns, client.MatchingLabels{naming.LabelCluster: cluster}) {
		m[name] = string(o.GetUID()) + " " + content(o)
	}

	return m
}

// content is what was applied of an object: everything but metadata that others keep and status.
func content(o *unstructured.Unstructured) string {
	o = o.DeepCopy()
	unstructured.RemoveNestedField(o.Object, "status")
	unstructured.RemoveNestedField(o.Object, "metadata")

	b, err := o.MarshalJSON()
	if err != nil {
		return err.Error()
	}

	return string(b)
}

// TestTemplates shows that an edited template changes exactly the clusters that
// use it, that a cluster can be switched to another, and that a template named
// default is used as soon as it is there.
func TestTemplates(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()

	standard := cellTemplate(ns, "standard-v1", 1)
	create(t, k, standard, cellTemplate(ns, "standard-v2", 3))

	user := minimal(ns, "user", func(c *v1alpha1.MultigresCluster) { c.Spec.TemplateDefaults.CellTemplate = "standard-v1" })
	other := minimal(ns, "other")
	create(t, k, user, other)
	ready(t, user)
	ready(t, other)

	before := revisions(t, ns, other.GetName())

	edit := client.MergeFrom(standard.DeepCopy())
	standard.Spec.Multigateway.Replicas = ptr.To[int32](2)
	if err := k.Patch(t.Context(), standard, edit); err != nil {
		t.Fatal(err)
	}

	gateways(t, user, 2)

	edit = client.MergeFrom(user.DeepCopy())
	user.Spec.TemplateDefaults.CellTemplate = "standard-v2"
	if err := k.Patch(t.Context(), user, edit); err != nil {
		t.Fatal(err)
	}

	gateways(t, user, 3)

	if after := revisions(t, ns, other.GetName()); !maps.Equal(before, after) {
		for name := range before {
			if before[name] != after[name] {
				t.Errorf("%s of a cluster that uses no template should not have changed:\n%s\n%s", name, before[name], after[name])
			}
		}
	}

	create(t, k, cellTemplate(ns, "default", 2))
	gateways(t, other, 2)
	gateways(t, user, 3)

	shown("edited, switched to another version, default appeared; %d objects of the other cluster unchanged", len(before))
}
