package v1alpha1

// A DatabaseName is the name of a logical database: a DNS label of at most 30
// characters.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=30
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type DatabaseName string

// A CellName is the name of a cell, a failure domain: a DNS label of at most 30
// characters.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=30
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type CellName string

// A TableGroupName is the name of a table group: a DNS label of at most 25
// characters.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=25
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type TableGroupName string

// A ShardName is the name of a shard within its table group: a DNS label of at
// most 25 characters.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=25
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type ShardName string

// A PoolName is the name of a pool of PostgreSQL instances within a shard: a
// DNS label of at most 25 characters. A schema cannot restrict map keys by
// markers of their type, so PoolMap repeats the limits.
type PoolName string

// A TemplateName is the name of a CoreTemplate, CellTemplate or ShardTemplate in
// the namespace of the cluster.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
type TemplateName string

// A SecretName is the name of a Secret in the namespace of the cluster.
// +kubebuilder:validation:MaxLength=253
type SecretName string

// A Duration is a length of time as Go writes it: numbers with the units ns, us,
// ms, s, m or h, for example 10s or 1m30s.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ns|us|µs|μs|ms|s|m|h))+$`
type Duration string

// A DurabilityPolicy says how many members of a shard must hold a write before
// it is acknowledged. Empty inherits.
// +kubebuilder:validation:Enum="";AT_LEAST_2;MULTI_CELL_AT_LEAST_2
type DurabilityPolicy string

// Durability policies that the data plane knows.
const (
	// DurabilityAtLeast2 wants every write on two members, in any cells.
	DurabilityAtLeast2 DurabilityPolicy = "AT_LEAST_2"
	// DurabilityMultiCellAtLeast2 wants every write on members in two cells.
	DurabilityMultiCellAtLeast2 DurabilityPolicy = "MULTI_CELL_AT_LEAST_2"
)

// A Phase is a one-word summary of an object's state. The conditions say more.
type Phase string

// Phases of every composite resource.
const (
	// PhaseInitializing means that there is nothing to observe yet.
	PhaseInitializing Phase = "Initializing"
	// PhaseProgressing means that the object is on its way to its desired state.
	PhaseProgressing Phase = "Progressing"
	// PhaseHealthy means that everything desired is there and ready.
	PhaseHealthy Phase = "Healthy"
	// PhaseDegraded means that something does not come up without help.
	PhaseDegraded Phase = "Degraded"
	// PhaseUnknown means that the state could not be determined.
	PhaseUnknown Phase = "Unknown"
)
