package cluster

import (
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
)

// An assembly puts together what a cluster is composed of, and remembers in which order: what comes first is what the rest
// waits for.
type assembly struct {
	in    compose.Input
	c     *cluster
	s     *compose.Set
	parts []part

	// awaited is what the cluster waits for and does not compose itself.
	awaited []string

	// removals are what is on its way out because the spec does not ask for it any more.
	removals compose.Removals
}

// A part is a composed resource under the name by which a person knows it.
type part struct {
	key  string
	name string
}

func newAssembly(in compose.Input, c *cluster) *assembly {
	return &assembly{in: in, c: c, s: compose.NewSet(in.Observed)}
}

// add wants a resource to exist.
func (a *assembly) add(key string, o compose.Object) { a.addNamed(true, "", key, o, o.GetName()) }

// addWhen wants a resource to exist and holds its creation back until the gate is open.
func (a *assembly) addWhen(open bool, reason, key string, o compose.Object) {
	a.addNamed(open, reason, key, o, o.GetName())
}

// addNamed is addWhen for a resource that a person knows by another name than its own.
func (a *assembly) addNamed(open bool, reason, key string, o compose.Object, name string) {
	a.s.AddWhen(open, reason, key, o)
	a.parts = append(a.parts, part{key: key, name: o.GetObjectKind().GroupVersionKind().Kind + " " + name})
}
