package engine

import (
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	renderv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/internal/engine/render/v1alpha1"
)

// fakeEnv makes this test's own program play one of the programs it drives: the
// value names which, and what happens to it.
const fakeEnv = "ENGINE_FAKE"

func TestMain(m *testing.M) {
	if role := os.Getenv(fakeEnv); role != "" {
		os.Exit(fake(role))
	}

	os.Exit(m.Run())
}

// fake plays a program and returns its exit code.
func fake(role string) int {
	switch role {
	case "core":
		return fakeCore(0)
	case "core-fatal":
		fmt.Fprintln(os.Stderr, `crossplane: error: cannot compose: pipeline step "a" returned a fatal result: spec.a: bad`)
		fmt.Fprintln(os.Stderr, `                   spec.b: worse`)

		return fakeCore(exitFatal)
	case "core-garbage":
		fmt.Print("garbage")
		return 0
	case "cli":
		fmt.Println(strings.Join(os.Args[1:], "\n"))
		return 0
	case "cli-fatal":
		fmt.Fprintln(os.Stderr, `crossplane: error: cannot render: pipeline step "a" returned a fatal result: no`)
		return 1
	case "validate":
		fmt.Println("[!] could not find CRD/XRD for: /v1, Kind=Pod")
		fmt.Println("[!] could not find CRD/XRD for: /v1, Kind=Pod")

		return 0
	case "validate-invalid":
		fmt.Println(`[x] schema validation error example.org/v1, Kind=X, a : spec.n: Invalid value: "string"`)
		return 1
	case "exits":
		fmt.Println("cannot serve")
		return 1
	}

	fmt.Fprintln(os.Stderr, "crossplane: error: boom")

	return 2
}

// fakeCore answers with the composite resource and one composed resource per
// function, per observed and per required resource.
func fakeCore(code int) int {
	in, _ := io.ReadAll(os.Stdin)

	req := &renderv1alpha1.RenderRequest{}
	if err := proto.Unmarshal(in, req); err != nil {
		return 4
	}

	c := req.GetComposite()
	out := &renderv1alpha1.CompositeOutput{
		CompositeResource: c.GetCompositeResource(),
		DeletedResources:  c.GetObservedResources(),
		ComposedResources: c.GetRequiredResources(),
		RequiredResources: []*structpb.Struct{{Fields: map[string]*structpb.Value{"kind": structpb.NewStringValue("ConfigMap")}}},
	}

	for _, f := range c.GetFunctions() {
		out.Events = append(out.Events, &renderv1alpha1.Event{Type: "Normal", Reason: f.GetName(), Message: f.GetAddress()})
	}

	bs, _ := proto.Marshal(&renderv1alpha1.RenderResponse{Output: &renderv1alpha1.RenderResponse_Composite{Composite: out}})
	_, _ = os.Stdout.Write(bs)

	return code
}

func object(kind, name string, more map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.org/v1", "kind": kind}}
	maps.Copy(u.Object, more)

	u.SetName(name)

	return u
}

func keyed(name, key string) *unstructured.Unstructured {
	u := object("Thing", name, nil)
	u.SetAnnotations(map[string]string{resourceNameKey: key})

	return u
}

func TestFromEnv(t *testing.T) {
	t.Setenv(EnvCore, "/core")
	t.Setenv(EnvCLI, "/cli")
	t.Setenv(EnvSchemas, "/schemas")
	t.Setenv(EnvFunction, "/function")

	want := Programs{Core: Core{Path: "/core"}, CLI: CLI{Path: "/cli", Schemas: "/schemas"}, Function: "/function"}

	got, err := FromEnv()
	if diff := cmp.Diff(nil, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("FromEnv(): -want error, +got error:\n%s", diff)
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FromEnv(): -want, +got:\n%s", diff)
	}

	for _, k := range []string{EnvCore, EnvCLI, EnvSchemas, EnvFunction} {
		t.Run(k, func(t *testing.T) {
			t.Setenv(k, "")

			_, err := FromEnv()
			if diff := cmp.Diff(ErrNotBuilt, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("FromEnv() without %s: -want error, +got error:\n%s", k, diff)
			}
		})
	}
}
