package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
)

// A CompositeStatus is the part of the status that all composite resources
// share.
type CompositeStatus struct {
	xpv2.ConditionedStatus `json:",inline"`

	// ObservedGeneration is the generation of the spec that the status describes.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Phase summarises the state: Initializing, Progressing, Healthy, Degraded or
	// Unknown.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// Message says in one line why the phase is what it is.
	// +optional
	Message string `json:"message,omitempty"`
}
