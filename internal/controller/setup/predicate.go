package setup

import (
	"maps"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
)

// desired lets changes of a managed resource through that may change what is to be done: by a person or by Crossplane, not by
// the controller itself, whose reports and bookkeeping would wake it for nothing.
func desired() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		if e.ObjectOld == nil || e.ObjectNew == nil {
			return false
		}
		o, n := e.ObjectOld, e.ObjectNew
		return o.GetGeneration() != n.GetGeneration() ||
			o.GetUID() != n.GetUID() ||
			!maps.Equal(o.GetLabels(), n.GetLabels()) ||
			!maps.Equal(foreign(o), foreign(n)) ||
			repaired(o, n) ||
			// Others let go of what is being deleted, which is what its controller waits for.
			meta.WasDeleted(n) && !slices.Equal(o.GetFinalizers(), n.GetFinalizers())
	}}
}

// foreign are the annotations that the controller does not write while it works.
func foreign(o client.Object) map[string]string {
	a := maps.Clone(o.GetAnnotations())
	delete(a, guard.Annotation)
	delete(a, claims.Annotation)
	if len(a) == 0 {
		return nil
	}
	return a
}

// repaired reports whether somebody else wrote the claims: a controller never writes claims that cannot be read, and never writes
// over them.
func repaired(o, n client.Object) bool {
	before, after := o.GetAnnotations()[claims.Annotation], n.GetAnnotations()[claims.Annotation]
	return before != after && (!claims.Readable(before, o.GetUID()) || !claims.Readable(after, n.GetUID()))
}
