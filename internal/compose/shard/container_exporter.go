package shard

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

const portMetrics int32 = 9187

// buildExporter builds the container that offers PostgreSQL's metrics to Prometheus. A specification without an image for it
// has none. Its queries end after 8 seconds, before a scrape does, so that they never pile up.
func buildExporter(sh *shard, v volumes) corev1.Container {
	if sh.spec.Images.PostgresExporter == "" {
		return corev1.Container{}
	}
	return corev1.Container{
		Name:            "postgres-exporter",
		Image:           string(sh.spec.Images.PostgresExporter),
		ImagePullPolicy: pullPolicy(sh),
		Args: []string{
			fmt.Sprintf("--web.listen-address=:%d", portMetrics),
			"--extend.query-path=" + exporterQueriesPath + "/" + pgconf.FileExporterQueries,
		},
		Env: []corev1.EnvVar{
			{Name: "DATA_SOURCE_URI", Value: fmt.Sprintf("localhost:%d/postgres?sslmode=disable&connect_timeout=5&options=-c%%20statement_timeout%%3D8s", portPostgres)},
			{Name: "DATA_SOURCE_USER", Value: sh.superuser},
			{Name: "DATA_SOURCE_PASS_FILE", Value: passwordFile},
		},
		Ports: []corev1.ContainerPort{workload.Port("metrics", portMetrics)},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
		},
		VolumeMounts:    v.exporter,
		SecurityContext: workload.Restricted(),
	}
}
