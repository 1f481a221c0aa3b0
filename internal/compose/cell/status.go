package cell

import (
	"fmt"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TypeAvailable is the condition that is True while at least one gateway of the cell serves, or none is wanted.
const TypeAvailable = "Available"

func output(in compose.Input, c *v1alpha1.Cell, s *compose.Set, retiring []string) compose.Output {
	gw := s.Observed(naming.KeyGatewayDeployment)
	want := replicas(c)
	if gw.Has("spec", "replicas") {
		// An autoscaler may have raised it.
		want = max(want, gw.Int32("spec", "replicas"))
	}
	ready := gw.Int32("status", "readyReplicas")
	if gw.Deleting() {
		ready = 0
	}
	st := &v1alpha1.CellStatus{
		GatewayReplicas:      want,
		GatewayReadyReplicas: ready,
		GatewayServiceName:   naming.GatewayService(c.Spec.ClusterName, string(c.Spec.Name)),
	}
	st.ObservedGeneration = c.Generation

	count := fmt.Sprintf("%d of %d gateways ready", ready, want)
	serves := ready > 0 || want == 0 && gw.Exists()
	complete := s.AllReady()
	stalled := gw.Exists() && progressDeadlineExceeded(s)
	waiting := s.Waiting()
	if !complete && len(waiting) == 0 {
		waiting = append(waiting, unready(s, count)...)
	}
	for _, r := range retiring {
		waiting = append(waiting, "removal of "+r+", which holds the cell's records")
	}
	var broken []string
	switch {
	case complete:
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Ready"
	case stalled, compose.Served(in.XR) && !serves:
		st.Phase, st.Message = v1alpha1.PhaseDegraded, count
		broken = append(broken, count)
	case !gw.Exists():
		st.Phase, st.Message = v1alpha1.PhaseInitializing, "waiting for "+compose.Few(waiting)
	default:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, count
	}
	return compose.Output{
		Resources:  s.Resources(),
		Status:     st,
		Ready:      serves && localTopoReady(c, s),
		InProgress: !complete,
		Conditions: append([]compose.Condition{
			compose.Valid(), available(serves, count), localTopo(c, s), compose.Progress(waiting), compose.Degradation("GatewaysMissing", broken),
		}, compose.Drained(in.XR, false, nil)...),
		Events: compose.PhaseChange(in.XR, st.Phase, st.Message),
	}
}

func unready(s *compose.Set, count string) []string {
	var out []string
	if !s.IsReady(naming.KeyGatewayDeployment) {
		out = append(out, "gateways ("+count+")")
	}
	if s.Has(naming.KeyLocalTopo) && !s.IsReady(naming.KeyLocalTopo) {
		out = append(out, "the local topology server")
	}
	return out
}

// progressDeadlineExceeded is true if Kubernetes gave up waiting for the gateways' latest template.
func progressDeadlineExceeded(s *compose.Set) bool {
	c, ok := s.Observed(naming.KeyGatewayDeployment).Condition("Progressing")
	return ok && !c.True() && c.Reason == "ProgressDeadlineExceeded"
}

func available(serves bool, count string) compose.Condition {
	if serves {
		return compose.True(TypeAvailable, "GatewayAvailable", count)
	}
	return compose.False(TypeAvailable, "NoGatewayReady", count)
}

func localTopoReady(c *v1alpha1.Cell, s *compose.Set) bool {
	return !hasLocalEtcd(c) || s.IsReady(naming.KeyLocalTopo)
}

func localTopo(c *v1alpha1.Cell, s *compose.Set) compose.Condition {
	switch {
	case !hasLocalEtcd(c):
		return compose.True(TypeLocalTopoReady, "NotManaged", "")
	case localTopoReady(c, s):
		return compose.True(TypeLocalTopoReady, "Serving", "")
	default:
		return compose.False(TypeLocalTopoReady, "NotServing", "the cell's topology server does not serve yet")
	}
}
