package shard

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// Ports of multiorch.
const (
	portOrchHTTP int32 = 15300
	portOrchGRPC int32 = 15370
)

// orchReadyTimeout in seconds: an orchestrator that has lost the topology takes 4 s to say so (multigres v0.1.0).
const orchReadyTimeout int32 = 5

// orchGracePeriod in seconds is above an orchestrator's own stop time: 30 s to finish and 10 s to close (multigres v0.1.0,
// --onterm-timeout and --onclose-timeout).
const orchGracePeriod int64 = 60

// addOrchestrators adds the orchestrators of every cell. They wait for the certificate that they show to the poolers.
func addOrchestrators(in compose.Input, s *compose.Set, sh *shard) {
	gate := closedTLS(in, sh, requireOrchTLS, naming.ComponentMultiOrch)
	for _, cell := range sh.orchCells {
		s.Add(naming.KeyMultiOrchService(cell), buildOrchService(sh, cell))
		held := workload.HeldRenewals(s.Observed(naming.KeyMultiOrch(cell)))
		s.AddWhen(gate == "", gate, naming.KeyMultiOrch(cell), buildOrchStatefulSet(sh, cell, workload.Renewals(held, orchCertificates(in, sh)...)))
		if orchReplicas(sh) > 1 {
			s.Add(naming.KeyMultiOrchPDB(cell), buildOrchPDB(sh, cell))
		}
	}
}

func orchReplicas(sh *shard) int32 { return ptr.Deref(sh.spec.Multiorch.Replicas, defaultReplicas) }

// buildOrchStatefulSet builds the orchestrators of one cell. They keep nothing, yet they are a StatefulSet: the first to
// initialise the shard claims it by its id for good, so an id must survive a restart and no two may share one.
func buildOrchStatefulSet(sh *shard, cell, renewals string) *appsv1.StatefulSet {
	labels := sh.id.CellLabels(cell, naming.ComponentMultiOrch)
	selector := naming.Selector(labels)
	spec := sh.spec.Multiorch
	vols := append(workload.TopologyVolumes(sh.spec.GlobalTopoServer), workload.InternalTLSVolumes(sh.internalTLS(naming.ComponentMultiOrch))...)
	vols = append(vols, workload.TelemetryVolumes(sh.spec.Observability)...)
	pod := workload.Pod(sh.spec.Images.ImagePullSpec, workload.UserMultigres, workload.UserMultigres, workload.Placement{
		NodeSelector: sh.spec.CellTopologyLabels[v1alpha1.CellName(cell)],
		Tolerations:  workload.Tolerations(spec.Placement),
		Affinity:     spec.Affinity,
		Peers:        selector,
	})
	pod.TerminationGracePeriodSeconds = ptr.To(orchGracePeriod)
	pod.Volumes = workload.Volumes(vols)
	ready := workload.Endpoint{Path: "/ready", Port: portOrchHTTP, Timeout: orchReadyTimeout}
	pod.Containers = []corev1.Container{{
		Name:            "multiorch",
		Image:           string(sh.spec.Images.Multiorch),
		ImagePullPolicy: pullPolicy(sh),
		Args:            orchArgs(sh, cell),
		Env: append([]corev1.EnvVar{
			workload.PodIP(),
			workload.FromField("POD_INDEX", "metadata.labels['"+appsv1.PodIndexLabel+"']"),
		}, telemetryEnv(sh, naming.ComponentMultiOrch)...),
		Ports:           []corev1.ContainerPort{workload.Port("http", portOrchHTTP), workload.Port("grpc", portOrchGRPC)},
		Resources:       spec.Resources,
		VolumeMounts:    workload.Mounts(vols),
		StartupProbe:    workload.Startup(ready),
		LivenessProbe:   workload.Liveness(workload.Endpoint{Path: "/live", Port: portOrchHTTP, Timeout: orchReadyTimeout}),
		ReadinessProbe:  workload.Readiness(ready),
		SecurityContext: workload.Restricted(),
	}}
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.MultiOrch(cell), Labels: labels},
		Spec: appsv1.StatefulSetSpec{
			Replicas:            ptr.To(orchReplicas(sh)),
			ServiceName:         sh.id.MultiOrchService(cell),
			PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector:            &metav1.LabelSelector{MatchLabels: selector},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      naming.Merge(spec.PodLabels, labels),
					Annotations: workload.WithRenewals(workload.PodAnnotations(spec.PodAnnotations, sh.project), renewals),
				},
				Spec: pod,
			},
		},
	}
}

// orchArgs returns an orchestrator's flags (multigres v0.1.0). It watches this shard only, in all cells.
func orchArgs(sh *shard, cell string) []string {
	out := []string{
		"multiorch",
		fmt.Sprintf("--http-port=%d", portOrchHTTP),
		fmt.Sprintf("--grpc-port=%d", portOrchGRPC),
	}
	out = append(out, workload.TopologyFlags(sh.spec.GlobalTopoServer)...)
	out = append(out,
		"--cell="+cell,
		fmt.Sprintf("--watch-targets=%s/%s/%s", sh.id.Database, sh.id.TableGroup, sh.id.Shard),
		"--service-id="+sh.id.MultiOrchServiceIDPrefix(cell)+"-$(POD_INDEX)",
		"--hostname=$(POD_IP)",
		workload.LogFlag(sh.spec.LogLevels.Multiorch),
	)
	secret := sh.internalTLS(naming.ComponentMultiOrch)
	out = append(out, workload.InternalTLSServerFlags(secret)...)
	return append(out, workload.InternalTLSPoolerClientFlags(secret, naming.InternalTLSHost(naming.ComponentMultiPooler, sh.id.Cluster, sh.namespace))...)
}

// buildOrchService builds the Service of the orchestrators of one cell.
func buildOrchService(sh *shard, cell string) *corev1.Service {
	labels := sh.id.CellLabels(cell, naming.ComponentMultiOrch)
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.MultiOrchService(cell), Labels: labels},
		Spec: corev1.ServiceSpec{
			Type:           corev1.ServiceTypeClusterIP,
			IPFamilyPolicy: ptr.To(corev1.IPFamilyPolicyPreferDualStack),
			Selector:       naming.Selector(labels),
			Ports:          []corev1.ServicePort{workload.ServicePort("http", portOrchHTTP), workload.ServicePort("grpc", portOrchGRPC)},
		},
	}
}

// buildOrchPDB builds the budget that lets one orchestrator of the cell go at a time.
func buildOrchPDB(sh *shard, cell string) *policyv1.PodDisruptionBudget {
	labels := sh.id.CellLabels(cell, naming.ComponentMultiOrch)
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.MultiOrchPDB(cell), Labels: labels},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: ptr.To(intstr.FromInt32(1)),
			Selector:       &metav1.LabelSelector{MatchLabels: naming.Selector(labels)},
		},
	}
}
