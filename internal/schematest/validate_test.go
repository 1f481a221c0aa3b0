package schematest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const thing = `
apiVersion: example.org/v1
kind: Thing
metadata: {name: a}
spec: {name: one}
`

func mustLoad(t *testing.T, load func(string) (*Schema, error), path string) *Schema {
	t.Helper()

	s, err := load(path)
	if err != nil {
		t.Fatalf("load(...): %v", err)
	}

	return s
}

func TestValidate(t *testing.T) {
	o := Decode(t, thing)
	// The API server took this before there was a minimum.
	old := With(t, o, 0, "spec", "count")

	cases := map[string]struct {
		reason   string
		obj, old map[string]any
		want     []string
	}{
		"Valid": {
			reason: "A valid object should have no errors.",
			obj:    o,
		},
		"TypedNumber": {
			reason: "Go's numbers should be as good as decoded ones.",
			obj:    map[string]any{"metadata": map[string]any{"name": "a"}, "spec": map[string]any{"name": "one", "count": 7.0, "parts": []map[string]any{{"id": "a", "size": int32(1)}}}},
		},
		"Required": {
			reason: "A missing required field should be an error, and keep rules from being evaluated.",
			obj:    With(t, Without(t, o, "spec", "name"), "forbidden", "metadata", "name"),
			want:   []string{"spec.name"},
		},
		"Minimum": {
			reason: "A value below its minimum should be an error.",
			obj:    With(t, o, 0, "spec", "count"),
			want:   []string{"spec.count"},
		},
		"RootRule": {
			reason: "A rule of the whole object should see its name.",
			obj:    With(t, o, "forbidden", "metadata", "name"),
			want:   []string{"<nil>"},
		},
		"ListMap": {
			reason: "Two elements with one key should be an error.",
			obj:    With(t, o, []any{map[string]any{"id": "a"}, map[string]any{"id": "a"}}, "spec", "parts"),
			want:   []string{"spec.parts[1]"},
		},
		"ElementRule": {
			reason: "A rule of an element should name the element.",
			obj:    With(t, o, []any{map[string]any{"id": "a", "size": -1}}, "spec", "parts"),
			want:   []string{"spec.parts[0].size"},
		},
		"Transition": {
			reason: "A transition rule should compare the new object to the old one.",
			obj:    With(t, o, "two", "spec", "name"),
			old:    o,
			want:   []string{"spec.name"},
		},
		"InvalidUpdate": {
			reason: "An update should be validated like a creation.",
			obj:    Without(t, o, "spec", "name"),
			old:    o,
			want:   []string{"spec.name"},
		},
		"Ratcheting": {
			reason: "An update should not be refused for what it leaves unchanged.",
			obj:    With(t, old, map[string]any{"a": "b"}, "spec", "labels"),
			old:    old,
		},
		"NotEncodable": {
			reason: "An object that is not data should be an error.",
			obj:    map[string]any{"spec": func() {}},
			want:   []string{"<nil>"},
		},
		"OldNotEncodable": {
			reason: "An object that is not data should be an error.",
			obj:    o,
			old:    map[string]any{"spec": func() {}},
			want:   []string{"<nil>"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range mustLoad(t, LoadCRD, "testdata/crd.yaml").Validate(tc.obj, tc.old) {
				got = append(got, err.Field)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want fields, +got fields:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDefault(t *testing.T) {
	s := mustLoad(t, LoadCRD, "testdata/crd.yaml")

	cases := map[string]struct {
		reason string
		obj    map[string]any
		want   map[string]any
	}{
		"Absent": {
			reason: "A field that is absent should get its default.",
			obj:    Decode(t, thing),
			want:   With(t, Decode(t, thing), 3, "spec", "count"),
		},
		"Null": {
			reason: "A null should be as good as absent.",
			obj:    With(t, With(t, Decode(t, thing), nil, "spec", "count"), nil, "spec", "labels"),
			want:   With(t, Decode(t, thing), 3, "spec", "count"),
		},
		"Present": {
			reason: "A field that is there should stay.",
			obj:    With(t, Decode(t, thing), 5, "spec", "count"),
			want:   With(t, Decode(t, thing), 5, "spec", "count"),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s.Default(tc.obj)

			if diff := cmp.Diff(tc.want, tc.obj); diff != "" {
				t.Errorf("\n%s\nDefault(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestPruneUnknown(t *testing.T) {
	xr := With(t, Decode(t, thing), map[string]any{"compositionUpdatePolicy": "Automatic", "misspelt": true}, "spec", "crossplane")

	cases := map[string]struct {
		reason string
		schema *Schema
		obj    map[string]any
		want   []string
		pruned map[string]any
	}{
		"Known": {
			reason: "Fields that the schema knows should stay.",
			schema: mustLoad(t, LoadCRD, "testdata/crd.yaml"),
			obj:    Decode(t, thing),
			pruned: Decode(t, thing),
		},
		"Unknown": {
			reason: "Fields that the schema does not know should be removed and named.",
			schema: mustLoad(t, LoadCRD, "testdata/crd.yaml"),
			obj:    With(t, With(t, Decode(t, thing), 1, "status"), 1, "spec", "misspelt"),
			want:   []string{"spec.misspelt", "status"},
			pruned: Decode(t, thing),
		},
		"CompositeResource": {
			reason: "What Crossplane adds to a composite resource should be known.",
			schema: mustLoad(t, LoadXRD, "testdata/xrd.yaml"),
			obj:    xr,
			want:   []string{"spec.crossplane.misspelt"},
			pruned: Without(t, xr, "spec", "crossplane", "misspelt"),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.schema.PruneUnknown(tc.obj)); diff != "" {
				t.Errorf("\n%s\nPruneUnknown(...): -want, +got:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.pruned, tc.obj); diff != "" {
				t.Errorf("\n%s\nPruneUnknown(...): -want object, +got object:\n%s", tc.reason, diff)
			}
		})
	}
}
