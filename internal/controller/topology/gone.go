package topology

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
)

// GiveUpAfter is how long the server of a cluster that is being deleted must have been silent until the deletion of its records
// waits for it no longer. A server that is only restarted answers sooner.
const GiveUpAfter = time.Minute

// Claims of the managed resource. The error is claims.ErrForeign or claims.ErrUnreadable.
func (c *Connection) Claims() (claims.Claims[Place], error) {
	return claims.Decode[Place](c.mg.GetAnnotations()[claims.Annotation], c.mg.GetUID())
}

// Somewhere is the place of the global topology, of which nothing is known but how to reach it.
func (c *Connection) Somewhere() Place { return c.PlaceAt(c.base.Endpoints, c.base.Root) }

// PlaceAt is the place of another topology that the configuration reaches, such as that of a cell.
func (c *Connection) PlaceAt(endpoints []string, root string) Place {
	return newPlace(c.config.name(), endpoints, root, "")
}

// LetGo reports whether a managed resource that is being deleted need not wait for any of the places, which could not be reached:
// a person abandoned it, or its server ends with the cluster. It says so in a condition and an event.
func (c *Connection) LetGo(ctx context.Context, places ...Place) bool {
	why := make([]string, 0, len(places))
	for _, p := range places {
		reason, gone := c.gone(ctx, p)
		if !gone {
			return false
		}
		why = append(why, fmt.Sprintf("%s: %s", p, reason))
	}
	message := "What was written there is left: " + strings.Join(why, "; ")
	c.mg.SetConditions(Unsettled(ReasonTopologyGone, message))
	c.layer.recorder.Event(c.mg, event.Normal(event.Reason(ReasonTopologyGone), message))
	return true
}

// gone says why nobody needs what is left at a place that cannot be reached. On any doubt it is needed.
func (c *Connection) gone(ctx context.Context, p Place) (string, bool) {
	if p.Abandoned(c.mg) {
		return "it was abandoned", true
	}
	if c.config == nil || p.Config != c.config.name() || !c.config.isDedicated(p.endpoints()) {
		return "", false
	}
	cfg := c.base
	cfg.Endpoints, cfg.Root = p.endpoints(), p.Root
	silent := c.layer.pool.silent(cfg)
	if silent < GiveUpAfter {
		return "", false
	}
	owner := metav1.GetControllerOf(c.config.object)
	if owner == nil || !c.layer.ending(ctx, c.config.object.GetNamespace(), *owner) {
		return "", false
	}
	return fmt.Sprintf("the topology server does not answer, and %s %q, which it ends with, is deleted", owner.Kind, owner.Name), true
}

// isDedicated reports whether all endpoints are of servers that end with what controls the configuration.
func (c *config) isDedicated(endpoints []string) bool {
	if len(endpoints) == 0 {
		return false
	}
	for _, e := range endpoints {
		if !slices.Contains(c.dedicated, e) {
			return false
		}
	}
	return true
}

// ending reports whether an owner is certainly being deleted, or gone.
func (l *Layer) ending(ctx context.Context, namespace string, ref metav1.OwnerReference) bool {
	o := &metav1.PartialObjectMetadata{}
	o.SetGroupVersionKind(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind))
	err := l.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, o)
	if kerrors.IsNotFound(err) {
		return true
	}
	return err == nil && (o.GetUID() != ref.UID || o.GetDeletionTimestamp() != nil)
}
