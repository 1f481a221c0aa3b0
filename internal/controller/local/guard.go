package local

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// errStale is why a change is put off.
var errStale = errors.New("it has changed since it was read")

// A Guarded client changes and deletes an external resource only on behalf of a managed resource that the API server still
// holds as it was read. Caches lag behind: an old desire must not undo a newer one, and the deletion of a managed resource must
// not take what belongs to its successor of the same name. Creation needs no guard, because the managed reconciler writes the
// managed resource before it.
type Guarded[T resource.Managed] struct {
	managed.TypedExternalClient[T]

	// Live reads managed resources past the cache.
	Live client.Reader
}

// Update the external resource. The error is a conflict if the managed resource is stale.
func (g *Guarded[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	if err := g.current(ctx, mg); err != nil {
		return managed.ExternalUpdate{}, err
	}
	return g.TypedExternalClient.Update(ctx, mg)
}

// Delete the external resource. The error is a conflict if the managed resource is stale.
func (g *Guarded[T]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	if err := g.current(ctx, mg); err != nil {
		return managed.ExternalDelete{}, err
	}
	return g.TypedExternalClient.Delete(ctx, mg)
}

func (g *Guarded[T]) current(ctx context.Context, mg T) error {
	conflict := kerrors.NewConflict(schema.GroupResource{Resource: "managed resource"}, mg.GetName(), errStale)
	live, ok := mg.DeepCopyObject().(T)
	if !ok {
		return conflict
	}
	err := g.Live.Get(ctx, client.ObjectKeyFromObject(mg), live)
	if kerrors.IsNotFound(err) {
		return conflict
	}
	if err != nil {
		return errors.Wrap(err, "cannot get managed resource")
	}
	// The generation counts changes of the spec and the beginning of a deletion.
	if live.GetUID() != mg.GetUID() || live.GetGeneration() != mg.GetGeneration() {
		return conflict
	}
	return nil
}
