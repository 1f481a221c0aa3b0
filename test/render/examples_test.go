package render

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// update makes the tests write golden files instead of comparing with them.
var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Where things are, seen from this folder.
const (
	examplesDir      = "../../examples"
	configurationDir = "../../package/configuration"
	crdsDir          = "../../package/provider/crds"
)

// Files of an example. Only the first one must exist.
const (
	fileRoot      = "xr.yaml"
	fileTemplates = "templates.yaml"
	fileRequired  = "required.yaml"
	fileObserved  = "observed.yaml"

	fileExpected = "expected.yaml"
	fileTree     = "expected-tree.txt"
	fileStatus   = "expected-status.yaml"
	fileError    = "expected-error.txt"
)

// invalid is the example that the function refuses.
const invalid = "invalid"

// told is when the stories with observed objects are told. The other examples do not depend on the time.
var told = time.Date(2026, 3, 4, 14, 25, 0, 0, time.UTC)

// An example is one folder of examples, read and rendered.
type example struct {
	name string
	dir  string

	// root is what the user wrote.
	root *unstructured.Unstructured
	// others exist beside the tree.
	others []*unstructured.Unstructured
	// observed are composed objects that exist already.
	observed []*unstructured.Unstructured

	// tree is what the plugin renders until everything is ready, and calls are what it asked the function, each once.
	tree  *render.Node
	calls []call
	// err is why there is no tree.
	err error
}

var (
	examples   = map[string]*example{}
	examplesMu sync.Mutex
)

// names returns the names of all examples.
func names(t *testing.T) []string {
	t.Helper()
	roots, err := filepath.Glob(filepath.Join(examplesDir, "*", fileRoot))
	if err != nil || len(roots) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	out := make([]string, 0, len(roots))
	for _, r := range roots {
		out = append(out, filepath.Base(filepath.Dir(r)))
	}
	return out
}

// valid returns the names of the examples that have a tree.
func valid(t *testing.T) []string {
	t.Helper()
	return slices.DeleteFunc(names(t), func(name string) bool { return name == invalid })
}

// tree returns an example that has a tree.
func tree(t *testing.T, name string) *example {
	t.Helper()
	e := load(t, name)
	if e.err != nil {
		t.Fatal(e.err)
	}
	return e
}

// load reads and renders an example, once for all tests.
func load(t *testing.T, name string) *example {
	t.Helper()
	examplesMu.Lock()
	defer examplesMu.Unlock()
	if e, ok := examples[name]; ok {
		return e
	}
	e := &example{name: name, dir: filepath.Join(examplesDir, name)}
	roots := objects(t, filepath.Join(e.dir, fileRoot))
	if len(roots) != 1 {
		t.Fatalf("%s must hold one object, it holds %d", fileRoot, len(roots))
	}
	e.root = roots[0]
	e.others = append(objects(t, filepath.Join(e.dir, fileTemplates)), objects(t, filepath.Join(e.dir, fileRequired))...)
	if _, ok := stories[name]; *update && (ok || name == running) {
		e.golden(t, fileObserved, e.formerFile(t))
	}
	e.observed = objects(t, filepath.Join(e.dir, fileObserved))

	r := &recorder{fn: fn.New(fn.At(told)), seen: map[string]bool{}}
	e.tree, e.err = render.Render(t.Context(), r, e.root, render.Options{
		Others: e.others, Observed: e.observed, UntilReady: len(e.observed) == 0,
	})
	e.calls = r.calls
	examples[name] = e
	return e
}

// objects reads the objects of a file that need not exist.
func objects(t *testing.T, path string) []*unstructured.Unstructured {
	t.Helper()
	us, err := manifest.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return us
}

// golden compares what a test got with a file of the example, or writes the file.
func (e *example) golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join(e.dir, file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := lines(string(want), string(got)); d != "" {
		t.Errorf("%s: -want, +got (`make golden` writes it anew):\n%s", path, d)
	}
}
