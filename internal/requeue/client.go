package requeue

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
)

// client clears the hint of a reconcile that fails. It is the outermost of all wrappers of an external client, because the
// managed reconciler shows errors in conditions and does not return them.
type client[T resource.Managed] struct {
	inner managed.TypedExternalClient[T]
}

// Connector wraps a connector so that no wish outlives a failure of its external clients.
func Connector[T resource.Managed](inner managed.TypedExternalConnector[T]) managed.TypedExternalConnector[T] {
	return managed.TypedExternalConnectorFn[T](func(ctx context.Context, mg T) (managed.TypedExternalClient[T], error) {
		c, err := inner.Connect(ctx, mg)
		if err != nil {
			Clear(ctx)
			return nil, err
		}
		return &client[T]{inner: c}, nil
	})
}

// Observe the external resource.
func (c *client[T]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	o, err := c.inner.Observe(ctx, mg)
	return o, cleared(ctx, err)
}

// Create the external resource.
func (c *client[T]) Create(ctx context.Context, mg T) (managed.ExternalCreation, error) {
	o, err := c.inner.Create(ctx, mg)
	return o, cleared(ctx, err)
}

// Update the external resource.
func (c *client[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	o, err := c.inner.Update(ctx, mg)
	return o, cleared(ctx, err)
}

// Delete the external resource.
func (c *client[T]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	o, err := c.inner.Delete(ctx, mg)
	if err == nil {
		progressed(ctx)
	}
	return o, cleared(ctx, err)
}

// Disconnect from the external resource. A failure to say goodbye is no failure of the reconcile.
func (c *client[T]) Disconnect(ctx context.Context) error {
	return c.inner.Disconnect(ctx)
}

// cleared returns err as it is, after clearing the hint if there is one.
func cleared(ctx context.Context, err error) error {
	if err != nil {
		Clear(ctx)
	}
	return err
}
