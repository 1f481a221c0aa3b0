package v1alpha1

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
