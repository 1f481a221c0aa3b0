package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

const (
	// converge bounds how long anything may take that takes seconds on a machine
	// that does nothing else.
	converge = 6 * time.Minute

	// restricted is the label, and its value, of a namespace whose pods must keep
	// to the strictest Pod Security Standard.
	enforce    = "pod-security.kubernetes.io/enforce"
	restricted = "restricted"
)

var errNotYet = errors.New("not yet")

// scenario begins a scenario, with the packages installed. What it returns prints
// its line, with what it has shown, if it has passed.
func scenario(t *testing.T) func(format string, args ...any) {
	t.Helper()

	if err := installed(); err != nil {
		t.Fatal(err)
	}

	return summary(t, strings.TrimPrefix(t.Name(), "Test"))
}

// summary returns what prints a scenario's line.
func summary(t *testing.T, name string) func(format string, args ...any) {
	t.Helper()

	begin := time.Now()

	return func(format string, args ...any) {
		if !t.Failed() {
			fmt.Printf("e2e: %-24s %5.1f s  %s\n", name, time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
		}
	}
}

// namespace is one whose pods must be restricted, as a team's is.
func namespace(t *testing.T) string {
	t.Helper()

	return shared.Namespace(t, enforce, restricted)
}

// minimal is the smallest useful cluster. Its volumes go with it.
func minimal(ns, name string, change ...func(*v1alpha1.MultigresCluster)) *v1alpha1.MultigresCluster {
	c := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
	c.Spec.Cells = []v1alpha1.CellConfig{{Name: "zone-a", Zone: "us-central1-a"}}

	for _, f := range change {
		f(c)
	}

	return c
}

// create creates objects as some user.
func create(t *testing.T, k client.Client, objects ...client.Object) {
	t.Helper()

	for _, o := range objects {
		if err := k.Create(t.Context(), o); err != nil {
			t.Fatalf("cannot create %T %s: %v", o, o.GetName(), err)
		}
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, ok func(context.Context) error) {
	t.Helper()
	controlplane.Eventually(t, converge, what, ok)
}

// ready waits until a cluster is ready, as of what its spec says now, and reads it.
func ready(t *testing.T, c *v1alpha1.MultigresCluster) {
	t.Helper()
	readyWithin(t, converge, c)
}

// readyWithin is the same for a cluster that is made beside many others.
func readyWithin(t *testing.T, timeout time.Duration, c *v1alpha1.MultigresCluster) {
	t.Helper()

	controlplane.Eventually(t, timeout, "cluster "+c.GetName()+" is ready", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
			return err
		}

		for _, cond := range c.Status.Conditions {
			if cond.Type == "Ready" && cond.Status == corev1.ConditionTrue {
				return nil
			}
		}

		return errors.Wrapf(errNotYet, "%s %s", c.Status.Phase, c.Status.Message)
	})
}

// gone waits until objects do not exist.
func gone(t *testing.T, objects ...client.Object) {
	t.Helper()

	for _, o := range objects {
		eventually(t, fmt.Sprintf("%T %s is gone", o, o.GetName()), func(ctx context.Context) error {
			err := shared.Client().Get(ctx, client.ObjectKeyFromObject(o), o)
			if err == nil {
				return errors.Wrapf(errNotYet, "finalizers %v, deleted %v", o.GetFinalizers(), o.GetDeletionTimestamp())
			}

			return client.IgnoreNotFound(err)
		})
	}
}

// quiet waits until nothing is made, changed or deleted in a namespace for some
// seconds, and returns what is there.
func quiet(t *testing.T, ns string) map[string]*unstructured.Unstructured {
	t.Helper()

	const still = 3 * time.Second

	all, since := objects(t, ns), time.Now()

	eventually(t, "namespace is quiet", func(context.Context) error {
		now := objects(t, ns)
		if !maps.EqualFunc(all, now, func(a, b *unstructured.Unstructured) bool { return a.GetResourceVersion() == b.GetResourceVersion() }) {
			all, since = now, time.Now()
		}

		if time.Since(since) < still {
			return errNotYet
		}

		return nil
	})

	return all
}

// team grants a user to edit MultigresClusters and claims in a namespace, and
// nothing else, and returns the user's client.
func team(t *testing.T, ns, user string) client.Client {
	t.Helper()

	create(t, shared.Client(),
		&rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: user},
			Rules: []rbacv1.PolicyRule{{
				APIGroups: []string{v1alpha1.Group}, Resources: []string{"multigresclusters", "multigresclusterclaims"},
				Verbs: []string{"get", "list", "watch", "create", "update", "patch", "delete"},
			}},
		},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
		},
	)

	cfg, err := shared.User(user)
	if err != nil {
		t.Fatal(err)
	}

	k, err := shared.ClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}

	return k
}

// kinds are those that a cluster is made of, in a namespace.
var kinds = []schema.GroupVersionKind{
	v1alpha1.SchemeGroupVersion.WithKind("MultigresCluster"), v1alpha1.SchemeGroupVersion.WithKind("TopoServer"), v1alpha1.SchemeGroupVersion.WithKind("Cell"),
	v1alpha1.SchemeGroupVersion.WithKind("TableGroup"), v1alpha1.SchemeGroupVersion.WithKind("Shard"),
	mv1alpha1.CellRecordGroupVersionKind, mv1alpha1.DatabaseRecordGroupVersionKind, mv1alpha1.ShardRecordGroupVersionKind,
	mv1alpha1.VolumeClaimGroupVersionKind, mv1alpha1.PasswordGroupVersionKind, mv1alpha1.TLSCertificateGroupVersionKind,
	mv1alpha1.ProviderConfigGroupVersionKind,
	{Group: "protection.crossplane.io", Version: "v1beta1", Kind: "Usage"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "apps", Version: "v1", Kind: "StatefulSet"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Secret"},
	{Version: "v1", Kind: "Pod"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
}

// objects are all of the kinds that a cluster is made of in a namespace, by kind and name.
func objects(t *testing.T, ns string, only ...client.ListOption) map[string]*unstructured.Unstructured {
	t.Helper()

	all := map[string]*unstructured.Unstructured{}

	for _, gvk := range kinds {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(gvk)

		if err := shared.Client().List(t.Context(), list, append(only[:len(only):len(only)], client.InNamespace(ns))...); err != nil {
			t.Fatalf("cannot list %s: %v", gvk.Kind, err)
		}

		for i := range list.Items {
			all[gvk.Kind+" "+list.Items[i].GetName()] = &list.Items[i]
		}
	}

	// Every namespace has one, and it is nobody's.
	delete(all, "ConfigMap kube-root-ca.crt")

	return all
}
