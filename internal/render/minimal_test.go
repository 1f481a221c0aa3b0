package render_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

const minimal = "../../examples/minimal/"

// TestMinimal draws the whole tree of the minimal cluster, with the function itself.
func TestMinimal(t *testing.T) {
	us, err := manifest.ReadFile(minimal + "xr.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := render.Render(t.Context(), fn.New(), us[0], render.Options{UntilReady: true})
	if err != nil {
		t.Fatal(err)
	}
	got := &bytes.Buffer{}
	if err := render.WriteTree(got, tree); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(minimal + "expected-tree.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("WriteTree(...): -want, +got (`make golden` writes it anew):\n%s", diff)
	}
}
