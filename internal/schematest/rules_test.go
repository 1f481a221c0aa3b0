package schematest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRules(t *testing.T) {
	want := []Rule{
		{Path: "", Rule: "self.metadata.name != 'forbidden'", Message: "this name is taken"},
		{Path: "spec.labels[*]", Rule: "self != ''", Message: "a label has a value"},
		{Path: "spec.name", Rule: "self == oldSelf", Message: "name is immutable"},
		{Path: "spec.parts[*].size", Rule: "self > 0"},
	}

	if diff := cmp.Diff(want, Rules(mustLoad(t, LoadCRD, "testdata/crd.yaml"))); diff != "" {
		t.Errorf("Rules(...): -want, +got:\n%s", diff)
	}
}

func TestCheckRules(t *testing.T) {
	o := Decode(t, thing)
	sized := func(v any) map[string]any {
		return With(t, o, []any{map[string]any{"id": "a", "size": v}}, "spec", "parts")
	}

	CheckRules(t, mustLoad(t, LoadCRD, "testdata/crd.yaml"), map[string]RuleCase{
		"Root": {
			Reason:   "A rule of the whole object should be found by the empty path.",
			Message:  "this name is taken",
			Accepted: Change{New: o},
			Refused:  Change{New: With(t, o, "forbidden", "metadata", "name")},
		},
		"Value": {
			Reason:   "A rule of a map's values should be found.",
			Path:     "spec.labels[*]",
			Message:  "a label has a value",
			Accepted: Change{New: With(t, o, map[string]string{"a": "b"}, "spec", "labels")},
			Refused:  Change{New: With(t, o, map[string]string{"a": ""}, "spec", "labels")},
		},
		"Transition": {
			Reason:   "A transition rule should be shown by updates.",
			Path:     "spec.name",
			Message:  "name is immutable",
			Accepted: Change{Old: o, New: o},
			Refused:  Change{Old: o, New: With(t, o, "two", "spec", "name")},
		},
		"Element": {
			Reason:   "A rule without a message should be found by its expression.",
			Path:     "spec.parts[*].size",
			Message:  "self > 0",
			Accepted: Change{New: sized(1)},
			Refused:  Change{New: sized(0)},
		},
	})
}

func TestProblems(t *testing.T) {
	s := mustLoad(t, LoadCRD, "testdata/crd.yaml")
	o := Decode(t, thing)
	forbidden := With(t, o, "forbidden", "metadata", "name")
	root := Rules(s)[0]

	cases := map[string]struct {
		reason string
		c      RuleCase
		want   int
	}{
		"None": {
			reason: "A case that shows what its rule does has no problems.",
			c:      RuleCase{Accepted: Change{New: o}, Refused: Change{New: forbidden}},
		},
		"NotAccepted": {
			reason: "An accepted change that is refused is a problem.",
			c:      RuleCase{Accepted: Change{New: forbidden}, Refused: Change{New: forbidden}},
			want:   1,
		},
		"NotRefused": {
			reason: "A refused change that is accepted is a problem.",
			c:      RuleCase{Accepted: Change{New: o}, Refused: Change{New: o}},
			want:   1,
		},
		"RefusedByAnotherRule": {
			reason: "A change that another rule refuses says nothing about this one.",
			c:      RuleCase{Accepted: Change{New: o}, Refused: Change{Old: o, New: With(t, o, "two", "spec", "name")}},
			want:   1,
		},
		"RefusedBySchema": {
			reason: "A change that the schema refuses says nothing about the rule.",
			c:      RuleCase{Accepted: Change{New: o}, Refused: Change{New: With(t, forbidden, 0, "spec", "count")}},
			want:   1,
		},
		"NotData": {
			reason: "An object that is not data is a problem.",
			c:      RuleCase{Accepted: Change{New: map[string]any{"a": func() {}}}, Refused: Change{Old: map[string]any{"a": func() {}}, New: o}},
			want:   2,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := tc.c.problems(s, root)
			if diff := cmp.Diff(tc.want, len(got)); diff != "" {
				t.Errorf("\n%s\nproblems(...): -want, +got:\n%s\n%v", tc.reason, diff, got)
			}
		})
	}
}
