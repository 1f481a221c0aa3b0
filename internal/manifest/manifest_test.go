package manifest

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func object(kind, name string, more map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.org/v1", "kind": kind, "metadata": map[string]any{"name": name},
	}}
	maps.Copy(u.Object, more)
	return u
}

func TestDecode(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   []*unstructured.Unstructured
		err    error
	}{
		"Several": {
			reason: "Every document that holds something is an object, in order; whole numbers are int64.",
			in:     "# nothing here\n---\n{apiVersion: example.org/v1, kind: A, metadata: {name: a}, spec: {size: 3, part: 0.5}}\n---\n\n---\n{apiVersion: example.org/v1, kind: B, metadata: {name: b}}\n",
			want:   []*unstructured.Unstructured{object("A", "a", map[string]any{"spec": map[string]any{"size": int64(3), "part": 0.5}}), object("B", "b", nil)},
		},
		"List": {
			reason: "A list, as kubectl prints several objects, is taken apart.",
			in:     "{apiVersion: v1, kind: List, items: [{apiVersion: example.org/v1, kind: A, metadata: {name: a}}, {apiVersion: example.org/v1, kind: B, metadata: {name: b}}]}",
			want:   []*unstructured.Unstructured{object("A", "a", nil), object("B", "b", nil)},
		},
		"Nothing": {reason: "A stream without objects has none."},
		"NoKind":  {reason: "A document without a kind is refused.", in: "{apiVersion: example.org/v1}", err: cmpopts.AnyError},
		"Scalar":  {reason: "A document that is no object is refused.", in: "just words", err: cmpopts.AnyError},
		"NotYAML": {reason: "What is not YAML is refused.", in: "{{", err: cmpopts.AnyError},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(tc.in))
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nDecode(...): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nDecode(...): -want, +got:\n%s", tc.reason, diff)
			}
			b, err := Encode(got...)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("\n%s\nDecode(Encode(...)): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(path, []byte("{apiVersion: example.org/v1, kind: A, metadata: {name: a}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*unstructured.Unstructured{object("A", "a", nil)}, got); diff != "" {
		t.Errorf("ReadFile(...): -want, +got:\n%s", diff)
	}
	_, err = ReadFile(path + ".absent")
	if diff := cmp.Diff(os.ErrNotExist, err, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("\nA file that is not there can be told from one that cannot be read.\nReadFile(...): -want error, +got error:\n%s", diff)
	}
}

func TestStructs(t *testing.T) {
	want := object("A", "a", map[string]any{"spec": map[string]any{"size": int64(3), "part": 0.5, "list": []any{"x", true, nil}}})
	s, err := ToStruct(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := FromStruct(s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nAn object survives protobuf; whole numbers stay whole.\nFromStruct(ToStruct(...)): -want, +got:\n%s", diff)
	}
	if s, err := ToStruct(nil); s != nil || err != nil {
		t.Errorf("\nNo object stays none.\nToStruct(nil): got %v, %v", s, err)
	}
	if u, err := FromStruct(nil); u != nil || err != nil {
		t.Errorf("\nNo object stays none.\nFromStruct(nil): got %v, %v", u, err)
	}
}
