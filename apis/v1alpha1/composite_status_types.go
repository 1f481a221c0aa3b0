package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// A RetiringResource is on its way out: the spec no longer asks for it, and it
// goes as soon as nothing depends on it. Putting it back into the spec keeps it.
type RetiringResource struct {
	// Name by which a person knows it, with its kind.
	// +optional
	Name string `json:"name"`

	// Since is when the spec was first seen without it.
	// +optional
	Since metav1.Time `json:"since"`

	// Reason says in a word what its removal waits for.
	// +optional
	Reason string `json:"reason"`

	// ReasonSince is when it began to wait for that.
	// +optional
	ReasonSince metav1.Time `json:"reasonSince"`

	// Message says in a line what its removal waits for.
	// +optional
	Message string `json:"message,omitempty"`
}
