package engine

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	// resourceNameKey is the annotation with a composed resource's key. Source:
	// AnnotationKeyCompositionResourceName of Crossplane.
	resourceNameKey = "crossplane.io/composition-resource-name"

	// transitionTime stands for every condition's time of transition. It is the
	// one that "crossplane render" prints, so that both programs agree.
	transitionTime = "2024-01-01T00:00:00Z"
)

// stable makes equal inputs give equal outputs: Crossplane applies resources in
// the order of a map and stamps conditions with the clock.
func stable(out Output) Output {
	sortByKey(out.Composed)
	sortByKey(out.Deleted)

	if out.Composite == nil {
		return out
	}

	conditions, ok, err := unstructured.NestedSlice(out.Composite.Object, "status", "conditions")
	if err != nil || !ok {
		return out
	}

	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok {
			m["lastTransitionTime"] = transitionTime
		}
	}

	slices.SortStableFunc(conditions, func(a, b any) int {
		return cmp.Compare(conditionType(a), conditionType(b))
	})

	// It cannot fail: the field was just read from the same place.
	_ = unstructured.SetNestedSlice(out.Composite.Object, conditions, "status", "conditions")

	return out
}

func sortByKey(us []*unstructured.Unstructured) {
	slices.SortStableFunc(us, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(
			cmp.Compare(a.GetAnnotations()[resourceNameKey], b.GetAnnotations()[resourceNameKey]),
			cmp.Compare(a.GetKind(), b.GetKind()),
			cmp.Compare(a.GetName(), b.GetName()),
		)
	})
}

func conditionType(c any) string {
	m, _ := c.(map[string]any)
	t, _ := m["type"].(string)

	return t
}
