package topology

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// TypeSettled is the condition that says whether the topology holds what the managed resource says, and nothing else is left of
// it anywhere. If not its reason says what is in the way.
const TypeSettled xpv2.ConditionType = "Settled"

// The reasons of TypeSettled.
const (
	ReasonSettled                xpv2.ConditionReason = "Settled"
	ReasonConfigMissing          xpv2.ConditionReason = "ConfigMissing"
	ReasonConfigInvalid          xpv2.ConditionReason = "ConfigInvalid"
	ReasonSecretMissing          xpv2.ConditionReason = "SecretMissing"
	ReasonUnavailable            xpv2.ConditionReason = "Unavailable"
	ReasonDenied                 xpv2.ConditionReason = "Denied"
	ReasonFenced                 xpv2.ConditionReason = "Fenced"
	ReasonNotLeader              xpv2.ConditionReason = "NotLeader"
	ReasonOwnedByOther           xpv2.ConditionReason = "OwnedByOther"
	ReasonConflict               xpv2.ConditionReason = "Conflict"
	ReasonRecordInvalid          xpv2.ConditionReason = "RecordInvalid"
	ReasonClaimsForeign          xpv2.ConditionReason = "ClaimsForeign"
	ReasonClaimsUnreadable       xpv2.ConditionReason = "ClaimsUnreadable"
	ReasonClaimsTooLarge         xpv2.ConditionReason = "ClaimsTooLarge"
	ReasonPreviousContextPending xpv2.ConditionReason = "PreviousContextPending"
	ReasonTopologyGone           xpv2.ConditionReason = "TopologyGone"
	ReasonFailed                 xpv2.ConditionReason = "Failed"
)

// reasons of errors, the more telling ones first.
var reasons = []struct {
	err    error
	reason xpv2.ConditionReason
}{
	{ErrConfigMissing, ReasonConfigMissing},
	{ErrSecretMissing, ReasonSecretMissing},
	{ErrConfigInvalid, ReasonConfigInvalid},
	{placement.ErrNotLeader, ReasonNotLeader},
	{claims.ErrForeign, ReasonClaimsForeign},
	{claims.ErrUnreadable, ReasonClaimsUnreadable},
	{claims.ErrTooLarge, ReasonClaimsTooLarge},
	{topo.ErrFenced, ReasonFenced},
	{topo.ErrOwnedByOther, ReasonOwnedByOther},
	{topo.ErrDenied, ReasonDenied},
	{topo.ErrUnavailable, ReasonUnavailable},
	{topo.ErrConflict, ReasonConflict},
	{topo.ErrExists, ReasonConflict},
	{topo.ErrInvalid, ReasonRecordInvalid},
}

// errorReasons are the reasons that errors have. They are over when what failed succeeds.
var errorReasons = func() map[xpv2.ConditionReason]bool {
	out := map[xpv2.ConditionReason]bool{ReasonFailed: true}
	for _, r := range reasons {
		out[r.reason] = true
	}
	return out
}()

// Settled says that there is nothing in the way.
func Settled() xpv2.Condition {
	return xpv2.Condition{Type: TypeSettled, Status: corev1.ConditionTrue, Reason: ReasonSettled, LastTransitionTime: metav1.Now()}
}

// Unsettled says what is in the way.
func Unsettled(reason xpv2.ConditionReason, message string) xpv2.Condition {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "..."
	}
	return xpv2.Condition{
		Type: TypeSettled, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.Now(),
	}
}

// A reasonedError is an error whose reason its maker knows.
type reasonedError struct {
	error

	reason xpv2.ConditionReason
}

// Unwrap gives the error without the reason.
func (e *reasonedError) Unwrap() error { return e.error }

// Because gives an error the reason of the condition that it becomes.
func Because(reason xpv2.ConditionReason, err error) error {
	return &reasonedError{error: err, reason: reason}
}

// settle reports an error as a condition. Nothing is said of success: the client may have said what it waits for.
func settle(mg resource.Managed, err error) {
	if err == nil {
		return
	}
	c := failed(err).WithObservedGeneration(mg.GetGeneration())
	// A time that moves with every failure would wake whoever watches.
	if now := mg.GetCondition(TypeSettled); now.Status == c.Status {
		c.LastTransitionTime = now.LastTransitionTime
	}
	mg.SetConditions(c)
}

// failed is the condition that an error becomes. It says something even if the error does not.
func failed(err error) xpv2.Condition {
	return Unsettled(ReasonOf(err), cmp.Or(err.Error(), fmt.Sprintf("an error of type %T, without a text", err)))
}

// maxMessage is how long a message is at most, in bytes.
const maxMessage = 1024

// ReasonOf is the reason of the condition that an error becomes.
func ReasonOf(err error) xpv2.ConditionReason {
	var r *reasonedError
	if errors.As(err, &r) {
		return r.reason
	}
	for _, c := range reasons {
		if errors.Is(err, c.err) {
			return c.reason
		}
	}
	return ReasonFailed
}
