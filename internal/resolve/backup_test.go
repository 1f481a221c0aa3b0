package resolve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

func TestInheritBackup(t *testing.T) {
	many, once := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany}, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	files := func(changes ...func(*v1alpha1.BackupConfig)) v1alpha1.BackupConfig {
		out := v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{
			Path: "/a", Storage: v1alpha1.StorageSpec{Size: "1Gi", Class: "a", AccessModes: many},
		}}
		for _, c := range changes {
			c(&out)
		}
		return out
	}
	s3 := func(changes ...func(*v1alpha1.S3BackupConfig)) v1alpha1.BackupConfig {
		out := v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{
			Bucket: "a", Region: "a", Endpoint: "a", KeyPrefix: "a", CredentialsSecret: "a", UseEnvCredentials: true,
		}}
		for _, c := range changes {
			c(out.S3)
		}
		return out
	}
	childS3 := func(c v1alpha1.S3BackupConfig) *v1alpha1.BackupConfig {
		return &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &c}
	}
	childFiles := func(c v1alpha1.FilesystemBackupConfig) *v1alpha1.BackupConfig {
		return &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &c}
	}

	daily := &v1alpha1.BackupSchedule{Full: &metav1.Duration{Duration: 24 * time.Hour}, Incremental: &metav1.Duration{Duration: time.Hour}}
	hourly := &v1alpha1.BackupSchedule{Full: &metav1.Duration{Duration: time.Hour}}
	kept := func(b *v1alpha1.BackupConfig) {
		b.Schedule, b.Retention = daily, &v1alpha1.BackupRetention{Full: ptr.To[int32](3)}
	}

	cases := map[string]struct {
		reason string
		child  *v1alpha1.BackupConfig
		parent v1alpha1.BackupConfig
		want   v1alpha1.BackupConfig
	}{
		"NoChild":     {reason: "A level that says nothing inherits.", parent: files(), want: files()},
		"Path":        {reason: "The path is replaced on its own.", child: childFiles(v1alpha1.FilesystemBackupConfig{Path: "/b"}), parent: files(), want: files(func(b *v1alpha1.BackupConfig) { b.Filesystem.Path = "/b" })},
		"Size":        {reason: "The size is replaced on its own.", child: childFiles(v1alpha1.FilesystemBackupConfig{Storage: v1alpha1.StorageSpec{Size: "2Gi"}}), parent: files(), want: files(func(b *v1alpha1.BackupConfig) { b.Filesystem.Storage.Size = "2Gi" })},
		"Class":       {reason: "The class is replaced on its own.", child: childFiles(v1alpha1.FilesystemBackupConfig{Storage: v1alpha1.StorageSpec{Class: "b"}}), parent: files(), want: files(func(b *v1alpha1.BackupConfig) { b.Filesystem.Storage.Class = "b" })},
		"AccessModes": {reason: "The access modes are replaced as a list.", child: childFiles(v1alpha1.FilesystemBackupConfig{Storage: v1alpha1.StorageSpec{AccessModes: once}}), parent: files(), want: files(func(b *v1alpha1.BackupConfig) { b.Filesystem.Storage.AccessModes = once })},
		"Bucket":      {reason: "The bucket is replaced on its own.", child: childS3(v1alpha1.S3BackupConfig{Bucket: "b", UseEnvCredentials: true}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.Bucket = "b" })},
		"Region":      {reason: "The region is replaced on its own.", child: childS3(v1alpha1.S3BackupConfig{Region: "b", UseEnvCredentials: true}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.Region = "b" })},
		"Endpoint":    {reason: "The endpoint is replaced on its own.", child: childS3(v1alpha1.S3BackupConfig{Endpoint: "b", UseEnvCredentials: true}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.Endpoint = "b" })},
		"KeyPrefix":   {reason: "The prefix is replaced on its own.", child: childS3(v1alpha1.S3BackupConfig{KeyPrefix: "b", UseEnvCredentials: true}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.KeyPrefix = "b" })},
		"Credentials": {reason: "The credentials are replaced on their own.", child: childS3(v1alpha1.S3BackupConfig{CredentialsSecret: "b", UseEnvCredentials: true}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.CredentialsSecret = "b" })},
		"EnvCredentialsOfTheChild": {
			reason: "A child that describes a store decides whether credentials come from the environment.",
			child:  childS3(v1alpha1.S3BackupConfig{}), parent: s3(), want: s3(func(s *v1alpha1.S3BackupConfig) { s.UseEnvCredentials = false }),
		},
		"EnvCredentialsStay": {
			reason: "A child that describes no store leaves that decision.",
			child:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3}, parent: s3(), want: s3(),
		},
		"IdentityDropsKey": {
			reason: "A service account and a key are alternatives, and the nearer one wins.",
			child:  childS3(v1alpha1.S3BackupConfig{ServiceAccountName: "sa"}), parent: s3(),
			want: s3(func(s *v1alpha1.S3BackupConfig) {
				s.ServiceAccountName, s.CredentialsSecret, s.UseEnvCredentials = "sa", "", false
			}),
		},
		"KeyDropsIdentity": {
			reason: "A service account and a key are alternatives, and the nearer one wins.",
			child:  childS3(v1alpha1.S3BackupConfig{CredentialsSecret: "b"}),
			parent: s3(func(s *v1alpha1.S3BackupConfig) {
				s.ServiceAccountName, s.CredentialsSecret, s.UseEnvCredentials = "sa", "", false
			}),
			want: s3(func(s *v1alpha1.S3BackupConfig) { s.CredentialsSecret, s.UseEnvCredentials = "b", false }),
		},
		"EnvDropsIdentity": {
			reason: "A service account and the environment are alternatives, and the nearer one wins.",
			child:  childS3(v1alpha1.S3BackupConfig{UseEnvCredentials: true}),
			parent: s3(func(s *v1alpha1.S3BackupConfig) {
				s.ServiceAccountName, s.CredentialsSecret, s.UseEnvCredentials = "sa", "", false
			}),
			want: s3(func(s *v1alpha1.S3BackupConfig) { s.CredentialsSecret = "" }),
		},
		"OtherTypeReplaces": {
			reason: "A backup of another type replaces everything, certificates and passphrases included.",
			child:  childS3(v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}),
			parent: files(func(b *v1alpha1.BackupConfig) {
				b.PgBackRestTLS = &v1alpha1.PgBackRestTLSConfig{SecretName: "a"}
				b.Encryption = &v1alpha1.BackupEncryptionConfig{SecretName: "a"}
			}),
			want: v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}},
		},
		"Schedule": {
			reason: "A schedule replaces the one above as a whole, and so does a retention.",
			child:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Schedule: hourly, Retention: &v1alpha1.BackupRetention{Full: ptr.To[int32](2)}},
			parent: files(kept), want: files(func(b *v1alpha1.BackupConfig) {
				b.Schedule, b.Retention = hourly, &v1alpha1.BackupRetention{Full: ptr.To[int32](2)}
			}),
		},
		"ScheduleStays": {
			reason: "A level that says nothing of a schedule keeps it.",
			child:  childFiles(v1alpha1.FilesystemBackupConfig{Path: "/b"}),
			parent: files(kept), want: files(kept, func(b *v1alpha1.BackupConfig) { b.Filesystem.Path = "/b" }),
		},
		"ScheduleOff": {
			reason: "An empty schedule takes no backups, and an empty retention leaves it to Multigres.",
			child:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Schedule: &v1alpha1.BackupSchedule{}, Retention: &v1alpha1.BackupRetention{}},
			parent: files(kept), want: files(func(b *v1alpha1.BackupConfig) {
				b.Schedule, b.Retention = &v1alpha1.BackupSchedule{}, &v1alpha1.BackupRetention{}
			}),
		},
		"ScheduleOfOtherType": {
			reason: "A database that keeps its backups elsewhere takes them as often.",
			child:  childS3(v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}), parent: files(kept),
			want: func() v1alpha1.BackupConfig {
				b := v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}}
				kept(&b)
				return b
			}(),
		},
		"BackToFilesystem": {
			reason: "A filesystem below a store has the built-in path and volume.",
			child:  childFiles(v1alpha1.FilesystemBackupConfig{}), parent: s3(),
			want: v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{
				Path: "/backups", Storage: v1alpha1.StorageSpec{Size: "10Gi", AccessModes: many},
			}},
		},
		"OtherBlockIsDropped": {
			reason: "The block of the type that does not apply goes.",
			child:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}, Filesystem: &v1alpha1.FilesystemBackupConfig{}},
			parent: files(), want: v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "b"}},
		},
		"CertificatesAndPassphrases": {
			reason: "Certificates and passphrases are replaced as a whole.",
			child: &v1alpha1.BackupConfig{
				Type: v1alpha1.BackupFilesystem, PgBackRestTLS: &v1alpha1.PgBackRestTLSConfig{SecretName: "b"}, Encryption: &v1alpha1.BackupEncryptionConfig{SecretName: "b"},
			},
			parent: files(func(b *v1alpha1.BackupConfig) {
				b.PgBackRestTLS = &v1alpha1.PgBackRestTLSConfig{SecretName: "a"}
				b.Encryption = &v1alpha1.BackupEncryptionConfig{SecretName: "a"}
			}),
			want: files(func(b *v1alpha1.BackupConfig) {
				b.PgBackRestTLS = &v1alpha1.PgBackRestTLSConfig{SecretName: "b"}
				b.Encryption = &v1alpha1.BackupEncryptionConfig{SecretName: "b"}
			}),
		},
		"CertificatesAndPassphrasesStay": {
			reason: "Certificates and passphrases are inherited.",
			child:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem},
			parent: files(func(b *v1alpha1.BackupConfig) {
				b.PgBackRestTLS = &v1alpha1.PgBackRestTLSConfig{SecretName: "a"}
				b.Encryption = &v1alpha1.BackupEncryptionConfig{SecretName: "a"}
			}),
			want: files(func(b *v1alpha1.BackupConfig) {
				b.PgBackRestTLS = &v1alpha1.PgBackRestTLSConfig{SecretName: "a"}
				b.Encryption = &v1alpha1.BackupEncryptionConfig{SecretName: "a"}
			}),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			parent := *tc.parent.DeepCopy()
			if diff := cmp.Diff(tc.want, inheritBackup(tc.child, parent)); diff != "" {
				t.Errorf("\n%s\ninheritBackup(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.parent, parent); diff != "" {
				t.Errorf("\n%s\ninheritBackup(...) changes the parent: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestBackupHasOneSource proves that pods and the record of a database never disagree on where backups are.
func TestBackupHasOneSource(t *testing.T) {
	files := func(path, size string) *v1alpha1.BackupConfig {
		return &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: path, Storage: v1alpha1.StorageSpec{Size: size}}}
	}
	s3 := func(bucket, prefix string) *v1alpha1.BackupConfig {
		return &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: bucket, Region: "r", KeyPrefix: prefix}}
	}
	const tablegroup = "FieldValueForbidden spec.databases[0].tablegroups[0].backup"
	const shard = "FieldValueForbidden spec.databases[0].tablegroups[0].shards[0].backup"

	cases := map[string]struct {
		reason                               string
		cluster, database, tableGroup, shard *v1alpha1.BackupConfig
		want                                 []string
		location                             string
	}{
		"DatabaseOverCluster": {
			reason: "A database may have another store than the cluster.", cluster: files("", "20Gi"), database: s3("b", "p/"), location: "s3://b/p",
		},
		"ChangeOfTheCluster": {
			reason: "What the cluster says reaches shards that say nothing.", cluster: s3("b", ""), location: "s3://b",
		},
		"VolumeOfAShard": {
			reason: "A shard may have a larger volume.", shard: files("", "50Gi"), location: "/backups",
		},
		"ScheduleOfAShard": {
			reason: "A shard may be backed up more often than its database: only the place is the same for all.",
			shard:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Schedule: &v1alpha1.BackupSchedule{Full: &metav1.Duration{Duration: time.Hour}}, Retention: &v1alpha1.BackupRetention{Full: ptr.To[int32](2)}},

			location: "/backups",
		},
		"SameStoreAgain": {
			reason: "A shard may repeat what applies anyway.", cluster: s3("b", "p"), shard: s3("b", "p"), location: "s3://b/p",
		},
		"TableGroupElsewhere": {
			reason: "A table group cannot have another store, and shards that inherit it are not blamed for it.", tableGroup: s3("b", ""), want: []string{tablegroup}, location: "s3://b",
		},
		"ShardElsewhere": {
			reason: "A shard cannot have another prefix.", cluster: s3("b", ""), shard: s3("", "p"), want: []string{shard}, location: "s3://b/p",
		},
		"ShardElsewhereOnDisk": {
			reason: "A shard cannot have another path.", shard: files("/mnt/other", ""), want: []string{shard}, location: "/mnt/other",
		},
		"ShardEncrypted": {
			reason: "A shard cannot be the only one that is encrypted, and this version encrypts no backups at all.",
			shard:  &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Encryption: &v1alpha1.BackupEncryptionConfig{SecretName: "s"}}, want: []string{shard, shard + ".encryption"}, location: "/backups",
		},
		"ClusterEncrypted": {
			reason:  "A wish for encryption is refused where it was made, and not passed over in silence.",
			cluster: &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Encryption: &v1alpha1.BackupEncryptionConfig{SecretName: "s"}},
			want:    []string{"FieldValueForbidden spec.backup.encryption"}, location: "/backups",
		},
		"ShardBackInPlace": {
			reason: "A shard that puts right what its table group got wrong is not blamed.", tableGroup: s3("b", ""), shard: files("", ""), want: []string{tablegroup}, location: "/backups",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := cluster(withPool(v1alpha1.PoolSpec{}), func(c *v1alpha1.MultigresCluster) {
				c.Spec.Backup = tc.cluster
				c.Spec.Databases[0].Backup = tc.database
				tableGroup(c).Backup = tc.tableGroup
				tableGroup(c).Shards[0].Backup = tc.shard
			})
			got, _, errs := Resolve(c, Templates{}, ImageDefaults{})
			if diff := cmp.Diff(tc.want, problems(errs)); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.location, effectiveBackup(*onlyShard(t, got).Backup).Location); diff != "" {
				t.Errorf("\n%s\nResolve(...): -want, +got:\n%s", tc.reason, diff)
			}
			if len(tc.want) > 0 {
				return
			}
			if diff := cmp.Diff(backupLocation(got.Databases[0].Backup), backupLocation(*onlyShard(t, got).Backup), cmp.AllowUnexported(locationPart{})); diff != "" {
				t.Errorf("\n%s\nthe record and the pods differ: -record, +pods:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCompactSchedule(t *testing.T) {
	every := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	cases := map[string]struct {
		reason   string
		schedule *v1alpha1.BackupSchedule
		want     string
	}{
		"None":  {reason: "No schedule is shown as none."},
		"Empty": {reason: "So is an empty one.", schedule: &v1alpha1.BackupSchedule{}},
		"Full":  {reason: "Whole hours have no minutes.", schedule: &v1alpha1.BackupSchedule{Full: every(24 * time.Hour)}, want: "full=24h"},
		"All": {
			reason:   "Each type that is taken has its interval.",
			schedule: &v1alpha1.BackupSchedule{Full: every(20 * time.Hour), Differential: every(90 * time.Minute), Incremental: every(10*time.Minute + 30*time.Second)},
			want:     "full=20h differential=1h30m incremental=10m30s",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, compactSchedule(tc.schedule)); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
