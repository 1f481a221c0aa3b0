package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
)

// DataPlaneSettings are the resolved settings that a TableGroup hands down to
// its Shards unchanged.
type DataPlaneSettings struct {
	// ClusterName is the name of the MultigresCluster.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ClusterName string `json:"clusterName,omitempty"`

	// ProjectRef is the identity of the project that the cluster belongs to.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ProjectRef string `json:"projectRef,omitempty"`

	// Images of the pods and how they are pulled.
	Images ShardImages `json:"images"`

	// GlobalTopoServer says how to reach the topology server of the cluster.
	GlobalTopoServer GlobalTopoServerRef `json:"globalTopoServer"`

	// ProviderConfigRef names the provider configuration that managed resources
	// use to reach the topology server.
	// +optional
	ProviderConfigRef *xpv2.ProviderConfigReference `json:"providerConfigRef,omitempty"`

	// CertificateIssuerRef names the cert-manager issuer of generated
	// certificates. Empty means an authority of the cluster's own.
	// +optional
	CertificateIssuerRef *CertificateIssuerRef `json:"certificateIssuerRef,omitempty"`

	// InternalTLS authenticates the components to each other.
	// +optional
	InternalTLS *InternalTLSConfig `json:"internalTLS,omitempty"`

	// Observability configures OpenTelemetry.
	// +optional
	Observability *ObservabilityConfig `json:"observability,omitempty"`

	// LogLevels of the components.
	// +optional
	LogLevels ComponentLogLevels `json:"logLevels,omitzero"`

	// TopologyPruning says whether stale records are removed. Defaults to true.
	// +optional
	TopologyPruning *TopologyPruningConfig `json:"topologyPruning,omitempty"`

	// DurabilityPolicy of the database.
	// +optional
	DurabilityPolicy DurabilityPolicy `json:"durabilityPolicy,omitempty"`

	// PostgresSuperuser is the name of the superuser role. Empty means postgres.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	PostgresSuperuser string `json:"postgresSuperuser,omitempty"`

	// PostgresPasswordSecretRef refers to the password of the superuser.
	PostgresPasswordSecretRef PostgresPasswordSecretRef `json:"postgresPasswordSecretRef"`

	// CellTopologyLabels are the labels of the nodes of each cell.
	// +optional
	// +kubebuilder:validation:MaxProperties=50
	CellTopologyLabels map[CellName]map[string]string `json:"cellTopologyLabels,omitempty"`
}
