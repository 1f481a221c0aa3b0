package topomember

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A member of a topology server, by its pod and the StatefulSet that made it.
type member struct {
	pod *corev1.Pod
	set *metav1.OwnerReference
}

func memberOf(pod *corev1.Pod) (member, bool) {
	m := member{pod: pod, set: metav1.GetControllerOf(pod)}
	return m, m.set != nil && m.set.Kind == "StatefulSet" && len(pod.Spec.Containers) > 0
}

// lastWords are what a member's program said when it ended. One that runs is not asked what it ended of before.
func (m member) lastWords() (words string, ended bool) {
	for _, s := range m.pod.Status.ContainerStatuses {
		switch {
		case s.State.Running != nil:
		case s.State.Terminated != nil:
			return s.State.Terminated.Message, true
		case s.LastTerminationState.Terminated != nil:
			return s.LastTerminationState.Terminated.Message, true
		}
	}
	return "", false
}

func (m member) ready() bool {
	return slices.ContainsFunc(m.pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// endpoint leads to a member that serves.
func (m member) endpoint() string {
	return m.url(naming.ServiceHost(m.set.Name, m.pod.GetNamespace()), "client")
}

// peer is where the others reach the member.
func (m member) peer() string {
	return m.url(naming.PodHost(m.pod.GetName(), m.pod.Spec.Subdomain, m.pod.GetNamespace()), "peer")
}

// url of one of the ports that the pod names.
func (m member) url(host, port string) string {
	for _, p := range m.pod.Spec.Containers[0].Ports {
		if p.Name == port {
			return fmt.Sprintf("http://%s:%d", host, p.ContainerPort)
		}
	}
	return ""
}
