package v1alpha1

// InitdbArgs are extra arguments of initdb. They only matter when a data
// directory is created.
// +kubebuilder:validation:MaxLength=512
type InitdbArgs string

// A PostgresConfig is a set of PostgreSQL settings: name to value, both as they
// stand in postgresql.conf, values without quotes.
// +kubebuilder:validation:MaxProperties=200
type PostgresConfig map[string]string

// A PostgresConfigRef refers to lines of postgresql.conf in a ConfigMap.
type PostgresConfigRef struct {
	// Name of a ConfigMap in the namespace of the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Key of the ConfigMap that holds the lines.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Key string `json:"key"`
}

// A PostgresPasswordSecretRef refers to the password of the superuser.
type PostgresPasswordSecretRef struct {
	// Name of a Secret in the namespace of the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Name string `json:"name"`

	// Key of the Secret that holds the password.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	Key string `json:"key"`
}
