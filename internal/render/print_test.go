package render

import (
	"bytes"
	"io"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func tree(t *testing.T) *Node {
	t.Helper()
	n, err := Render(t.Context(), twoLevels(t), parse(t, cluster), Options{UntilReady: true})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWrite(t *testing.T) {
	cases := map[string]struct {
		reason string
		write  func(io.Writer, *Node) error
		want   string
	}{
		"Names": {
			reason: "Names are as kubectl takes them, with the namespace.",
			write:  WriteNames,
			want: `multigrescluster.multigres.com/app/orders
cell.multigres.com/app/c
service/app/s
cellrecord.m.multigres.com/app/r
`,
		},
		"YAML": {
			reason: "Objects are as they would be applied: without status, and without the root that is there already.",
			write:  WriteYAML,
			want: `---
apiVersion: multigres.com/v1alpha1
kind: Cell
metadata:
  annotations:
    crossplane.io/composition-resource-name: cell
  labels:
    crossplane.io/composite: orders
    ours: "1"
  name: c
  namespace: app
---
apiVersion: v1
kind: Service
metadata:
  annotations:
    crossplane.io/composition-resource-name: service
  labels:
    crossplane.io/composite: orders
  name: s
  namespace: app
---
apiVersion: m.multigres.com/v1alpha1
kind: CellRecord
metadata:
  annotations:
    crossplane.io/composition-resource-name: record
  labels:
    crossplane.io/composite: orders
  name: r
  namespace: app
`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := &bytes.Buffer{}
			if err := tc.write(b, tree(t)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.String()); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

var errFull = errors.New("disk full")

// full is a writer that cannot write.
type full struct{}

// Write implements io.Writer.
func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteFails(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *Node) error{"YAML": WriteYAML, "Names": WriteNames, "Tree": WriteTree} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(errFull, write(full{}, tree(t)), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\nAn error of the writer is returned.\n-want, +got:\n%s", diff)
			}
		})
	}
}

func TestWriteYAMLObserved(t *testing.T) {
	live := parse(t, `
apiVersion: v1
kind: Service
metadata:
  name: s
  namespace: app
  uid: u
  resourceVersion: "1"
  creationTimestamp: "2026-01-01T00:00:00Z"
  annotations: {crossplane.io/composition-resource-name: service}
  managedFields: [{manager: m}]
status: {a: 1}
`)
	n, err := Render(t.Context(), twoLevels(t), parse(t, `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: c, namespace: app}}`),
		Options{Observed: []*unstructured.Unstructured{live}})
	if err != nil {
		t.Fatal(err)
	}
	got := &bytes.Buffer{}
	if err := WriteYAML(got, n); err != nil {
		t.Fatal(err)
	}
	want := `---
apiVersion: v1
kind: Service
metadata:
  annotations:
    crossplane.io/composition-resource-name: service
  labels:
    crossplane.io/composite: c
  name: s
  namespace: app
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("\nWhat the API server keeps about an object is not applied again.\nWriteYAML(...): -want, +got:\n%s", diff)
	}
}
