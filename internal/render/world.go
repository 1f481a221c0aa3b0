package render

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// An id identifies an object in a World.
type id struct {
	group, kind, namespace, name string
}

func idOf(u *unstructured.Unstructured) id {
	return id{group: u.GroupVersionKind().Group, kind: u.GetKind(), namespace: u.GetNamespace(), name: u.GetName()}
}

// A world is all that an offline control plane knows: a tree of composed objects, and everything else that was given.
type world struct {
	objects map[id]*unstructured.Unstructured
	// composed holds, for each composite, its composed objects by their key.
	composed map[id]map[string]id
}

func newWorld() *world {
	return &world{objects: map[id]*unstructured.Unstructured{}, composed: map[id]map[string]id{}}
}

// put adds or replaces an object.
func (w *world) put(u *unstructured.Unstructured) { w.objects[idOf(u)] = u }

// adopt notes that a composite composes an object under a key.
func (w *world) adopt(xr id, key string, u *unstructured.Unstructured) {
	if w.composed[xr] == nil {
		w.composed[xr] = map[string]id{}
	}
	w.composed[xr][key] = idOf(u)
	w.put(u)
}

// drop removes what a composite composes under a key, and everything below it.
func (w *world) drop(xr id, key string) {
	child, ok := w.composed[xr][key]
	if !ok {
		return
	}
	for k := range w.composed[child] {
		w.drop(child, k)
	}
	delete(w.composed, child)
	delete(w.composed[xr], key)
	delete(w.objects, child)
}

// children returns the composed objects of a composite by key.
func (w *world) children(xr id) map[string]*unstructured.Unstructured {
	out := make(map[string]*unstructured.Unstructured, len(w.composed[xr]))
	for key, child := range w.composed[xr] {
		out[key] = w.objects[child]
	}
	return out
}

// find returns all objects that a selector matches, ordered by namespace and name.
func (w *world) find(apiVersion, kind, namespace, name string, match map[string]string) []*unstructured.Unstructured {
	var out []*unstructured.Unstructured
	sel := labels.SelectorFromSet(match)
	for _, u := range w.objects {
		switch {
		case u.GetAPIVersion() != apiVersion, u.GetKind() != kind:
		case namespace != "" && u.GetNamespace() != namespace:
		case name != "" && u.GetName() != name:
		case !sel.Matches(labels.Set(u.GetLabels())):
		default:
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(a, b *unstructured.Unstructured) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	return out
}
