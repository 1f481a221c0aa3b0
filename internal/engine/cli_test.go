package engine

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestCLIRenderFails(t *testing.T) {
	in := Input{Composite: object("X", "a", nil), Composition: object("Composition", "c", nil)}

	cases := map[string]struct {
		reason string
		role   string
		want   Output
		err    error
	}{
		"Fatal": {
			reason: "A fatal result is no error.",
			role:   "cli-fatal",
			want:   Output{Fatal: "no"},
		},
		"Failure": {
			reason: "A program that fails otherwise is an error.",
			role:   "cli-fails",
			err:    cmpopts.AnyError,
		},
		"Garbage": {
			reason: "Output that is not objects is an error.",
			role:   "cli",
			err:    cmpopts.AnyError,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fakeEnv, tc.role)

			got, err := CLI{Path: os.Args[0]}.Render(t.Context(), in)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want error, +got error:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nRender(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCLIValidate(t *testing.T) {
	cases := map[string]struct {
		reason string
		role   string
		want   []string
		err    error
	}{
		"MissingSchema": {
			reason: "Kinds without a schema are named once.",
			role:   "validate",
			want:   []string{"/v1, Kind=Pod"},
		},
		"Invalid": {
			reason: "A complaint is ErrInvalid.",
			role:   "validate-invalid",
			err:    ErrInvalid,
		},
		"Failure": {
			reason: "A program that fails without a complaint is another error.",
			role:   "validate-fails",
			err:    cmpopts.AnyError,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fakeEnv, tc.role)

			got, err := CLI{Path: os.Args[0]}.Validate(t.Context(), []string{"crds"}, object("X", "a", nil))
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want error, +got error:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	result := func(severity, message string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "render.crossplane.io/v1beta1", "kind": "Result", "severity": severity, "message": message,
		}}
	}

	want := Output{
		Composite: object("X", "a", nil),
		Composed:  []*unstructured.Unstructured{object("Result", "not-ours", nil)},
		Events:    []Event{{Type: "Normal", Message: "m"}, {Type: "Warning", Message: "n"}},
	}

	got := split([]*unstructured.Unstructured{
		object("X", "a", nil), object("Result", "not-ours", nil), result("SEVERITY_NORMAL", "m"), result("SEVERITY_WARNING", "n"),
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("split(...): -want, +got:\n%s", diff)
	}
}
