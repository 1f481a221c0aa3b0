package shard

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// buildPDB builds the budget that lets one member of the whole shard go at a time, wherever it is, and none if that would
// break the quorum. Its number is an integer because the pods of a composite have no controller that Kubernetes could ask how
// many there should be. Members that are on their way out count until they are gone.
func buildPDB(sh *shard, poolers int) *policyv1.PodDisruptionBudget {
	labels := sh.id.Labels(naming.ComponentShardPool)
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: metav1.ObjectMeta{Name: sh.id.PDB(), Labels: labels},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: ptr.To(intstr.FromInt32(int32(max(poolers-1, quorum)))),
			Selector:     &metav1.LabelSelector{MatchLabels: naming.Selector(labels)},
		},
	}
}
