package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

// TestAnew shows a cluster that is deleted and made anew as soon as the API server takes the name again, while much of the old one
// is still there, with a topology server of its own and with somebody else's.
func TestAnew(t *testing.T) {
	t.Parallel()

	for name, external := range map[string]bool{"Managed": false, "External": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			shown := scenario(t)
			ns := namespace(t)
			build := func() *v1alpha1.MultigresCluster { return minimal(ns, "anew") }
			records := func() []string { return keys(t, ns, "anew") }

			if external {
				server := lastingEtcd(t, lastingDir(t))
				records = func() []string { return keysAt(t, server.Address) }
				build = func() *v1alpha1.MultigresCluster {
					return minimal(ns, "anew", func(c *v1alpha1.MultigresCluster) {
						c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
							Endpoints: []v1alpha1.EndpointURL{v1alpha1.EndpointURL("http://" + server.Address)},
						}}
					})
				}
			}

			left, old := anew(t, build, records)
			shown("made anew while %d of %d objects of the old one were there, on its volumes, with its records", left, old)
		})
	}
}

// anew makes a cluster, deletes it and makes it again. It returns how many objects of the old one were there when the new one was made, and had been
// before.
func anew(t *testing.T, build func() *v1alpha1.MultigresCluster, records func() []string) (left, old int) {
	t.Helper()

	k, c := shared.Client(), build()
	ns := c.GetNamespace()

	create(t, k, c)
	ready(t, c)
	rolled(t, c, 3, func(*corev1.Pod) bool { return true })

	volumes, before := claims(t, ns), records()
	old = len(objects(t, ns))

	if err := k.Delete(t.Context(), c); err != nil {
		t.Fatal(err)
	}

	again := build()

	eventually(t, "the name is free", func(ctx context.Context) error { return k.Create(ctx, again) })

	left = len(objects(t, ns)) - 1

	ready(t, again)
	rolled(t, again, 3, func(*corev1.Pod) bool { return true })

	for name, o := range objects(t, ns) {
		if o.GetDeletionTimestamp() != nil {
			t.Errorf("%s should not be on its way out any more", name)
		}
	}

	for name, uid := range claims(t, ns) {
		if volumes[name] != uid {
			t.Errorf("volume claim %s should be the one of before", name)
		}
	}

	if diff := cmp.Diff(lasting(before), lasting(records())); diff != "" {
		t.Errorf("records should be as before: -want, +got:\n%s", diff)
	}

	return left, old
}

// TestProtected shows that the topology server of a living cluster cannot be deleted by hand, and that the cluster does not suffer from the attempt.
func TestProtected(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()
	c := minimal(ns, "protected")
	create(t, k, c)
	ready(t, c)

	usages := &unstructured.UnstructuredList{}
	usages.SetAPIVersion("protection.crossplane.io/v1beta1")
	usages.SetKind("Usage")

	server := &v1alpha1.TopoServer{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: naming.GlobalTopoServer(c.GetName())}}

	eventually(t, "the topology server is in use", func(ctx context.Context) error {
		if err := k.List(ctx, usages, client.InNamespace(ns)); err != nil {
			return err
		}
		for i := range usages.Items {
			name, _, _ := unstructured.NestedString(usages.Items[i].Object, "spec", "of", "resourceRef", "name")
			if name == server.GetName() && is(&usages.Items[i], "Ready") {
				return nil
			}
		}

		return errNotYet
	})

	if err := k.Delete(t.Context(), server); !kerrors.IsConflict(err) || !strings.Contains(err.Error(), "Usage") {
		t.Errorf("deletion of the topology server should be refused because it is in use: %v", err)
	}

	// The cluster still changes, and can be deleted.
	scale(t, c, 2)
	gateways(t, c, 2)

	if err := k.Delete(t.Context(), c, client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		t.Fatal(err)
	}
	gone(t, c)

	n := leftovers(t, ns, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "PersistentVolumeClaim" || strings.HasPrefix(o.GetName(), naming.PostgresPasswordSecret(c.GetName()))
	})

	shown("deletion of the topology server refused; the cluster changed afterwards and went in the foreground, %d objects kept", n)
}

// TestNamespaceDeleted shows that a namespace with a cluster in it can be deleted.
func TestNamespaceDeleted(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns, k := namespace(t), shared.Client()
	c := minimal(ns, "evicted")
	create(t, k, c)
	ready(t, c)

	n := len(objects(t, ns))

	if err := k.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}); err != nil {
		t.Fatal(err)
	}

	// Usages have their objects' deletion refused for a while, and who deletes namespaces tries again ever more seldom.
	controlplane.Eventually(t, recovery, "namespace is gone", func(ctx context.Context) error {
		o := &corev1.Namespace{}
		if err := k.Get(ctx, client.ObjectKey{Name: ns}, o); err != nil {
			return client.IgnoreNotFound(err)
		}

		var why []string
		for _, cond := range o.Status.Conditions {
			if cond.Status == corev1.ConditionTrue {
				why = append(why, cond.Message)
			}
		}

		return errors.Wrap(errNotYet, strings.Join(why, "; "))
	})

	shown("%d objects and their namespace gone", n)
}
