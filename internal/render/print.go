package render

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// WriteYAML writes all objects of the tree but its root, parents first, as they would be applied: without status, and without what
// the API server keeps about those that exist.
func WriteYAML(w io.Writer, root *Node) error {
	var err error
	root.Walk(func(n *Node, depth int) {
		if err != nil || depth == 0 {
			return
		}
		u := n.Object.DeepCopy()
		unstructured.RemoveNestedField(u.Object, "status")
		for _, f := range bookkeeping {
			unstructured.RemoveNestedField(u.Object, "metadata", f)
		}
		var b []byte
		if b, err = manifest.Encode(u); err == nil {
			_, err = w.Write(b)
		}
	})
	return errors.Wrap(err, "cannot write the tree")
}

// WriteNames writes the kind, namespace and name of every object of the tree, one a line.
func WriteNames(w io.Writer, root *Node) error {
	var err error
	root.Walk(func(n *Node, _ int) {
		if err != nil {
			return
		}
		u := n.Object
		kind := strings.ToLower(u.GetKind())
		if g := idOf(u).group; g != "" {
			kind += "." + g
		}
		where := u.GetName()
		if ns := u.GetNamespace(); ns != "" {
			where = ns + "/" + where
		}
		_, err = fmt.Fprintf(w, "%s/%s\n", kind, where)
	})
	return errors.Wrap(err, "cannot write the names")
}

// WriteTree draws the tree with kinds, names, readiness and, for composites, phase and message, and counts the objects by kind
// at its end.
func WriteTree(w io.Writer, root *Node) error {
	p := &printer{w: w, kinds: map[string]int{}}
	p.draw(root, "", "")
	p.printf("\n%d objects, %d ready: %s\n", p.total, p.ready, p.counts())
	return errors.Wrap(p.err, "cannot write the tree")
}

type printer struct {
	w            io.Writer
	err          error
	kinds        map[string]int
	total, ready int
}

func (p *printer) printf(format string, a ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, a...)
	}
}

func (p *printer) draw(n *Node, first, rest string) {
	mark := "○"
	p.total++
	p.kinds[n.Object.GetKind()]++
	if n.Ready {
		mark = "●"
		p.ready++
	}
	p.printf("%s%s %s %s%s\n", first, mark, n.Object.GetKind(), n.Object.GetName(), remark(n))
	for i, c := range n.Children {
		if i == len(n.Children)-1 {
			p.draw(c, rest+"└─ ", rest+"   ")
			continue
		}
		p.draw(c, rest+"├─ ", rest+"│  ")
	}
}

// remark is what a person wants to know about an object beside its name.
func remark(n *Node) string {
	if n.Composite {
		phase, _, _ := unstructured.NestedString(n.Object.Object, "status", "phase")
		message, _, _ := unstructured.NestedString(n.Object.Object, "status", "message")
		if phase != "" {
			return fmt.Sprintf("  [%s: %s]", phase, message)
		}
	}
	if r, ok, _ := unstructured.NestedInt64(n.Object.Object, "spec", "replicas"); ok {
		return fmt.Sprintf("  (replicas %d)", r)
	}
	return ""
}

// counts lists how many objects of each kind there are, most frequent first.
func (p *printer) counts() string {
	kinds := sortedByCount(p.kinds)
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", p.kinds[k], k)
	}
	return strings.Join(kinds, ", ")
}

func sortedByCount(kinds map[string]int) []string {
	return slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(kinds[b], kinds[a]), cmp.Compare(a, b))
	})
}
