package cluster

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Ports of multiadmin.
const (
	portAdminHTTP int32 = 18000
	portAdminGRPC int32 = 18070
)

// adminGracePeriod in seconds is above multiadmin's own stop time: 30 s to finish and 10 s to close (multigres v0.1.0,
// --onterm-timeout and --onclose-timeout).
const adminGracePeriod int64 = 60

// buildMultiAdmin builds the admin API. It has no identity and no state; it finds everything through the topology server.
func buildMultiAdmin(c *cluster) *appsv1.Deployment {
	volumes := workload.TopologyVolumes(c.GlobalTopo.Ref)
	volumes = append(volumes, workload.InternalTLSVolumes(c.internalTLS(naming.ComponentMultiAdmin))...)
	volumes = append(volumes, workload.TelemetryVolumes(c.Observability)...)
	out := buildAdminDeployment(c, naming.MultiAdmin(c.Name), naming.ComponentMultiAdmin, c.MultiAdmin, corev1.Container{
		Image: c.Images.Set.Multiadmin,
		Args:  multiAdminArgs(c),
		Env: append([]corev1.EnvVar{workload.PodIP()}, workload.TelemetryEnv(c.Observability,
			workload.TelemetryAttributes(c.project, c.Name, naming.ComponentMultiAdmin)...)...),
		Ports:          []corev1.ContainerPort{workload.Port("http", portAdminHTTP), workload.Port("grpc", portAdminGRPC)},
		StartupProbe:   workload.Startup(workload.Endpoint{Path: "/ready", Port: portAdminHTTP}),
		LivenessProbe:  workload.Liveness(workload.Endpoint{Path: "/live", Port: portAdminHTTP}),
		ReadinessProbe: workload.Readiness(workload.Endpoint{Path: "/ready", Port: portAdminHTTP}),
	}, volumes)
	out.Spec.Template.Spec.TerminationGracePeriodSeconds = ptr.To(adminGracePeriod)
	return out
}

// multiAdminArgs returns multiadmin's flags (multigres v0.1.0). The image has no entrypoint, so the binary comes first.
func multiAdminArgs(c *cluster) []string {
	secret := c.internalTLS(naming.ComponentMultiAdmin)
	out := []string{
		"multiadmin",
		"--http-port=" + strconv.Itoa(int(portAdminHTTP)),
		"--grpc-port=" + strconv.Itoa(int(portAdminGRPC)),
	}
	out = append(out, workload.TopologyFlags(c.GlobalTopo.Ref)...)
	out = append(out, "--service-map=grpc-multiadmin", "--hostname=$(POD_IP)", workload.LogFlag(c.LogLevels.Multiadmin))
	out = append(out, workload.InternalTLSServerFlags(secret)...)
	return append(out, workload.InternalTLSPoolerClientFlags(secret, naming.InternalTLSHost(naming.ComponentMultiPooler, c.Name, c.Namespace))...)
}

func buildMultiAdminService(c *cluster) *corev1.Service {
	return buildService(c, naming.MultiAdmin(c.Name), naming.ComponentMultiAdmin,
		workload.ServicePort("http", portAdminHTTP), workload.ServicePort("grpc", portAdminGRPC))
}
