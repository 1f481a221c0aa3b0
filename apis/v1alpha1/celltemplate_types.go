package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A CellTemplateSpec holds settings of a cell.
type CellTemplateSpec struct {
	// Multigateway configures the gateways.
	// +optional
	Multigateway *MultigatewaySpec `json:"multigateway,omitempty"`

	// MultigatewayPlacement is the placement of the gateways.
	// +optional
	MultigatewayPlacement *PodPlacementSpec `json:"multigatewayPlacement,omitempty"`

	// LocalTopoServer keeps the metadata of the cell.
	// +optional
	LocalTopoServer *LocalTopoServerSpec `json:"localTopoServer,omitempty"`
}

// A CellTemplate holds settings that cells of MultigresClusters of its namespace
// share.
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName=cet,categories=multigres
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type CellTemplate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec holds the settings.
	// +optional
	Spec CellTemplateSpec `json:"spec,omitzero"`
}

// CellTemplateList is a list of CellTemplates.
// +kubebuilder:object:root=true
type CellTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []CellTemplate `json:"items"`
}
