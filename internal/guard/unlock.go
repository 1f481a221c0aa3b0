package guard

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
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

// An operation of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
}

// unlock mg. Others may have written it meanwhile; only the lock itself must be ours. A lock that stays is broken later, so
// failure to remove it does not spoil the change that it was for.
func (g *guarded[T]) unlock(ctx context.Context, mg T, lock string) {
	fault.Hit(fault.BeforeUnlock)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
	defer cancel()
	patch, err := unlocking(lock)
	if err != nil {
		g.o.Report(ResultUnlockFailed)
		return
	}
	free := copied(mg)
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		return g.o.Kube.Patch(ctx, free, client.RawPatch(types.JSONPatchType, patch))
	})
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
}

// unlocking returns the patch that removes a lock if it is this one.
func unlocking(lock string) ([]byte, error) {
	path := "/metadata/annotations/" + strings.ReplaceAll(Annotation, "/", "~1")
	b, err := json.Marshal([]operation{{Op: "test", Path: path, Value: lock}, {Op: "remove", Path: path}})
	return b, errors.Wrap(err, "cannot encode patch")
}
