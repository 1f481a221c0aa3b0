package v1alpha1

import corev1 "k8s.io/api/core/v1"

// A StorageSpec describes a volume. Volumes grow, they never shrink.
// +kubebuilder:validation:XValidation:rule="!has(self.size) || isQuantity(self.size)",message="storage.size must be a quantity such as 10Gi",fieldPath=".size"
// +kubebuilder:validation:XValidation:rule="!has(self.size) || !has(oldSelf.size) || !isQuantity(self.size) || !isQuantity(oldSelf.size) || quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",message="storage.size cannot shrink",fieldPath=".size"
type StorageSpec struct {
	// Size of the volume as a Kubernetes quantity, for example 10Gi. The default
	// depends on what is stored: 1Gi for data and topology, 10Gi for backups.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^([0-9]+)(.+)$`
	Size string `json:"size,omitempty"`

	// Class is the name of the StorageClass. Defaults to the default class of the
	// Kubernetes cluster.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Class string `json:"class,omitempty"`

	// AccessModes of the volume. Defaults to ReadWriteOnce for data and topology
	// and to ReadWriteMany for backups, which all pods of a shard share.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`
}

// A PVCRetentionPolicy says what becomes of a volume claim.
// +kubebuilder:validation:Enum=Retain;Delete
type PVCRetentionPolicy string

// Retention policies of volume claims.
const (
	// PVCRetain keeps the claim and its data.
	PVCRetain PVCRetentionPolicy = "Retain"
	// PVCDelete removes the claim once nothing uses it any more.
	PVCDelete PVCRetentionPolicy = "Delete"
)

// A PVCDeletionPolicy says what becomes of volume claims that are no longer
// needed. Each field that is left out inherits from the level above; at the top
// both default to Retain.
type PVCDeletionPolicy struct {
	// WhenDeleted applies to the claims of an object that is deleted.
	// +optional
	WhenDeleted PVCRetentionPolicy `json:"whenDeleted,omitempty"`

	// WhenScaled applies to the claims of replicas that are scaled away.
	// +optional
	WhenScaled PVCRetentionPolicy `json:"whenScaled,omitempty"`
}
