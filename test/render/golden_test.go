package render

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// TestGolden holds what `kubectl multigres render` prints for each example against the example's golden files: all objects, the
// tree, and the status of the composite that the user wrote.
func TestGolden(t *testing.T) {
	for _, name := range valid(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := tree(t, name)
			yaml, drawn := &bytes.Buffer{}, &bytes.Buffer{}
			if err := render.WriteYAML(yaml, e.tree); err != nil {
				t.Fatal(err)
			}
			if err := render.WriteTree(drawn, e.tree); err != nil {
				t.Fatal(err)
			}
			status, err := manifest.Encode(e.tree.Object)
			if err != nil {
				t.Fatal(err)
			}
			e.golden(t, fileExpected, yaml.Bytes())
			e.golden(t, fileTree, drawn.Bytes())
			e.golden(t, fileStatus, status)

			if len(e.observed) == 0 && !e.tree.Ready {
				t.Errorf("An example must become ready once everything outside the function is.\nThe tree:\n%s", drawn)
			}
		})
	}
}

// TestClaimComposite proves that the composite which the example of a claim has for `crossplane render` is what the claim becomes.
func TestClaimComposite(t *testing.T) {
	e := tree(t, "claim")
	want := e.tree.Object.DeepCopy()
	delete(want.Object, "status")
	if diff := cmp.Diff(want.Object, one(t, filepath.Join(e.dir, "composite.yaml")).Object); diff != "" {
		t.Errorf("composite.yaml: -want, +got:\n%s", diff)
	}
}

// TestInvalid holds the messages for the example that is invalid against its golden file.
func TestInvalid(t *testing.T) {
	e := load(t, invalid)
	var fatal *render.FatalError
	if !errors.As(e.err, &fatal) {
		t.Fatalf("The function must refuse the example. Render(...): want a FatalError, got %v", e.err)
	}
	e.golden(t, fileError, []byte(fatal.Error()+"\n"))
}

// lines is the difference between two texts, line by line and not all of it.
func lines(want, got string) string {
	const most = 6000
	d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	if len(d) > most {
		return d[:most] + "\n... and more"
	}
	return d
}
