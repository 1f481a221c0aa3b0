package v1alpha1

import corev1 "k8s.io/api/core/v1"

// PodAnnotations are annotations that a user adds to pods: at most 20, keys
// shorter than 64 and values shorter than 256 characters.
// +kubebuilder:validation:MaxProperties=20
// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) < 64 && size(self[k]) < 256)",message="podAnnotations keys must be shorter than 64 characters and values shorter than 256"
type PodAnnotations map[string]string

// PodLabels are labels that a user adds to pods: at most 20, keys and values
// shorter than 64 characters. The labels that select the pods always win.
// +kubebuilder:validation:MaxProperties=20
// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) < 64 && size(self[k]) < 64)",message="podLabels keys and values must be shorter than 64 characters"
type PodLabels map[string]string

// A StatelessSpec configures a component that keeps no data of its own.
type StatelessSpec struct {
	// Replicas is the number of pods, 0 to 128. Defaults to 1.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=128
	Replicas *int32 `json:"replicas,omitempty"`

	// Resources of the component's container. The built-in requests and memory
	// limit of the component apply when the whole block is left out.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`

	// Affinity of the pods. By default they prefer different nodes and zones.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// PodAnnotations are added to the pods.
	// +optional
	PodAnnotations PodAnnotations `json:"podAnnotations,omitempty"`

	// PodLabels are added to the pods.
	// +optional
	PodLabels PodLabels `json:"podLabels,omitempty"`
}

// A PodPlacementSpec says where pods may run, beyond their affinity.
type PodPlacementSpec struct {
	// Tolerations of the pods.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
}

// A ContainerConfig configures one container of a pool's pods.
type ContainerConfig struct {
	// Resources of the container. The built-in requests and memory limit apply
	// when the whole block is left out.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`

	// RunAsUser is the numeric user of the container's processes, never root.
	// +optional
	// +kubebuilder:validation:Minimum=1
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// RunAsGroup is the numeric group of the container's processes.
	// +optional
	// +kubebuilder:validation:Minimum=0
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`
}
