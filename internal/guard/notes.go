package guard

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
)

// Notes are annotations that an external client keeps about what it does. They are written with the lock and with its removal, which
// spares writes of their own.
type Notes struct {
	// Before is written together with the lock: what the client is about to do.
	Before map[string]string

	// After is asked once an update succeeded, and written when the lock is removed, provided that nobody else has written these
	// annotations meanwhile. Optional.
	After func() map[string]string

	// Done is told that the lock is removed, and the notes of after are written if there are any. Optional.
	Done func()
}

// A noter is an external client that keeps notes about updates.
type noter[T resource.Managed] interface {
	Notes(mg T) (Notes, error)
}

// NotesOf a client, which are empty if it keeps none. Clients that wrap others hand on theirs.
func NotesOf[T resource.Managed](c managed.TypedExternalClient[T], mg T) (Notes, error) {
	n, ok := c.(noter[T])
	if !ok {
		return Notes{}, nil
	}
	return n.Notes(mg)
}

// An operation of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value,omitempty"`
}

// unlocking returns the patch that removes a lock if it is this one, and writes notes if what is there is as it was.
func unlocking(lock string, now, after map[string]string) ([]byte, error) {
	ops := []operation{{Op: "test", Path: pointer(Annotation), Value: lock}, {Op: "remove", Path: pointer(Annotation)}}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		if was, found := now[k]; found {
			ops = append(ops, operation{Op: "test", Path: pointer(k), Value: was})
		}
		ops = append(ops, operation{Op: "add", Path: pointer(k), Value: after[k]})
	}
	b, err := json.Marshal(ops)
	return b, errors.Wrap(err, "cannot encode patch")
}

// pointer to an annotation (RFC 6901).
func pointer(annotation string) string {
	return "/metadata/annotations/" + strings.ReplaceAll(strings.ReplaceAll(annotation, "~", "~0"), "/", "~1")
}

// take notes over into a managed resource.
func take(mg resource.Managed, notes map[string]string) {
	if len(notes) > 0 {
		meta.AddAnnotations(mg, notes)
	}
}
