package resolve

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// defaultBackup is the backup of a cluster that configures none.
func defaultBackup() v1alpha1.BackupConfig {
	out := v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem}
	applyBackup(&out)
	return out
}

// inheritBackup returns what applies to an owner with the backup child below one with the complete backup parent. A child of
// another type replaces the parent, one of the same type is laid on it. Schedule and retention say nothing of the place: they are
// inherited whatever the type, each as a whole. What it returns shares nothing with the parent.
func inheritBackup(child *v1alpha1.BackupConfig, parent v1alpha1.BackupConfig) v1alpha1.BackupConfig {
	out := *parent.DeepCopy()
	if child == nil {
		return out
	}
	if child.Type != "" && child.Type != out.Type {
		above := out
		out = *child.DeepCopy()
		out.Schedule = cmp.Or(out.Schedule, above.Schedule)
		out.Retention = cmp.Or(out.Retention, above.Retention)
		applyBackup(&out)
		return out
	}
	if f := child.Filesystem; f != nil && out.Filesystem != nil {
		out.Filesystem.Path = cmp.Or(f.Path, out.Filesystem.Path)
		out.Filesystem.Storage = mergeStorage(out.Filesystem.Storage, f.Storage)
	}
	if s := child.S3; s != nil && out.S3 != nil {
		mergeS3(out.S3, s)
	}
	out.PgBackRestTLS = cmp.Or(child.PgBackRestTLS, out.PgBackRestTLS)
	out.Encryption = cmp.Or(child.Encryption, out.Encryption)
	out.Schedule = cmp.Or(child.Schedule, out.Schedule)
	out.Retention = cmp.Or(child.Retention, out.Retention)
	applyBackup(&out)
	return out
}

// mergeS3 lays over on base. An identity and a key are alternatives: a child that chooses one drops the parent's other.
func mergeS3(base, over *v1alpha1.S3BackupConfig) {
	if over.ServiceAccountName != "" {
		base.CredentialsSecret = ""
	}
	if over.CredentialsSecret != "" || over.UseEnvCredentials {
		base.ServiceAccountName = ""
	}
	base.Bucket = cmp.Or(over.Bucket, base.Bucket)
	base.Region = cmp.Or(over.Region, base.Region)
	base.Endpoint = cmp.Or(over.Endpoint, base.Endpoint)
	base.KeyPrefix = cmp.Or(over.KeyPrefix, base.KeyPrefix)
	base.CredentialsSecret = cmp.Or(over.CredentialsSecret, base.CredentialsSecret)
	base.ServiceAccountName = cmp.Or(over.ServiceAccountName, base.ServiceAccountName)
	// False cannot be told from absent, so the child decides.
	base.UseEnvCredentials = over.UseEnvCredentials
}

// applyBackup fills in what a backup leaves out and drops the block of the other type.
func applyBackup(b *v1alpha1.BackupConfig) {
	if b.Type == v1alpha1.BackupS3 {
		b.Filesystem = nil
		if b.S3 == nil {
			b.S3 = &v1alpha1.S3BackupConfig{}
		}
		return
	}
	b.Type = v1alpha1.BackupFilesystem
	b.S3 = nil
	if b.Filesystem == nil {
		b.Filesystem = &v1alpha1.FilesystemBackupConfig{}
	}
	b.Filesystem.Path = cmp.Or(b.Filesystem.Path, defaultBackupPath)
	// A replica restores what another pooler backed up, so all of them mount the volume, wherever they run.
	applyStorage(&b.Filesystem.Storage, defaultBackupSize, corev1.ReadWriteMany)
}

// A backupLevel is the backup of one level between a cluster and a shard.
type backupLevel struct {
	config *v1alpha1.BackupConfig
	path   *field.Path
}

// checkBackupSource refuses a backup that keeps its data elsewhere than the database above it. The topology server has one
// record for each database, which poolers read; the pods of a shard must not have another idea.
func (r *resolver) checkBackupSource(database string, own v1alpha1.BackupConfig, level backupLevel, got v1alpha1.BackupConfig) {
	if level.config == nil {
		return
	}
	want, have := backupLocation(own), backupLocation(got)
	var differ []string
	for i := range want {
		if want[i].value != have[i].value {
			differ = append(differ, have[i].field)
		}
	}
	if len(differ) == 0 {
		return
	}
	r.fail(field.Forbidden(level.path, fmt.Sprintf(
		"differs from the backup of database %q in %s: all shards of a database keep their backups in the same place", database, strings.Join(differ, ", "))))
}

// A locationPart is a part of where backups are.
type locationPart struct {
	field, value string
}

// backupLocation returns what the record of a database says of its backups, part by part, in the same order for every backup.
func backupLocation(b v1alpha1.BackupConfig) []locationPart {
	var fs v1alpha1.FilesystemBackupConfig
	if b.Filesystem != nil {
		fs = *b.Filesystem
	}
	var s3 v1alpha1.S3BackupConfig
	if b.S3 != nil {
		s3 = *b.S3
	}
	return []locationPart{
		{"type", string(b.Type)},
		{"filesystem.path", fs.Path},
		{"s3.bucket", s3.Bucket},
		{"s3.region", s3.Region},
		{"s3.endpoint", s3.Endpoint},
		{"s3.keyPrefix", s3.KeyPrefix},
		{"s3.useEnvCredentials", fmt.Sprint(s3.UseEnvCredentials)},
		{"encryption", fmt.Sprint(b.Encryption != nil)},
	}
}

// checkBackup refuses a backup that a shard could not use. Levels go from the cluster down to the shard.
func (r *resolver) checkBackup(b v1alpha1.BackupConfig, levels []backupLevel) {
	for _, l := range levels {
		r.fail(capabilities.checkEncryption(l.config != nil && l.config.Encryption != nil, l.path.Child("encryption")))
	}
	if b.Filesystem == nil {
		return
	}
	storage := b.Filesystem.Storage
	r.fail(validateBackupPath(b.Filesystem.Path, setBy(levels, func(f *v1alpha1.FilesystemBackupConfig) bool { return f.Path != "" }).Child("path")))

	size := setBy(levels, func(f *v1alpha1.FilesystemBackupConfig) bool { return f.Storage.Size != "" })
	r.fail(validateSize(storage.Size, size.Child("storage", "size")))

	modes := setBy(levels, func(f *v1alpha1.FilesystemBackupConfig) bool { return len(f.Storage.AccessModes) > 0 })
	r.fail(validateShared(storage.AccessModes, modes.Child("storage", "accessModes")))
}

// setBy returns the path of the filesystem block of the lowest level that sets something.
func setBy(levels []backupLevel, set func(*v1alpha1.FilesystemBackupConfig) bool) *field.Path {
	path := levels[0].path
	for _, l := range levels {
		if l.config != nil && l.config.Filesystem != nil && set(l.config.Filesystem) {
			path = l.path
		}
	}
	return path.Child("filesystem")
}
