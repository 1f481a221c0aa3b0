package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// A BackupType says where backups are kept.
// +kubebuilder:validation:Enum=filesystem;s3
type BackupType string

// Backup types.
const (
	// BackupFilesystem keeps backups on a volume that all pods of a shard share.
	BackupFilesystem BackupType = "filesystem"
	// BackupS3 keeps backups in an S3-compatible object store.
	BackupS3 BackupType = "s3"
)

// A BackupConfig configures pgBackRest. At a lower level a config of the same
// type is merged over the level above, one of another type replaces it.
// +kubebuilder:validation:XValidation:rule="self.type != 's3' || has(self.s3)",message="backup.s3 is required when backup.type is s3",fieldPath=".s3",reason="FieldValueRequired"
// +kubebuilder:validation:XValidation:rule="self.type != 'filesystem' || has(self.filesystem)",message="backup.filesystem is required when backup.type is filesystem",fieldPath=".filesystem",reason="FieldValueRequired"
// +kubebuilder:validation:XValidation:rule="has(self.encryption) == has(oldSelf.encryption) && (!has(self.encryption) || self.encryption.secretName == oldSelf.encryption.secretName)",message="backup.encryption is immutable: it cannot be added, changed or removed"
type BackupConfig struct {
	// Type of the repository.
	Type BackupType `json:"type"`

	// Filesystem configures a repository on a volume.
	// +optional
	Filesystem *FilesystemBackupConfig `json:"filesystem,omitempty"`

	// S3 configures a repository in an object store.
	// +optional
	S3 *S3BackupConfig `json:"s3,omitempty"`

	// PgBackRestTLS configures the certificates that the pods of a shard use when
	// they exchange backups. By default they are generated.
	// +optional
	PgBackRestTLS *PgBackRestTLSConfig `json:"pgbackrestTLS,omitempty"`

	// Encryption encrypts the repository. It cannot be added, changed or removed
	// later. By default the repository is not encrypted.
	// +optional
	Encryption *BackupEncryptionConfig `json:"encryption,omitempty"`

	// Schedule takes backups again and again. A level that has one, even an
	// empty one, replaces the whole schedule above it; of another type, too. By
	// default no backup is taken but the first, and those that are asked for.
	// A change restarts no pod.
	// +optional
	Schedule *BackupSchedule `json:"schedule,omitempty"`

	// Retention says how many backups are kept. A level that has one, even an
	// empty one, replaces the one above it; of another type, too. By default
	// that is left to Multigres, which keeps 7 full backups. A change restarts no
	// pod.
	// +optional
	Retention *BackupRetention `json:"retention,omitempty"`
}

// A BackupSchedule says how long after the begin of a backup the next one is
// due, by type. A full backup counts as a differential one, too, and both count
// as incremental ones. If several are due the fullest is taken. After a time
// without backups one is taken, not all that were missed. Units are h, m and s,
// as in 24h or 1h30m.
// +kubebuilder:validation:XValidation:rule="has(self.full) || !has(self.differential) && !has(self.incremental)",message="schedule.full is required: differential and incremental backups are of no use without the full one that they build on, and go with it",fieldPath=".full",reason="FieldValueRequired"
// +kubebuilder:validation:XValidation:rule="!has(self.full) || !has(self.differential) || duration(self.differential) < duration(self.full)",message="schedule.differential must be shorter than schedule.full",fieldPath=".differential"
// +kubebuilder:validation:XValidation:rule="!has(self.full) || !has(self.incremental) || duration(self.incremental) < duration(self.full)",message="schedule.incremental must be shorter than schedule.full",fieldPath=".incremental"
// +kubebuilder:validation:XValidation:rule="!has(self.differential) || !has(self.incremental) || duration(self.incremental) < duration(self.differential)",message="schedule.incremental must be shorter than schedule.differential",fieldPath=".incremental"
// +kubebuilder:validation:XValidation:rule="!has(self.full) || duration(self.full) >= duration('1m')",message="schedule.full must be at least 1m",fieldPath=".full"
// +kubebuilder:validation:XValidation:rule="!has(self.differential) || duration(self.differential) >= duration('1m')",message="schedule.differential must be at least 1m",fieldPath=".differential"
// +kubebuilder:validation:XValidation:rule="!has(self.incremental) || duration(self.incremental) >= duration('1m')",message="schedule.incremental must be at least 1m",fieldPath=".incremental"
type BackupSchedule struct {
	// Full is the interval of full backups, at least 1m. Empty takes none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	Full *metav1.Duration `json:"full,omitempty"`

	// Differential is the interval of backups that hold what changed since the
	// last full one, at least 1m and shorter than full. Empty takes none. The last
	// of them is kept, with the incremental ones that build on it: that is
	// Multigres' own choice.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	Differential *metav1.Duration `json:"differential,omitempty"`

	// Incremental is the interval of backups that hold what changed since the
	// last one of any type, at least 1m and shorter than the others. Empty takes
	// none.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=31
	// +kubebuilder:validation:Pattern=`^([0-9]+[hms])+$`
	Incremental *metav1.Duration `json:"incremental,omitempty"`
}

// A BackupRetention says how many backups are kept.
type BackupRetention struct {
	// Full is how many complete full backups are kept, the last ones, with what
	// builds on them and the log since the oldest. All others are removed for
	// good. It cannot be more than 7: after every backup, whoever asked for it,
	// Multigres removes what is older than the last 7 full ones (multigres v0.1.0,
	// repo1-retention-full). Empty leaves it at that.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=7
	Full *int32 `json:"full,omitempty"`
}

// A FilesystemBackupConfig describes a repository on a volume.
type FilesystemBackupConfig struct {
	// Path of the repository inside the pods. Defaults to /backups.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Path string `json:"path,omitempty"`

	// Storage of the volume. Defaults to 10Gi, ReadWriteMany.
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`
}

// An S3BackupConfig describes a repository in an object store.
// +kubebuilder:validation:XValidation:rule="!has(self.serviceAccountName) || size(self.serviceAccountName) == 0 || !has(self.credentialsSecret) || size(self.credentialsSecret) == 0",message="backup.s3.serviceAccountName and backup.s3.credentialsSecret are mutually exclusive"
// +kubebuilder:validation:XValidation:rule="!has(self.serviceAccountName) || size(self.serviceAccountName) == 0 || !has(self.useEnvCredentials) || !self.useEnvCredentials",message="backup.s3.serviceAccountName and backup.s3.useEnvCredentials are mutually exclusive"
type S3BackupConfig struct {
	// Bucket that holds the repository.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Bucket string `json:"bucket"`

	// Region of the bucket.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Region string `json:"region"`

	// Endpoint of the object store, for stores other than AWS.
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Endpoint string `json:"endpoint,omitempty"`

	// KeyPrefix is put before the key of every object.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	KeyPrefix string `json:"keyPrefix,omitempty"`

	// UseEnvCredentials takes credentials from the environment of the pod instead
	// of a Secret. Defaults to false.
	// +optional
	UseEnvCredentials bool `json:"useEnvCredentials,omitempty"`

	// CredentialsSecret is the name of a Secret with the keys AWS_ACCESS_KEY_ID
	// and AWS_SECRET_ACCESS_KEY.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CredentialsSecret string `json:"credentialsSecret,omitempty"`

	// ServiceAccountName is the service account of the pods, for stores that
	// trust an identity instead of a key.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`
}

// A PgBackRestTLSConfig names the certificates of pgBackRest.
type PgBackRestTLSConfig struct {
	// SecretName is a Secret with the keys ca.crt, tls.crt and tls.key. Empty
	// generates one.
	// +optional
	SecretName SecretName `json:"secretName,omitempty"`
}

// A BackupEncryptionConfig names the passphrases of a repository.
type BackupEncryptionConfig struct {
	// SecretName is a Secret whose key keys.json holds a JSON object: generation
	// of the repository to passphrase.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName"`
}
