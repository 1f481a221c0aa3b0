package shard

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// What an administrator may let the rollout ignore, by the annotation multigres.com/rollout-override.
const (
	// overrideRoles lets pods go although it is not known who leads.
	overrideRoles = "roles"
	// overrideQuorum lets a pod go although writes stop without it.
	overrideQuorum = "quorum"
	// overrideSettings lets settings be lowered that standbys must not have less of than their leader.
	overrideSettings = "settings"
)

// overrides returns what an administrator lets the rollout ignore.
func overrides(in compose.Input) []string {
	out := strings.Split(in.XR.Annotation(naming.AnnotationRolloutOverride), ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// resizeByItself is how long a file system may take to grow while it is mounted. Most storage does it within seconds; for the
// rest the pod is made anew.
const resizeByItself = 5 * time.Minute

// A record is what the shard's record says, and how much that is worth.
type record struct {
	mv1alpha1.ShardRecordObservation

	// exists is true if there is a record, and seen if it was ever observed.
	exists bool
	seen   bool
	// known is true if what it says was observed when that was last tried.
	known bool
	// current is true if it was observed for the specification that the record has.
	current bool
	// probe that the record was last asked.
	probe string

	byID map[[2]string]mv1alpha1.PoolerObservation
	// listed are the poolers that its specification lists, by cell and service id.
	listed map[[2]string]rollout.Listing
}

func newRecord(o object.Object) *record {
	r := &record{
		exists: o.Exists(), probe: o.String("spec", "forProvider", "probe"),
		byID: map[[2]string]mv1alpha1.PoolerObservation{}, listed: map[[2]string]rollout.Listing{},
	}
	// What does not fit its type stays unknown: the record is a status, and no reason to stop.
	object.Decode(o.At("status", "atProvider"), &r.ShardRecordObservation)
	synced, said := o.Condition("Synced")
	r.seen = o.At("status", "atProvider").Exists()
	r.known = r.seen && (!said || synced.Status != "False")
	r.current = r.known && synced.True() && synced.ObservedGeneration >= o.Generation()
	for _, p := range r.Poolers {
		r.byID[[2]string{p.Cell, p.ServiceID}] = p
	}
	for _, list := range []struct {
		name string
		as   rollout.Listing
	}{{"poolers", rollout.Expected}, {"removed", rollout.Removed}} {
		for _, p := range o.List("spec", "forProvider", list.name) {
			r.listed[[2]string{p.String("cell"), p.String("serviceID")}] = list.as
		}
	}
	return r
}

// of returns what the record says of a member.
func (r *record) of(m *member) (mv1alpha1.PoolerObservation, bool) {
	p, ok := r.byID[[2]string{m.cell, m.serviceID}]
	return p, ok
}

// remains is true if something of a member is left in the topology or in the cohort, or if that cannot be ruled out.
func (r *record) remains(m *member) bool {
	p, ok := r.of(m)
	switch {
	case m.serviceID == "":
		return false
	case ok && (p.Registered || p.InCohort), slices.Contains(r.Leftovers, m.serviceID), slices.Contains(r.Cohort, m.serviceID):
		return true
	default:
		return r.listed[[2]string{m.cell, m.serviceID}] == rollout.Removed && slices.Contains(r.UnreachableCells, m.cell)
	}
}

// rolloutInput returns what the rollout's plan rests on. The function returns what the pod of a member would be made from, if
// that is known.
func rolloutInput(in compose.Input, sh *shard, s *compose.Set, f *facts, template func(*member) *rollout.Want) rollout.Input {
	ignored := overrides(in)
	out := rollout.Input{
		Members: make([]rollout.Member, 0, len(f.members)),
		Record: rollout.Record{
			Known: f.record.known, Current: f.record.current, Leader: f.record.LeaderPod, Durability: f.record.DurabilityPolicy,
			NoCohort: len(f.record.Cohort) == 0 && f.record.InitClaim != nil, Probe: f.record.probe, Echo: f.record.Probe,
		},
		Policy: rollout.Policy{
			Durability:   string(sh.spec.DurabilityPolicy),
			Paused:       in.XR.Has("metadata", "annotations", naming.AnnotationRolloutPaused),
			Drain:        sh.spec.Drain,
			IgnoreRoles:  slices.Contains(ignored, overrideRoles),
			IgnoreQuorum: slices.Contains(ignored, overrideQuorum),
		},
		Now: in.Now,
	}
	if since := noLeaderSince(in, f); since != nil {
		out.Record.NoLeaderSince = since.Time
	}
	if made := f.record.RuleMade; made != nil {
		out.Record.RuleMade = made.Time
	}
	for _, p := range f.record.Poolers {
		if p.Pod == f.record.LeaderPod && p.Term > 0 {
			out.Record.Electing = f.record.Term > p.Term
		}
	}
	for _, m := range f.members {
		claim := s.Observed(m.claimKey)
		x := rollout.Member{
			Key: m.key, Name: m.pod, Cell: m.cell,
			Pod:     observedPod(in, m, claim),
			Listing: f.record.listed[[2]string{m.cell, m.serviceID}],
			Remains: f.record.remains(m),
			Volume: rollout.Volume{
				Exists:           claim.Exists(),
				DeleteWhenScaled: sh.volumePolicy(m.group).WhenScaled == v1alpha1.PVCDelete,
				Released:         released(claim),
			},
		}
		if m.wanted {
			x.Want = template(m)
		} else {
			x.Spare = template(m)
		}
		if p, ok := f.record.of(m); ok {
			x.Pooler = &rollout.Pooler{
				PodUID: string(p.PodUID), Reachable: p.Reachable, Initialized: p.Initialized,
				PostgresReady: p.PostgresReady, InCohort: p.InCohort, CaughtUp: p.LagWithinLimit,
			}
		}
		out.Members = append(out.Members, x)
	}
	return out
}

// noLeaderSince returns since when nobody is known to lead, as the composite's own status notes it. It is nil if somebody leads,
// or if nobody has looked yet.
func noLeaderSince(in compose.Input, f *facts) *metav1.Time {
	if !f.record.seen || f.record.LeaderPod != "" {
		return nil
	}
	since, ok := in.XR.Time("status", "noLeaderSince")
	if !ok {
		since = in.Now
	}
	t := metav1.NewTime(since.UTC().Truncate(time.Second))
	return &t
}

// observedPod returns what the rollout needs to know about a member's pod, if there is one.
func observedPod(in compose.Input, m *member, claim object.Object) *rollout.Pod {
	o := m.live
	if !o.Exists() {
		return nil
	}
	created, _ := o.Created()
	ready, _ := o.Condition("Ready")
	out := &rollout.Pod{
		UID: o.UID(), Hash: o.Annotation(naming.AnnotationSpecHash), Settled: m.settled, Foreign: !m.composed && controlledByOther(o, in.XR.UID()),
		Created: created, Ready: compose.Ready(o), Changed: ready.Changed,
		Scheduled:     o.String("spec", "nodeName") != "" || ready.True(),
		Finished:      slices.Contains([]string{"Failed", "Succeeded"}, o.String("status", "phase")),
		Deleting:      o.Deleting(),
		ResizePending: resizePending(in, claim),
	}
	if at, ok := o.Time("metadata", "deletionTimestamp"); ok {
		// A pod's deletion timestamp is when its grace period ends.
		out.DeleteBy = at
		out.DeleteAsked = at.Add(-time.Duration(o.Int("metadata", "deletionGracePeriodSeconds")) * time.Second)
	}
	return out
}

// controlledByOther is true if the object has a controller other than the one with the given UID.
func controlledByOther(o object.Object, uid string) bool {
	for _, ref := range o.List("metadata", "ownerReferences") {
		if ref.Bool("controller") {
			return ref.String("uid") != uid
		}
	}
	return false
}

// resizePending is true if the file system of a volume waits to be mounted anew and did not grow by itself.
func resizePending(in compose.Input, claim object.Object) bool {
	resize := claim.At("status", "atProvider", "resize")
	since, ok := resize.Time("fileSystemResizePendingSince")
	return resize.Bool("fileSystemResizePending") && ok && in.Now.Sub(since) >= resizeByItself
}
