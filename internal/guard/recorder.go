package guard

import (
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// The reasons of the managed reconciler's events about changes that failed.
const (
	reasonCannotUpdate event.Reason = "CannotUpdateExternalResource"
	reasonCannotDelete event.Reason = "CannotDeleteExternalResource"
)

// A Recorder keeps quiet about changes that the guard did not let begin. They are tried again at once, and nobody can or must
// do anything about them.
type Recorder struct {
	event.Recorder

	muted *muted
}

// muted is the set of managed resources whose next event about a failed change is dropped.
type muted struct {
	mu   sync.Mutex
	uids map[types.UID]bool
}

// NewRecorder wraps the recorder of a managed reconciler.
func NewRecorder(inner event.Recorder) *Recorder {
	return &Recorder{Recorder: inner, muted: &muted{uids: map[types.UID]bool{}}}
}

// Event records an event, unless it is about a change that was not let begin.
func (r *Recorder) Event(obj runtime.Object, e event.Event) {
	if (e.Reason == reasonCannotUpdate || e.Reason == reasonCannotDelete) && r.unmute(obj) {
		return
	}
	r.Recorder.Event(obj, e)
}

// WithAnnotations returns a recorder that is muted together with this one.
func (r *Recorder) WithAnnotations(keysAndValues ...string) event.Recorder {
	return &Recorder{Recorder: r.Recorder.WithAnnotations(keysAndValues...), muted: r.muted}
}

// mute the next event about a failed change.
func (r *Recorder) mute(uid types.UID) {
	r.muted.mu.Lock()
	defer r.muted.mu.Unlock()
	r.muted.uids[uid] = true
}

// unmute an object and report whether it was muted.
func (r *Recorder) unmute(obj runtime.Object) bool {
	o, err := meta.Accessor(obj)
	if err != nil {
		return false
	}
	r.muted.mu.Lock()
	defer r.muted.mu.Unlock()
	was := r.muted.uids[o.GetUID()]
	delete(r.muted.uids, o.GetUID())
	return was
}
