package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A CoreTemplateSpec holds settings of the components outside cells and shards.
type CoreTemplateSpec struct {
	// GlobalTopoServer configures a managed topology server.
	// +optional
	GlobalTopoServer *TopoServerTemplateSpec `json:"globalTopoServer,omitempty"`

	// Multiadmin configures the admin API.
	// +optional
	Multiadmin *StatelessSpec `json:"multiadmin,omitempty"`

	// MultiadminPlacement is the placement of the admin API.
	// +optional
	MultiadminPlacement *PodPlacementSpec `json:"multiadminPlacement,omitempty"`

	// MultiadminWeb configures the admin user interface.
	// +optional
	MultiadminWeb *StatelessSpec `json:"multiadminWeb,omitempty"`

	// MultiadminWebPlacement is the placement of the admin user interface.
	// +optional
	MultiadminWebPlacement *PodPlacementSpec `json:"multiadminWebPlacement,omitempty"`
}

// A TopoServerTemplateSpec holds settings of a managed topology server.
// +kubebuilder:validation:XValidation:rule="has(self.etcd)",message="globalTopoServer.etcd is required",fieldPath=".etcd",reason="FieldValueRequired"
type TopoServerTemplateSpec struct {
	// Etcd configures a managed etcd.
	// +optional
	Etcd *EtcdSpec `json:"etcd,omitempty"`

	// PVCDeletionPolicy of the members' volume claims.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Placement of the members' pods.
	// +optional
	Placement *PodPlacementSpec `json:"placement,omitempty"`
}

// A CoreTemplate holds settings that MultigresClusters of its namespace share.
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=cot,categories=multigres
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type CoreTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec holds the settings.
	// +optional
	Spec CoreTemplateSpec `json:"spec,omitzero"`
}

// CoreTemplateList is a list of CoreTemplates.
// +kubebuilder:object:root=true
type CoreTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []CoreTemplate `json:"items"`
}
