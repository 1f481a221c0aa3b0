package kubelet

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// crashLoop is the reason why a container waits that has run before.
const crashLoop = "CrashLoopBackOff"

// hostIP is the address of every node.
const hostIP = "127.0.0.1"

// status is the status of a pod whose containers run, or wait for a reason.
func (k *Kubelet) status(pod *corev1.Pod, waiting string, ready bool) corev1.PodStatus {
	now := metav1.Now()
	s := *pod.Status.DeepCopy()
	s.ObservedGeneration = pod.GetGeneration()
	s.HostIP, s.HostIPs = hostIP, []corev1.HostIP{{IP: hostIP}}

	if s.StartTime == nil {
		s.StartTime = &now
	}

	if s.PodIP == "" {
		s.PodIP = k.ip()
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}

	// A pod is pending until all its containers have run.
	if waiting == "" || waiting == crashLoop {
		s.Phase = corev1.PodRunning
	}

	k.mu.Lock()
	restarts := k.restarts[pod.GetUID()]
	k.mu.Unlock()

	s.ContainerStatuses = containers(pod.Spec.Containers, s.ContainerStatuses, waiting, ready, restarts, now)
	s.InitContainerStatuses = initContainers(pod.Spec.InitContainers, s.InitContainerStatuses, now)

	for _, t := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized} {
		condition(&s, t, true, now)
	}

	for _, t := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		condition(&s, t, ready, now)
	}

	return s
}

// containers are the states of containers that run or wait.
func containers(specs []corev1.Container, old []corev1.ContainerStatus, waiting string, ready bool, restarts int32, now metav1.Time) []corev1.ContainerStatus {
	all := make([]corev1.ContainerStatus, 0, len(specs))

	for _, c := range specs {
		s := previous(old, c.Name)
		s.Image, s.ImageID, s.ContainerID = c.Image, "sim://"+c.Image, "sim://"+c.Name
		s.Ready, s.Started, s.RestartCount = ready, ptr.To(waiting == ""), restarts

		switch {
		case waiting != "":
			s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waiting}}
		case s.State.Running == nil:
			s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		}

		all = append(all, s)
	}

	return all
}

// initContainers are the states of init containers: those that stay run, the others have ended.
func initContainers(specs []corev1.Container, old []corev1.ContainerStatus, now metav1.Time) []corev1.ContainerStatus {
	all := make([]corev1.ContainerStatus, 0, len(specs))

	for _, c := range specs {
		s := previous(old, c.Name)
		s.Image, s.ImageID, s.ContainerID, s.Ready = c.Image, "sim://"+c.Image, "sim://"+c.Name, true
		stays := ptr.Deref(c.RestartPolicy, "") == corev1.ContainerRestartPolicyAlways
		s.Started = ptr.To(stays)

		switch {
		case stays && s.State.Running == nil:
			s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		case !stays && s.State.Terminated == nil:
			s.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
		}

		all = append(all, s)
	}

	return all
}

func previous(old []corev1.ContainerStatus, name string) corev1.ContainerStatus {
	if i := slices.IndexFunc(old, func(s corev1.ContainerStatus) bool { return s.Name == name }); i >= 0 {
		return old[i]
	}

	return corev1.ContainerStatus{Name: name}
}

func condition(s *corev1.PodStatus, t corev1.PodConditionType, is bool, now metav1.Time) {
	want := corev1.PodCondition{Type: t, Status: corev1.ConditionFalse, LastTransitionTime: now}
	if is {
		want.Status = corev1.ConditionTrue
	}

	i := slices.IndexFunc(s.Conditions, func(c corev1.PodCondition) bool { return c.Type == t })

	switch {
	case i < 0:
		s.Conditions = append(s.Conditions, want)
	case s.Conditions[i].Status != want.Status:
		s.Conditions[i] = want
	}
}

// explain says why a pod is not ready.
func explain(s *corev1.PodStatus, err error) {
	for i := range s.Conditions {
		if s.Conditions[i].Type == corev1.ContainersReady {
			s.Conditions[i].Reason, s.Conditions[i].Message = "ContainersNotReady", err.Error()
		}
	}
}

func sameStatus(a, b corev1.PodStatus) bool { return equality.Semantic.DeepEqual(a, b) }

// scheduled is when a pod got its node.
func scheduled(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}

	return pod.GetCreationTimestamp().Time
}

// started is when a pod's containers began to run: now if they have not.
func started(pod *corev1.Pod) time.Time {
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running != nil {
			return s.State.Running.StartedAt.Time
		}
	}

	return time.Now()
}
