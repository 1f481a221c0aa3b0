package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
)

// list lists a cluster-scoped kind.
func list(t *testing.T, gvk schema.GroupVersionKind) []unstructured.Unstructured {
	t.Helper()

	l := &unstructured.UnstructuredList{}
	l.SetGroupVersionKind(gvk)

	if err := shared.Client().List(t.Context(), l); err != nil {
		t.Fatalf("cannot list %s: %v", gvk.Kind, err)
	}

	return l.Items
}

// is tells whether a condition is True.
func is(o *unstructured.Unstructured, condition string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")

	return slices.ContainsFunc(conditions, func(c any) bool {
		m, _ := c.(map[string]any)

		return m["type"] == condition && m["status"] == "True"
	})
}

// TestInstalled shows that the install manifest installs what it should: scenario
// has waited until all packages are healthy.
func TestInstalled(t *testing.T) {
	shown := scenario(t)

	for _, kind := range []string{"Configuration", "Function", "Provider"} {
		all := list(t, schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: kind})
		if len(all) != 1 {
			t.Errorf("there should be one %s, not %d: a dependency must not be installed twice", kind, len(all))
		}
	}

	var definitions []unstructured.Unstructured

	eventually(t, "definitions are established", func(context.Context) error {
		definitions = list(t, schema.GroupVersionKind{Group: "apiextensions.crossplane.io", Version: "v2", Kind: "CompositeResourceDefinition"})
		for i := range definitions {
			if !is(&definitions[i], "Established") {
				return errors.Wrap(errNotYet, definitions[i].GetName())
			}
		}

		return nil
	})

	files, err := filepath.Glob("../../package/configuration/xrd-*.yaml")
	if err != nil || len(files) != len(definitions) {
		t.Errorf("there should be %d definitions, not %d: %v", len(files), len(definitions), err)
	}

	policy, err := manifest.ReadFile("../../package/configuration/activation.yaml")
	if err != nil {
		t.Fatal(err)
	}

	want, _, _ := unstructured.NestedStringSlice(policy[0].Object, "spec", "activate")

	var active []string

	mrds := list(t, schema.GroupVersionKind{Group: "apiextensions.crossplane.io", Version: "v1alpha1", Kind: "ManagedResourceDefinition"})
	for i := range mrds {
		if state, _, _ := unstructured.NestedString(mrds[i].Object, "spec", "state"); state == "Active" {
			active = append(active, mrds[i].GetName())
		}
	}

	slices.Sort(active)

	if diff := cmp.Diff(want, active); diff != "" {
		t.Errorf("managed resources that are active: -want, +got:\n%s", diff)
	}

	shown("%d definitions established, %d of %d managed resource definitions active", len(definitions), len(active), len(mrds))
}

// TestNotAdmin shows that Crossplane runs with the rights of its chart and our
// manifest, and so does the provider.
func TestNotAdmin(t *testing.T) {
	shown := scenario(t)

	for _, account := range []string{"crossplane", "provider-multigres", "function-multigres"} {
		user := "system:serviceaccount:" + crossplane.Namespace + ":" + account

		for _, r := range []authorizationv1.ResourceAttributes{
			{Verb: "*", Group: "*", Resource: "*"},
			{Verb: "create", Resource: "namespaces"},
			{Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "clusterrolebindings"},
			{Verb: "create", Resource: "pods", Subresource: "exec", Namespace: "default"},
			{Verb: "impersonate", Resource: "users"},
		} {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: &r}}
			create(t, shared.Client(), review)

			if review.Status.Allowed {
				t.Errorf("%s should not be allowed to %s %s: %s", account, r.Verb, r.Resource, review.Status.Reason)
			}
		}
	}

	shown("three service accounts, none of them may administer")
}

// TestUninstallRefused shows that packages on which clusters depend are not
// deleted by accident.
func TestUninstallRefused(t *testing.T) {
	shown := scenario(t)

	refused := 0

	for _, kind := range []string{"Configuration", "Function", "Provider"} {
		for _, p := range list(t, schema.GroupVersionKind{Group: "pkg.crossplane.io", Version: "v1", Kind: kind}) {
			err := shared.Client().Delete(t.Context(), &p, client.DryRunAll)
			if err == nil || !strings.Contains(err.Error(), "ClusterUsage") || !kerrors.IsConflict(err) {
				t.Errorf("deletion of %s %s should be refused because it is in use: %v", kind, p.GetName(), err)
				continue
			}

			refused++
		}
	}

	shown("deletion of %d packages refused", refused)
}

// TestPackagesFolder guards against a run with no packages.
func TestPackagesFolder(t *testing.T) {
	if _, err := os.Stat(filepath.Join(os.Getenv("XPKG_DIR"), "SHA256SUMS")); err != nil {
		t.Errorf("packages should come with their sums: %v", err)
	}
}
