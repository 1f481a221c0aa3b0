package workload

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mostPreferred is the highest weight that the scheduler knows.
const mostPreferred = 100

// Affinity returns the affinity that a user wrote or, if there is none, the preference that pods with the given labels run on
// different nodes.
func Affinity(user *corev1.Affinity, selector map[string]string) *corev1.Affinity {
	if user != nil {
		return user
	}
	return &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
			Weight: mostPreferred,
			PodAffinityTerm: corev1.PodAffinityTerm{
				TopologyKey:   corev1.LabelHostname,
				LabelSelector: &metav1.LabelSelector{MatchLabels: selector},
			},
		}},
	}}
}

// Spread returns the constraint that pods with the given labels spread evenly over the zones as far as that is possible. It
// matters where the node selector leaves more than one zone.
func Spread(selector map[string]string) []corev1.TopologySpreadConstraint {
	return []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelTopologyZone,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: selector},
	}}
}
