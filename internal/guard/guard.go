// Package guard lets an external client change and delete an external resource only on behalf of a managed resource that the API
// server still holds as it was read. Caches lag behind: an old desire must not undo a newer one, and the deletion of a managed
// resource must not take what belongs to its successor of the same name. The proof is a lock that is written before the change,
// which also tells whoever comes next about a change that was not finished. Creation needs no guard, because the managed
// reconciler writes the managed resource before it. An up to date resource is not locked.
package guard

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
)

// DefaultOldAfter is twice the time that the managed reconciler gives to a reconcile.
const DefaultOldAfter = 2 * time.Minute

// The errors of changes that were not begun. Nothing outside has happened, and the reconcile is tried again.
var (
	// ErrStale means that the managed resource was read from a cache that lags behind, or changed meanwhile.
	ErrStale = errors.New("managed resource has changed since it was read")

	// ErrHeld means that another replica is changing the external resource.
	ErrHeld = errors.New("external resource is being changed by another replica")
)

// reasonBroken is why an event says that a lock was broken.
const reasonBroken event.Reason = "BrokeLock"

// An Identity of the process that takes locks.
type Identity struct {
	// Holder is unique to the replica: the UID of its pod.
	Holder string

	// Token of its leadership, which rises with each leader.
	Token int64
}

// A Result of an attempt to change an external resource, for metrics.
type Result string

// The results that are reported. A successful change reports nothing.
const (
	ResultStale        Result = "Stale"
	ResultHeld         Result = "Held"
	ResultBroken       Result = "Broken"
	ResultUnlockFailed Result = "UnlockFailed"
)

// Options of a guard.
type Options struct {
	// Kube reads and writes managed resources.
	Kube client.Client

	// Identity returns who takes locks now.
	Identity func() Identity

	// Recorder of the managed reconciler. It is told of changes that were not begun, so that it keeps quiet about them.
	Recorder *Recorder

	// OldAfter is how old a lock is that nobody holds any more. DefaultOldAfter if it is not positive.
	OldAfter time.Duration

	// Now is the clock. The system's if it is nil.
	Now func() time.Time

	// Report is told the results. Optional.
	Report func(r Result)
}

// A guarded client wraps an external client.
type guarded[T resource.Managed] struct {
	managed.TypedExternalClient[T]

	o Options
}

// Wrap an external client.
func Wrap[T resource.Managed](inner managed.TypedExternalClient[T], o Options) managed.TypedExternalClient[T] {
	if o.OldAfter <= 0 {
		o.OldAfter = DefaultOldAfter
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Report == nil {
		o.Report = func(Result) {}
	}
	if o.Recorder == nil {
		o.Recorder = NewRecorder(event.NewNopRecorder())
	}
	return &guarded[T]{TypedExternalClient: inner, o: o}
}

// Observe the external resource. A lock that was left by a change that succeeded is removed when there is nothing left to do.
func (g *guarded[T]) Observe(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	o, err := g.TypedExternalClient.Observe(ctx, mg)
	if err != nil || !o.ResourceExists || !o.ResourceUpToDate || meta.WasDeleted(mg) {
		return o, err
	}
	if !g.judge(mg).Breakable() {
		return o, nil
	}
	if err := g.release(ctx, mg); err != nil {
		return managed.ExternalObservation{}, err
	}
	return o, nil
}

// Update the external resource. The error is ErrStale or ErrHeld if it was not touched.
func (g *guarded[T]) Update(ctx context.Context, mg T) (managed.ExternalUpdate, error) {
	notes, err := NotesOf(g.TypedExternalClient, mg)
	if err != nil {
		return managed.ExternalUpdate{}, err
	}
	verdict, lock, err := g.lock(ctx, mg, OperationUpdate, notes.Before)
	if err != nil {
		return managed.ExternalUpdate{}, err
	}
	var after map[string]string
	defer func() {
		g.unlock(ctx, mg, lock, after)
		if err == nil && notes.Done != nil {
			notes.Done()
		}
	}()
	fault.Hit(fault.AfterLock)
	if verdict.Breakable() {
		// The holder may have changed the external resource after it was observed.
		o, err := g.again(ctx, mg)
		if err != nil || o.ResourceExists && o.ResourceUpToDate {
			return managed.ExternalUpdate{}, err
		}
	}
	var o managed.ExternalUpdate
	o, err = g.TypedExternalClient.Update(ctx, mg)
	if err == nil && notes.After != nil {
		after = notes.After()
	}
	return o, err
}

// Delete the external resource. The error is ErrStale or ErrHeld if it was not touched.
func (g *guarded[T]) Delete(ctx context.Context, mg T) (managed.ExternalDelete, error) {
	verdict, lock, err := g.lock(ctx, mg, OperationDelete, nil)
	if err != nil {
		return managed.ExternalDelete{}, err
	}
	defer g.unlock(ctx, mg, lock, nil)
	fault.Hit(fault.AfterLock)
	if verdict.Breakable() {
		o, err := g.again(ctx, mg)
		if err != nil || !o.ResourceExists {
			return managed.ExternalDelete{}, err
		}
	}
	return g.TypedExternalClient.Delete(ctx, mg)
}

// again observes the external resource, without touching what the managed resource is about to report.
func (g *guarded[T]) again(ctx context.Context, mg T) (managed.ExternalObservation, error) {
	o, err := g.TypedExternalClient.Observe(ctx, copied(mg))
	return o, errors.Wrap(err, "cannot observe external resource after breaking a lock")
}

func (g *guarded[T]) judge(mg T) Verdict {
	return judge(mg.GetAnnotations()[Annotation], g.o.Identity(), g.o.Now(), g.o.OldAfter)
}

// lock a managed resource, which fails if it is not the one that the API server holds. Notes are written with it.
func (g *guarded[T]) lock(ctx context.Context, mg T, op Operation, notes map[string]string) (Verdict, string, error) {
	verdict := g.judge(mg)
	if verdict == VerdictHeld {
		g.o.Report(ResultHeld)
		g.o.Recorder.mute(mg.GetUID())
		return verdict, "", ErrHeld
	}
	who := g.o.Identity()
	lock, err := Lock{Operation: op, Holder: who.Holder, Token: who.Token, Generation: mg.GetGeneration(), At: g.o.Now().UTC()}.encode()
	if err != nil {
		return verdict, "", err
	}
	locked := copied(mg)
	meta.AddAnnotations(locked, map[string]string{Annotation: lock})
	take(locked, notes)
	err = g.patch(ctx, mg, locked)
	if errors.Is(err, ErrStale) {
		g.o.Recorder.mute(mg.GetUID())
	}
	if err != nil {
		return verdict, "", err
	}
	meta.AddAnnotations(mg, map[string]string{Annotation: lock})
	take(mg, notes)
	if verdict.Breakable() {
		g.o.Report(ResultBroken)
	}
	if verdict == VerdictOld || verdict == VerdictUnreadable {
		g.o.Recorder.Event(mg, event.Normal(reasonBroken, "Broke a lock that nobody holds any more: "+string(verdict)))
	}
	return verdict, lock, nil
}

// release a lock of a change that is over.
func (g *guarded[T]) release(ctx context.Context, mg T) error {
	free := copied(mg)
	meta.RemoveAnnotations(free, Annotation)
	if err := g.patch(ctx, mg, free); err != nil {
		return err
	}
	meta.RemoveAnnotations(mg, Annotation)
	return nil
}

// patch mg to changed, provided that mg is what the API server holds. Of the reply mg takes over the version only: what it is
// about to report must not be lost.
func (g *guarded[T]) patch(ctx context.Context, mg, changed T) error {
	p := client.MergeFromWithOptions(copied(mg), client.MergeFromWithOptimisticLock{})
	err := g.o.Kube.Patch(ctx, changed, p)
	if kerrors.IsConflict(err) || kerrors.IsNotFound(err) {
		g.o.Report(ResultStale)
		return errors.Join(ErrStale, err)
	}
	if err != nil {
		return errors.Wrap(err, "cannot patch lock of managed resource")
	}
	mg.SetResourceVersion(changed.GetResourceVersion())
	return nil
}

// copied returns a deep copy.
func copied[T resource.Managed](mg T) T {
	return mg.DeepCopyObject().(T) //nolint:forcetypeassert // A deep copy is of the same type.
}
