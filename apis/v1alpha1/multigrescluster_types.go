package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A MultigresClusterSpec describes a whole Multigres cluster. Everything has a
// default except the cells.
type MultigresClusterSpec struct {
	// Images of the components and how they are pulled.
	// +optional
	Images ClusterImages `json:"images,omitzero"`

	// ImageUpdatePolicy says when images that are not pinned change.
	// +optional
	ImageUpdatePolicy *ImageUpdatePolicy `json:"imageUpdatePolicy,omitempty"`

	// LogLevels of the components. Each defaults to info.
	// +optional
	LogLevels ComponentLogLevels `json:"logLevels,omitzero"`

	// TemplateDefaults name the templates of components that name none.
	// +optional
	TemplateDefaults TemplateDefaults `json:"templateDefaults,omitzero"`

	// GlobalTopoServer keeps the metadata of the cluster. Defaults to a managed
	// etcd of three members.
	// +optional
	GlobalTopoServer *GlobalTopoServerSpec `json:"globalTopoServer,omitempty"`

	// Multiadmin is the admin API.
	// +optional
	Multiadmin *MultiadminConfig `json:"multiadmin,omitempty"`

	// MultiadminWeb is the admin user interface.
	// +optional
	MultiadminWeb *MultiadminConfig `json:"multiadminWeb,omitempty"`

	// Cells are the failure domains of the cluster, at least one.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=50
	Cells []CellConfig `json:"cells,omitempty"`

	// Databases of the cluster. Defaults to one, named postgres.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Databases []DatabaseConfig `json:"databases,omitempty"`

	// PVCDeletionPolicy of all volume claims. Defaults to Retain.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Observability configures OpenTelemetry in the data plane. Defaults to none.
	// +optional
	Observability *ObservabilityConfig `json:"observability,omitempty"`

	// Backup configures pgBackRest. Defaults to a 10Gi volume for each shard.
	// +optional
	Backup *BackupConfig `json:"backup,omitempty"`

	// ExternalGateway exposes the gateways outside the Kubernetes cluster.
	// +optional
	ExternalGateway *ExternalServiceSpec `json:"externalGateway,omitempty"`

	// ExternalAdminWeb exposes the admin user interface outside the Kubernetes
	// cluster.
	// +optional
	ExternalAdminWeb *ExternalServiceSpec `json:"externalAdminWeb,omitempty"`

	// TopologyPruning says whether stale records are removed. Defaults to true.
	// +optional
	TopologyPruning *TopologyPruningConfig `json:"topologyPruning,omitempty"`

	// DurabilityPolicy of all databases. Defaults to AT_LEAST_2.
	// +optional
	DurabilityPolicy DurabilityPolicy `json:"durabilityPolicy,omitempty"`

	// PostgresSuperuser is the name of the superuser role. Defaults to postgres.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	PostgresSuperuser string `json:"postgresSuperuser,omitempty"`

	// PostgresPasswordSecretRef refers to the password of the superuser, which is
	// never changed. By default a password is generated.
	// +optional
	PostgresPasswordSecretRef *PostgresPasswordSecretRef `json:"postgresPasswordSecretRef,omitempty"`

	// ConnectionSecretName is the name of the Secret that tells applications how
	// to connect. Defaults to <cluster>-connection.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ConnectionSecretName string `json:"connectionSecretName,omitempty"`

	// InternalTLS authenticates the components to each other. Defaults to off.
	// +optional
	InternalTLS *InternalTLSConfig `json:"internalTLS,omitempty"`

	// CertCommonName is the common name of the certificate that the gateways show
	// to PostgreSQL clients. Empty serves clients without TLS.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CertCommonName string `json:"certCommonName,omitempty"`

	// CertificateIssuerRef names the cert-manager issuer of generated
	// certificates. By default the cluster has a certificate authority of its own.
	// +optional
	CertificateIssuerRef *CertificateIssuerRef `json:"certificateIssuerRef,omitempty"`
}

// TemplateDefaults name a template for each kind of component. A kind that is
// left out uses the template named default, if there is one.
type TemplateDefaults struct {
	// CoreTemplate is the name of the CoreTemplate of globalTopoServer, multiadmin
	// and multiadminWeb.
	// +optional
	CoreTemplate TemplateName `json:"coreTemplate,omitempty"`

	// CellTemplate is the name of the CellTemplate of all cells.
	// +optional
	CellTemplate TemplateName `json:"cellTemplate,omitempty"`

	// ShardTemplate is the name of the ShardTemplate of all shards.
	// +optional
	ShardTemplate TemplateName `json:"shardTemplate,omitempty"`
}

// A MultiadminConfig configures the admin API or its user interface.
// +kubebuilder:validation:XValidation:rule="!(has(self.spec) && has(self.templateRef))",message="spec and templateRef are mutually exclusive"
type MultiadminConfig struct {
	// Spec configures the component in place.
	// +optional
	Spec *StatelessSpec `json:"spec,omitempty"`

	// TemplateRef is the name of a CoreTemplate.
	// +optional
	TemplateRef TemplateName `json:"templateRef,omitempty"`

	// Placement of the pods.
	// +optional
	Placement *PodPlacementSpec `json:"placement,omitempty"`
}

// A MultigresCluster is a sharded, highly available PostgreSQL.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,shortName=mgc,categories=multigres
// +kubebuilder:printcolumn:name="Phase",type="string",JSONPath=".status.phase"
// +kubebuilder:printcolumn:name="Message",type="string",priority=1,JSONPath=".status.message"
// +kubebuilder:printcolumn:name="Images",type="string",priority=1,JSONPath=".status.images.appliedRevision"
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 25",message="metadata.name must not be longer than 25 characters"
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.matches("^[a-z]([-a-z0-9]*[a-z0-9])?$")`,message="metadata.name must start with a letter and hold only lower-case letters, digits and dashes: it is part of Service names"
type MultigresCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what is wanted.
	// +optional
	Spec MultigresClusterSpec `json:"spec,omitzero"`

	// Status is what is there.
	// +optional
	Status MultigresClusterStatus `json:"status,omitzero"`
}

// MultigresClusterList is a list of MultigresClusters.
// +kubebuilder:object:root=true
type MultigresClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items of the list.
	Items []MultigresCluster `json:"items"`
}
