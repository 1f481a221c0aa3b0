package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A ProviderConfigTLS says how the topology server is trusted, with Secrets of the namespace of the ProviderConfig only.
type ProviderConfigTLS struct {
	// CASecretRef names the Secret whose key ca.crt verifies the server. Without it the system's authorities do.
	// +optional
	CASecretRef *xpv2.LocalSecretReference `json:"caSecretRef,omitempty"`

	// ClientCertSecretRef names the Secret whose keys tls.crt and tls.key are shown to the server.
	// +optional
	ClientCertSecretRef *xpv2.LocalSecretReference `json:"clientCertSecretRef,omitempty"`

	// ServerName that the server's certificate must carry, if it is not the endpoint's host.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// ProviderConfigCredentials are a user and password for the topology server, from a Secret of the namespace of the
// ProviderConfig only.
//
// +kubebuilder:validation:XValidation:rule="(self.source == 'Secret') == has(self.secretRef)",message="secretRef must be set if source is Secret, and only then"
type ProviderConfigCredentials struct {
	// Source of the user and password.
	Source CredentialsSource `json:"source"`

	// SecretRef names the Secret whose keys username and password are used.
	// +optional
	SecretRef *xpv2.LocalSecretReference `json:"secretRef,omitempty"`
}

// A ProviderConfigSpec is the desired state of a ProviderConfig.
//
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || self.endpoints.all(e, !e.startsWith('http://'))",message="no endpoint may start with http:// if tls is set"
type ProviderConfigSpec struct {
	Topology `json:",inline"`

	// TLS says how the topology server is trusted. It is set, if only to an empty object, to speak TLS to endpoints
	// without a scheme.
	// +optional
	TLS *ProviderConfigTLS `json:"tls,omitempty"`

	// Credentials are a user and password for the topology server.
	// +optional
	Credentials *ProviderConfigCredentials `json:"credentials,omitempty"`

	// DedicatedEndpoints are the client endpoints, as they are written elsewhere, of topology servers that hold nothing but
	// the records of one cluster and end with it: with the object that controls this ProviderConfig. Once that object is
	// being deleted, records on such a server hold up nothing if the server does not answer for a minute. Endpoints that
	// are not listed are never given up.
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +listType=set
	// +optional
	DedicatedEndpoints []string `json:"dedicatedEndpoints,omitempty"`
}

// A ProviderConfigStatus is the observed state of a ProviderConfig.
type ProviderConfigStatus struct {
	xpv2.ProviderConfigStatus `json:",inline"`
}

// A ProviderConfig says how managed resources of its own namespace reach the topology of a Multigres cluster.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,provider,multigres},shortName=mgpc
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="ROOT",type="string",JSONPath=".spec.root"
// +kubebuilder:printcolumn:name="USERS",type="integer",JSONPath=".status.users"
// +kubebuilder:printcolumn:name="ENDPOINTS",type="string",JSONPath=".spec.endpoints",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type ProviderConfig struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ProviderConfigSpec   `json:"spec"`
	Status ProviderConfigStatus `json:"status,omitempty"`
}

// A ProviderConfigList is a list of ProviderConfigs.
//
// +kubebuilder:object:root=true
type ProviderConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ProviderConfig `json:"items"`
}

// ProviderConfigKind is the kind of a ProviderConfig.
const ProviderConfigKind = "ProviderConfig"

// Group, API version and kind of a ProviderConfig in the forms that Crossplane's controllers ask for.
var (
	ProviderConfigGroupKind        = schema.GroupKind{Group: Group, Kind: ProviderConfigKind}.String()
	ProviderConfigKindAPIVersion   = ProviderConfigKind + "." + SchemeGroupVersion.String()
	ProviderConfigGroupVersionKind = SchemeGroupVersion.WithKind(ProviderConfigKind)
)
