package tablegroup

import (
	"fmt"
	"maps"
	"slices"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TypeAvailable is the condition that is True while every shard serves.
const TypeAvailable = "Available"

func output(in compose.Input, tg *v1alpha1.TableGroup, s *compose.Set, rs []compose.Removal) compose.Output {
	removals := compose.Remove(in.XR, in.Now, rs, func(name string) bool { return !tg.Spec.Drain && wants(tg, name) })
	h := look(tg, s)
	waiting := slices.Concat(h.waiting, removals.Waiting)
	st := status(in, tg, h)
	st.Retiring = removals.Status

	count := fmt.Sprintf("%d of %d shards ready", st.ReadyShards, st.TotalShards)
	serves := !tg.Spec.Drain && st.ReadyShards == st.TotalShards
	switch {
	case tg.Spec.Drain && len(removals.Status) == 0:
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Drained"
	case tg.Spec.Drain:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, "draining: "+compose.Few(removals.Waiting)
	case len(h.broken) > 0:
		st.Phase, st.Message = v1alpha1.PhaseDegraded, compose.Few(h.broken)
	case len(removals.Status) > 0 && serves:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, compose.Few(waiting)
	case st.TotalShards == 0:
		st.Phase, st.Message = v1alpha1.PhaseInitializing, "no shards"
	case serves:
		st.Phase, st.Message = v1alpha1.PhaseHealthy, "Ready"
	default:
		st.Phase, st.Message = v1alpha1.PhaseProgressing, count
	}
	available := compose.False(TypeAvailable, "ShardsNotReady", count)
	switch {
	case serves:
		available = compose.True(TypeAvailable, "ShardsReady", count)
	case tg.Spec.Drain:
		available = compose.False(TypeAvailable, "Draining", "the table group is on its way out")
	}
	conditions := []compose.Condition{compose.Valid(), available, compose.Progress(waiting), compose.Degradation("ShardsDegraded", h.broken)}
	conditions = append(conditions, removals.Conditions()...)
	return compose.Output{
		Resources: s.Resources(),
		Status:    st,
		Ready:     serves,
		// A removal that is stuck is at rest: whatever moves it is seen when it happens.
		InProgress: len(waiting) > removals.Stuck,
		Conditions: append(conditions, compose.Drained(in.XR, tg.Spec.Drain, removals.Waiting)...),
		Events:     append(compose.PhaseChange(in.XR, st.Phase, st.Message), removals.Events...),
	}
}

// A health says which of the wanted shards are not as they should be yet, and which do not get there without help.
type health struct {
	ready           int32
	waiting, broken []string
}

func look(tg *v1alpha1.TableGroup, s *compose.Set) health {
	var h health
	if tg.Spec.Drain {
		return h
	}
	for i := range tg.Spec.Shards {
		key := naming.KeyShard(tg.Spec.Shards[i].Name)
		if s.IsReady(key) {
			h.ready++
			continue
		}
		why := "shard " + tg.Spec.Shards[i].Name
		if m := s.Observed(key).String("status", "message"); m != "" {
			why += " (" + m + ")"
		}
		h.waiting = append(h.waiting, why)
		if s.Observed(key).String("status", "phase") == string(v1alpha1.PhaseDegraded) {
			h.broken = append(h.broken, why)
		}
	}
	return h
}

func status(in compose.Input, tg *v1alpha1.TableGroup, h health) *v1alpha1.TableGroupStatus {
	st := &v1alpha1.TableGroupStatus{ReadyShards: h.ready, CellsInUse: cellsInUse(in, tg)}
	if !tg.Spec.Drain {
		st.TotalShards = int32(len(tg.Spec.Shards))
	}
	st.ObservedGeneration = tg.Generation
	return st
}

// cellsInUse returns the cells that hold anything of a shard, and those that one is to use. What a shard says of an earlier
// specification counts as well: nothing tells yet that it left.
func cellsInUse(in compose.Input, tg *v1alpha1.TableGroup) []string {
	cells := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			cells[n] = true
		}
	}
	if !tg.Spec.Drain {
		for i := range tg.Spec.Shards {
			add(cellsOf(&tg.Spec.Shards[i])...)
		}
	}
	for _, o := range slices.Concat(slices.Collect(maps.Values(in.Observed)), in.Required[requireShards]) {
		add(o.Strings("status", "cellsInUse")...)
		add(o.Strings("status", "cells")...)
		add(o.Strings("spec", "multiorch", "cells")...)
		for pool := range o.At("spec", "pools").Struct().GetFields() {
			add(o.Strings("spec", "pools", pool, "cells")...)
		}
	}
	return slices.Sorted(maps.Keys(cells))
}

// cellsOf returns the cells that a shard is to use.
func cellsOf(rs *v1alpha1.ShardResolvedSpec) []string {
	var cells []string
	for _, c := range rs.Multiorch.Cells {
		cells = append(cells, string(c))
	}
	for _, p := range rs.Pools {
		for _, c := range p.Cells {
			cells = append(cells, string(c))
		}
	}
	return cells
}
