package controlplane

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// namespacePrefixLength leaves room for what the API server adds to a name
	// that must not be longer than 63.
	namespacePrefixLength = 40

	// cleanup bounds what is done after a test.
	cleanup = time.Minute

	// look is the pause between two looks at what a test waits for. Some list all
	// that is in a namespace.
	look = 200 * time.Millisecond
)

// notInName matches what a namespace's name cannot have.
var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// Start starts a control plane that stops when the test ends. When the test has
// failed, the logs are kept.
func Start(t testing.TB, o Options) *ControlPlane {
	t.Helper()

	c, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if t.Failed() {
			c.keep(t, "")
		}
		c.Stop()
	})

	return c
}

// Namespace makes a namespace for a test, named after it, with labels given as
// key, value. When the test ends it is deleted, without waiting; when it has
// failed, everything that is in it is kept first, and the logs.
func (c *ControlPlane) Namespace(t testing.TB, labels ...string) string {
	t.Helper()

	prefix := strings.Trim(notInName.ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), "-"), "-")
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: prefix[:min(len(prefix), namespacePrefixLength)] + "-",
		Labels:       map[string]string{},
	}}
	for i := 0; i+1 < len(labels); i += 2 {
		ns.Labels[labels[i]] = labels[i+1]
	}

	if err := c.client.Create(t.Context(), ns); err != nil {
		t.Fatalf("cannot create namespace: %v", err)
	}

	name := ns.GetName()

	t.Cleanup(func() {
		if t.Failed() {
			c.keep(t, name)
		}

		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanup)
		defer cancel()

		if err := client.IgnoreNotFound(c.client.Delete(ctx, ns)); err != nil {
			t.Errorf("cannot delete namespace: %v", err)
		}
	})

	if c.controllerManager != nil {
		// Pods are refused without it.
		Eventually(t, startTimeout, "namespace has a service account", func(ctx context.Context) error {
			return c.client.Get(ctx, client.ObjectKey{Namespace: name, Name: "default"}, &corev1.ServiceAccount{})
		})
	}

	return name
}

// Eventually polls until a condition holds, and fails the test with the last
// error if it does not in time.
func Eventually(t testing.TB, timeout time.Duration, what string, ok func(context.Context) error) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()

	for {
		err := ok(ctx)
		if err == nil {
			return
		}

		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s: %v", timeout, what, err)
		case <-time.After(look):
		}
	}
}

// keep writes artifacts, and says so.
func (c *ControlPlane) keep(t testing.TB, namespace string) {
	t.Helper()

	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanup)
	defer cancel()

	dir, err := c.Artifacts(ctx, t.Name(), namespace)
	if err != nil {
		t.Log(errors.Wrap(err, "cannot keep all artifacts"))
	}

	t.Logf("artifacts are in %s", dir)
}
