package engine

import (
	"os"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestCoreRender(t *testing.T) {
	in := Input{
		Composite: object("X", "a", map[string]any{
			"spec": map[string]any{"n": int64(3), "f": 0.5},
			"status": map[string]any{"conditions": []any{
				map[string]any{"type": "Synced", "lastTransitionTime": "2026-01-02T03:04:05Z"},
				map[string]any{"type": "Ready", "lastTransitionTime": "2026-01-02T03:04:05Z"},
			}},
		}),
		Composition: object("Composition", "c", nil),
		Definition:  object("CompositeResourceDefinition", "xs.example.org", nil),
		Functions:   map[string]string{"function-b": "127.0.0.1:2", "function-a": "127.0.0.1:1"},
		Observed:    []*unstructured.Unstructured{keyed("o", "z"), keyed("p", "y")},
		Required:    []*unstructured.Unstructured{keyed("r", "b"), keyed("s", "a")},
	}
	out := Output{
		Composite: object("X", "a", map[string]any{
			"spec": map[string]any{"n": int64(3), "f": 0.5},
			"status": map[string]any{"conditions": []any{
				map[string]any{"type": "Ready", "lastTransitionTime": transitionTime},
				map[string]any{"type": "Synced", "lastTransitionTime": transitionTime},
			}},
		}),
		Composed:     []*unstructured.Unstructured{keyed("s", "a"), keyed("r", "b")},
		Deleted:      []*unstructured.Unstructured{keyed("p", "y"), keyed("o", "z")},
		Events:       []Event{{Type: "Normal", Reason: "function-a", Message: "127.0.0.1:1"}, {Type: "Normal", Reason: "function-b", Message: "127.0.0.1:2"}},
		Requirements: []*fnv1.ResourceSelector{{Kind: "ConfigMap"}},
	}
	fatal := out
	fatal.Fatal = "spec.a: bad\nspec.b: worse"

	type want struct {
		out Output
		err error
	}

	cases := map[string]struct {
		reason string
		role   string
		want   want
	}{
		"Success": {
			reason: "What the engine answers is decoded, whole numbers stay whole, and the order is stable.",
			role:   "core",
			want:   want{out: out},
		},
		"Fatal": {
			reason: "A fatal result is no error: its message and the partial output are returned.",
			role:   "core-fatal",
			want:   want{out: fatal},
		},
		"Failure": {
			reason: "A program that fails is an error.",
			role:   "core-fails",
			want:   want{err: cmpopts.AnyError},
		},
		"Garbage": {
			reason: "An answer that is not the protocol's is an error.",
			role:   "core-garbage",
			want:   want{err: cmpopts.AnyError},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fakeEnv, tc.role)

			got, err := Core{Path: os.Args[0]}.Render(t.Context(), in)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want error, +got error:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.want.out, got, protocmp.Transform()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
