// Package engine tests internal/engine against Crossplane's own programs, with a
// trivial function that the test serves.
package engine

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/engine"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

const (
	xr = `
apiVersion: example.org/v1
kind: X
metadata: {name: a, namespace: team, uid: u1}
spec: {size: 3}
`
	composition = `
apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata: {name: x}
spec:
  compositeTypeRef: {apiVersion: example.org/v1, kind: X}
  mode: Pipeline
  pipeline:
  - {step: only, functionRef: {name: function-x}}
`
	xrd = `
apiVersion: apiextensions.crossplane.io/v2
kind: CompositeResourceDefinition
metadata: {name: xs.example.org}
spec:
  scope: Namespaced
  group: example.org
  names: {kind: X, plural: xs}
  versions:
  - name: v1
    served: true
    referenceable: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, maximum: 5}
            x-kubernetes-validations:
            - rule: self.size != 4
              message: anything but 4
`
	template = `
apiVersion: v1
kind: ConfigMap
metadata: {name: template, namespace: team}
data: {word: hello}
`
	orphan = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: old
  namespace: team
  annotations: {crossplane.io/composition-resource-name: old}
  ownerReferences:
  - {apiVersion: example.org/v1, kind: X, name: a, uid: u1, controller: true}
`
	made = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: made
  namespace: team
  annotations: {crossplane.io/composition-resource-name: made}
  labels: {crossplane.io/composite: a}
  ownerReferences:
  - {apiVersion: example.org/v1, blockOwnerDeletion: true, controller: true, kind: X, name: a, uid: u1}
data: {word: hello}
`
)

// function composes one ConfigMap with the word of the template it requires.
// Without the field spec.size it is fatal.
type function struct {
	fnv1.UnimplementedFunctionRunnerServiceServer
}

func (function) RunFunction(_ context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	namespace := "team"
	rsp := &fnv1.RunFunctionResponse{
		Requirements: &fnv1.Requirements{Resources: map[string]*fnv1.ResourceSelector{"template": {
			ApiVersion: "v1", Kind: "ConfigMap", Namespace: &namespace,
			Match: &fnv1.ResourceSelector_MatchName{MatchName: "template"},
		}}},
	}

	spec := req.GetObserved().GetComposite().GetResource().GetFields()["spec"].GetStructValue()
	if spec.GetFields()["size"] == nil {
		rsp.Results = []*fnv1.Result{{Severity: fnv1.Severity_SEVERITY_FATAL, Message: "spec.size: Required\nspec.other: Wrong"}}
		return rsp, nil
	}

	word := "none"
	for _, r := range req.GetRequiredResources()["template"].GetItems() {
		word = r.GetResource().GetFields()["data"].GetStructValue().GetFields()["word"].GetStringValue()
	}

	cm, err := structpb.NewStruct(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "made"}, "data": map[string]any{"word": word},
	})
	if err != nil {
		return nil, err
	}

	status, err := structpb.NewStruct(map[string]any{"status": map[string]any{"size": spec.GetFields()["size"].GetNumberValue()}})
	if err != nil {
		return nil, err
	}

	rsp.Results = []*fnv1.Result{{Severity: fnv1.Severity_SEVERITY_WARNING, Message: "mind the gap"}}
	rsp.Desired = &fnv1.State{
		Composite: &fnv1.Resource{Resource: status},
		Resources: map[string]*fnv1.Resource{"made": {Resource: cm, Ready: fnv1.Ready_READY_TRUE}},
	}

	return rsp, nil
}

func programs(t *testing.T) engine.Programs {
	t.Helper()

	p, err := engine.FromEnv()
	if err != nil {
		t.Fatal(err)
	}

	return p
}

func decode(t *testing.T, doc string) *unstructured.Unstructured {
	t.Helper()

	us, err := manifest.Decode([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}

	return us[0]
}

func input(t *testing.T) engine.Input {
	t.Helper()

	address, stop, err := engine.Serve(t.Context(), function{})
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(stop)

	return engine.Input{
		Composite:   decode(t, xr),
		Composition: decode(t, composition),
		Definition:  decode(t, xrd),
		Functions:   map[string]string{"function-x": address},
		Observed:    []*unstructured.Unstructured{decode(t, orphan)},
		Required:    []*unstructured.Unstructured{decode(t, template)},
	}
}

func TestRender(t *testing.T) {
	p, in := programs(t), input(t)
	composed := []*unstructured.Unstructured{decode(t, made)}

	cases := map[string]struct {
		reason   string
		renderer engine.Renderer
		want     engine.Output
	}{
		"Core": {
			reason:   "The core composes, deletes what is no longer desired, and says what was required.",
			renderer: p.Core,
			want: engine.Output{
				Composed: composed,
				Deleted:  []*unstructured.Unstructured{decode(t, orphan)},
				Events: []engine.Event{
					{Type: "Normal", Reason: "SelectComposition", Message: "Successfully selected composition: x"},
					{Type: "Warning", Reason: "ComposeResources", Message: `Pipeline step "only": mind the gap`},
				},
				Requirements: []*fnv1.ResourceSelector{{
					ApiVersion: "v1", Kind: "ConfigMap", Namespace: new("team"),
					Match: &fnv1.ResourceSelector_MatchName{MatchName: "template"},
				}},
			},
		},
		"CLI": {
			reason:   "The CLI composes the same.",
			renderer: p.CLI,
			want: engine.Output{
				Composed: composed,
				Events:   []engine.Event{{Type: "Warning", Message: "mind the gap"}},
			},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := tc.renderer.Render(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}

			size, _, err := unstructured.NestedInt64(got.Composite.Object, "status", "size")
			if err != nil || size != 3 {
				t.Errorf("\n%s\nRender(...): want status.size 3, got %d, %v", tc.reason, size, err)
			}

			ignore := cmpopts.IgnoreFields(engine.Output{}, "Composite")
			if diff := cmp.Diff(tc.want, got, ignore, protocmp.Transform()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRenderFatal(t *testing.T) {
	p, in := programs(t), input(t)
	unstructured.RemoveNestedField(in.Composite.Object, "spec", "size")

	for name, r := range map[string]engine.Renderer{"Core": p.Core, "CLI": p.CLI} {
		t.Run(name, func(t *testing.T) {
			got, err := r.Render(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}

			if diff := cmp.Diff("spec.size: Required\nspec.other: Wrong", got.Fatal); diff != "" {
				t.Errorf("\nA fatal result's message is returned whole.\nRender(...): -want, +got:\n%s", diff)
			}

			if diff := cmp.Diff([]*unstructured.Unstructured(nil), got.Composed); diff != "" {
				t.Errorf("\nA fatal result composes nothing.\nRender(...): -want, +got:\n%s", diff)
			}
		})
	}
}

func TestRenderError(t *testing.T) {
	p, in := programs(t), input(t)
	in.Functions = map[string]string{"function-y": in.Functions["function-x"]}

	for name, r := range map[string]engine.Renderer{"Core": p.Core, "CLI": p.CLI} {
		t.Run(name, func(t *testing.T) {
			_, err := r.Render(t.Context(), in)
			if diff := cmp.Diff(cmpopts.AnyError, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\nA pipeline that names an unknown function is an error.\nRender(...): -want error, +got error:\n%s", diff)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	p := programs(t)

	schemas := filepath.Join(t.TempDir(), "xrd.yaml")
	if err := os.WriteFile(schemas, []byte(xrd), 0o600); err != nil {
		t.Fatal(err)
	}

	sized := func(spec map[string]any) *unstructured.Unstructured {
		u := decode(t, xr)
		u.Object["spec"] = spec

		return u
	}

	cases := map[string]struct {
		reason  string
		object  *unstructured.Unstructured
		missing []string
		err     error
	}{
		"Valid":        {reason: "An object that fits its schema is accepted.", object: decode(t, xr)},
		"WrongValue":   {reason: "A value out of bounds is refused.", object: sized(map[string]any{"size": int64(6)}), err: engine.ErrInvalid},
		"CEL":          {reason: "A value that breaks a CEL rule is refused.", object: sized(map[string]any{"size": int64(4)}), err: engine.ErrInvalid},
		"UnknownField": {reason: "A field that the schema lacks is refused.", object: sized(map[string]any{"size": int64(1), "sice": int64(1)}), err: engine.ErrInvalid},
		"Crossplane":   {reason: "Crossplane's own kinds have schemas, too.", object: decode(t, composition)},
		"Kubernetes":   {reason: "Kubernetes' own kinds have none.", object: decode(t, template), missing: []string{"/v1, Kind=ConfigMap"}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			missing, err := p.CLI.Validate(t.Context(), []string{schemas}, tc.object)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want error, +got error:\n%s", tc.reason, diff)
			}

			if diff := cmp.Diff(tc.missing, missing); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want missing, +got missing:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestStartFunction(t *testing.T) {
	f, err := engine.StartFunction(t.Context(), programs(t).Function)
	if err != nil {
		t.Fatal(err)
	}

	d := &net.Dialer{}

	c, err := d.DialContext(t.Context(), "tcp", f.Address)
	if err != nil {
		t.Fatalf("\nA started function listens.\nStartFunction(...): %v", err)
	}

	_ = c.Close()

	f.Stop()
	f.Stop()

	if _, err := d.DialContext(t.Context(), "tcp", f.Address); err == nil {
		t.Error("\nA stopped function does not listen.\nStop(): want an error from dialing it, got none")
	}
}
