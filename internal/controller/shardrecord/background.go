package shardrecord

import (
	"context"
	"sync"
)

// background does something that outlives a context, until it is done or cancelled. What came of it, or why it was cancelled, is told with
// the lock held.
func background(ctx context.Context, lock sync.Locker, do func(context.Context) error, done func(error)) context.CancelCauseFunc {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	go func() {
		err := do(ctx)
		if cause := context.Cause(ctx); cause != nil && err != nil {
			err = cause
		}
		cancel(nil)
		lock.Lock()
		defer lock.Unlock()
		done(err)
	}()
	return cancel
}
