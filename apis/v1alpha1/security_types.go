package v1alpha1

// An InternalTLSConfig says whether the components of a cluster authenticate
// each other with certificates.
type InternalTLSConfig struct {
	// Enabled defaults to false.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}

// A CertificateIssuerRef names the cert-manager issuer of generated
// certificates.
type CertificateIssuerRef struct {
	// Name of the issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Kind of the issuer. Defaults to Issuer, in the namespace of the cluster.
	// +optional
	// +kubebuilder:validation:Enum=Issuer;ClusterIssuer
	Kind string `json:"kind,omitempty"`

	// Group of the issuer. Defaults to cert-manager.io.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Group string `json:"group,omitempty"`
}
