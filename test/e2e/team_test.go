package e2e

import (
	"bytes"
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// TestTeam shows a cluster that a user makes who may edit MultigresClusters in
// one namespace and nothing else.
func TestTeam(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns := namespace(t)
	alice := team(t, ns, "alice")

	c := minimal(ns, "orders")
	create(t, alice, c)
	ready(t, c)

	if err := alice.Get(t.Context(), client.ObjectKeyFromObject(c), c); err != nil {
		t.Errorf("the user should see the cluster: %v", err)
	}

	for _, o := range []client.ObjectList{&corev1.SecretList{}, &corev1.PodList{}, &v1alpha1.ShardList{}} {
		if err := alice.List(t.Context(), o, client.InNamespace(ns)); !kerrors.IsForbidden(err) {
			t.Errorf("the user should not list %T: %v", o, err)
		}
	}

	connection(t, ns, c.Status.ConnectionSecretName, "orders")

	pods := &corev1.PodList{}
	if err := shared.Client().List(t.Context(), pods, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}

	shown("Ready with %d pods under Pod Security %s", len(pods.Items), restricted)
}

// connection checks the Secret that tells applications how to connect.
func connection(t *testing.T, ns, name, cluster string) *corev1.Secret {
	t.Helper()

	s := &corev1.Secret{}

	eventually(t, "connection secret has a password", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKey{Namespace: ns, Name: name}, s); err != nil {
			return err
		}
		if len(s.Data["password"]) == 0 {
			return errNotYet
		}

		return nil
	})

	if want := cluster + "-multigateway." + ns + ".svc"; string(s.Data["endpoint"]) != want {
		t.Errorf("the connection should lead to %s, not to %s", want, s.Data["endpoint"])
	}

	return s
}

// TestTwins shows that clusters of one name in two namespaces do not touch each other.
func TestTwins(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	a, b := minimal(namespace(t), "orders"), minimal(namespace(t), "orders")
	create(t, shared.Client(), a, b)
	ready(t, a)
	ready(t, b)

	passwords := [][]byte{}
	for _, c := range []*v1alpha1.MultigresCluster{a, b} {
		passwords = append(passwords, connection(t, c.GetNamespace(), c.Status.ConnectionSecretName, "orders").Data["password"])
	}

	if bytes.Equal(passwords[0], passwords[1]) {
		t.Error("two clusters should have two passwords")
	}

	before := versions(objects(t, b.GetNamespace()))

	if err := shared.Client().Delete(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	gone(t, a)
	ready(t, b)

	for name, uid := range versions(objects(t, b.GetNamespace())) {
		if before[name] != "" && before[name] != uid {
			t.Errorf("%s should be the same after the other cluster's deletion", name)
		}
		delete(before, name)
	}

	for name := range before {
		t.Errorf("%s should be there after the other cluster's deletion", name)
	}

	shown("one deleted, the other's objects unchanged")
}

// versions are objects' UIDs.
func versions(all map[string]*unstructured.Unstructured) map[string]types.UID {
	m := map[string]types.UID{}
	for name, o := range all {
		m[name] = o.GetUID()
	}

	return m
}

// TestClaim shows that a claim becomes a cluster in its namespace, with a
// connection Secret there, and that it goes with it.
func TestClaim(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns := namespace(t)
	bob := team(t, ns, "bob")

	claim := &unstructured.Unstructured{}
	claim.SetGroupVersionKind(v1alpha1.SchemeGroupVersion.WithKind("MultigresClusterClaim"))
	claim.SetNamespace(ns)
	claim.SetName("shop")

	_ = unstructured.SetNestedSlice(claim.Object, []any{map[string]any{"name": "zone-a", "zone": "us-central1-b"}}, "spec", "cells")
	create(t, bob, claim)

	eventually(t, "claim is ready", func(ctx context.Context) error {
		if err := bob.Get(ctx, client.ObjectKeyFromObject(claim), claim); err != nil {
			return err
		}
		if !is(claim, "Ready") {
			status, _, _ := unstructured.NestedMap(claim.Object, "status")
			return errors.Wrapf(errNotYet, "%v", status)
		}

		return nil
	})

	name, _, _ := unstructured.NestedString(claim.Object, "status", "connectionSecretName")
	connection(t, ns, name, "shop")

	cluster := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "shop"}}
	ready(t, cluster)

	if err := bob.Delete(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	gone(t, claim, cluster)

	shown("Ready, connection Secret in the claim's namespace, deleted")
}
