package topology

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
)

// Companion reports whether two managed resources of a namespace share a topology: they refer to the same configuration.
func Companion(a, b resource.ModernManaged) bool {
	kind, name, err := reference(a)
	otherKind, otherName, otherErr := reference(b)
	return err == nil && otherErr == nil && kind == otherKind && name == otherName && a.GetNamespace() == b.GetNamespace()
}

// Dependents is a watch of another kind that wakes those of a list which share a topology with what changed and are being deleted:
// they wait for it to go.
func Dependents(kube client.Reader, name string, object client.Object, list client.ObjectList) setup.Watch {
	return setup.Watch{
		Name: name, Object: object, Predicates: []predicate.Predicate{predicate.GenerationChangedPredicate{}},
		Map: func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
			mg, ok := obj.(resource.ModernManaged)
			found, ok2 := list.DeepCopyObject().(resource.ManagedList)
			if !ok || !ok2 {
				return nil, errors.Errorf("%T or %T is no managed resource", obj, list)
			}
			if err := kube.List(ctx, found, client.InNamespace(mg.GetNamespace())); err != nil {
				return nil, errors.Wrap(err, "cannot list what waits")
			}
			var waiting []resource.Managed
			for _, m := range found.GetItems() {
				modern, ok := m.(resource.ModernManaged)
				if ok && meta.WasDeleted(m) && Companion(mg, modern) {
					waiting = append(waiting, m)
				}
			}
			return setup.Requests(waiting), nil
		},
	}
}
