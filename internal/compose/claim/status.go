package claim

import (
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// TypeAvailable is the condition that is True while clients can use the claimed cluster.
const TypeAvailable = "Available"

// output says of the claim what its cluster says of itself.
func output(in compose.Input, claim reference, live object.Object) compose.Output {
	name := "MultigresCluster " + claim.Namespace + "/" + claim.Name
	st := &v1alpha1.XMultigresClusterStatus{
		ClusterName:          live.Name(),
		ConnectionSecretName: live.String("status", "connectionSecretName"),
		Gateway:              gateway(live.At("status", "gateway")),
	}
	st.ObservedGeneration = in.XR.Generation()
	st.Phase, st.Message = v1alpha1.Phase(live.String("status", "phase")), live.String("status", "message")
	why := name + " (" + st.Message + ")"
	if st.Phase == "" {
		st.Phase, st.Message, why = v1alpha1.PhaseInitializing, "waiting for "+name, name
	}

	var waiting, broken []string
	ready := compose.Ready(live)
	current := live.Int("status", "observedGeneration") >= live.Generation()
	settled := ready && current && st.Phase == v1alpha1.PhaseHealthy
	if !settled {
		waiting = append(waiting, why)
	}
	if st.Phase == v1alpha1.PhaseDegraded {
		broken = append(broken, st.Message)
	}
	available := compose.False(TypeAvailable, "ClusterNotReady", st.Message)
	if ready {
		available = compose.True(TypeAvailable, "ClusterReady", "")
	}
	return compose.Output{
		Status:     st,
		Ready:      ready,
		InProgress: !settled,
		Conditions: []compose.Condition{compose.Valid(), available, compose.Progress(waiting), compose.Degradation("ClusterDegraded", broken)},
		Events:     compose.PhaseChange(in.XR, st.Phase, st.Message),
	}
}

// gateway returns where clients connect, or nil if the cluster does not say.
func gateway(o object.Object) *v1alpha1.GatewayEndpoints {
	if !o.Exists() {
		return nil
	}
	return &v1alpha1.GatewayEndpoints{
		Host:             o.String("host"),
		Port:             int32(o.Int("port")),
		ReplicaHost:      o.String("replicaHost"),
		ReplicaPort:      int32(o.Int("replicaPort")),
		ExternalEndpoint: o.String("externalEndpoint"),
	}
}
