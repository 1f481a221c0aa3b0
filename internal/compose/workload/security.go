// Package workload holds the parts that the pods of several components have in common: security, probes, spreading,
// topology flags, telemetry and mutual TLS. Every function returns something new or something that nobody changes.
package workload

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// User ids of the images (multigres v0.1.0): what they run as, and with which group their volumes are owned.
const (
	// UserMultigres is the user of the image that holds all Multigres binaries but pgctld.
	UserMultigres int64 = 65532
	// UserPostgres is the user of the image that holds PostgreSQL and pgctld. Both containers of a pool pod run as it, since
	// both write the same data directory.
	UserPostgres int64 = 999
)

// PodSecurity returns the security context of a pod whose containers run as the given user and whose volumes belong to the
// given group. It fulfils the restricted Pod Security Standard together with Restricted.
func PodSecurity(user, group int64) *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot:        ptr.To(true),
		RunAsUser:           ptr.To(user),
		RunAsGroup:          ptr.To(group),
		FSGroup:             ptr.To(group),
		FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
		SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// Restricted returns the security context of a container that needs no privilege at all.
func Restricted() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}
