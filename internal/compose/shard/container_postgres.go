package shard

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
)

// Ports of pgctld and of what it runs.
const (
	portPgctldHTTP int32 = 15400
	portPgctldGRPC int32 = 15470
	portPostgres   int32 = 5432
	portPgBackRest int32 = 8432
)

// Timeouts in seconds of the probes of what holds data, and how often it may fail to say that it lives: a minute in all. On a machine with
// too much to do a program that lives takes longer than Kubernetes' default of one second to say so, as seen on real kubelets at a load of
// 90: three killed PostgreSQL amid the first backup of its shard, which left a pgBackRest stanza that fits nobody else (pgBackRest's exit
// code 28), so that the shard never came up.
const (
	poolerLiveTimeout  int32 = 10
	poolerLiveFailures int32 = 6
	poolerReadyTimeout int32 = 5
)

// componentPgctld names pgctld in what it sends by OpenTelemetry.
const componentPgctld = "pgctld"

// startPgctld runs pgctld as the child of a shell, which passes on the kubelet's request to stop, ends with its exit code, and reaps the
// orphans that PostgreSQL makes. A request that comes before the child is known is passed on once it is.
//
// As the container's first process pgctld would reap them itself (multigres v0.1.0), its own children with them: a pg_rewind that has done
// its work has then failed, "waitid: no child processes", as seen on real kubelets, and whoever is to be rewound stays out.
const startPgctld = `trap 'stop=1; kill -TERM "$child" 2>/dev/null' TERM INT
/usr/local/bin/pgctld "$@" & child=$!
[ -z "$stop" ] || kill -TERM "$child"
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"
`

// buildPostgres builds the container of pgctld, which runs PostgreSQL and pgBackRest's server (multigres v0.1.0). It is a
// native sidecar because it must outlive multipooler, which asks it to stop PostgreSQL.
//
// Its probes ask whether pgctld lives. Whether PostgreSQL is ready must not hold back the containers that start after it: it
// is multipooler that has PostgreSQL initialised and started.
func buildPostgres(sh *shard, v volumes) corev1.Container {
	live := workload.Endpoint{Path: "/live", Port: portPgctldHTTP, Timeout: poolerLiveTimeout, Failures: poolerLiveFailures}
	return corev1.Container{
		Name:            "postgres",
		Image:           string(sh.spec.Images.Postgres),
		ImagePullPolicy: pullPolicy(sh),
		RestartPolicy:   ptr.To(corev1.ContainerRestartPolicyAlways),
		Command:         []string{"/bin/sh", "-c", startPgctld, "pgctld"},
		Args: []string{
			"server",
			"--pooler-dir=" + dataPath,
			fmt.Sprintf("--grpc-port=%d", portPgctldGRPC),
			fmt.Sprintf("--http-port=%d", portPgctldHTTP),
			"--grpc-socket-file=" + dataPath + "/pgctld.sock",
			fmt.Sprintf("--pg-port=%d", portPostgres),
			"--pg-listen-addresses=*",
			"--pg-hba-template=" + hbaTemplatePath,
			"--pgbackrest-cert-dir=" + certificatePath,
			fmt.Sprintf("--pgbackrest-port=%d", portPgBackRest),
			workload.LogFlag(sh.spec.LogLevels.Pgctld),
		},
		Env: slices.Concat(commonEnv(sh), initdbEnv(sh), storeEnv(sh), telemetryEnv(sh, componentPgctld)),
		Ports: []corev1.ContainerPort{
			workload.Port("postgres", portPostgres), workload.Port("pgbackrest", portPgBackRest),
			workload.Port("pgctld-http", portPgctldHTTP), workload.Port("pgctld-grpc", portPgctldGRPC),
		},
		VolumeMounts:    v.postgres,
		StartupProbe:    workload.Startup(live),
		LivenessProbe:   workload.Liveness(live),
		SecurityContext: workload.Restricted(),
	}
}

// initdbEnv are the variables that matter when a data directory is made, and never again.
func initdbEnv(sh *shard) []corev1.EnvVar {
	out := []corev1.EnvVar{{Name: "POSTGRES_INITDB_EXTRA_CONF", Value: initdbConfFile}}
	if sh.spec.InitdbArgs != "" {
		out = append(out, corev1.EnvVar{Name: "POSTGRES_INITDB_ARGS", Value: string(sh.spec.InitdbArgs)})
	}
	return out
}
