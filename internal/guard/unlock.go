package guard

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/fault"
)

// unlockTimeout is how long an attempt to unlock takes at most. It begins when the change is over, whether or not the time for
// the reconcile is.
const unlockTimeout = 5 * time.Second

// unlock mg. Others may have written it meanwhile; only the lock itself must be ours. A lock that stays is broken later, so
// failure to remove it does not spoil the change that it was for. Notes are written with it, unless somebody else has written them
// since.
func (g *guarded[T]) unlock(ctx context.Context, mg T, lock string, notes map[string]string) {
	fault.Hit(fault.BeforeUnlock)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	free := copied(mg)
	err := g.free(ctx, free, lock, notes)
	if kerrors.IsInvalid(err) && len(notes) > 0 {
		notes = nil
		err = g.free(ctx, free, lock, nil)
	}
	if kerrors.IsNotFound(err) {
		// The last finalizer was removed: there is nothing left to lock.
		return
	}
	if err != nil {
		g.o.Report(ResultUnlockFailed)
		return
	}
	mg.SetResourceVersion(free.GetResourceVersion())
	meta.RemoveAnnotations(mg, Annotation)
	take(mg, notes)
}

// free a managed resource of a lock. A test that fails is reported as invalid.
func (g *guarded[T]) free(ctx context.Context, mg T, lock string, notes map[string]string) error {
	patch, err := unlocking(lock, mg.GetAnnotations(), notes)
	if err != nil {
		return err
	}
	var last error
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		last = g.o.Kube.Patch(ctx, mg, client.RawPatch(types.JSONPatchType, patch))
		return last
	})
	if err == nil {
		// It reports a request that took too long as the success of the one before.
		err = last
	}
	return err
}
