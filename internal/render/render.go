// Package render composes whole trees of composite resources without a cluster: it calls the composition function for a
// composite, then for the composites that it composes, with what is known by then, until nothing changes any more. What a
// function sees and returns is what Crossplane would show and apply.
package render

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// mostRounds bounds how often the tree is gone through. A tree settles in about three rounds per gate.
const mostRounds = 200

// ErrUnsettled means that the tree still changed after very many rounds.
var ErrUnsettled = errors.New("the tree does not settle")

// A FatalError means that the function refused a composite.
type FatalError struct {
	// Composite says which, as in "MultigresCluster orders".
	Composite string
	// Messages are the function's, one for each fatal result.
	Messages []string
}

// nextProblem is where, in a message with several problems, the next one begins: with the path of its field.
var nextProblem = regexp.MustCompile(`; ((?:metadata|spec)\b)`)

// Error returns all messages, each problem on a line.
func (e *FatalError) Error() string {
	problems := nextProblem.ReplaceAllString(strings.Join(e.Messages, "\n"), "\n$1")
	return e.Composite + " is invalid:\n  " + strings.ReplaceAll(problems, "\n", "\n  ")
}

// A Function is a composition function.
type Function interface {
	RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error)
}

// Options say what a tree is rendered from, beside its root.
type Options struct {
	// Others are objects that exist beside the tree: templates, ConfigMaps, Secrets.
	Others []*unstructured.Unstructured
	// Observed are composed objects that exist already. Each needs the annotation crossplane.io/composition-resource-name, and
	// a controller reference to its composite unless that is the root.
	Observed []*unstructured.Unstructured
	// UntilReady plays everything outside the function: every object that is applied becomes ready, one round later.
	UntilReady bool
}

// A Node is one object of a tree.
type Node struct {
	// Key is the object's composed-resource key; empty for the root.
	Key    string
	Object *unstructured.Unstructured
	// Ready is what the function says of a composed resource; for the root, of the composite itself.
	Ready bool
	// Composite is true if the function composes the object.
	Composite bool
	// Children are ordered by kind, name and key.
	Children []*Node
}

// Render composes the tree under a root. The error is a *FatalError if the function refused one of the tree's composites.
func Render(ctx context.Context, fn Function, root *unstructured.Unstructured, o Options) (*Node, error) {
	root, err := compositeOf(root)
	if err != nil {
		return nil, err
	}
	r := &renderer{fn: fn, root: idOf(root), world: newWorld(), ready: map[id]bool{}, opts: o}
	for _, u := range o.Others {
		r.world.put(stored(u))
	}
	r.world.put(root)
	if err := r.observe(root); err != nil {
		return nil, err
	}
	for range mostRounds {
		changed, err := r.round(ctx, idOf(root))
		if err != nil {
			return nil, err
		}
		if !changed {
			return r.node("", idOf(root)), nil
		}
	}
	return nil, errors.Wrapf(ErrUnsettled, "%s %s", root.GetKind(), root.GetName())
}

type renderer struct {
	fn    Function
	root  id
	world *world
	ready map[id]bool
	opts  Options
}

// observe puts the observed objects under the composites that control them.
func (r *renderer) observe(root *unstructured.Unstructured) error {
	for _, u := range r.opts.Observed {
		key := u.GetAnnotations()[annotationKey]
		if key == "" {
			return errors.Errorf("cannot place observed %s %q: it has no annotation %s", u.GetKind(), u.GetName(), annotationKey)
		}
		u = u.DeepCopy()
		if u.GetNamespace() == "" {
			u.SetNamespace(root.GetNamespace())
		}
		owner := idOf(root)
		for _, ref := range u.GetOwnerReferences() {
			if ref.Controller != nil && *ref.Controller {
				owner = id{group: group(ref.APIVersion), kind: ref.Kind, namespace: u.GetNamespace(), name: ref.Name}
			}
		}
		r.world.adopt(owner, key, u)
	}
	return nil
}

func group(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// round composes a composite and then the composites below it, and reports whether anything changed.
func (r *renderer) round(ctx context.Context, xr id) (bool, error) {
	changed, err := r.compose(ctx, xr)
	if err != nil {
		return false, err
	}
	for _, key := range slices.Sorted(maps.Keys(r.world.composed[xr])) {
		child := r.world.composed[xr][key]
		if isComposite(child) {
			c, err := r.round(ctx, child)
			if err != nil {
				return false, err
			}
			changed = changed || c
		}
	}
	if r.opts.UntilReady {
		changed = r.play(xr) || changed
	}
	return changed, nil
}

// isComposite is true for the kinds that the function composes.
func isComposite(i id) bool {
	if i.group != v1alpha1.Group {
		return false
	}
	switch i.kind {
	case v1alpha1.MultigresClusterKind, v1alpha1.TopoServerKind, v1alpha1.CellKind, v1alpha1.TableGroupKind, v1alpha1.ShardKind, v1alpha1.XMultigresClusterKind:
		return true
	}
	return false
}

func (r *renderer) node(key string, i id) *Node {
	n := &Node{Key: key, Object: r.world.objects[i], Ready: r.ready[i], Composite: isComposite(i)}
	for k, child := range r.world.composed[i] {
		n.Children = append(n.Children, r.node(k, child))
	}
	slices.SortFunc(n.Children, func(a, b *Node) int {
		return strings.Compare(order(a), order(b))
	})
	return n
}

func order(n *Node) string {
	return strings.Join([]string{n.Object.GetKind(), n.Object.GetName(), n.Key}, "\x00")
}

// Walk calls a function for the node and everything below it, parents first.
func (n *Node) Walk(visit func(n *Node, depth int)) { n.walk(visit, 0) }

func (n *Node) walk(visit func(*Node, int), depth int) {
	visit(n, depth)
	for _, c := range n.Children {
		c.walk(visit, depth+1)
	}
}
