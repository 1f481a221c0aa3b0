package shardstate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// maxLag is how many bytes of log a pooler may replay behind the leader: four segments of PostgreSQL's default size. It is more
// than a busy leader writes between the two being asked, and a fraction of a second to replay.
const maxLag = 64 << 20

// receiving is what PostgreSQL calls a log receiver that is connected and follows.
const receiving = "streaming"

// observation returns the facts as a ShardRecord shows them.
func (f *facts) observation() v1alpha1.ShardRecordObservation {
	out := v1alpha1.ShardRecordObservation{
		Probe:            f.Parameters.Probe,
		UnreachableCells: f.unreachable(),
		Term:             highestTerm(f.Answers),
		DurabilityPolicy: f.rule.GetDurabilityPolicy().GetPolicyName(),
		LastBackup:       f.Previous.LastBackup,
		LastFullBackup:   f.Previous.LastFullBackup,
		FullBackups:      f.Previous.FullBackups,
		InitClaim:        claim(f.Claim),
		Leftovers:        f.leftovers(),
	}
	if f.BackupsKnown {
		out.LastBackup = shownBackup(newest(f.Backups, anyType))
		out.LastFullBackup = shownBackup(newest(f.Backups, isFull))
		out.FullBackups = fullBackups(f.Backups)
	}
	if t := f.rule.GetCreationTime(); t.IsValid() {
		made := metav1.NewTime(t.AsTime().Truncate(time.Second))
		out.RuleMade = &made
	}
	if f.leads {
		out.Leader = f.leader.Name
	}
	for _, m := range f.cohort {
		out.Cohort = append(out.Cohort, m.Name)
	}
	slices.Sort(out.Cohort)
	pods := f.pods()
	takers := takers(f.Backups)
	for _, id := range f.shown() {
		p := f.pooler(id, pods[id])
		if f.leads && id == f.leader {
			out.LeaderPod = p.Pod
		}
		p.LastBackupID = f.previous[id].LastBackupID
		if f.BackupsKnown {
			p.LastBackupID = takers[id.Name]
		}
		out.Poolers = append(out.Poolers, p)
	}
	return out
}

// pods are the names of the pods of listed poolers.
func (f *facts) pods() map[ID]string {
	out := map[ID]string{}
	for _, p := range slices.Concat(f.Parameters.Removed, f.Parameters.Poolers) {
		out[poolerID(p)] = p.Pod
	}
	return out
}

// shown are the poolers that the observation lists, sorted: all that are expected, and all others of which there is something.
func (f *facts) shown() []ID {
	set := map[ID]bool{}
	for _, p := range f.Parameters.Poolers {
		set[poolerID(p)] = true
	}
	for _, p := range f.Parameters.Removed {
		id := poolerID(p)
		if registered, _ := f.isRegistered(id); registered || !f.gone(p) {
			set[id] = true
		}
	}
	for id := range f.registered {
		set[id] = true
	}
	for _, id := range f.cohort {
		set[id] = true
	}
	return slices.SortedFunc(maps.Keys(set), ID.Compare)
}

// pooler returns what is known about one pooler.
func (f *facts) pooler(id ID, pod string) v1alpha1.PoolerObservation {
	out := v1alpha1.PoolerObservation{
		Pod: pod, ServiceID: id.Name, Cell: id.Cell, Role: v1alpha1.PoolerRoleUnknown, InCohort: f.inCohort(id),
		PodUID: f.Pods[pod].UID, Terminating: f.Pods[pod].Terminating,
	}
	out.Registered, _ = f.isRegistered(id)
	a, ok := f.Answers[id]
	if !ok {
		return out
	}
	s := a.Status.GetStatus()
	out.Reachable = true
	out.Role = role(s.GetPoolerType())
	out.Term = leaderTerm(id, a)
	out.Initialized = s.GetIsInitialized()
	out.PostgresReady = s.GetPostgresReady()
	out.LagWithinLimit = f.follows(id, a)
	if a.Settings != nil {
		out.ConfigHash, out.RestartPending = a.Settings.Hash, a.Settings.RestartPending
	}
	return out
}

func role(t clustermetadatapb.PoolerType) v1alpha1.PoolerRole {
	switch t { //nolint:exhaustive // A drained pooler is on its way out and has no role.
	case clustermetadatapb.PoolerType_PRIMARY:
		return v1alpha1.PoolerRolePrimary
	case clustermetadatapb.PoolerType_REPLICA:
		return v1alpha1.PoolerRoleReplica
	default:
		return v1alpha1.PoolerRoleUnknown
	}
}

// follows is true if a pooler is the leader, or close behind it.
func (f *facts) follows(id ID, a Answer) bool {
	if !f.leads {
		return false
	}
	if id == f.leader {
		return true
	}
	r := a.Status.GetStatus().GetReplicationStatus()
	if r.GetWalReceiverStatus() != receiving {
		return false
	}
	end, ok := position(f.Answers[f.leader].Status.GetStatus().GetPrimaryStatus().GetLsn())
	if !ok {
		return false
	}
	at, ok := position(r.GetLastReplayLsn())
	return ok && (at >= end || end-at <= maxLag)
}

// position reads a position in PostgreSQL's log: two hexadecimal numbers of 32 bits with a slash between them.
func position(s string) (uint64, bool) {
	high, low, ok := strings.Cut(s, "/")
	if !ok {
		return 0, false
	}
	h, err := strconv.ParseUint(high, 16, 32)
	if err != nil {
		return 0, false
	}
	l, err := strconv.ParseUint(low, 16, 32)
	if err != nil {
		return 0, false
	}
	return h<<32 | l, true
}

// leftovers are the names of poolers that are to be gone and are not, or may not be, and of strangers.
func (f *facts) leftovers() []string {
	listed := map[ID]bool{}
	set := map[string]bool{}
	for _, p := range f.Parameters.Poolers {
		listed[poolerID(p)] = true
	}
	for _, p := range f.Parameters.Removed {
		listed[poolerID(p)] = true
		if f.remains(p) {
			set[p.ServiceID] = true
		}
	}
	for id := range f.registered {
		if !listed[id] {
			set[id.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// remains is true if there is something of a removed pooler, or may be.
func (f *facts) remains(p v1alpha1.ShardPooler) bool {
	registered, known := f.isRegistered(poolerID(p))
	if registered || !known || !f.gone(p) {
		return true
	}
	if f.retired() || f.unborn() {
		return false
	}
	return !f.leads || f.inCohort(poolerID(p))
}

func claim(c *clustermetadatapb.ShardInitClaim) *v1alpha1.InitClaimObservation {
	if c == nil {
		return nil
	}
	out := &v1alpha1.InitClaimObservation{Claimer: c.GetClaimerId().GetName()}
	for _, m := range c.GetCohortMembers() {
		out.Members = append(out.Members, m.GetName())
	}
	slices.Sort(out.Members)
	return out
}
