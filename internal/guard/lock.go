package guard

import (
	"encoding/json"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Annotation holds the lock of a managed resource while its external resource is being changed.
const Annotation = "topology.m.multigres.com/guard"

// An Operation is what a lock is held for.
type Operation string

// The operations that are guarded. The managed reconciler guards creation itself.
const (
	OperationUpdate Operation = "Update"
	OperationDelete Operation = "Delete"
)

// A Lock says who is changing an external resource.
type Lock struct {
	// Operation that is under way.
	Operation Operation `json:"op"`

	// Holder is the replica that holds the lock, by the UID of its pod.
	Holder string `json:"holder"`

	// Token of the leadership under which the lock was taken. Later leaders have higher ones.
	Token int64 `json:"token"`

	// Generation of the managed resource that the operation makes true.
	Generation int64 `json:"gen"`

	// At is when the lock was taken, by the clock of its holder.
	At time.Time `json:"at"`
}

// A Verdict says what to do about a lock that is there already.
type Verdict string

// The verdicts.
const (
	// VerdictFree means that there is no lock.
	VerdictFree Verdict = "Free"

	// VerdictOwn means that this replica took the lock and did not finish.
	VerdictOwn Verdict = "Own"

	// VerdictDeposed means that a former leader took the lock.
	VerdictDeposed Verdict = "Deposed"

	// VerdictOld means that the lock is older than any operation lasts.
	VerdictOld Verdict = "Old"

	// VerdictUnreadable means that the annotation is no lock.
	VerdictUnreadable Verdict = "Unreadable"

	// VerdictHeld means that another replica holds the lock, and that it must be waited for.
	VerdictHeld Verdict = "Held"
)

// Breakable reports whether there is a lock that may be taken over. What its holder did is unknown.
func (v Verdict) Breakable() bool {
	return v != VerdictFree && v != VerdictHeld
}

// judge the annotation of a managed resource on behalf of who at now. No lock lasts for ever: even that of a later leader grows
// old, because tokens start again when somebody deletes the lease.
func judge(annotation string, who Identity, now time.Time, oldAfter time.Duration) Verdict {
	if annotation == "" {
		return VerdictFree
	}
	l := Lock{}
	if err := json.Unmarshal([]byte(annotation), &l); err != nil || l.Holder == "" {
		return VerdictUnreadable
	}
	if l.Holder == who.Holder {
		return VerdictOwn
	}
	if l.Token < who.Token {
		return VerdictDeposed
	}
	// A clock that is far ahead must not keep a lock for ever either.
	if now.Sub(l.At).Abs() > oldAfter {
		return VerdictOld
	}
	return VerdictHeld
}

// encode a lock.
func (l Lock) encode() (string, error) {
	b, err := json.Marshal(l)
	return string(b), errors.Wrap(err, "cannot encode lock")
}
