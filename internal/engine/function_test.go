package engine

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStartFunctionFails(t *testing.T) {
	cases := map[string]struct {
		reason string
		path   string
		role   string
		err    error
	}{
		"Exits":   {reason: "A function that ends at once is not waited for.", path: os.Args[0], role: "exits", err: ErrExited},
		"Missing": {reason: "A program that does not exist is an error.", path: "/does/not/exist", err: cmpopts.AnyError},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv(fakeEnv, tc.role)

			_, err := StartFunction(t.Context(), tc.path)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nStartFunction(...): -want error, +got error:\n%s", tc.reason, diff)
			}
		})
	}
}
