package cell

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A gateway's ports.
const (
	portHTTP      int32 = 15100
	portGRPC      int32 = 15170
	portPostgres  int32 = 5432
	portPgReplica int32 = 5433
)

// Names of the ports, by which the cluster's Services find them.
const (
	nameHTTP      = "http"
	nameGRPC      = "grpc"
	namePostgres  = "postgres"
	namePgReplica = "pg-replica"
)

// gatewayTLSPath is where the certificate that gateways show to PostgreSQL clients is mounted.
const gatewayTLSPath = "/etc/multigres/gateway-tls"

// gracePeriod is above the gateway's own stop time: 30 s to drain and 10 s to close (multigres v0.1.0, --onterm-timeout and
// --onclose-timeout).
const gracePeriod int64 = 60

func labels(c *v1alpha1.Cell) map[string]string {
	return naming.CellLabels(c.Spec.ClusterName, string(c.Spec.Name), naming.ComponentMultiGateway)
}

// placeLabels name the failure domain of the cell on its pods.
func placeLabels(c *v1alpha1.Cell) map[string]string {
	out := map[string]string{}
	for k, v := range map[string]v1alpha1.ZoneName{naming.LabelZoneID: c.Spec.ZoneID, naming.LabelRegion: c.Spec.Region, naming.LabelZone: c.Spec.Zone} {
		if v != "" {
			out[k] = naming.LabelValue(string(v))
		}
	}
	return out
}

func buildDeployment(c *v1alpha1.Cell, renewals string) *appsv1.Deployment {
	selector := naming.Selector(labels(c))
	volumes := gatewayVolumes(c)
	pod := workload.Pod(c.Spec.Images.ImagePullSpec, workload.UserMultigres, workload.UserMultigres, workload.Placement{
		NodeSelector: c.Spec.TopologyLabels,
		Tolerations:  workload.Tolerations(c.Spec.MultigatewayPlacement),
		Affinity:     c.Spec.Multigateway.Affinity,
		Peers:        selector,
	})
	pod.TerminationGracePeriodSeconds = ptr.To(gracePeriod)
	pod.Volumes = workload.Volumes(volumes)
	pod.Containers = []corev1.Container{{
		Name:            "multigateway",
		Image:           string(c.Spec.Images.Multigateway),
		ImagePullPolicy: c.Spec.Images.ImagePullPolicy,
		Args:            args(c),
		Env: append([]corev1.EnvVar{workload.PodIP()}, workload.TelemetryEnv(c.Spec.Observability,
			workload.TelemetryAttributes(project(c), c.Spec.ClusterName, naming.ComponentMultiGateway)...)...),
		Ports: []corev1.ContainerPort{
			workload.Port(nameHTTP, portHTTP), workload.Port(nameGRPC, portGRPC),
			workload.Port(namePostgres, portPostgres), workload.Port(namePgReplica, portPgReplica),
		},
		Resources:       c.Spec.Multigateway.Resources,
		VolumeMounts:    workload.Mounts(volumes),
		StartupProbe:    workload.Startup(workload.Endpoint{Path: "/ready", Port: portHTTP}),
		LivenessProbe:   workload.Liveness(workload.Endpoint{Path: "/live", Port: portHTTP}),
		ReadinessProbe:  workload.Readiness(workload.Endpoint{Path: "/ready", Port: portHTTP}),
		SecurityContext: workload.Restricted(),
	}}
	d := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Name:   naming.GatewayDeployment(c.Spec.ClusterName, string(c.Spec.Name)),
			Labels: naming.Merge(labels(c), placeLabels(c)),
		},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: selector},
			// Clients hold connections to gateways, so a new one serves before an old one goes.
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{
				MaxUnavailable: ptr.To(intstr.FromInt32(0)), MaxSurge: ptr.To(intstr.FromInt32(1)),
			}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      naming.Merge(c.Spec.Multigateway.PodLabels, naming.Merge(labels(c), placeLabels(c))),
					Annotations: workload.WithRenewals(workload.PodAnnotations(c.Spec.Multigateway.PodAnnotations, project(c)), renewals),
				},
				Spec: pod,
			},
		},
	}
	// One is Kubernetes' own default. Left unsaid it belongs to nobody, and an autoscaler may take it.
	if n := replicas(c); n != 1 {
		d.Spec.Replicas = &n
	}
	return d
}

func gatewayVolumes(c *v1alpha1.Cell) []workload.Volume {
	vs := workload.TopologyVolumes(c.Spec.GlobalTopoServer)
	vs = append(vs, workload.InternalTLSVolumes(internalTLS(c))...)
	if c.Spec.GatewayTLSSecretName != "" {
		vs = append(vs, workload.SecretVolume("gateway-tls", string(c.Spec.GatewayTLSSecretName), gatewayTLSPath))
	}
	return append(vs, workload.TelemetryVolumes(c.Spec.Observability)...)
}

// internalTLS returns the name of the Secret with the gateways' certificate, or nothing if the components speak plainly.
func internalTLS(c *v1alpha1.Cell) string {
	if !c.Spec.InternalTLS.IsEnabled() {
		return ""
	}
	if c.Spec.InternalTLSSecretName != "" {
		return string(c.Spec.InternalTLSSecretName)
	}
	return naming.InternalTLSSecret(naming.ComponentMultiGateway, c.Spec.ClusterName, c.Namespace)
}

// args returns the gateway's flags (multigres v0.1.0). Ports have no default there: what is not given is random or off.
func args(c *v1alpha1.Cell) []string {
	out := []string{
		"multigateway",
		"--http-port=" + strconv.Itoa(int(portHTTP)),
		"--grpc-port=" + strconv.Itoa(int(portGRPC)),
		"--pg-port=" + strconv.Itoa(int(portPostgres)),
		"--pg-replica-port=" + strconv.Itoa(int(portPgReplica)),
	}
	out = append(out, workload.TopologyFlags(c.Spec.GlobalTopoServer)...)
	out = append(out, "--cell="+string(c.Spec.Name), "--hostname=$(POD_IP)", workload.LogFlag(c.Spec.LogLevels.Multigateway))
	out = append(out, bufferFlags(c.Spec.Multigateway.Buffer)...)
	if c.Spec.GatewayTLSSecretName != "" {
		out = append(out,
			"--pg-tls-cert-file="+gatewayTLSPath+"/"+corev1.TLSCertKey,
			"--pg-tls-key-file="+gatewayTLSPath+"/"+corev1.TLSPrivateKeyKey)
	}
	secret := internalTLS(c)
	out = append(out, workload.InternalTLSServerFlags(secret)...)
	return append(out, workload.InternalTLSPoolerClientFlags(secret,
		naming.InternalTLSHost(naming.ComponentMultiPooler, c.Spec.ClusterName, c.Namespace))...)
}

// bufferFlags returns the flags by which a gateway holds statements back while a leader is being replaced. Buffering is on
// unless somebody turned it off.
func bufferFlags(b *v1alpha1.GatewayBufferSpec) []string {
	out := []string{"--buffer-enabled=" + strconv.FormatBool(b.IsEnabled())}
	if b == nil {
		return out
	}
	for _, f := range []struct {
		flag  string
		value v1alpha1.Duration
	}{
		{"--buffer-window", b.Window},
		{"--buffer-max-failover-duration", b.MaxFailoverDuration},
		{"--buffer-min-time-between-failovers", b.MinTimeBetweenFailovers},
	} {
		if f.value != "" {
			out = append(out, f.flag+"="+string(f.value))
		}
	}
	if b.Size != nil {
		out = append(out, "--buffer-size="+strconv.Itoa(int(*b.Size)))
	}
	if b.DrainConcurrency != nil {
		out = append(out, "--buffer-drain-concurrency="+strconv.Itoa(int(*b.DrainConcurrency)))
	}
	return out
}

func buildService(c *v1alpha1.Cell) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: naming.GatewayService(c.Spec.ClusterName, string(c.Spec.Name)), Labels: labels(c)},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeClusterIP,
			Selector: naming.Selector(labels(c)),
			Ports: []corev1.ServicePort{
				workload.ServicePort(nameHTTP, portHTTP), workload.ServicePort(nameGRPC, portGRPC),
				workload.ServicePort(namePostgres, portPostgres), workload.ServicePort(namePgReplica, portPgReplica),
			},
		},
	}
}

// buildPDB builds the budget that lets one gateway of the cell go at a time.
func buildPDB(c *v1alpha1.Cell) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: naming.GatewayPDB(c.Spec.ClusterName, string(c.Spec.Name)), Labels: labels(c)},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: ptr.To(intstr.FromInt32(1)),
			Selector:       &metav1.LabelSelector{MatchLabels: naming.Selector(labels(c))},
		},
	}
}
