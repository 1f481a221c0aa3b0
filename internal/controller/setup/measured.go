package setup

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
)

// A measured client counts its attempts to change the external resource.
type measured[T resource.Managed] struct {
	managed.TypedExternalClient[T]

	kind    string
	metrics *metrics.Metrics
}

// Create the external resource.
func (m *measured[T]) Create(ctx context.Context, mg T) (managed.ExternalCreation, error) {
	fault.Hit(fault.BeforeCreate)
	o, err := m.TypedExternalClient.Create(ctx, mg)
	fault.Hit(fault.AfterCreate)
	m.metrics.Mutation(m.kind, "create", err)
	return o, err
}

// Update the external resource.
func (m *measured[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	o, err := m.TypedExternalClient.Update(ctx, mg)
	m.metrics.Mutation(m.kind, "update", err)
	return o, err
}

// Delete the external resource.
func (m *measured[T]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	o, err := m.TypedExternalClient.Delete(ctx, mg)
	m.metrics.Mutation(m.kind, "delete", err)
	return o, err
}

// Notes of the client.
func (m *measured[T]) Notes(mg T) (guard.Notes, error) {
	return guard.NotesOf(m.TypedExternalClient, mg)
}
