package compose

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Condition types of every composite resource, beside Crossplane's own Ready and Synced.
const (
	// TypeValid is True if everything that the user wrote makes sense together.
	TypeValid = "Valid"
	// TypeProgressing is True while something is being created, replaced or removed.
	TypeProgressing = "Progressing"
	// TypeDegraded is True while something that should work does not.
	TypeDegraded = "Degraded"
)

// Condition reasons shared by all composite resources.
const (
	ReasonSpecValid   = "SpecValid"
	ReasonSpecInvalid = "SpecInvalid"
	ReasonSettled     = "Settled"
	ReasonWaiting     = "Waiting"
	ReasonAsExpected  = "AsExpected"
)

// True returns a condition that holds.
func True(typ, reason, message string) Condition {
	return Condition{Type: typ, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// False returns a condition that does not hold.
func False(typ, reason, message string) Condition {
	return Condition{Type: typ, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// Valid returns the condition of a composite in whose specification nothing is wrong.
func Valid() Condition { return True(TypeValid, ReasonSpecValid, "") }

// Progress returns the Progressing condition: settled if nothing is in the way, else waiting for the given things. At most a
// few are named, so that the message stays a line.
func Progress(waiting []string) Condition {
	if len(waiting) == 0 {
		return False(TypeProgressing, ReasonSettled, "")
	}
	return True(TypeProgressing, ReasonWaiting, "waiting for "+Few(waiting))
}

// Degradation returns the Degraded condition: as expected, or the given reason with the things that are broken.
func Degradation(reason string, broken []string) Condition {
	if len(broken) == 0 {
		return False(TypeDegraded, ReasonAsExpected, "")
	}
	return True(TypeDegraded, reason, Few(broken))
}

// Few joins the first few of the items and counts the rest.
func Few(items []string) string {
	const most = 5
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(items[:most], ", "), len(items)-most)
}
