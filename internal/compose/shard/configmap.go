package shard

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// buildPgHbaConfig builds the ConfigMap with the template of pg_hba.conf, which pgctld reads when it initialises a server.
func buildPgHbaConfig(sh *shard) *corev1.ConfigMap {
	return buildConfigMap(sh, sh.id.PgHbaConfigMap(), naming.ComponentPgHbaConfig, map[string]string{
		pgconf.FilePgHbaTemplate: pgconf.PgHbaTemplate,
	})
}

// buildPostgresConfig builds the ConfigMap with the settings of all servers of the shard, and with the line by which
// each of them includes the settings. The note is what is to be remembered of the settings that leaders had.
func buildPostgresConfig(sh *shard, conf pgconf.Config, note string) *corev1.ConfigMap {
	cm := buildConfigMap(sh, sh.id.PostgresConfigMap(), naming.ComponentPostgresConfig, map[string]string{
		pgconf.FilePostgresConf: conf.Text,
		pgconf.FileInitdbConf:   pgconf.InitdbExtraConf(postgresConfFile),
	})
	if note != "" {
		cm.Annotations = map[string]string{naming.AnnotationStandbySettings: note}
	}
	return cm
}

// buildExporterQueries builds the ConfigMap with the queries behind the metrics of a server.
func buildExporterQueries(sh *shard) *corev1.ConfigMap {
	return buildConfigMap(sh, sh.id.ExporterQueriesConfigMap(), naming.ComponentExporterQueries, map[string]string{
		pgconf.FileExporterQueries: pgconf.ExporterQueries,
	})
}

func buildConfigMap(sh *shard, name, component string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: sh.id.Labels(component)},
		Data:       data,
	}
}
