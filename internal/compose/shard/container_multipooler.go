package shard

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Ports of multipooler.
const (
	portPoolerHTTP int32 = 15200
	portPoolerGRPC int32 = 15270
)

// Connections that multipooler opens to its PostgreSQL at most, all in all and for itself. The sum with those of pgBackRest
// and the exporter is below the 60 that PostgreSQL accepts unless the user raised it; multipooler's own default is 100.
const (
	poolCapacity      = 40
	poolAdminCapacity = 5
)

// buildMultipooler builds the container of multipooler (multigres v0.1.0), less the arguments that differ between cells and
// members.
//
// It always says that it is ready, so readiness is asked of pgctld, the only one to know whether PostgreSQL accepts
// connections. Members that are not ready still find each other, because their Service publishes all of them.
func buildMultipooler(sh *shard, v volumes) corev1.Container {
	live := workload.Endpoint{Path: "/live", Port: portPoolerHTTP, Timeout: poolerLiveTimeout, Failures: poolerLiveFailures}
	args := []string{
		"multipooler",
		fmt.Sprintf("--http-port=%d", portPoolerHTTP),
		fmt.Sprintf("--grpc-port=%d", portPoolerGRPC),
		"--pooler-dir=" + dataPath,
		fmt.Sprintf("--socket-file=%s/pg_sockets/.s.PGSQL.%d", dataPath, portPostgres),
		fmt.Sprintf("--pg-port=%d", portPostgres),
		fmt.Sprintf("--pgctld-addr=localhost:%d", portPgctldGRPC),
		"--service-map=grpc-pooler",
	}
	args = append(args, workload.TopologyFlags(sh.spec.GlobalTopoServer)...)
	args = append(args,
		"--database="+sh.id.Database,
		"--table-group="+sh.id.TableGroup,
		"--shard="+sh.id.Shard,
		fmt.Sprintf("--connpool-global-capacity=%d", poolCapacity),
		fmt.Sprintf("--connpool-admin-capacity=%d", poolAdminCapacity),
		"--pgbackrest-cert-file="+certificatePath+"/"+certificateFile,
		"--pgbackrest-key-file="+certificatePath+"/"+certificateKeyFile,
		"--pgbackrest-ca-file="+certificatePath+"/"+certificateCAFile,
		fmt.Sprintf("--pgbackrest-port=%d", portPgBackRest),
		workload.LogFlag(sh.spec.LogLevels.Multipooler),
	)
	return corev1.Container{
		Name:            "multipooler",
		Image:           string(sh.spec.Images.Multipooler),
		ImagePullPolicy: pullPolicy(sh),
		Args:            append(args, workload.InternalTLSServerFlags(sh.internalTLS(naming.ComponentMultiPooler))...),
		Env:             slices.Concat(commonEnv(sh), storeEnv(sh), telemetryEnv(sh, naming.ComponentMultiPooler)),
		Ports:           []corev1.ContainerPort{workload.Port("http", portPoolerHTTP), workload.Port("grpc", portPoolerGRPC)},
		VolumeMounts:    v.multipooler,
		StartupProbe:    workload.Startup(live),
		LivenessProbe:   workload.Liveness(live),
		ReadinessProbe:  workload.Readiness(workload.Endpoint{Path: "/ready", Port: portPgctldHTTP, Timeout: poolerReadyTimeout}),
		SecurityContext: workload.Restricted(),
	}
}
