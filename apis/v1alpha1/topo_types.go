package v1alpha1

import corev1 "k8s.io/api/core/v1"

// A RootPath is the prefix of every key that is kept in a topology server.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
type RootPath string

// An EtcdSpec describes a managed etcd. Its number of members is decided once.
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || self.replicas % 2 == 1",message="etcd.replicas must be odd: an even number of members tolerates no more failures",fieldPath=".replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.replicas) || !has(oldSelf.replicas) || self.replicas == oldSelf.replicas",message="etcd.replicas cannot be changed once set",fieldPath=".replicas"
type EtcdSpec struct {
	// Image of etcd. Defaults to the built-in image.
	// +optional
	Image ImageRef `json:"image,omitempty"`

	// Replicas is the number of members, odd. Defaults to 3. It cannot be changed
	// once set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	Replicas *int32 `json:"replicas,omitempty"`

	// Storage of each member. Defaults to 1Gi.
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`

	// Resources of each member. Defaults to requests of 100m CPU and 256Mi memory
	// and a limit of 512Mi memory.
	// +optional
	Resources corev1.ResourceRequirements `json:"resources,omitzero"`

	// RootPath of the keys. Defaults to /multigres/global, or /multigres/<cell>
	// for a cell's own server.
	// +optional
	RootPath RootPath `json:"rootPath,omitempty"`

	// PVCDeletionPolicy of the members' volume claims.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`
}

// An EndpointURL is the address of one member of an external topology server.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:Pattern=`^https?://`
type EndpointURL string

// An ExternalTopoServerSpec describes a topology server that something else
// runs.
type ExternalTopoServerSpec struct {
	// Endpoints of the server, each starting with http:// or https://. All of
	// them are used.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	Endpoints []EndpointURL `json:"endpoints"`

	// Implementation of the server. Defaults to etcd.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Implementation string `json:"implementation,omitempty"`

	// CASecret is the name of a Secret whose key ca.crt verifies the server.
	// +optional
	CASecret SecretName `json:"caSecret,omitempty"`

	// ClientCertSecret is the name of a Secret whose keys tls.crt and tls.key
	// authenticate the clients.
	// +optional
	ClientCertSecret SecretName `json:"clientCertSecret,omitempty"`

	// RootPath of the keys. Defaults to /multigres/<namespace>/<cluster>/global,
	// so that clusters can share a server.
	// +optional
	RootPath RootPath `json:"rootPath,omitempty"`
}

// A GlobalTopoServerSpec says which server keeps a cluster's metadata. By
// default a managed etcd of three members does.
// +kubebuilder:validation:XValidation:rule="[has(self.etcd), has(self.external), has(self.templateRef)].filter(x, x).size() <= 1",message="globalTopoServer takes at most one of etcd, external and templateRef"
type GlobalTopoServerSpec struct {
	// Etcd configures a managed etcd.
	// +optional
	Etcd *EtcdSpec `json:"etcd,omitempty"`

	// External names a server that something else runs.
	// +optional
	External *ExternalTopoServerSpec `json:"external,omitempty"`

	// TemplateRef is the name of a CoreTemplate.
	// +optional
	TemplateRef TemplateName `json:"templateRef,omitempty"`

	// PVCDeletionPolicy of a managed etcd. Defaults to that of the cluster.
	// +optional
	PVCDeletionPolicy *PVCDeletionPolicy `json:"pvcDeletionPolicy,omitempty"`

	// Placement of a managed etcd's pods.
	// +optional
	Placement *PodPlacementSpec `json:"placement,omitempty"`
}

// A LocalTopoServerSpec says which server keeps the metadata of one cell.
// +kubebuilder:validation:XValidation:rule="has(self.etcd) || has(self.external)",message="a local topology server needs one of etcd and external"
// +kubebuilder:validation:XValidation:rule="!(has(self.etcd) && has(self.external))",message="a local topology server takes only one of etcd and external"
type LocalTopoServerSpec struct {
	// Etcd configures a managed etcd.
	// +optional
	Etcd *EtcdSpec `json:"etcd,omitempty"`

	// External names a server that something else runs.
	// +optional
	External *ExternalTopoServerSpec `json:"external,omitempty"`
}

// A GlobalTopoServerRef says how to reach the topology server of a cluster.
type GlobalTopoServerRef struct {
	// Address is a comma separated list of host:port, without a scheme.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	Address string `json:"address"`

	// RootPath of the keys.
	RootPath RootPath `json:"rootPath"`

	// Implementation of the server, for example etcd.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Implementation string `json:"implementation"`

	// CASecret is the name of a Secret whose key ca.crt verifies the server.
	// +optional
	CASecret SecretName `json:"caSecret,omitempty"`

	// ClientCertSecret is the name of a Secret whose keys tls.crt and tls.key
	// authenticate the clients.
	// +optional
	ClientCertSecret SecretName `json:"clientCertSecret,omitempty"`
}

// A TopologyPruningConfig says whether records that the spec no longer asks for
// are removed from the topology server.
type TopologyPruningConfig struct {
	// Enabled defaults to true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
}
