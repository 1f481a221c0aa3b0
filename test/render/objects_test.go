package render

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

func decode(t *testing.T, r *fnv1.Resource) *unstructured.Unstructured {
	t.Helper()
	u, err := manifest.FromStruct(r.GetResource())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func identity(u *unstructured.Unstructured) string {
	return strings.Join([]string{u.GroupVersionKind().Group, u.GetKind(), u.GetNamespace(), u.GetName()}, "/")
}

// uidOf returns a UID that follows from the object's identity.
func uidOf(u *unstructured.Unstructured) types.UID {
	h := sha256.Sum256([]byte(identity(u)))
	return types.UID(fmt.Sprintf("%x-%x-4%x-8%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])[:36])
}

func controlledBy(xr *unstructured.Unstructured) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{
		APIVersion: xr.GetAPIVersion(), Kind: xr.GetKind(), Name: xr.GetName(), UID: xr.GetUID(), Controller: &yes, BlockOwnerDeletion: &yes,
	}}
}

// applied is an object of the tree as it would be applied: without what the API server keeps about it.
func applied(u *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	delete(u.Object, "status")
	for _, f := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences", "generateName"} {
		unstructured.RemoveNestedField(u.Object, "metadata", f)
	}
	return u
}

func composed(us []*unstructured.Unstructured) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(us))
	for _, u := range us {
		out = append(out, applied(u))
	}
	return out
}

// bare is a composed object without what Crossplane adds to what the function answered.
func bare(u, xr *unstructured.Unstructured) *unstructured.Unstructured {
	u = applied(u)
	if ns := xr.GetNamespace(); ns != "" {
		u.SetNamespace(ns)
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "annotations", annotationKey)
	for _, l := range []string{labelComposite, "crossplane.io/claim-name", "crossplane.io/claim-namespace"} {
		unstructured.RemoveNestedField(u.Object, "metadata", "labels", l)
	}
	for _, f := range []string{"labels", "annotations"} {
		if m, ok, _ := unstructured.NestedMap(u.Object, "metadata", f); ok && len(m) == 0 {
			unstructured.RemoveNestedField(u.Object, "metadata", f)
		}
	}
	return u
}

func byKey(us []*unstructured.Unstructured) map[string]map[string]any {
	out := make(map[string]map[string]any, len(us))
	for _, u := range us {
		out[u.GetAnnotations()[annotationKey]] = u.Object
	}
	return out
}

// status is a composite's status without the times of its conditions, which the plugin does not make up, and without conditions of
// the given types.
func status(u *unstructured.Unstructured, without ...string) map[string]any {
	st, _, _ := unstructured.NestedMap(u.Object, "status")
	cs, _, _ := unstructured.NestedSlice(st, "conditions")
	kept := []any{}
	for _, c := range cs {
		m := c.(map[string]any)
		delete(m, "lastTransitionTime")
		if typ, _ := m["type"].(string); !slices.Contains(without, typ) {
			kept = append(kept, m)
		}
	}
	if st != nil {
		st["conditions"] = kept
		// With it Crossplane remembers which conditions a claim shares.
		delete(st, "claimConditionTypes")
	}
	return st
}

// stamp gives every condition of a status the time that it needs to fit its schema.
func stamp(status map[string]any, at metav1.Time) {
	cs, _ := status["conditions"].([]any)
	for _, c := range cs {
		c.(map[string]any)["lastTransitionTime"] = at.UTC().Format(time.RFC3339)
	}
}

func errorsAs(err error, target **render.FatalError) bool { return errors.As(err, target) }
