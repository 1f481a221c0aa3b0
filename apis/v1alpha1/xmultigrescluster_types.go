package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An XMultigresClusterSpec describes a claimed cluster: it has the fields of a
// MultigresCluster.
type XMultigresClusterSpec struct {
	MultigresClusterSpec `json:",inline"`
}

// An XMultigresClusterStatus describes what is there of a claimed cluster.
type XMultigresClusterStatus struct {
	CompositeStatus `json:",inline"`

	// ClusterName is the name of the MultigresCluster in the claim's namespace.
	// +optional
	ClusterName string `json:"clusterName,omitempty"`

	// ConnectionSecretName is the name of the Secret that tells applications how
	// to connect.
	// +optional
	ConnectionSecretName string `json:"connectionSecretName,omitempty"`

	// Gateway says where clients connect.
	// +optional
	Gateway *GatewayEndpoints `json:"gateway,omitempty"`
}

// An XMultigresCluster is the composite resource behind a MultigresClusterClaim.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=multigres
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Message",type="string",priority=1,JSONPath=".status.message"
type XMultigresCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec XMultigresClusterSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status XMultigresClusterStatus `json:"status,omitzero"`
}

// XMultigresClusterList is a list of XMultigresClusters.
// +kubebuilder:object:root=true
type XMultigresClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []XMultigresCluster `json:"items"`
}
