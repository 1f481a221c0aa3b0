package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A TopoServerSpec describes a managed topology server, resolved: it is composed
// by a MultigresCluster or a Cell.
// +kubebuilder:validation:XValidation:rule="has(self.etcd)",message="etcd is required",fieldPath=".etcd",reason="FieldValueRequired"
type TopoServerSpec struct {
	ImagePullSpec `json:",inline"`

	// ClusterName is the name of the MultigresCluster.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ClusterName string `json:"clusterName,omitempty"`

	// CellName is the cell whose metadata the server keeps. Empty for the global
	// server.
	// +optional
	CellName CellName `json:"cellName,omitempty"`

	// ProjectRef is the identity of the project that the cluster belongs to.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ProjectRef string `json:"projectRef,omitempty"`

	// Etcd configures the members.
	// +optional
	Etcd *EtcdSpec `json:"etcd,omitempty"`

	// PVCDeletionPolicy of the members' volume claims. Defaults to Retain.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Placement of the members' pods.
	// +optional
	Placement *PodPlacementSpec `json:"placement,omitempty"`

	// NodeSelector of the members' pods.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
}

// A TopoServerStatus describes what is there of a topology server.
type TopoServerStatus struct {
	CompositeStatus `json:",inline"`

	// Replicas is the number of members that are wanted.
	// +optional
	Replicas int32 `json:"replicas"`

	// ReadyReplicas is the number of members that are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`

	// ClientService is the name of the Service that clients use.
	// +optional
	ClientService string `json:"clientService,omitempty"`

	// PeerService is the name of the headless Service that the members use.
	// +optional
	PeerService string `json:"peerService,omitempty"`
}

// A TopoServer is a managed etcd that keeps the metadata of a cluster or a cell.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=tps,categories=multigres
// +kubebuilder:printcolumn:name="Replicas",type="integer",JSONPath=".status.readyReplicas"
// +kubebuilder:printcolumn:name="Desired",type="integer",JSONPath=".status.replicas"
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Message",type="string",priority=1,JSONPath=".status.message"
type TopoServer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec TopoServerSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status TopoServerStatus `json:"status,omitzero"`
}

// TopoServerList is a list of TopoServers.
// +kubebuilder:object:root=true
type TopoServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []TopoServer `json:"items"`
}
