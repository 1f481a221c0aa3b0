package record

import (
	"context"
	"fmt"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/requeue"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// returnAfter is how soon a place that could not be reached is tried again. It is not the failure of the record, which is where
// it should be.
const returnAfter = 10 * time.Second

// external is the client of a record, for one reconcile.
type external[T resource.ModernManaged, M proto.Message] struct {
	Kind[T, M]

	conn *topology.Connection
	seen *view[M]
}

// Disconnect does nothing: the connection ends by itself.
func (e *external[T, M]) Disconnect(context.Context) error { return nil }

// Observe the record, at all places where it may be. It writes nothing, neither there nor to the API server.
func (e *external[T, M]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	v, err := e.look(ctx, mg)
	e.seen = v
	if meta.WasDeleted(mg) {
		return e.observeDeleted(ctx, mg, v, err)
	}
	if err != nil {
		return managed.ExternalObservation{}, err
	}
	if v.there() {
		e.Report(mg, v.rec)
	}
	if setup.OnlyObserved(mg) {
		mg.SetConditions(xpv2.Available())
		return managed.ExternalObservation{ResourceExists: v.there(), ResourceUpToDate: true}, nil
	}
	if v.is == topology.Other {
		return managed.ExternalObservation{}, e.conn.OwnedByOther(v.rec.Path, v.rec.Owner)
	}
	wide, err := claims.Encode(v.claims.Widen(v.desired), mg.GetUID(), mg.GetGeneration())
	if err != nil {
		return managed.ExternalObservation{}, err
	}
	if !v.there() {
		// Nothing is written here: who creates the record writes its managed resource before, and this with it.
		meta.AddAnnotations(mg, map[string]string{claims.Annotation: wide})
		return managed.ExternalObservation{}, nil
	}
	mg.SetConditions(xpv2.Available())
	e.warn(ctx, mg, v)
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: v.upToDate(), Diff: v.summary()}, nil
}

// warn of what is not as it should be, though the record is.
func (e *external[T, M]) warn(ctx context.Context, mg T, v *view[M]) {
	if v.foreign {
		mg.SetConditions(topology.Unsettled(topology.ReasonClaimsForeign, claims.ErrForeign.Error()))
	}
	if len(v.pending) > 0 {
		mg.SetConditions(topology.Unsettled(topology.ReasonPreviousContextPending, fmt.Sprintf(
			"cannot remove what was written to %s, and annotation %s would give it up: %s", v.pending, topology.AnnotationAbandon, v.why)))
		requeue.After(ctx, returnAfter)
	}
}

// observeDeleted reports whether anything is left that the managed resource has to remove.
func (e *external[T, M]) observeDeleted(ctx context.Context, mg T, v *view[M], err error) (managed.ExternalObservation, error) {
	nothing := managed.ExternalObservation{}
	if err != nil {
		if topology.Untouched(mg) {
			return nothing, nil
		}
		// Nothing is known about this place, and therefore nothing about the others.
		if errors.Is(err, topo.ErrUnavailable) && e.conn.LetGo(ctx, v.claims.Contexts(v.here)...) {
			return nothing, nil
		}
		return nothing, err
	}
	exists := v.mine()
	for _, s := range v.previous {
		exists = exists || s.mine()
	}
	if exists {
		return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true}, nil
	}
	if len(v.pending) > 0 && !e.conn.LetGo(ctx, v.pending...) {
		return nothing, topology.Because(topology.ReasonPreviousContextPending, errors.Wrapf(v.why, "cannot remove what was written to %s", v.pending))
	}
	return nothing, nil
}

// Create the record. One that appeared meanwhile is adopted by the next observation, if it may be.
func (e *external[T, M]) Create(ctx context.Context, mg T) (managed.ExternalCreation, error) {
	w, err := e.conn.Writer()
	if err != nil {
		return managed.ExternalCreation{}, err
	}
	m := e.empty()
	if err := e.Apply(mg, nil, m); err != nil {
		return managed.ExternalCreation{}, err
	}
	_, err = e.Records(e.conn.Store()).Create(ctx, w, e.Path(mg), m)
	fault.Hit(fault.AfterExternal)
	if errors.Is(err, topo.ErrExists) {
		err = nil
	}
	return managed.ExternalCreation{}, err
}

// empty message.
func (e *external[T, M]) empty() M {
	var m M
	return m.ProtoReflect().New().Interface().(M) //nolint:forcetypeassert // A new message is of the same type.
}

// Notes are the claims: before an update all is claimed, after it only what is there. The guard writes them with its lock, and with
// its removal.
func (e *external[T, M]) Notes(mg T) (guard.Notes, error) {
	before, err := e.claim(mg, e.seen.claims.Widen(e.seen.desired))
	after := func() map[string]string {
		fault.Hit(fault.BeforeNarrow)
		// What cannot be encoded is larger than what was.
		notes, _ := e.claim(mg, e.seen.claims.Narrow(e.seen.desired, e.seen.pending...))
		return notes
	}
	return guard.Notes{Before: before, After: after, Done: func() { fault.Hit(fault.AfterNarrow) }}, err
}

// claim is the annotation of claims, unless they are what the managed resource claims already: their generation is that of the last
// change.
func (e *external[T, M]) claim(mg T, c claims.Claims[topology.Place]) (map[string]string, error) {
	if old, err := e.conn.Claims(); err == nil && old.Equal(c) {
		return nil, nil
	}
	encoded, err := claims.Encode(c, mg.GetUID(), mg.GetGeneration())
	return map[string]string{claims.Annotation: encoded}, err
}

// Update the record, and remove it from where it was before.
func (e *external[T, M]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	fault.Hit(fault.AfterWiden)
	v := e.seen
	w, err := e.conn.Writer()
	if err != nil {
		return managed.ExternalUpdate{}, err
	}
	apply := func(m M) error { return e.Apply(mg, v.ops.Remove, m) }
	if v.rec, err = e.Records(v.store).Update(ctx, w, v.rec, apply); err != nil {
		return managed.ExternalUpdate{}, err
	}
	fault.Hit(fault.AfterExternal)
	e.Report(mg, v.rec)
	for _, p := range v.ops.Previous {
		if err := e.remove(ctx, mg, v.previous[p.Context]); err != nil {
			return managed.ExternalUpdate{}, errors.Wrapf(err, "cannot leave %s", p.Context)
		}
	}
	return managed.ExternalUpdate{}, nil
}

// Delete the record, wherever it is.
func (e *external[T, M]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	mg.SetConditions(xpv2.Deleting())
	v := e.seen
	if e.Free != nil {
		if err := e.Free(ctx, e.conn.Kube, mg); err != nil {
			return managed.ExternalDelete{}, err
		}
	}
	for _, s := range v.previous {
		if err := e.remove(ctx, mg, s); err != nil {
			return managed.ExternalDelete{}, err
		}
	}
	return managed.ExternalDelete{}, e.remove(ctx, mg, &v.sight)
}

// remove a record that is the managed resource's own, and nothing else.
func (e *external[T, M]) remove(ctx context.Context, mg T, s *sight[M]) error {
	if !s.mine() {
		return nil
	}
	if e.Clear != nil {
		if err := e.Clear(ctx, e.conn, s.store, mg); err != nil {
			return err
		}
	}
	w, err := e.conn.Deleter()
	if err != nil {
		return err
	}
	err = e.Records(s.store).Delete(ctx, w, s.rec)
	fault.Hit(fault.AfterExternal)
	if errors.Is(err, topo.ErrAbsent) {
		return nil
	}
	return err
}
