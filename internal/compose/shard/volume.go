package shard

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// Where things are in the containers of a pool's pods.
const (
	// dataPath is the pooler directory. The volume is mounted at the parent of PGDATA, because whoever is not root cannot
	// change the mode of a mount point, and because what must survive a restart lies beside PGDATA.
	dataPath   = "/var/lib/pooler"
	pgDataPath = dataPath + "/pg_data"

	hbaPath         = "/etc/pgctld"
	hbaTemplatePath = hbaPath + "/" + pgconf.FilePgHbaTemplate

	// postgresConfigPath must never change: what initdb writes includes a file of it by its path, and travels with the
	// backups to every member there will ever be.
	postgresConfigPath = "/etc/postgres-config"
	postgresConfFile   = postgresConfigPath + "/" + pgconf.FilePostgresConf
	initdbConfFile     = postgresConfigPath + "/" + pgconf.FileInitdbConf

	passwordPath = "/etc/postgres-password"
	passwordFile = passwordPath + "/" + passwordKey
	passwordKey  = "password"

	// pgctld expects exactly these names in the directory with pgBackRest's certificate.
	certificatePath     = "/certs/pgbackrest"
	certificateCAFile   = "ca.crt"
	certificateFile     = "pgbackrest.crt"
	certificateKeyFile  = "pgbackrest.key"
	exporterQueriesPath = "/etc/postgres-exporter"
)

const (
	// passwordMode lets every user of the pod read the password, whose file belongs to root.
	passwordMode int32 = 0o444
	// certificateMode lets the group read: pgBackRest refuses a key that others can read. The group is the pod's fsGroup,
	// which is always set.
	certificateMode int32 = 0o440
)

const dataVolumeName = "pgdata"

// dataVolume is the one volume that no two members share.
func dataVolume(claim string) corev1.Volume {
	return corev1.Volume{Name: dataVolumeName, VolumeSource: claimSource(claim)}
}

func claimSource(claim string) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
}

// volumes are the volumes of a pool's pods, less that with the data, and what each container mounts of them all.
type volumes struct {
	volumes     []corev1.Volume
	postgres    []corev1.VolumeMount
	multipooler []corev1.VolumeMount
	exporter    []corev1.VolumeMount
}

func buildVolumes(sh *shard) volumes {
	data := corev1.VolumeMount{Name: dataVolumeName, MountPath: dataPath}
	v := volumes{postgres: []corev1.VolumeMount{data}, multipooler: []corev1.VolumeMount{data}}
	add := func(vol workload.Volume, mounts ...*[]corev1.VolumeMount) {
		v.volumes = append(v.volumes, vol.Volume)
		for _, m := range mounts {
			*m = append(*m, vol.Mount)
		}
	}
	add(sharedMemory(), &v.postgres)
	if sh.onFilesystem() {
		const name = "backup-data"
		add(workload.Volume{
			Volume: corev1.Volume{Name: name, VolumeSource: claimSource(sh.id.BackupClaim())},
			Mount:  corev1.VolumeMount{Name: name, MountPath: sh.backup.Filesystem.Path},
		}, &v.postgres, &v.multipooler)
	}
	add(configVolume("pg-hba-template", sh.id.PgHbaConfigMap(), hbaPath), &v.postgres)
	add(configVolume("postgres-config", sh.id.PostgresConfigMap(), postgresConfigPath), &v.postgres)
	add(passwordVolume(sh), &v.postgres, &v.multipooler, &v.exporter)
	add(certificateVolume(sh), &v.postgres, &v.multipooler)
	if sh.spec.Images.PostgresExporter != "" {
		add(configVolume("postgres-exporter-queries", sh.id.ExporterQueriesConfigMap(), exporterQueriesPath), &v.exporter)
	}
	for _, vol := range workload.TopologyVolumes(sh.spec.GlobalTopoServer) {
		add(vol, &v.multipooler)
	}
	for _, vol := range workload.InternalTLSVolumes(sh.internalTLS(naming.ComponentMultiPooler)) {
		add(vol, &v.multipooler)
	}
	for _, vol := range workload.TelemetryVolumes(sh.spec.Observability) {
		add(vol, &v.postgres, &v.multipooler)
	}
	return v
}

// sharedMemory takes the place of the container runtime's own /dev/shm, which is usually of 64 MiB: parallel queries of a
// PostgreSQL with more memory than that need more. What they use counts against the container's memory limit.
func sharedMemory() workload.Volume {
	const name = "shared-memory"
	return workload.Volume{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
		Mount:  corev1.VolumeMount{Name: name, MountPath: "/dev/shm"},
	}
}

func configVolume(name, configMap, path string) workload.Volume {
	return workload.Volume{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: configMap},
		}}},
		Mount: corev1.VolumeMount{Name: name, MountPath: path, ReadOnly: true},
	}
}

// passwordVolume holds the superuser's password under a name that does not depend on the Secret's key.
func passwordVolume(sh *shard) workload.Volume {
	const name = "postgres-password"
	ref := sh.spec.PostgresPasswordSecretRef
	return workload.Volume{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName:  ref.Name,
			Items:       []corev1.KeyToPath{{Key: ref.Key, Path: passwordKey}},
			DefaultMode: ptr.To(passwordMode),
		}}},
		Mount: corev1.VolumeMount{Name: name, MountPath: passwordPath, ReadOnly: true},
	}
}

// certificateVolume holds the one certificate by which all members exchange backups, as servers and as clients.
func certificateVolume(sh *shard) workload.Volume {
	const name = "pgbackrest-certs"
	return workload.Volume{
		Volume: corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			DefaultMode: ptr.To(certificateMode),
			Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: sh.certificate()},
				Items: []corev1.KeyToPath{
					{Key: mv1alpha1.SecretKeyCA, Path: certificateCAFile},
					{Key: corev1.TLSCertKey, Path: certificateFile},
					{Key: corev1.TLSPrivateKeyKey, Path: certificateKeyFile},
				},
			}}},
		}}},
		Mount: corev1.VolumeMount{Name: name, MountPath: certificatePath, ReadOnly: true},
	}
}
