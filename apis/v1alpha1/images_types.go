package v1alpha1

import corev1 "k8s.io/api/core/v1"

// An ImageRef is a container image reference.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
type ImageRef string

// ImagePullSpec says how every pod of a cluster pulls its images.
type ImagePullSpec struct {
	// ImagePullPolicy of every container. Defaults to IfNotPresent.
	// +optional
	// +kubebuilder:validation:Enum=Always;Never;IfNotPresent
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// ImagePullSecrets of every pod: Secrets in the namespace of the cluster.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`
}

// ClusterImages are the images of a cluster. Each one that is set pins that
// component; one that is not set follows the built-in set of images, as the
// update policy allows.
type ClusterImages struct {
	ImagePullSpec `json:",inline"`

	// Multigateway is the image of the gateways.
	// +optional
	Multigateway ImageRef `json:"multigateway,omitempty"`

	// Multiorch is the image of the orchestrators.
	// +optional
	Multiorch ImageRef `json:"multiorch,omitempty"`

	// Multipooler is the image of the connection pooler beside each PostgreSQL.
	// +optional
	Multipooler ImageRef `json:"multipooler,omitempty"`

	// Multiadmin is the image of the admin API.
	// +optional
	Multiadmin ImageRef `json:"multiadmin,omitempty"`

	// MultiadminWeb is the image of the admin user interface.
	// +optional
	MultiadminWeb ImageRef `json:"multiadminWeb,omitempty"`

	// Postgres is the image that holds PostgreSQL, pgctld and pgBackRest.
	// +optional
	Postgres ImageRef `json:"postgres,omitempty"`

	// Etcd is the image of every managed topology server. The image of an etcd
	// block wins over it.
	// +optional
	Etcd ImageRef `json:"etcd,omitempty"`

	// PostgresExporter is the image of the Prometheus exporter beside each
	// PostgreSQL.
	// +optional
	PostgresExporter ImageRef `json:"postgresExporter,omitempty"`
}

// CellImages are the images that the pods of a cell use.
type CellImages struct {
	ImagePullSpec `json:",inline"`

	// Multigateway is the image of the gateways.
	// +optional
	Multigateway ImageRef `json:"multigateway,omitempty"`

	// Etcd is the image of the cell's own topology server, used when the etcd
	// block of the topology server names none.
	// +optional
	Etcd ImageRef `json:"etcd,omitempty"`
}

// ShardImages are the images that the pods of a shard use.
type ShardImages struct {
	ImagePullSpec `json:",inline"`

	// Multiorch is the image of the orchestrators.
	Multiorch ImageRef `json:"multiorch"`

	// Multipooler is the image of the connection pooler beside each PostgreSQL.
	Multipooler ImageRef `json:"multipooler"`

	// Postgres is the image that holds PostgreSQL, pgctld and pgBackRest.
	Postgres ImageRef `json:"postgres"`

	// PostgresExporter is the image of the Prometheus exporter beside each
	// PostgreSQL.
	// +optional
	PostgresExporter ImageRef `json:"postgresExporter,omitempty"`
}

// An ImageUpdateStrategy says when a cluster adopts a new set of default images.
// +kubebuilder:validation:Enum=immediate;lazy
type ImageUpdateStrategy string

// Image update strategies.
const (
	// ImageUpdateImmediate adopts new default images as soon as they exist.
	ImageUpdateImmediate ImageUpdateStrategy = "immediate"
	// ImageUpdateLazy keeps the applied images until the new revision is
	// acknowledged.
	ImageUpdateLazy ImageUpdateStrategy = "lazy"
)

// ImageUpdatePolicy says when images that are not pinned change.
type ImageUpdatePolicy struct {
	// Strategy is immediate or lazy. Defaults to what the function was started
	// with, which is immediate unless its operator chose otherwise.
	// +optional
	Strategy ImageUpdateStrategy `json:"strategy,omitempty"`

	// AcknowledgedRevision is the revision of the default images that may be
	// adopted under the lazy strategy, as status.images.availableRevision shows
	// it: lower-case hexadecimal digits.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[0-9a-f]*$`
	AcknowledgedRevision string `json:"acknowledgedRevision,omitempty"`
}
