package cell

import (
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// requireGateways names the requirement of the Deployment of a cell that drains. It is not composed any more, and is there
// until its last gateway has stopped.
const requireGateways = "gateways"

// drain stops the gateways. A topology server of the cell's own stays: what is registered in it unregisters there.
func drain(in compose.Input, c *v1alpha1.Cell, s *compose.Set) compose.Output {
	var waiting []string
	gateways := s.Observed(naming.KeyGatewayDeployment)
	if gateways.Exists() || in.Find(requireGateways).Exists() {
		waiting = append(waiting, "the gateways to stop")
	}
	st := &v1alpha1.CellStatus{
		GatewayReplicas:      gateways.Int32("status", "replicas"),
		GatewayReadyReplicas: gateways.Int32("status", "readyReplicas"),
	}
	st.ObservedGeneration = c.Generation
	st.Phase, st.Message = v1alpha1.PhaseProgressing, "draining: waiting for "+compose.Few(waiting)
	if len(waiting) == 0 {
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Drained"
	}
	conditions := []compose.Condition{
		compose.Valid(), compose.False(TypeAvailable, "Draining", "the cell is on its way out"), localTopo(c, s),
		compose.Progress(waiting), compose.Degradation("GatewaysMissing", nil),
	}
	return compose.Output{
		Resources:  s.Resources(),
		Status:     st,
		InProgress: len(waiting) > 0,
		Conditions: append(conditions, compose.Drained(in.XR, true, waiting)...),
		Events:     compose.PhaseChange(in.XR, st.Phase, st.Message),
	}
}
