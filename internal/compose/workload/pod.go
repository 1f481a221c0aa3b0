package workload

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A Placement says where a pod may run.
type Placement struct {
	// NodeSelector are the labels of the nodes of the pod's cell.
	NodeSelector map[string]string
	// Tolerations and Affinity are the user's.
	Tolerations []corev1.Toleration
	Affinity    *corev1.Affinity
	// Spread are the user's spread constraints. Without any the pod's peers spread over zones.
	Spread []corev1.TopologySpreadConstraint
	// Peers are the labels by which the pod finds those that it should keep away from.
	Peers map[string]string
}

// Pod returns a pod specification with everything but containers and volumes: restricted security, no service account token,
// no environment variables for the namespace's Services, the images' pull secrets, and the placement.
//
// Service variables are off because the Multigres binaries read MT_* variables, and a Service named mt-pg would inject some.
func Pod(images v1alpha1.ImagePullSpec, user, group int64, p Placement) corev1.PodSpec {
	spread := p.Spread
	if len(spread) == 0 {
		spread = Spread(p.Peers)
	}
	return corev1.PodSpec{
		AutomountServiceAccountToken: ptr.To(false),
		EnableServiceLinks:           ptr.To(false),
		SecurityContext:              PodSecurity(user, group),
		ImagePullSecrets:             images.ImagePullSecrets,
		NodeSelector:                 p.NodeSelector,
		Tolerations:                  p.Tolerations,
		Affinity:                     Affinity(p.Affinity, p.Peers),
		TopologySpreadConstraints:    spread,
	}
}

// Tolerations returns the tolerations of a placement, which may be nil.
func Tolerations(p *v1alpha1.PodPlacementSpec) []corev1.Toleration {
	if p == nil {
		return nil
	}
	return p.Tolerations
}

// PodAnnotations returns the annotations of a component's pods: the user's, less those that tell Prometheus to scrape (the
// components push their metrics and serve a page under every path, so a scrape would only log errors), and the project.
func PodAnnotations(user map[string]string, project string) map[string]string {
	out := make(map[string]string, len(user)+1)
	for k, v := range user {
		if !strings.HasPrefix(k, "prometheus.io/") {
			out[k] = v
		}
	}
	out[naming.AnnotationProjectRef] = project
	return out
}

// A Volume is a volume of a pod and the place where containers mount it.
type Volume struct {
	Volume corev1.Volume
	Mount  corev1.VolumeMount
}

// Volumes returns the pod's side of the volumes.
func Volumes(vs []Volume) []corev1.Volume {
	out := make([]corev1.Volume, 0, len(vs))
	for i := range vs {
		out = append(out, vs[i].Volume)
	}
	return out
}

// Mounts returns the containers' side of the volumes.
func Mounts(vs []Volume) []corev1.VolumeMount {
	out := make([]corev1.VolumeMount, 0, len(vs))
	for i := range vs {
		out = append(out, vs[i].Mount)
	}
	return out
}

// FromField returns an environment variable with the value of a field of the pod.
func FromField(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

// PodIP is the variable that holds the pod's address, for components that others reach by it.
func PodIP() corev1.EnvVar { return FromField("POD_IP", "status.podIP") }

// Port returns a named TCP port of a container.
func Port(name string, port int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: port, Protocol: corev1.ProtocolTCP}
}
