package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Annotations that change how a pod fares. On a namespace they hold for all its
// pods; a pod's own come first.
const (
	// AnnotationStartAfter is how long the pod takes to run, as "5s".
	AnnotationStartAfter = "kubelet.test/start-after"

	// AnnotationReadyAfter is how long it then takes to be ready.
	AnnotationReadyAfter = "kubelet.test/ready-after"

	// AnnotationStopAfter is how long it takes to end when it is deleted.
	AnnotationStopAfter = "kubelet.test/stop-after"

	// AnnotationFail is the reason why the pod's containers do not run, as
	// ImagePullBackOff or CrashLoopBackOff.
	AnnotationFail = "kubelet.test/fail"

	// AnnotationFreeze stops all changes of the pod, like a node that is gone, if it is "true".
	AnnotationFreeze = "kubelet.test/freeze"
)

// Behaviour is how a pod fares.
type Behaviour struct {
	// StartAfter is the time from being scheduled to running.
	StartAfter time.Duration

	// ReadyAfter is the time from running to being ready.
	ReadyAfter time.Duration

	// StopAfter is the time from being deleted to being gone. It is never longer
	// than the pod's grace period.
	StopAfter time.Duration

	// Fail is the reason why the containers do not run. They do if it is empty.
	Fail string

	// Freeze stops all changes of the pod.
	Freeze bool
}

// annotated applies annotations to a behaviour. What cannot be parsed is as
// good as absent.
func (b Behaviour) annotated(annotations map[string]string) Behaviour {
	for key, d := range map[string]*time.Duration{
		AnnotationStartAfter: &b.StartAfter, AnnotationReadyAfter: &b.ReadyAfter, AnnotationStopAfter: &b.StopAfter,
	} {
		if parsed, err := time.ParseDuration(annotations[key]); err == nil {
			*d = parsed
		}
	}

	if v, ok := annotations[AnnotationFail]; ok {
		b.Fail = v
	}

	if v, ok := annotations[AnnotationFreeze]; ok {
		b.Freeze = v == "true"
	}

	return b
}

// behaviour is how a pod fares: as its namespace says, unless itself does, unless the caller does.
func (k *Kubelet) behaviour(namespace *corev1.Namespace, pod *corev1.Pod) Behaviour {
	b := Behaviour{}.annotated(namespace.GetAnnotations()).annotated(pod.GetAnnotations())

	k.mu.Lock()
	change := k.change
	k.mu.Unlock()

	if change != nil {
		change(pod, &b)
	}

	return b
}
