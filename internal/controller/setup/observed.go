package setup

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
)

// An observed client tells the visit what comes of it, and says for which generation the conditions are that it leaves. The managed
// reconciler does so for its own only.
type observed[T resource.Managed] struct {
	managed.TypedExternalClient[T]

	types []xpv2.ConditionType
}

// Observe the external resource.
func (c *observed[T]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	o, err := c.TypedExternalClient.Observe(ctx, mg)
	if err == nil {
		c.date(mg)
		visitOf(ctx).creates = creates(mg, o)
	}
	return o, err
}

// Create the external resource.
func (c *observed[T]) Create(ctx context.Context, mg T) (managed.ExternalCreation, error) {
	o, err := c.TypedExternalClient.Create(ctx, mg)
	visitOf(ctx).created = err == nil
	return o, err
}

// Update the external resource.
func (c *observed[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	o, err := c.TypedExternalClient.Update(ctx, mg)
	if err == nil {
		c.date(mg)
	}
	return o, err
}

// date the conditions: all have been looked at.
func (c *observed[T]) date(mg T) {
	for _, t := range c.types {
		now := mg.GetCondition(t)
		if now.Reason == "" || now.ObservedGeneration == mg.GetGeneration() {
			continue
		}
		// A condition without a generation equals all that differ from it in nothing else, and would stay.
		mg.SetConditions(xpv2.Condition{Type: t, Status: corev1.ConditionUnknown, Reason: "Undated"}, now.WithObservedGeneration(mg.GetGeneration()))
	}
}
