package v1alpha1

import (
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// A DurabilityPolicy says how many poolers must have a transaction before its commit is acknowledged. The names are those
// that Multigres parses.
// +kubebuilder:validation:Enum=AT_LEAST_2;MULTI_CELL_AT_LEAST_2
type DurabilityPolicy string

const (
	// DurabilityAtLeast2 needs two poolers, in any cells.
	DurabilityAtLeast2 DurabilityPolicy = "AT_LEAST_2"

	// DurabilityMultiCellAtLeast2 needs two poolers in two different cells.
	DurabilityMultiCellAtLeast2 DurabilityPolicy = "MULTI_CELL_AT_LEAST_2"
)

// FilesystemBackup keeps backups in a directory.
type FilesystemBackup struct {
	// Path of the directory, absolute, as every pooler sees it. It must be the same storage for all poolers of a shard,
	// and no two clusters may share it.
	// +kubebuilder:validation:MaxLength=4096
	Path string `json:"path"`
}

// S3Backup keeps backups in a bucket of an S3 compatible object store.
type S3Backup struct {
	// Bucket that holds the backups.
	// +kubebuilder:validation:MaxLength=255
	Bucket string `json:"bucket"`

	// Region of the bucket.
	// +kubebuilder:validation:MaxLength=255
	Region string `json:"region"`

	// Endpoint of the object store, if it is not the one of the region.
	// +kubebuilder:validation:MaxLength=2048
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// KeyPrefix that every key of this database starts with. No two clusters may share bucket and prefix.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	KeyPrefix string `json:"keyPrefix,omitempty"`

	// UseEnvCredentials makes poolers take the credentials from their environment.
	// +optional
	UseEnvCredentials bool `json:"useEnvCredentials,omitempty"`
}

// A BackupLocation is where the backups of a database are. Multigres bootstraps every shard from a backup, so a database
// without a location never starts. Exactly one of the fields is set.
type BackupLocation struct {
	// Filesystem keeps backups in a directory.
	// +optional
	Filesystem *FilesystemBackup `json:"filesystem,omitempty"`

	// S3 keeps backups in a bucket.
	// +optional
	S3 *S3Backup `json:"s3,omitempty"`
}

// DatabaseRecordParameters are the desired content of a database's record in the global topology.
type DatabaseRecordParameters struct {
	// Database is the database's name. It is the record's identity and part of its key.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[^/\s]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="database is immutable: create another DatabaseRecord"
	Database string `json:"database"`

	// Cells in which the database has poolers.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +listType=set
	Cells []string `json:"cells"`

	// BackupLocation is where the backups of this database are. It is merged into the record field by field: what a later
	// Multigres version keeps there besides is left alone.
	// +kubebuilder:validation:XValidation:rule="has(self.filesystem) != has(self.s3)",message="exactly one of filesystem and s3 must be set"
	// +kubebuilder:validation:XValidation:rule="!has(self.filesystem) || self.filesystem.path.startsWith('/')",message="filesystem.path must be an absolute path"
	// +kubebuilder:validation:XValidation:rule="!has(self.s3) || (self.s3.bucket != '' && self.s3.region != '')",message="s3.bucket and s3.region must not be empty"
	BackupLocation BackupLocation `json:"backupLocation"`

	// DurabilityPolicy that the shards of this database are bootstrapped with.
	// +kubebuilder:default=AT_LEAST_2
	// +optional
	DurabilityPolicy DurabilityPolicy `json:"durabilityPolicy,omitempty"`
}

// DatabaseRecordObservation is the observed content of a database's record. It shows what is there, valid or not.
type DatabaseRecordObservation struct {
	// Database is the name in the record.
	// +optional
	Database string `json:"database,omitempty"`

	// Cells in the record.
	// +listType=atomic
	// +optional
	Cells []string `json:"cells,omitempty"`

	// BackupLocation in the record.
	// +optional
	BackupLocation *BackupLocation `json:"backupLocation,omitempty"`

	// DurabilityPolicy in the record, as its name.
	// +optional
	DurabilityPolicy string `json:"durabilityPolicy,omitempty"`

	// Revision is the revision of the topology server at which the record was last written. It moves only when the
	// record changes.
	// +optional
	Revision int64 `json:"revision,omitempty"`
}

// A DatabaseRecordSpec is the desired state of a DatabaseRecord.
type DatabaseRecordSpec struct {
	xpv2.ManagedResourceSpec `json:",inline"`

	// ForProvider is the desired content of the record.
	ForProvider DatabaseRecordParameters `json:"forProvider"`
}

// A DatabaseRecordStatus is the observed state of a DatabaseRecord.
type DatabaseRecordStatus struct {
	xpv2.ManagedResourceStatus `json:",inline"`

	// AtProvider is the observed content of the record.
	// +optional
	AtProvider DatabaseRecordObservation `json:"atProvider,omitempty"`
}

// A DatabaseRecord is the record of one database in the global topology of a Multigres cluster. Deleting it deletes the
// initialization claims of the database's shards first, then the record.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Namespaced,categories={crossplane,managed,multigres},shortName=dbrec
// +kubebuilder:printcolumn:name="READY",type="string",JSONPath=".status.conditions[?(@.type=='Ready')].status"
// +kubebuilder:printcolumn:name="SYNCED",type="string",JSONPath=".status.conditions[?(@.type=='Synced')].status"
// +kubebuilder:printcolumn:name="EXTERNAL-NAME",type="string",JSONPath=".metadata.annotations.crossplane\\.io/external-name"
// +kubebuilder:printcolumn:name="DATABASE",type="string",JSONPath=".spec.forProvider.database"
// +kubebuilder:printcolumn:name="DURABILITY",type="string",JSONPath=".spec.forProvider.durabilityPolicy",priority=1
// +kubebuilder:printcolumn:name="AGE",type="date",JSONPath=".metadata.creationTimestamp"
type DatabaseRecord struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   DatabaseRecordSpec   `json:"spec"`
	Status DatabaseRecordStatus `json:"status,omitempty"`
}

// A DatabaseRecordList is a list of DatabaseRecords.
//
// +kubebuilder:object:root=true
type DatabaseRecordList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []DatabaseRecord `json:"items"`
}

// DatabaseRecordKind is the kind of a DatabaseRecord.
const DatabaseRecordKind = "DatabaseRecord"

// Group, API version and kind of a DatabaseRecord in the forms that Crossplane's controllers ask for.
var (
	DatabaseRecordGroupKind        = schema.GroupKind{Group: Group, Kind: DatabaseRecordKind}.String()
	DatabaseRecordKindAPIVersion   = DatabaseRecordKind + "." + SchemeGroupVersion.String()
	DatabaseRecordGroupVersionKind = SchemeGroupVersion.WithKind(DatabaseRecordKind)
)
