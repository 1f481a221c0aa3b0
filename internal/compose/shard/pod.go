package shard

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// gracePeriod in seconds is above the time that a member takes to stop (multigres v0.1.0): multipooler leaves the cohort and
// has PostgreSQL stopped within 30 s (--onterm-timeout), fast for 10 s and immediately for 5 s, and closes within 10 s
// (--onclose-timeout). pgctld stops after it, and the kubelet counts both together.
const gracePeriod int64 = 90

// poolUser returns the user that all containers of a pool's pods run as.
func poolUser(p *v1alpha1.PoolSpec) int64 {
	return ptr.Deref(p.Postgres.RunAsUser, workload.UserPostgres)
}

// A parts holds what the pods of all pools have in common. It is built once, so that it is also converted once.
type parts struct {
	postgres    corev1.Container
	multipooler corev1.Container
	exporter    corev1.Container
	volumes     []corev1.Volume
	peers       map[string]string
	annotations map[string]string
}

func buildParts(sh *shard, conf pgconf.Config, certs map[string]string) *parts {
	v := buildVolumes(sh)
	p := &parts{
		postgres:    buildPostgres(sh, v),
		multipooler: buildMultipooler(sh, v),
		exporter:    buildExporter(sh, v),
		volumes:     v.volumes,
		peers:       naming.Selector(sh.id.Labels(naming.ComponentShardPool)),
		annotations: naming.Merge(certs, map[string]string{
			// A pod whose annotations change is looked at by its kubelet at once, and so its mounted configuration is refreshed.
			naming.AnnotationPostgresReloadHash: conf.ReloadHash,
			naming.AnnotationPostgresConfigHash: conf.RestartHash,
		}),
	}
	p.postgres.Env = append(p.postgres.Env, corev1.EnvVar{Name: envRestartHash, Value: restartHash(p.annotations)})
	if sh.spec.Images.PostgresExporter != "" {
		p.annotations[naming.AnnotationPrometheusScrape] = "true"
		p.annotations[naming.AnnotationPrometheusPort] = strconv.Itoa(int(portMetrics))
		p.annotations[naming.AnnotationPrometheusPath] = "/metrics"
	}
	return p
}

// A template makes the pods of a group. They share everything but names, the data volume and the pooler's last arguments.
type template struct {
	labels      map[string]string
	annotations map[string]string
	spec        corev1.PodSpec
	hash        string
}

func newTemplate(sh *shard, g *group, p *parts, enc *object.Encoder) (*template, error) {
	spec := workload.Pod(sh.spec.Images.ImagePullSpec, poolUser(g.spec), ptr.Deref(g.spec.Postgres.RunAsGroup, workload.UserPostgres), workload.Placement{
		NodeSelector: sh.spec.CellTopologyLabels[v1alpha1.CellName(g.cell)],
		Tolerations:  g.spec.Tolerations,
		Affinity:     g.spec.Affinity,
		Spread:       g.spec.TopologySpreadConstraints,
		Peers:        p.peers,
	})
	if g.spec.FSGroup != nil {
		spec.SecurityContext.FSGroup = g.spec.FSGroup
	}
	if sh.backup.S3 != nil && sh.backup.Type == v1alpha1.BackupS3 {
		// Object stores that trust a service account get a token of their own, projected for their audience by whoever runs
		// them. The token for the Kubernetes API stays out.
		spec.ServiceAccountName = sh.backup.S3.ServiceAccountName
	}
	spec.PriorityClassName = g.spec.PriorityClassName
	spec.Subdomain = g.headless
	spec.TerminationGracePeriodSeconds = ptr.To(gracePeriod)

	postgres, multipooler := p.postgres, p.multipooler
	postgres.Resources = g.spec.Postgres.Resources
	multipooler.Resources = g.spec.Multipooler.Resources
	multipooler.Args = slices.Concat(p.multipooler.Args, []string{"--cell=" + g.cell})
	if gid := g.spec.Multipooler.RunAsGroup; gid != nil && *gid != *spec.SecurityContext.RunAsGroup {
		multipooler.SecurityContext = workload.Restricted()
		multipooler.SecurityContext.RunAsGroup = gid
	}
	spec.InitContainers = []corev1.Container{postgres}
	spec.Containers = []corev1.Container{multipooler}
	if p.exporter.Image != "" {
		spec.Containers = append(spec.Containers, p.exporter)
	}
	spec.Volumes = p.volumes

	t := &template{
		labels:      naming.Merge(g.spec.PodLabels, g.labels),
		annotations: naming.Merge(workload.PodAnnotations(g.spec.PodAnnotations, sh.project), p.annotations),
		spec:        spec,
	}
	hash, err := specHash(t.build(ptr.To(sh.member(g, 0))), enc)
	t.hash = hash
	t.annotations[naming.AnnotationSpecHash] = hash
	return t, err
}

// build builds the pod of one member.
func (t *template) build(m *member) *corev1.Pod {
	spec := t.spec
	spec.Hostname = m.pod
	spec.Containers = slices.Clone(t.spec.Containers)
	spec.Containers[0].Args = slices.Concat(t.spec.Containers[0].Args, []string{"--service-id=" + m.serviceID, "--hostname=" + m.host})
	spec.Volumes = slices.Concat([]corev1.Volume{dataVolume(m.claim)}, t.spec.Volumes)
	return &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: m.pod, Labels: t.labels, Annotations: t.annotations},
		Spec:       spec,
	}
}

// commonEnv are the variables that both pgctld and multipooler read.
func commonEnv(sh *shard) []corev1.EnvVar {
	return []corev1.EnvVar{
		{Name: "PGDATA", Value: pgDataPath},
		{Name: "POSTGRES_USER", Value: sh.superuser},
		{Name: "POSTGRES_PASSWORD_FILE", Value: passwordFile},
	}
}

// storeEnv are the variables by which pgBackRest reaches an object store. Credentials that no Secret is named for come into
// the environment by other means, such as a service account.
func storeEnv(sh *shard) []corev1.EnvVar {
	s3 := sh.backup.S3
	if sh.backup.Type != v1alpha1.BackupS3 || s3 == nil {
		return nil
	}
	out := []corev1.EnvVar{{Name: "AWS_REGION", Value: s3.Region}}
	if s3.CredentialsSecret == "" {
		return out
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		out = append(out, corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: s3.CredentialsSecret}, Key: name,
		}}})
	}
	return out
}

func telemetryEnv(sh *shard, component string) []corev1.EnvVar {
	return workload.TelemetryEnv(sh.spec.Observability, workload.TelemetryAttributes(sh.project, sh.id.Cluster, component)...)
}

// pullPolicy is the same for all containers.
func pullPolicy(sh *shard) corev1.PullPolicy {
	return cmp.Or(sh.spec.Images.ImagePullPolicy, corev1.PullIfNotPresent)
}
