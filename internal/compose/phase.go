package compose

import (
	"fmt"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// PhaseChange returns the event of a composite whose phase changes now, and nothing if it does not. A new composite's first
// phase is no change.
func PhaseChange(xr object.Object, phase v1alpha1.Phase, message string) []Event {
	old := v1alpha1.Phase(xr.String("status", "phase"))
	if old == "" || old == phase {
		return nil
	}
	return []Event{{
		Warning: phase == v1alpha1.PhaseDegraded,
		Reason:  "PhaseChange",
		Message: fmt.Sprintf("phase changed from %s to %s: %s", old, phase, message),
	}}
}

// Served is true if the composite was healthy, or has been degraded since. What is missing in one that never served is still
// on its way; what is missing in one that did is broken.
func Served(xr object.Object) bool {
	switch v1alpha1.Phase(xr.String("status", "phase")) {
	case v1alpha1.PhaseHealthy, v1alpha1.PhaseDegraded:
		return true
	case v1alpha1.PhaseInitializing, v1alpha1.PhaseProgressing, v1alpha1.PhaseUnknown:
		return false
	}
	return false
}
