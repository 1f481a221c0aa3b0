package schematest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestObject(t *testing.T) {
	o := Decode(t, "spec: {cells: [{name: a, count: 1}]}")

	cases := map[string]struct {
		reason string
		got    map[string]any
		want   map[string]any
	}{
		"Decode": {
			reason: "Whole numbers should be as the API server has them.",
			got:    o,
			want:   map[string]any{"spec": map[string]any{"cells": []any{map[string]any{"name": "a", "count": int64(1)}}}},
		},
		"Encode": {
			reason: "A typed object should be encoded as its JSON.",
			got:    Encode(t, &corev1.LocalObjectReference{Name: "a"}),
			want:   map[string]any{"name": "a"},
		},
		"WithField": {
			reason: "A field should be set, typed or not.",
			got:    With(t, o, []string{"b"}, "spec", "cells"),
			want:   map[string]any{"spec": map[string]any{"cells": []any{"b"}}},
		},
		"WithNewField": {
			reason: "Objects on the way should be created.",
			got:    With(t, map[string]any{}, 1, "a", "b", "c"),
			want:   map[string]any{"a": map[string]any{"b": map[string]any{"c": int64(1)}}},
		},
		"WithFieldOfElement": {
			reason: "An index should lead into a list.",
			got:    With(t, o, 2, "spec", "cells", 0, "count"),
			want:   map[string]any{"spec": map[string]any{"cells": []any{map[string]any{"name": "a", "count": int64(2)}}}},
		},
		"WithElement": {
			reason: "An element should be replaced.",
			got:    With(t, o, "b", "spec", "cells", 0),
			want:   map[string]any{"spec": map[string]any{"cells": []any{"b"}}},
		},
		"Without": {
			reason: "A field should be removed from the copy only.",
			got:    Without(t, o, "spec", "cells", 0, "count"),
			want:   map[string]any{"spec": map[string]any{"cells": []any{map[string]any{"name": "a"}}}},
		},
		"WithoutNothing": {
			reason: "A field that is not there cannot be removed.",
			got:    Without(t, o, "spec", "cells", 7, "count"),
			want:   o,
		},
		"WithoutFieldOfText": {
			reason: "Text has no fields.",
			got:    Without(t, o, "spec", "cells", 0, "name", "deeper", "still"),
			want:   o,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
