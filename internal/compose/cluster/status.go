package cluster

import (
	"fmt"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// output says how the cluster is. It is ready if clients can use it: the topology server, a gateway in each cell and every shard
// serve. What is missing beyond that makes it progressing or degraded.
func (a *assembly) output(mc *v1alpha1.MultigresCluster, warnings []resolve.Warning) compose.Output {
	h := a.health(compose.Served(a.in.XR))
	st := a.status()
	st.Phase = a.phase(h)
	st.Message = message(h)

	warning := warningCondition(warnings)
	events := compose.PhaseChange(a.in.XR, st.Phase, st.Message)
	events = append(events, imagesChange(mc.Status.Images, st.Images)...)
	events = append(events, warningEvent(a.in.XR, warning)...)
	events = append(events, a.removals.Events...)
	return compose.Output{
		Resources: a.s.Resources(),
		Status:    st,
		Ready:     h.serves(),
		// A removal that is stuck is at rest: whatever moves it is seen when it happens.
		InProgress: len(h.waiting) > a.removals.Stuck || a.addressAwaited(),
		Conditions: append(a.conditions(h), warning),
		Events:     events,
	}
}

func (a *assembly) phase(h health) v1alpha1.Phase {
	switch {
	case len(h.broken) > 0:
		return v1alpha1.PhaseDegraded
	case len(h.waiting) == 0 && h.serves():
		return v1alpha1.PhaseHealthy
	case len(a.in.Observed) == 0:
		return v1alpha1.PhaseInitializing
	}
	return v1alpha1.PhaseProgressing
}

// message says whether the cluster can be used, and if not, why.
func message(h health) string {
	out := "Not ready"
	if h.serves() {
		out = "Ready"
	}
	if len(h.broken) > 0 {
		return out + ", degraded: " + compose.Few(h.broken)
	}
	if len(h.waiting) > 0 {
		return out + ", waiting for " + compose.Few(h.waiting)
	}
	return out
}

// status returns everything but the phase and its message.
func (a *assembly) status() *v1alpha1.MultigresClusterStatus {
	c := a.c
	st := &v1alpha1.MultigresClusterStatus{
		Cells:             make(map[v1alpha1.CellName]v1alpha1.CellStatusSummary, len(c.Cells)),
		Databases:         make(map[v1alpha1.DatabaseName]v1alpha1.DatabaseStatusSummary, len(c.Databases)),
		Gateway:           a.gatewayEndpoints(),
		AdminWeb:          a.adminWebEndpoints(),
		ResolvedTemplates: resolvedTemplates(c),
		Images:            &c.Images.Status,
		Effective:         c.Effective(),
		Retiring:          a.removals.Status,
	}
	st.ObservedGeneration = c.generation
	for i := range c.Cells {
		key := naming.KeyCell(c.Cells[i].Name)
		st.Cells[v1alpha1.CellName(c.Cells[i].Name)] = v1alpha1.CellStatusSummary{
			Ready:           a.s.IsReady(key),
			GatewayReplicas: int32(a.s.Observed(key).Int("status", "gatewayReadyReplicas")),
		}
	}
	for i := range c.Databases {
		name := c.Databases[i].Name
		st.Databases[v1alpha1.DatabaseName(name)] = a.database(name)
	}
	if a.s.Has(naming.KeyConnectionSecret) {
		st.ConnectionSecretName = a.s.Observed(naming.KeyConnectionSecret).Name()
	}
	return st
}

// imagesChange returns the event of a cluster that adopts another set of default images now.
func imagesChange(old *v1alpha1.ImagesStatus, now *v1alpha1.ImagesStatus) []compose.Event {
	if old == nil || old.AppliedRevision == "" || now.AppliedRevision == "" || old.AppliedRevision == now.AppliedRevision {
		return nil
	}
	return []compose.Event{{
		Reason:  "ImagesUpdated",
		Message: fmt.Sprintf("default images changed from revision %s to %s", old.AppliedRevision, now.AppliedRevision),
	}}
}

// resolvedTemplates returns the templates that apply, or nil if none does.
func resolvedTemplates(c *cluster) *v1alpha1.ResolvedTemplates {
	t := c.ResolvedTemplates
	if len(t.CoreTemplates)+len(t.CellTemplates)+len(t.ShardTemplates) == 0 {
		return nil
	}
	return &t
}
