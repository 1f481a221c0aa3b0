package schematest

import (
	"fmt"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// Decode returns the object in the supplied YAML document. It ends the test if that is not one.
func Decode(tb testing.TB, document string) map[string]any {
	tb.Helper()

	obj := map[string]any{}
	if err := yaml.Unmarshal([]byte(document), &obj); err != nil {
		tb.Fatalf("Decode(...): %v", err)
	}

	obj, err := normalize(obj)
	if err != nil {
		tb.Fatalf("Decode(...): %v", err)
	}

	return obj
}

// Encode returns the object that the supplied typed object is encoded as. It ends the test if that is not one.
func Encode(tb testing.TB, typed any) map[string]any {
	tb.Helper()

	obj, err := normalize(typed)
	if err != nil {
		tb.Fatalf("Encode(...): %v", err)
	}

	return obj
}

// With returns a copy of the supplied object with the field at the supplied path set to the supplied value. The path
// consists of the names of fields and the indices of elements, as in "spec", "cells", 0, "name". Objects on the way are
// created, elements are not. It ends the test if there is no such path.
func With(tb testing.TB, obj map[string]any, value any, path ...any) map[string]any {
	tb.Helper()

	out, err := normalize(obj)
	if err != nil {
		tb.Fatalf("With(...): %v", err)
	}

	last := len(path) - 1
	if err := set(descend(out, path[:last], true), path[last], value); err != nil {
		tb.Fatalf("With(%v): %v", path, err)
	}

	return Encode(tb, out)
}

// Without returns a copy of the supplied object without the field at the supplied path, which is as for With and ends with
// the name of a field. It is no error if there is no such field.
func Without(tb testing.TB, obj map[string]any, path ...any) map[string]any {
	tb.Helper()

	out, err := normalize(obj)
	if err != nil {
		tb.Fatalf("Without(...): %v", err)
	}

	last := len(path) - 1
	if parent, ok := descend(out, path[:last], false).(map[string]any); ok {
		delete(parent, fmt.Sprint(path[last]))
	}

	return out
}

// descend returns what is at the supplied path, or nil.
func descend(at any, path []any, create bool) any {
	for _, step := range path {
		switch parent := at.(type) {
		case map[string]any:
			name := fmt.Sprint(step)
			if _, ok := parent[name]; !ok && create {
				parent[name] = map[string]any{}
			}

			at = parent[name]
		case []any:
			i, ok := step.(int)
			if !ok || i < 0 || i >= len(parent) {
				return nil
			}

			at = parent[i]
		default:
			return nil
		}
	}

	return at
}

func set(parent, step, value any) error {
	switch parent := parent.(type) {
	case map[string]any:
		parent[fmt.Sprint(step)] = value
		return nil
	case []any:
		i, ok := step.(int)
		if !ok || i < 0 || i >= len(parent) {
			return errors.Errorf("no element %v in a list of %d", step, len(parent))
		}

		parent[i] = value

		return nil
	}

	return errors.Errorf("no object or list to set %v in", step)
}

// normalize returns a deep copy of an object that consists only of the types that the API server decodes JSON into: whole
// numbers are int64, and slices and maps are untyped.
func normalize(obj any) (map[string]any, error) {
	b, err := json.Marshal(obj)
	if err != nil {
		return nil, errors.Wrap(err, "cannot encode object")
	}

	out := map[string]any{}

	return out, errors.Wrap(json.Unmarshal(b, &out), "cannot decode object")
}
