package v1alpha1

// A TopologyImplementation is a kind of topology server.
// +kubebuilder:validation:Enum=etcd
type TopologyImplementation string

// TopologyImplementationEtcd is etcd, the only implementation that Multigres has.
const TopologyImplementationEtcd TopologyImplementation = "etcd"

// A Topology is a topology server and the place in it that holds the records of one Multigres cluster.
type Topology struct {
	// Implementation of the topology server.
	// +kubebuilder:default=etcd
	// +optional
	Implementation TopologyImplementation `json:"implementation,omitempty"`

	// Endpoints are the client endpoints of the topology server: host:port, or a URL with http or https.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^(https?://)?[^\s/]+/?$`
	// +listType=set
	Endpoints []string `json:"endpoints"`

	// Root is the path of the global topology, below which the records of cells and databases are kept. No two clusters
	// may share it.
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^/\S+$`
	Root string `json:"root"`
}

// A CredentialsSource says where the user and password for the topology server come from.
// +kubebuilder:validation:Enum=None;Secret
type CredentialsSource string

const (
	// CredentialsSourceNone uses no user and password.
	CredentialsSourceNone CredentialsSource = "None"

	// CredentialsSourceSecret takes them from a Secret.
	CredentialsSourceSecret CredentialsSource = "Secret"
)

// Keys of the Secrets that a ProviderConfig or ClusterProviderConfig names.
const (
	// SecretKeyCA holds PEM certificates of authorities.
	SecretKeyCA = "ca.crt"

	// SecretKeyCertificate holds a PEM certificate chain.
	SecretKeyCertificate = "tls.crt"

	// SecretKeyPrivateKey holds a PEM private key.
	SecretKeyPrivateKey = "tls.key"

	// SecretKeyUsername holds the name of a user.
	SecretKeyUsername = "username"

	// SecretKeyPassword holds the password of a user.
	SecretKeyPassword = "password"
)
