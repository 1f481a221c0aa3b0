package v1alpha1

// A MultigresClusterStatus describes what is there of a cluster.
type MultigresClusterStatus struct {
	CompositeStatus `json:",inline"`

	// Cells summarises each cell.
	// +optional
	Cells map[CellName]CellStatusSummary `json:"cells,omitempty"`

	// Databases summarises each database.
	// +optional
	Databases map[DatabaseName]DatabaseStatusSummary `json:"databases,omitempty"`

	// Gateway says where clients connect.
	// +optional
	Gateway *GatewayEndpoints `json:"gateway,omitempty"`

	// AdminWeb says where the admin user interface is, while it is exposed.
	// +optional
	AdminWeb *AdminWebEndpoints `json:"adminWeb,omitempty"`

	// ConnectionSecretName is the name of the Secret that tells applications how
	// to connect.
	// +optional
	ConnectionSecretName string `json:"connectionSecretName,omitempty"`

	// ResolvedTemplates are the templates that apply, those named default
	// included.
	// +optional
	ResolvedTemplates *ResolvedTemplates `json:"resolvedTemplates,omitempty"`

	// Images says which images apply and which are available.
	// +optional
	Images *ImagesStatus `json:"images,omitempty"`

	// Effective is the configuration that applies, after templates and defaults.
	// +optional
	Effective *EffectiveConfig `json:"effective,omitempty"`

	// Retiring lists what is kept for now although the spec no longer asks for it.
	// +optional
	// +listType=atomic
	Retiring []RetiringResource `json:"retiring,omitempty"`
}

// A CellStatusSummary summarises a cell.
type CellStatusSummary struct {
	// Ready says whether the cell has a ready gateway.
	// +optional
	Ready bool `json:"ready"`

	// GatewayReplicas is the number of the cell's gateways that are ready.
	// +optional
	GatewayReplicas int32 `json:"gatewayReplicas"`
}

// A DatabaseStatusSummary summarises a database.
type DatabaseStatusSummary struct {
	// ReadyShards is the number of shards that serve.
	// +optional
	ReadyShards int32 `json:"readyShards"`

	// TotalShards is the number of shards that are wanted.
	// +optional
	TotalShards int32 `json:"totalShards"`
}

// GatewayEndpoints say where clients connect.
type GatewayEndpoints struct {
	// Host of the Service for reads and writes.
	// +optional
	Host string `json:"host,omitempty"`

	// Port of the Service for reads and writes.
	// +optional
	Port int32 `json:"port,omitempty"`

	// ReplicaHost of the Service for reads that may be stale.
	// +optional
	ReplicaHost string `json:"replicaHost,omitempty"`

	// ReplicaPort of the Service for reads that may be stale.
	// +optional
	ReplicaPort int32 `json:"replicaPort,omitempty"`

	// ExternalEndpoint is the address outside the Kubernetes cluster, if exposed.
	// +optional
	ExternalEndpoint string `json:"externalEndpoint,omitempty"`
}

// AdminWebEndpoints say where the admin user interface is.
type AdminWebEndpoints struct {
	// ExternalEndpoint is the address outside the Kubernetes cluster.
	// +optional
	ExternalEndpoint string `json:"externalEndpoint,omitempty"`
}

// ResolvedTemplates are names of templates, sorted and without duplicates.
type ResolvedTemplates struct {
	// CoreTemplates that apply.
	// +optional
	// +listType=atomic
	CoreTemplates []string `json:"coreTemplates,omitempty"`

	// CellTemplates that apply.
	// +optional
	// +listType=atomic
	CellTemplates []string `json:"cellTemplates,omitempty"`

	// ShardTemplates that apply.
	// +optional
	// +listType=atomic
	ShardTemplates []string `json:"shardTemplates,omitempty"`
}

// An ImagesStatus says which images apply and which are available.
type ImagesStatus struct {
	// UpdateStrategy that applies: immediate or lazy.
	// +optional
	UpdateStrategy string `json:"updateStrategy,omitempty"`

	// Source of the effective images: explicit, defaults or mixed.
	// +optional
	Source string `json:"source,omitempty"`

	// Effective are the images that the components run.
	// +optional
	Effective *ImageSet `json:"effective,omitempty"`

	// Applied is the set of default images that was adopted.
	// +optional
	Applied *ImageSet `json:"applied,omitempty"`

	// AppliedRevision identifies the applied set: 12 hexadecimal digits.
	// +optional
	AppliedRevision string `json:"appliedRevision,omitempty"`

	// Available is the set of default images that could be adopted.
	// +optional
	Available *ImageSet `json:"available,omitempty"`

	// AvailableRevision identifies the available set: 12 hexadecimal digits.
	// +optional
	AvailableRevision string `json:"availableRevision,omitempty"`
}

// Sources of the effective images.
const (
	// ImageSourceExplicit means that the spec pins all images.
	ImageSourceExplicit = "explicit"
	// ImageSourceDefaults means that the spec pins no image.
	ImageSourceDefaults = "defaults"
	// ImageSourceMixed means that the spec pins some of the images.
	ImageSourceMixed = "mixed"
)

// An ImageSet is one image for each component.
type ImageSet struct {
	// Multiadmin is the image of the admin API.
	// +optional
	Multiadmin string `json:"multiadmin,omitempty"`

	// MultiadminWeb is the image of the admin user interface.
	// +optional
	MultiadminWeb string `json:"multiadminWeb,omitempty"`

	// Multigateway is the image of the gateways.
	// +optional
	Multigateway string `json:"multigateway,omitempty"`

	// Multiorch is the image of the orchestrators.
	// +optional
	Multiorch string `json:"multiorch,omitempty"`

	// Multipooler is the image of the connection poolers.
	// +optional
	Multipooler string `json:"multipooler,omitempty"`

	// Postgres is the image of PostgreSQL.
	// +optional
	Postgres string `json:"postgres,omitempty"`

	// Etcd is the image of the managed topology servers.
	// +optional
	Etcd string `json:"etcd,omitempty"`

	// PostgresExporter is the image of the Prometheus exporter.
	// +optional
	PostgresExporter string `json:"postgresExporter,omitempty"`
}
