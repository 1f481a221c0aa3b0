package shard

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// accessModes are the access modes that a claim may ask for.
var accessModes = []corev1.PersistentVolumeAccessMode{
	corev1.ReadWriteOnce, corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOncePod,
}

func validateStorage(p *field.Path, st v1alpha1.StorageSpec) field.ErrorList {
	var errs field.ErrorList
	if st.Size != "" {
		if q, err := object.ParseQuantity(st.Size); err != nil || q.Sign() <= 0 {
			errs = append(errs, field.Invalid(p.Child("size"), short(st.Size), "must be a positive quantity such as 10Gi"))
		}
	}
	for i, m := range st.AccessModes {
		if !slices.Contains(accessModes, m) {
			errs = append(errs, field.NotSupported(p.Child("accessModes").Index(i), m, accessModes))
		}
		if slices.Contains(st.AccessModes[:i], m) {
			errs = append(errs, field.Duplicate(p.Child("accessModes").Index(i), m))
		}
	}
	return errs
}

func validatePolicy(p *field.Path, policy *v1alpha1.PVCDeletionPolicy) field.ErrorList {
	if policy == nil {
		return nil
	}
	known := []v1alpha1.PVCRetentionPolicy{v1alpha1.PVCRetain, v1alpha1.PVCDelete}
	var errs field.ErrorList
	if v := policy.WhenDeleted; v != "" && !slices.Contains(known, v) {
		errs = append(errs, field.NotSupported(p.Child("whenDeleted"), v, known))
	}
	if v := policy.WhenScaled; v != "" && !slices.Contains(known, v) {
		errs = append(errs, field.NotSupported(p.Child("whenScaled"), v, known))
	}
	return errs
}

func validateBackup(p *field.Path, b *v1alpha1.BackupConfig) field.ErrorList {
	if b == nil {
		return nil
	}
	var errs field.ErrorList
	if b.Encryption != nil {
		// Multigres v0.1.0 has no flag for the passphrases; without it the repository would silently stay readable.
		errs = append(errs, field.Forbidden(p.Child("encryption"), "Multigres v0.1.0 cannot encrypt backups"))
	}
	switch b.Type {
	case v1alpha1.BackupFilesystem:
		return append(errs, validateFilesystem(p.Child("filesystem"), b.Filesystem)...)
	case v1alpha1.BackupS3:
		return append(errs, validateS3(p.Child("s3"), b.S3)...)
	default:
		return append(errs, field.NotSupported(p.Child("type"), b.Type, []v1alpha1.BackupType{v1alpha1.BackupFilesystem, v1alpha1.BackupS3}))
	}
}

// taken are the places in the containers of a pool that the backup volume must not hide.
var taken = []string{dataPath, "/etc", "/certs", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys", "/dev", "/multigres"}

func validateFilesystem(p *field.Path, fs *v1alpha1.FilesystemBackupConfig) field.ErrorList {
	if fs == nil {
		return nil
	}
	errs := validateStorage(p.Child("storage"), fs.Storage)
	if fs.Path == "" {
		return errs
	}
	if !path.IsAbs(fs.Path) || path.Clean(fs.Path) != fs.Path || strings.ContainsAny(fs.Path, ":\n") {
		return append(errs, field.Invalid(p.Child("path"), short(fs.Path), "must be an absolute path without dots and doubled slashes, such as /backups"))
	}
	for _, t := range taken {
		if within(fs.Path, t) || within(t, fs.Path) {
			return append(errs, field.Invalid(p.Child("path"), short(fs.Path), "would hide or be hidden by "+t))
		}
	}
	return errs
}

// within is true if a clean path is a directory or lies below it.
func within(p, dir string) bool { return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/") }

func validateS3(p *field.Path, s3 *v1alpha1.S3BackupConfig) field.ErrorList {
	if s3 == nil {
		return field.ErrorList{field.Required(p, "backups of type s3 need a bucket")}
	}
	var errs field.ErrorList
	if s3.Bucket == "" {
		errs = append(errs, field.Required(p.Child("bucket"), ""))
	}
	if s3.Region == "" {
		errs = append(errs, field.Required(p.Child("region"), ""))
	}
	if s3.ServiceAccountName != "" && (s3.CredentialsSecret != "" || s3.UseEnvCredentials) {
		errs = append(errs, field.Forbidden(p.Child("serviceAccountName"), "excludes credentialsSecret and useEnvCredentials: pgBackRest takes one identity"))
	}
	return errs
}

// validateVolumes returns what the specification asks of volumes that exist and cannot be done to them.
func validateVolumes(in compose.Input, sh *shard) field.ErrorList {
	var errs field.ErrorList
	pools := field.NewPath("spec", "pools")
	for _, g := range sh.groups {
		for i := range g.replicas {
			live := in.Observed[naming.KeyDataClaim(g.pool, g.cell, i)]
			errs = append(errs, validateVolume(pools.Key(g.pool).Child("storage"), live, dataStorage(g))...)
		}
	}
	if sh.onFilesystem() {
		errs = append(errs, validateVolume(field.NewPath("spec", "backup", "filesystem", "storage"), in.Observed[naming.KeyBackupClaim], backupStorage(sh))...)
	}
	return errs
}

func validateVolume(p *field.Path, claim object.Object, st storage) field.ErrorList {
	live := claim.At("spec", "forProvider")
	if !live.Exists() {
		return nil
	}
	var errs field.ErrorList
	if size, err := object.ParseQuantity(live.String("size")); err == nil && st.size.Cmp(size) < 0 {
		errs = append(errs, field.Invalid(p.Child("size"), st.size.String(), fmt.Sprintf("cannot shrink: the volume has %s", size.String())))
	}
	// Without a class in the specification any will do, one that the volume got by default among them.
	if class := live.String("storageClassName"); st.class != "" && class != st.class {
		errs = append(errs, field.Invalid(p.Child("class"), st.class, fmt.Sprintf("cannot change: the volume has %q", class)))
	}
	if modes := live.Strings("accessModes"); !sameModes(modes, st.modes) {
		errs = append(errs, field.Invalid(p.Child("accessModes"), st.modes, "cannot change: the volume has "+strings.Join(modes, ", ")))
	}
	return errs
}

func sameModes(live []string, want []corev1.PersistentVolumeAccessMode) bool {
	a := slices.Clone(live)
	b := make([]string, 0, len(want))
	for _, m := range want {
		b = append(b, string(m))
	}
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
