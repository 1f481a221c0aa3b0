package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// LogFlag returns the flag for a component's log level; a level that was not given is info.
func LogFlag(l v1alpha1.LogLevel) string {
	if l == "" {
		return "--log-level=info"
	}
	return "--log-level=" + string(l)
}

// ServicePort returns a port of a Service that leads to the container port of the same name.
func ServicePort(name string, port int32) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, TargetPort: intstr.FromString(name), Protocol: corev1.ProtocolTCP}
}
