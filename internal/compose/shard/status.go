package shard

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// backupTypes are the types of backups as pgBackRest calls them.
var backupTypes = map[mv1alpha1.BackupType]string{
	mv1alpha1.BackupTypeFull: "full", mv1alpha1.BackupTypeDifferential: "diff", mv1alpha1.BackupTypeIncremental: "incr",
}

// output says how the shard is. It is ready if it has a leader and a quorum, and all that belongs to it is there: then one
// member may fail. It is available with less.
func output(in compose.Input, sh *shard, s *compose.Set, f *facts) compose.Output {
	st := status(sh, s, f)
	removals := compose.Remove(in.XR, in.Now, f.removals(s), func(name string) bool { return f.wants(name) })
	st.Retiring = removals.Status
	h := look(in, sh, s, f)
	ready := h.available() && len(h.unready) == 0 && len(h.outside) == 0 && st.OrchReady
	waiting := waitingFor(s, f, h)
	reason, broken := h.broken(in.XR)

	st.Phase, st.Message = phase(st, h, ready, broken)
	conditions := []compose.Condition{
		compose.Valid(), h.availability(), rolling(f, st), backups(f), compose.Progress(waiting), compose.Degradation(reason, broken),
	}
	return compose.Output{
		Resources: s.Resources(),
		Status:    st,
		Ready:     ready,
		// What stays although it is not wanted any more, or not in this form, is at rest.
		InProgress: !ready || !s.AllReady(),
		Conditions: append(conditions, removals.Conditions()...),
		Events:     append(compose.PhaseChange(in.XR, st.Phase, st.Message), removals.Events...),
	}
}

// status returns what is there, without the phase.
func status(sh *shard, s *compose.Set, f *facts) *v1alpha1.ShardStatus {
	st := &v1alpha1.ShardStatus{
		Cells:           sh.cells,
		CellsInUse:      cellsInUse(sh, s, f),
		OrchReady:       len(unreadyOrchestrators(sh, s)) == 0,
		Leader:          f.record.LeaderPod,
		Term:            f.record.Term,
		DesiredReplicas: int32(len(f.members)),
		PodRoles:        roles(f.record.Poolers),
		PostgresConfig:  configStatus(s, f),
	}
	st.ObservedGeneration = sh.generation
	for _, g := range sh.groups {
		st.Pools = append(st.Pools, v1alpha1.PoolStatus{Name: g.pool, Cell: g.cell, Desired: int32(g.replicas)})
	}
	i := -1
	var last *group
	for _, m := range f.members {
		if m.group != last {
			i, last = i+1, m.group
		}
		if compose.Ready(s.Observed(m.key)) {
			st.Pools[i].Ready++
			st.ReadyReplicas++
		}
		if f.current(s, m) {
			st.Pools[i].Updated++
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
func (f *facts) current(s *compose.Set, m member) bool {
	return f.plan[m.key].Action == rollout.Keep && !s.Observed(m.key).Deleting()
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
func configStatus(s *compose.Set, f *facts) *v1alpha1.PostgresConfigStatus {
	st := &v1alpha1.PostgresConfigStatus{RestartHash: f.conf.RestartHash, ReloadHash: f.conf.ReloadHash}
	for _, m := range f.members {
		pod := s.Observed(m.key)
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

// waitingFor returns everything that is not as it is wanted, what creations wait for first.
func waitingFor(s *compose.Set, f *facts, h health) []string {
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
	for _, key := range f.retiring {
		out = append(out, "removal of "+s.Observed(key).Name()+", which waits for draining")
	}
	return out
}

// rolling says how far a change of the pods has come.
func rolling(f *facts, st *v1alpha1.ShardStatus) compose.Condition {
	count := fmt.Sprintf("%d of %d instances updated", st.UpdatedReplicas, st.DesiredReplicas)
	if n := f.plan.Count(rollout.ReasonOutdated); n > 0 {
		return compose.True(TypeRollingUpdate, "PodsOutdated", fmt.Sprintf("%s, %d wait to be replaced", count, n))
	}
	return compose.False(TypeRollingUpdate, "PodsUpToDate", count)
}

// backups says whether there is a backup to restore from. How old it may be is for its owner to say.
func backups(f *facts) compose.Condition {
	b := f.record.LastBackup
	switch {
	case b != nil:
		return compose.True(TypeBackupHealthy, "BackupComplete", "last backup is "+b.ID)
	case f.known && f.record.LeaderPod != "":
		return compose.False(TypeBackupHealthy, "NoBackup", "no complete backup is known")
	default:
		return compose.Condition{Type: TypeBackupHealthy, Status: metav1.ConditionUnknown, Reason: "RecordUnknown", Message: "the shard's record does not say yet"}
	}
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
