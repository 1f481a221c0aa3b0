package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Periods of the probes in seconds, and how often a startup probe may fail: two and a half minutes in all.
const (
	startupPeriod   = 5
	startupFailures = 30
	livenessPeriod  = 10
	readinessPeriod = 5
)

// An Endpoint is where a probe asks.
type Endpoint struct {
	Path string
	Port int32
	// Timeout in seconds; zero leaves Kubernetes' default of one.
	Timeout int32
	// Failures in a row after which a liveness probe has a container killed; zero leaves Kubernetes' default of three.
	Failures int32
}

func (e Endpoint) handler() corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: e.Path, Port: intstr.FromInt32(e.Port)}}
}

// Startup returns a startup probe. Until it succeeds the other probes do not run.
func Startup(e Endpoint) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: e.handler(), PeriodSeconds: startupPeriod, FailureThreshold: startupFailures, TimeoutSeconds: e.Timeout}
}

// Liveness returns a liveness probe.
func Liveness(e Endpoint) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: e.handler(), PeriodSeconds: livenessPeriod, TimeoutSeconds: e.Timeout, FailureThreshold: e.Failures}
}

// Readiness returns a readiness probe.
func Readiness(e Endpoint) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: e.handler(), PeriodSeconds: readinessPeriod, TimeoutSeconds: e.Timeout}
}
