package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A ClusterProviderConfigTLS says how the topology server is trusted, with Secrets of any namespace.
type ClusterProviderConfigTLS struct {
	// CASecretRef names the Secret whose key ca.crt verifies the server. Without it the system's authorities do.
	// +optional
	CASecretRef *xpv2.SecretReference `json:"caSecretRef,omitempty"`

	// ClientCertSecretRef names the Secret whose keys tls.crt and tls.key are shown to the server.
	// +optional
	ClientCertSecretRef *xpv2.SecretReference `json:"clientCertSecretRef,omitempty"`

	// ServerName that the server's certificate must carry, if it is not the endpoint's host.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// ClusterProviderConfigCredentials are a user and password for the topology server, from a Secret of any namespace.
//
// +kubebuilder:validation:XValidation:rule="(self.source == 'Secret') == has(self.secretRef)",message="secretRef must be set if source is Secret, and only then"
type ClusterProviderConfigCredentials struct {
	// Source of the user and password.
	Source CredentialsSource `json:"source"`

	// SecretRef names the Secret whose keys username and password are used.
	// +optional
	SecretRef *xpv2.SecretReference `json:"secretRef,omitempty"`
}

// A ClusterProviderConfigSpec is the desired state of a ClusterProviderConfig.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || self.endpoints.all(e, !e.startsWith('http://'))",message="no endpoint may start with http:// if tls is set"
type ClusterProviderConfigSpec struct {
	Topology `json:",inline"`

	// TLS says how the topology server is trusted. It is set, if only to an empty object, to speak TLS to endpoints
	// without a scheme.
	// +optional
	TLS *ClusterProviderConfigTLS `json:"tls,omitempty"`

	// Credentials are a user and password for the topology server.
	// +optional
	Credentials *ClusterProviderConfigCredentials `json:"credentials,omitempty"`
}

// A ClusterProviderConfig says how managed resources of any namespace reach the topology of a Multigres cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories={crossplane,provider,multigres},shortName=mgcpc
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="ROOT",type="string",JSONPath=".spec.root"
// +kubebuilder:printcolumn:name="USERS",type="integer",JSONPath=".status.users"
// +kubebuilder:printcolumn:name="ENDPOINTS",type="string",JSONPath=".spec.endpoints",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type ClusterProviderConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ClusterProviderConfigSpec `json:"spec"`
	Status ProviderConfigStatus      `json:"status,omitempty"`
}

// A ClusterProviderConfigList is a list of ClusterProviderConfigs.
//
// +kubebuilder:object:root=true
type ClusterProviderConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ClusterProviderConfig `json:"items"`
}

// ClusterProviderConfigKind is the kind of a ClusterProviderConfig.
const ClusterProviderConfigKind = "ClusterProviderConfig"

// Group, API version and kind of a ClusterProviderConfig in the forms that Crossplane's controllers ask for.
var (
	ClusterProviderConfigGroupKind        = schema.GroupKind{Group: Group, Kind: ClusterProviderConfigKind}.String()
	ClusterProviderConfigKindAPIVersion   = ClusterProviderConfigKind + "." + SchemeGroupVersion.String()
	ClusterProviderConfigGroupVersionKind = SchemeGroupVersion.WithKind(ClusterProviderConfigKind)
)
