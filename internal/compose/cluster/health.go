package cluster

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// kindDeployment is that of components without a composite of their own.
var kindDeployment = schema.GroupKind{Group: "apps", Kind: "Deployment"}

// A health says how a cluster is, by what is observed of it.
type health struct {
	// topology is true if the global topology server serves.
	topology bool

	// cells and shards count what serves and what should.
	cells, wantCells   int
	shards, wantShards int32

	// tableGroups is true if all of them serve.
	tableGroups bool

	// gateways is the number of gateways that are ready in all cells.
	gateways int64

	// waiting is what is not as it should be yet, broken what does not get there without help.
	waiting, broken []string

	// served is true if the cluster was complete once.
	served bool
}

// serves is true if clients can read and write.
func (h health) serves() bool { return h.topology && h.cells == h.wantCells && h.tableGroups }

func (a *assembly) health(served bool) health {
	h := health{topology: a.topologyServes(), wantCells: len(a.c.Cells), tableGroups: true, served: served}
	for i := range a.c.Cells {
		key := naming.KeyCell(a.c.Cells[i].Name)
		h.gateways += a.s.Observed(key).Int("status", "gatewayReadyReplicas")
		if a.s.IsReady(key) {
			h.cells++
		}
	}
	for i := range a.c.Databases {
		db := &a.c.Databases[i]
		st := a.database(db.Name)
		h.shards += st.ReadyShards
		h.wantShards += st.TotalShards
		for j := range db.TableGroups {
			h.tableGroups = h.tableGroups && a.s.IsReady(naming.KeyTableGroup(db.Name, db.TableGroups[j].Name))
		}
	}

	for _, p := range a.parts {
		if !a.s.Has(p.key) {
			// It is held back by something that is among the parts itself, or awaited.
			continue
		}
		o := a.s.Observed(p.key)
		if !a.s.IsReady(p.key) || !settled(o) {
			h.waiting = append(h.waiting, withMessage(p.name, o))
		}
		if broken(o) {
			h.broken = append(h.broken, withMessage(p.name, o))
		}
	}
	if served && !h.topology && a.c.GlobalTopo.Managed == nil {
		h.broken = append(h.broken, "the topology server "+a.c.GlobalTopo.Ref.Address+" (no record can be read)")
	}
	h.waiting = append(h.waiting, a.awaited...)
	h.waiting = append(h.waiting, a.removals.Waiting...)
	return h
}

// topologyServes is true if the global topology server serves. One that something else runs does if a record can be read.
func (a *assembly) topologyServes() bool {
	if a.c.GlobalTopo.Managed != nil {
		return a.s.IsReady(naming.KeyGlobalTopo)
	}
	for i := range a.c.Cells {
		if a.s.IsReady(naming.KeyCellRecord(a.c.Cells[i].Name)) {
			return true
		}
	}
	for i := range a.c.Databases {
		if a.s.IsReady(naming.KeyDatabaseRecord(a.c.Databases[i].Name)) {
			return true
		}
	}
	return false
}

// database counts the shards of a database.
func (a *assembly) database(name string) v1alpha1.DatabaseStatusSummary {
	var out v1alpha1.DatabaseStatusSummary
	for i := range a.c.Databases {
		if a.c.Databases[i].Name != name {
			continue
		}
		for j := range a.c.Databases[i].TableGroups {
			tg := &a.c.Databases[i].TableGroups[j]
			total := int32(len(tg.Shards))
			ready := int32(a.s.Observed(naming.KeyTableGroup(name, tg.Name)).Int("status", "readyShards"))
			out.TotalShards += total
			out.ReadyShards += min(ready, total)
		}
	}
	return out
}

// settled is false for one of our composites that is still on its way to what was asked of it, although it serves.
func settled(o object.Object) bool {
	if o.GroupKind().Group != v1alpha1.Group {
		return true
	}
	return compose.Current(o) && o.String("status", "phase") == string(v1alpha1.PhaseHealthy)
}

// broken is true if the resource does not become what it should be without help, by its own account.
func broken(o object.Object) bool {
	if o.GroupKind().Group == v1alpha1.Group {
		return compose.Current(o) && o.String("status", "phase") == string(v1alpha1.PhaseDegraded)
	}
	c, ok := o.Condition("Progressing")
	return ok && o.GroupKind() == kindDeployment && !c.True() && c.Reason == "ProgressDeadlineExceeded"
}

// withMessage adds what a composite says of itself to its name.
func withMessage(name string, o object.Object) string {
	if m := o.String("status", "message"); m != "" && o.GroupKind().Group == v1alpha1.Group {
		return name + " (" + m + ")"
	}
	return name
}
