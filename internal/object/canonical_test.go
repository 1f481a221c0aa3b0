package object

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
)

// TestAppendCanonical holds that no two values which differ are written alike, and that the order of a map does not matter.
func TestAppendCanonical(t *testing.T) {
	values := []any{
		nil, true, false, 0.0, 1.0, -1.0, "", "a", "ab", "t",
		[]any{},
		[]any{nil},
		[]any{"a", "b"},
		[]any{"ab"},
		[]any{[]any{"a"}, "b"},
		map[string]any{},
		map[string]any{"a": "b"},
		map[string]any{"a": nil},
		map[string]any{"a": "b", "c": "d"},
		map[string]any{"a": map[string]any{"b": "c"}},
		map[string]any{"ab": ""},
	}
	seen := map[string]int{}
	for i, v := range values {
		p, err := structpb.NewValue(v)
		if err != nil {
			t.Fatal(err)
		}
		first := AppendCanonical(nil, p)
		if other, ok := seen[string(first)]; ok {
			t.Errorf("%v and %v are written alike", values[other], v)
		}
		seen[string(first)] = i
		for range 20 {
			if !bytes.Equal(first, AppendCanonical(nil, p)) {
				t.Fatalf("%v is written in two ways", v)
			}
		}
	}
}
