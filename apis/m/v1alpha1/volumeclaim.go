package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// VolumeClaimParameters are the desired state of a PersistentVolumeClaim.
//
// +kubebuilder:validation:XValidation:rule="has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",message="storageClassName is immutable: create another VolumeClaim"
type VolumeClaimParameters struct {
	// AccessModes that the volume must allow.
	// +kubebuilder:default={ReadWriteOnce}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:items:Enum=ReadWriteOnce;ReadOnlyMany;ReadWriteMany;ReadWriteOncePod
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="accessModes are immutable: create another VolumeClaim"
	// +listType=set
	// +optional
	AccessModes []corev1.PersistentVolumeAccessMode `json:"accessModes,omitempty"`

	// StorageClassName is the StorageClass that makes the volume. Absent means the cluster's default one, empty means
	// that only an existing volume without a class will do.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`

	// Size of the volume. It may grow, if the StorageClass allows it, and never shrinks.
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).isGreaterThan(quantity('0'))",message="size must be more than zero"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",message="size cannot shrink"
	Size resource.Quantity `json:"size"`

	// Labels of the PersistentVolumeClaim. Labels that others put on it are left alone.
	// +kubebuilder:validation:MaxProperties=64
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
}

// A ResizeObservation says how far a growth of a volume has come.
type ResizeObservation struct {
	// Requested is the size that was last asked of the storage.
	// +optional
	Requested *resource.Quantity `json:"requested,omitempty"`

	// Pending is true while the volume is smaller than requested.
	// +optional
	Pending bool `json:"pending"`

	// FileSystemResizePending is true while the volume has grown and its file system has not: a pod must mount it.
	// +optional
	FileSystemResizePending bool `json:"fileSystemResizePending"`

	// FileSystemResizePendingSince is when that began.
	// +optional
	FileSystemResizePendingSince *metav1.Time `json:"fileSystemResizePendingSince,omitempty"`

	// Error says why the volume cannot grow. It is empty if nothing stands in the way.
	// +optional
	Error string `json:"error,omitempty"`
}

// VolumeClaimObservation is the observed state of a PersistentVolumeClaim.
type VolumeClaimObservation struct {
	// Phase of the claim: Pending, Bound or Lost.
	// +optional
	Phase corev1.PersistentVolumeClaimPhase `json:"phase,omitempty"`

	// Capacity that the bound volume has.
	// +optional
	Capacity *resource.Quantity `json:"capacity,omitempty"`

	// VolumeName is the name of the bound PersistentVolume.
	// +optional
	VolumeName string `json:"volumeName,omitempty"`

	// StorageClassName of the claim.
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`

	// Resize says how far the last growth has come. It is absent if the volume never grew.
	// +optional
	Resize *ResizeObservation `json:"resize,omitempty"`
}

// A VolumeClaimSpec is the desired state of a VolumeClaim.
type VolumeClaimSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider is the desired state of the PersistentVolumeClaim.
	ForProvider VolumeClaimParameters `json:"forProvider"`
}

// A VolumeClaimStatus is the observed state of a VolumeClaim.
type VolumeClaimStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is the observed state of the PersistentVolumeClaim.
	// +optional
	AtProvider VolumeClaimObservation `json:"atProvider,omitempty"`
}

// A VolumeClaim is a PersistentVolumeClaim that can outlive what composed it. The annotation crossplane.io/external-name
// is the name of the claim; a claim of that name that exists already is adopted. To retain the claim and its data when
// the VolumeClaim is deleted, leave Delete out of managementPolicies.
//
// Ready means that the claim is Bound, or that it is Pending only because its StorageClass binds a volume when the first
// pod uses it: whoever waits for a VolumeClaim before creating that pod must not wait forever.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=volclaim
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="PHASE",type="string",JSONPath=".status.atProvider.phase"
// +kubebuilder:printcolumn:name="SIZE",type="string",JSONPath=".spec.forProvider.size"
// +kubebuilder:printcolumn:name="CAPACITY",type="string",JSONPath=".status.atProvider.capacity"
// +kubebuilder:printcolumn:name="STORAGECLASS",type="string",JSONPath=".status.atProvider.storageClassName",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type VolumeClaim struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   VolumeClaimSpec   `json:"spec"`
	Status VolumeClaimStatus `json:"status,omitempty"`
}

// A VolumeClaimList is a list of VolumeClaims.
//
// +kubebuilder:object:root=true
type VolumeClaimList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []VolumeClaim `json:"items"`
}

// VolumeClaimKind is the kind of a VolumeClaim.
const VolumeClaimKind = "VolumeClaim"

// Group, API version and kind of a VolumeClaim in the forms that Crossplane's controllers ask for.
var (
	VolumeClaimGroupKind        = schema.GroupKind{Group: Group, Kind: VolumeClaimKind}.String()
	VolumeClaimKindAPIVersion   = VolumeClaimKind + "." + SchemeGroupVersion.String()
	VolumeClaimGroupVersionKind = SchemeGroupVersion.WithKind(VolumeClaimKind)
)
