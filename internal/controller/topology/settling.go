package topology

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
)

// A settling client reports in a condition how it went, and gives the connection back in the end.
type settling[T resource.ModernManaged] struct {
	managed.TypedExternalClient[T]

	conn *Connection
}

// Observe the external resource. There is nothing in the way unless the client says so.
func (s *settling[T]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	before := mg.GetCondition(TypeSettled)
	// What the client says is told from what was said before by a reason that nobody gives.
	mg.SetConditions(unsaid)
	o, err := s.TypedExternalClient.Observe(ctx, mg)
	s.conn.complete = err == nil
	now := mg.GetCondition(TypeSettled)
	if now.Equal(unsaid) {
		now = Settled()
		if o.ResourceExists && (!o.ResourceUpToDate || meta.WasDeleted(mg)) && before.Reason != "" {
			// What follows will tell.
			now = before
		}
	}
	if err != nil {
		now = failed(err).WithObservedGeneration(mg.GetGeneration())
	}
	// A time that moves with every reconcile would wake whoever watches.
	if now.Status == before.Status {
		now.LastTransitionTime = before.LastTransitionTime
	}
	mg.SetConditions(now)
	if now.Status == corev1.ConditionFalse && now.Reason != before.Reason {
		s.conn.layer.recorder.Event(mg, event.Warning(event.Reason(now.Reason), errors.New(now.Message)))
	}
	return o, err
}

// Create the external resource.
func (s *settling[T]) Create(ctx context.Context, mg T) (managed.ExternalCreation, error) {
	o, err := s.TypedExternalClient.Create(ctx, mg)
	settle(mg, err)
	return o, err
}

// Update the external resource.
func (s *settling[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	o, err := s.TypedExternalClient.Update(ctx, mg)
	if err == nil && errorReasons[mg.GetCondition(TypeSettled).Reason] {
		mg.SetConditions(Settled())
	}
	settle(mg, err)
	return o, err
}

// Delete the external resource.
func (s *settling[T]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	o, err := s.TypedExternalClient.Delete(ctx, mg)
	settle(mg, err)
	return o, err
}

// Notes of the client.
func (s *settling[T]) Notes(mg T) (guard.Notes, error) {
	return guard.NotesOf(s.TypedExternalClient, mg)
}

// Disconnect from the external resource.
func (s *settling[T]) Disconnect(ctx context.Context) error {
	defer s.conn.release()
	return s.TypedExternalClient.Disconnect(ctx)
}

// unsaid is what the condition is while nothing has been said about it.
var unsaid = xpv2.Condition{Type: TypeSettled, Status: corev1.ConditionUnknown, Reason: "Unsaid"}
