package shard

import (
	"fmt"
	"slices"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// output says how the shard is. It is ready if it has a leader and a quorum, and all that belongs to it is there: then one
// member may fail. It is available with less.
func output(in compose.Input, sh *shard, s *compose.Set, f *facts) compose.Output {
	rs := compose.Remove(in.XR, in.Now, removals(f, sh), f.wants(sh))
	st := status(in, sh, s, f)
	st.Retiring = rs.Status
	h := look(in, sh, s, f)
	ready := h.available() && len(h.unready) == 0 && len(h.outside) == 0 && st.OrchReady && !sh.spec.Drain
	waiting := append(waitingFor(s, h), rs.Waiting...)
	reason, broken := h.broken(in.XR)
	roll, scale, risk := rolling(f, st), scaling(f, sh, rs), h.quorumAtRisk(f.policy(sh))

	st.Phase, st.Message = phase(st, h, ready, broken)
	conditions := []compose.Condition{
		compose.Valid(), h.availability(), roll, scale, risk, backups(f), compose.Progress(waiting), compose.Degradation(reason, broken),
	}
	conditions = append(conditions, keeping(in, sh)...)
	conditions = append(conditions, rs.Conditions()...)
	lower := lowering(in, f.conf)
	conditions = append(conditions, lower...)
	var left []string
	if sh.spec.Drain {
		left = drainedOf(s, f)
	}
	conditions = append(conditions, compose.Drained(in.XR, sh.spec.Drain, left)...)
	return compose.Output{
		Resources:  s.Resources(),
		Status:     st,
		Ready:      ready,
		InProgress: inProgress(in, sh, s, f, ready, left),
		Conditions: conditions,
		Events:     slices.Concat(compose.PhaseChange(in.XR, st.Phase, st.Message), rolloutEvents(in, f, append(lower, roll, scale)...), rs.Events),
	}
}

// inProgress is true while something is expected to change. What is paused is at rest, whatever there is to do, and so is a shard
// that has drained.
func inProgress(in compose.Input, sh *shard, s *compose.Set, f *facts, ready bool, left []string) bool {
	paused := in.XR.Has("metadata", "annotations", naming.AnnotationRolloutPaused)
	if sh.spec.Drain {
		return len(left) > 0 && !paused
	}
	moving := f.plan.Hand != "" || len(f.leaving(sh)) > 0
	return !ready || !s.AllReady() || moving && !paused
}

// wants returns a function that is true for the names of the pods that the specification wants.
func (f *facts) wants(sh *shard) func(string) bool {
	return func(name string) bool {
		return !sh.spec.Drain && slices.ContainsFunc(f.members, func(m *member) bool { return m.wanted && podTitle(m.pod) == name })
	}
}

// status returns what is there, without the phase.
func status(in compose.Input, sh *shard, s *compose.Set, f *facts) *v1alpha1.ShardStatus {
	st := &v1alpha1.ShardStatus{
		Cells:           sh.cells,
		CellsInUse:      cellsInUse(in.Observed, f, sh),
		OrchReady:       len(unreadyOrchestrators(sh, s)) == 0,
		Leader:          f.record.LeaderPod,
		NoLeaderSince:   noLeaderSince(in, f),
		Term:            f.record.Term,
		DesiredReplicas: int32(len(f.wanted())),
		PodRoles:        roles(f.record.Poolers),
		PostgresConfig:  configStatus(f),
		Rollout:         rolloutStatus(in, f),
		RetainedVolumes: retained(s, f),
	}
	st.ObservedGeneration = sh.generation
	pools := map[*group]int{}
	for i, g := range sh.groups {
		st.Pools = append(st.Pools, v1alpha1.PoolStatus{Name: g.pool, Cell: g.cell, Desired: int32(g.replicas)})
		pools[g] = i
	}
	for _, m := range f.wanted() {
		p := &st.Pools[pools[m.group]]
		if compose.Ready(m.live) {
			p.Ready++
			st.ReadyReplicas++
		}
		if f.current(m) {
			p.Updated++
			st.UpdatedReplicas++
		}
	}
	st.PoolsReady = st.DesiredReplicas > 0 && st.ReadyReplicas == st.DesiredReplicas
	if b := f.record.LastBackup; b != nil {
		st.LastBackupTime, st.LastBackupType = b.StartedAt, backupTypes[b.Type]
	}
	return st
}

// current is true if a member's pod runs what the specification wants, and stays.
func (f *facts) current(m *member) bool {
	d := f.decision(m)
	return d.Action == rollout.Keep && d.Cause == rollout.CauseNone
}

// roles returns what the poolers say they are. Two may say that they lead while a former leader has not heard of its
// successor; the status names the leader by itself.
func roles(poolers []mv1alpha1.PoolerObservation) map[string]v1alpha1.PodRole {
	out := map[string]v1alpha1.PodRole{}
	for _, p := range poolers {
		switch {
		case p.Pod == "":
		case p.Role == mv1alpha1.PoolerRolePrimary:
			out[p.Pod] = v1alpha1.RolePrimary
		case p.Role == mv1alpha1.PoolerRoleReplica:
			out[p.Pod] = v1alpha1.RoleReplica
		}
	}
	return out
}

// configStatus says whether some instance does not have the settings yet: its pod was made for others, or its server waits
// for a restart.
func configStatus(f *facts) *v1alpha1.PostgresConfigStatus {
	st := &v1alpha1.PostgresConfigStatus{RestartHash: f.conf.RestartHash, ReloadHash: f.conf.ReloadHash}
	for _, m := range f.wanted() {
		pod := m.live
		if !pod.Exists() || pod.Deleting() {
			continue
		}
		if pod.Annotation(naming.AnnotationPostgresConfigHash) != f.conf.RestartHash ||
			pod.Annotation(naming.AnnotationPostgresReloadHash) != f.conf.ReloadHash {
			st.InProgress = true
		}
	}
	for _, p := range f.record.Poolers {
		if p.RestartPending {
			st.InProgress = true
		}
	}
	return st
}

// phase summarises the shard in a word and a line.
func phase(st *v1alpha1.ShardStatus, h health, ready bool, broken []string) (v1alpha1.Phase, string) {
	count := fmt.Sprintf("%d of %d instances ready", st.ReadyReplicas, st.DesiredReplicas)
	outdated := h.live - int(st.UpdatedReplicas)
	switch {
	case len(broken) > 0:
		return v1alpha1.PhaseDegraded, compose.Few(broken)
	case ready && outdated > 0:
		return v1alpha1.PhaseHealthy, fmt.Sprintf("Ready, %d of %d instances updated", st.UpdatedReplicas, st.DesiredReplicas)
	case ready:
		return v1alpha1.PhaseHealthy, "Ready"
	case h.live == 0:
		return v1alpha1.PhaseInitializing, count
	case !h.available():
		return v1alpha1.PhaseProgressing, count + ", " + h.why()
	case !st.OrchReady:
		return v1alpha1.PhaseProgressing, count + ", orchestrators not ready"
	case len(h.unready) == 0:
		return v1alpha1.PhaseProgressing, fmt.Sprintf("%s, %d not in the cohort", count, len(h.outside))
	default:
		return v1alpha1.PhaseProgressing, count
	}
}

// waitingFor returns everything wanted that is not as it should be, what creations wait for first.
func waitingFor(s *compose.Set, h health) []string {
	out := s.Waiting()
	for _, name := range h.starting {
		out = append(out, "pod "+name)
	}
	for _, cell := range h.orchestrators {
		out = append(out, "orchestrators in "+cell)
	}
	if len(h.unready) == 0 {
		if !h.available() {
			out = append(out, "a leader that serves ("+h.why()+")")
		}
		for _, name := range h.outside {
			out = append(out, name+" in the cohort")
		}
	}
	for _, name := range h.outdated {
		out = append(out, "replacement of "+name)
	}
	return out
}

// unreadyOrchestrators returns the cells whose orchestrators are not all ready, sorted.
func unreadyOrchestrators(sh *shard, s *compose.Set) []string {
	var out []string
	for _, cell := range sh.orchCells {
		if !s.IsReady(naming.KeyMultiOrch(cell)) {
			out = append(out, cell)
		}
	}
	return out
}
