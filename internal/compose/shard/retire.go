package shard

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

var kindStatefulSet = schema.GroupKind{Group: "apps", Kind: "StatefulSet"}

// removals are the pods that are there although the specification does not want them.
func (f *facts) removals(s *compose.Set) []compose.Removal {
	out := make([]compose.Removal, 0, len(f.retiring))
	for _, key := range f.retiring {
		out = append(out, compose.Removal{Name: podTitle(s.Observed(key).Name()), Reason: compose.WaitDraining, Message: "waits for draining"})
	}
	return out
}

// wants is true if the specification wants the pod of a removal.
func (f *facts) wants(name string) bool {
	return slices.ContainsFunc(f.members, func(m member) bool { return podTitle(m.pod) == name })
}

func podTitle(name string) string { return "Pod " + name }

// cellsInUse returns the cells that hold anything of the shard, wanted or not. The topology of a cell must not go while it is
// among them.
func cellsInUse(sh *shard, s *compose.Set, f *facts) []string {
	cells := map[string]bool{}
	for _, c := range recordCells(sh, f.poolers) {
		cells[c] = true
	}
	for _, p := range f.record.Poolers {
		if p.Registered || p.InCohort {
			cells[p.Cell] = true
		}
	}
	for _, key := range s.Leftover() {
		if o := s.Observed(key); o.GroupKind() == kindStatefulSet || o.GroupKind() == kindPod {
			cells[o.Label(naming.LabelCell)] = true
		}
	}
	delete(cells, "")
	return slices.Sorted(maps.Keys(cells))
}
