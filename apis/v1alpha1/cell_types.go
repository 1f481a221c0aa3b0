package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A CellSpec describes a cell, resolved: it is composed by a MultigresCluster.
// +kubebuilder:validation:XValidation:rule="[has(self.zoneId), has(self.region), has(self.zone)].filter(x, x).size() <= 1",message="zoneId, region and zone are mutually exclusive"
// +kubebuilder:validation:XValidation:rule="has(self.zoneId) || has(self.region) || has(self.zone)",message="a cell needs one of zoneId, region and zone"
type CellSpec struct {
	// Name of the cell.
	Name CellName `json:"name"`

	// ClusterName is the name of the MultigresCluster.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ClusterName string `json:"clusterName,omitempty"`

	// ProjectRef is the identity of the project that the cluster belongs to.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ProjectRef string `json:"projectRef,omitempty"`

	// ZoneID of the cell's nodes.
	// +optional
	ZoneID ZoneName `json:"zoneId,omitempty"`

	// Region of the cell's nodes.
	// +optional
	Region ZoneName `json:"region,omitempty"`

	// Zone of the cell's nodes.
	// +optional
	Zone ZoneName `json:"zone,omitempty"`

	// TopologyLabels are the labels of the nodes that the cell's pods run on.
	// +optional
	// +kubebuilder:validation:MaxProperties=20
	TopologyLabels map[string]string `json:"topologyLabels,omitempty"`

	// CellRecordName is the name of the CellRecord whose readiness the gateways
	// wait for.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CellRecordName string `json:"cellRecordName,omitempty"`

	// Images of the cell's pods and how they are pulled.
	// +optional
	Images CellImages `json:"images,omitzero"`

	// Multigateway configures the gateways.
	// +optional
	Multigateway MultigatewaySpec `json:"multigateway,omitzero"`

	// MultigatewayPlacement is the placement of the gateways.
	// +optional
	MultigatewayPlacement *PodPlacementSpec `json:"multigatewayPlacement,omitempty"`

	// GlobalTopoServer says how to reach the topology server of the cluster.
	GlobalTopoServer GlobalTopoServerRef `json:"globalTopoServer"`

	// TopoServer keeps the metadata of this cell. By default the global topology
	// server does.
	// +optional
	TopoServer *LocalTopoServerSpec `json:"topoServer,omitempty"`

	// PVCDeletionPolicy of the volume claims of the cell's own topology server.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// AllCells are the names of all cells of the cluster.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=50
	AllCells []CellName `json:"allCells,omitempty"`

	// TopologyReconciliation says what is kept in step in the topology server.
	// +optional
	TopologyReconciliation *TopologyReconciliation `json:"topologyReconciliation,omitempty"`

	// Observability configures OpenTelemetry.
	// +optional
	Observability *ObservabilityConfig `json:"observability,omitempty"`

	// LogLevels of the components.
	// +optional
	LogLevels ComponentLogLevels `json:"logLevels,omitzero"`

	// InternalTLS authenticates the components to each other.
	// +optional
	InternalTLS *InternalTLSConfig `json:"internalTLS,omitempty"`

	// InternalTLSSecretName is the Secret with the certificate that the gateways
	// show to other components, if internal TLS is on.
	// +optional
	InternalTLSSecretName SecretName `json:"internalTLSSecretName,omitempty"`

	// CertCommonName is the common name of the certificate that the gateways show
	// to PostgreSQL clients.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CertCommonName string `json:"certCommonName,omitempty"`

	// GatewayTLSSecretName is the Secret with the certificate that the gateways
	// show to PostgreSQL clients.
	// +optional
	GatewayTLSSecretName SecretName `json:"gatewayTLSSecretName,omitempty"`

	// Drain makes the gateways stop, so that the cell can go. The condition Drained
	// says when they have. A topology server of the cell's own stays until then.
	// +optional
	Drain bool `json:"drain,omitempty"`
}

// A TopologyReconciliation says what is kept in step in the topology server.
type TopologyReconciliation struct {
	// RegisterCell keeps the cell's record. Defaults to true.
	// +optional
	RegisterCell *bool `json:"registerCell,omitempty"`

	// PrunePoolers removes the records of poolers that are gone. Defaults to true.
	// +optional
	PrunePoolers *bool `json:"prunePoolers,omitempty"`
}

// A CellStatus describes what is there of a cell.
type CellStatus struct {
	CompositeStatus `json:",inline"`

	// GatewayReplicas is the number of gateways that there are.
	// +optional
	GatewayReplicas int32 `json:"gatewayReplicas"`

	// GatewayReadyReplicas is the number of gateways that are ready.
	// +optional
	GatewayReadyReplicas int32 `json:"gatewayReadyReplicas"`

	// GatewayServiceName is the name of the Service of the cell's gateways.
	// +optional
	GatewayServiceName string `json:"gatewayServiceName,omitempty"`
}

// A Cell is a failure domain of a cluster, with its own gateways.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=cel,categories=multigres
// +kubebuilder:printcolumn:name="Gateway",type="integer",JSONPath=".status.gatewayReadyReplicas"
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Message",type="string",priority=1,JSONPath=".status.message"
type Cell struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec CellSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status CellStatus `json:"status,omitzero"`
}

// CellList is a list of Cells.
// +kubebuilder:object:root=true
type CellList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []Cell `json:"items"`
}
