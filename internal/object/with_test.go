package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestWithTrue(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     map[string]any
		path   []string
		want   map[string]any
	}{
		"Nothing":  {reason: "What is missing on the way is made.", path: []string{"spec", "drain"}, want: map[string]any{"spec": map[string]any{"drain": true}}},
		"NoPath":   {reason: "Without a path nothing changes.", in: map[string]any{"a": "b"}, want: map[string]any{"a": "b"}},
		"Beside":   {reason: "Its neighbours stay.", in: map[string]any{"spec": map[string]any{"a": "b"}}, path: []string{"spec", "drain"}, want: map[string]any{"spec": map[string]any{"a": "b", "drain": true}}},
		"Replaced": {reason: "Whatever was there is replaced.", in: map[string]any{"spec": "x"}, path: []string{"spec", "drain"}, want: map[string]any{"spec": map[string]any{"drain": true}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in, err := structpb.NewStruct(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			before := in.AsMap()
			if diff := cmp.Diff(tc.want, New(in).WithTrue(tc.path...).Struct().AsMap()); diff != "" {
				t.Errorf("\n%s\nWithTrue(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(before, in.AsMap()); diff != "" {
				t.Errorf("the object itself must not change: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestWithStrings(t *testing.T) {
	in := New(&structpb.Struct{Fields: map[string]*structpb.Value{"a": structpb.NewStringValue("b")}})
	want := map[string]any{"a": "b", "spec": map[string]any{"list": []any{"x", "y"}}}
	if diff := cmp.Diff(want, in.WithStrings([]string{"x", "y"}, "spec", "list").Struct().AsMap()); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if in.Has("spec") {
		t.Error("the object itself must not change")
	}
}
