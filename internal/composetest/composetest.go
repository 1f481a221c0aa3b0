// Package composetest helps to test composers: it reads inputs from YAML and holds whole outputs against golden files.
package composetest

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// update makes Golden write what it gets instead of comparing it: go test ./internal/compose/... -update.
var update = flag.Bool("update", false, "write golden files instead of comparing with them")

// Object reads one object from YAML.
func Object(t testing.TB, y string) object.Object {
	t.Helper()
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(y), &m); err != nil {
		t.Fatal(err)
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

// Objects reads one object per key from YAML.
func Objects(t testing.TB, ys map[string]string) map[string]object.Object {
	t.Helper()
	out := make(map[string]object.Object, len(ys))
	for k, y := range ys {
		out[k] = Object(t, y)
	}
	return out
}

// Get returns a desired resource as it would be applied.
func Get(t testing.TB, out compose.Output, key string) object.Object {
	t.Helper()
	r, ok := out.Resources[key]
	if !ok {
		t.Fatalf("the output has no resource %q, only %v", key, slices.Sorted(maps.Keys(out.Resources)))
	}
	if r.Object == nil {
		return r.Kept
	}
	s, err := object.NewEncoder().Encode(r.Object)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

// Golden holds an output's resources, status and conditions against testdata/<name>.yaml.
func Golden(t *testing.T, name string, out compose.Output) {
	t.Helper()
	got := write(t, out)
	path := filepath.Join("testdata", name+".yaml")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: -want, +got:\n%s", path, diff)
	}
}

func write(t *testing.T, out compose.Output) []byte {
	t.Helper()
	b := &bytes.Buffer{}
	document := func(title string, v any) {
		y, err := yaml.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "--- # %s\n%s", title, y)
	}
	status, err := object.NewEncoder().EncodeWithStatus(out.Status)
	if err != nil {
		t.Fatal(err)
	}
	document("status", status.AsMap())
	summary := map[string]any{"ready": out.Ready, "inProgress": out.InProgress, "conditions": out.Conditions}
	if len(out.Events) > 0 {
		summary["events"] = out.Events
	}
	if len(out.Requirements) > 0 {
		summary["requirements"] = out.Requirements
	}
	document("summary", summary)
	for _, key := range slices.Sorted(maps.Keys(out.Resources)) {
		document(fmt.Sprintf("resource %s, ready: %v", key, out.Resources[key].Ready), Get(t, out, key).Struct().AsMap())
	}
	return b.Bytes()
}
