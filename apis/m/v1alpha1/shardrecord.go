package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A ShardPooler is one pooler of a shard: a pod, its place and its identity in the topology. The identity is cell and
// service id.
type ShardPooler struct {
	// Pod is the name of the pooler's pod, in the namespace of the ShardRecord.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Pod string `json:"pod"`

	// ServiceID that the pooler registers with. It is stable over restarts of the pod and unique in its cell.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^/_\s]+$`
	ServiceID string `json:"serviceID"`

	// Cell that the pooler runs in.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Cell string `json:"cell"`

	// Hostname under which the other components reach the pooler.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Hostname string `json:"hostname"`

	// Pool that the pooler belongs to.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Pool string `json:"pool"`
}

// ShardTLS is what is needed to speak to the poolers of a shard whose internal connections are encrypted.
type ShardTLS struct {
	// CASecretName is the name of the Secret, in the namespace of the ShardRecord, whose key ca.crt verifies the poolers.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	CASecretName string `json:"caSecretName"`

	// CertSecretName is the name of the Secret, in the namespace of the ShardRecord, whose keys tls.crt and tls.key are
	// shown to the poolers. Without it no client certificate is shown.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	CertSecretName string `json:"certSecretName,omitempty"`

	// ServerName that the poolers' certificates must carry, if it is not their hostname.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// ShardOrchestrators are the orchestrators of a shard in one cell: the pods of a StatefulSet. Pod and service id of each are a
// prefix, a dash and the same number.
type ShardOrchestrators struct {
	// Cell that the orchestrators run in.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Cell string `json:"cell"`

	// StatefulSet is its name, in the namespace of the ShardRecord.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	StatefulSet string `json:"statefulSet"`

	// ServiceIDPrefix is what the ids start with that the orchestrators register with.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=61
	// +kubebuilder:validation:Pattern=`^[^/_\s]+$`
	ServiceIDPrefix string `json:"serviceIDPrefix"`
}

// ShardSettings are the settings that the PostgreSQL servers of a shard are to have in force. Their configuration file carries
// a hash of them; where another one is in force the server is told to read the file again.
type ShardSettings struct {
	// Hash of the settings that a reload applies, as the configuration file carries it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Hash string `json:"hash"`

	// ReloadPort is the port, at the poolers' hostnames, of the gRPC server of pgctld, which makes PostgreSQL read its
	// files again. It is spoken to in plain text, as Multigres itself does.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	ReloadPort int32 `json:"reloadPort"`
}

// ShardBackups say which backups of a shard are taken without being asked for, and how many are kept.
type ShardBackups struct {
	// Schedule takes backups again and again. Without it none is taken.
	// +optional
	Schedule *BackupSchedule `json:"schedule,omitempty"`

	// RetainedFull is how many complete full backups are kept, the last ones, with what builds on them. While there are more,
	// the others are removed. Without it none is removed but what Multigres removes itself: all but the last 7 after every
	// backup (multigres v0.1.0).
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7
	// +optional
	RetainedFull int32 `json:"retainedFull,omitempty"`
}

// A BackupSchedule says how long after the begin of a backup the next one is due, by type, at least 1m. A full backup counts as
// a differential one, too, and both count as incremental ones.
//
// +kubebuilder:validation:XValidation:rule="(!has(self.full) || duration(self.full) >= duration('1m')) && (!has(self.differential) || duration(self.differential) >= duration('1m')) && (!has(self.incremental) || duration(self.incremental) >= duration('1m'))",message="an interval of backups must be at least 1m"
type BackupSchedule struct {
	// Full is the interval of full backups.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	// +optional
	Full *metav1.Duration `json:"full,omitempty"`

	// Differential is the interval of backups of what changed since the last full one.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	// +optional
	Differential *metav1.Duration `json:"differential,omitempty"`

	// Incremental is the interval of backups of what changed since the last one of any type.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	// +optional
	Incremental *metav1.Duration `json:"incremental,omitempty"`
}

// ShardRecordParameters say which poolers a shard is to have.
//
// +kubebuilder:validation:XValidation:rule="!has(self.removed) || !has(self.poolers) || self.removed.all(r, !self.poolers.exists(p, p.serviceID == r.serviceID && p.cell == r.cell))",message="a pooler cannot be both in poolers and in removed"
type ShardRecordParameters struct {
	// Database that the shard is part of.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^/\s]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="database is immutable: create another ShardRecord"
	Database string `json:"database"`

	// TableGroup that the shard is part of.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^/\s]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="tableGroup is immutable: create another ShardRecord"
	TableGroup string `json:"tableGroup"`

	// Shard is the shard's name, as in 0-inf.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^/\s]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="shard is immutable: create another ShardRecord"
	Shard string `json:"shard"`

	// Cells whose topology holds records of this shard. A cell stays in the list until its last pooler is unregistered.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +listType=set
	Cells []string `json:"cells"`

	// Poolers that the shard is to have. Their records are written by themselves and only read here.
	// +kubebuilder:validation:MaxItems=100
	// +listType=map
	// +listMapKey=cell
	// +listMapKey=serviceID
	// +optional
	Poolers []ShardPooler `json:"poolers,omitempty"`

	// Removed poolers: their pods are gone for good. What is left of them in the cohort and in the topology is removed.
	// +kubebuilder:validation:MaxItems=100
	// +listType=map
	// +listMapKey=cell
	// +listMapKey=serviceID
	// +optional
	Removed []ShardPooler `json:"removed,omitempty"`

	// Orchestrators of the shard. What those of them that are gone have left in the topology is removed.
	// +kubebuilder:validation:MaxItems=50
	// +listType=map
	// +listMapKey=cell
	// +optional
	Orchestrators []ShardOrchestrators `json:"orchestrators,omitempty"`

	// Settings that the PostgreSQL servers are to have in force. Without it none is told to reload anything.
	// +optional
	Settings *ShardSettings `json:"settings,omitempty"`

	// Backups that are taken without being asked for, and how many are kept. Without it nothing is done about backups.
	// +optional
	Backups *ShardBackups `json:"backups,omitempty"`

	// Probe is any value. A change of it makes the shard be observed again, and the observation repeats it, so that
	// whoever changes it can tell from the echo that the facts are newer than the change.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Probe string `json:"probe,omitempty"`

	// TLS is needed if the poolers' internal connections are encrypted. Without it they are spoken to in plain text.
	// +optional
	TLS *ShardTLS `json:"tls,omitempty"`
}

// A ShardRecordSpec is the desired state of a ShardRecord.
type ShardRecordSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider says which poolers the shard is to have.
	ForProvider ShardRecordParameters `json:"forProvider"`
}

// A ShardRecordStatus is the observed state of a ShardRecord.
type ShardRecordStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is the observed state of the shard.
	// +optional
	AtProvider ShardRecordObservation `json:"atProvider,omitempty"`
}

// A ShardRecord is what the topology and the poolers of one shard say about it: who is registered, who leads, who is in
// the cohort. It never touches what a living pooler wrote; it removes what poolers that are gone for good left behind.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=shardrec
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="SHARD",type="string",JSONPath=".spec.forProvider.shard"
// +kubebuilder:printcolumn:name="LEADER",type="string",JSONPath=".status.atProvider.leaderPod"
// +kubebuilder:printcolumn:name="TERM",type="integer",JSONPath=".status.atProvider.term"
// +kubebuilder:printcolumn:name="DATABASE",type="string",JSONPath=".spec.forProvider.database",priority=1
// +kubebuilder:printcolumn:name="TABLE-GROUP",type="string",JSONPath=".spec.forProvider.tableGroup",priority=1
// +kubebuilder:printcolumn:name="LAST-BACKUP",type="date",JSONPath=".status.atProvider.lastBackup.startedAt",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type ShardRecord struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ShardRecordSpec   `json:"spec"`
	Status ShardRecordStatus `json:"status,omitempty"`
}

// A ShardRecordList is a list of ShardRecords.
//
// +kubebuilder:object:root=true
type ShardRecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ShardRecord `json:"items"`
}

// ShardRecordKind is the kind of a ShardRecord.
const ShardRecordKind = "ShardRecord"

// Group, API version and kind of a ShardRecord in the forms that Crossplane's controllers ask for.
var (
	ShardRecordGroupKind        = schema.GroupKind{Group: Group, Kind: ShardRecordKind}.String()
	ShardRecordKindAPIVersion   = ShardRecordKind + "." + SchemeGroupVersion.String()
	ShardRecordGroupVersionKind = SchemeGroupVersion.WithKind(ShardRecordKind)
)
