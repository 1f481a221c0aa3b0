package shard

import (
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// Reasons of RollingUpdate beside those of the rollout's plan.
const (
	reasonUpToDate  = "PodsUpToDate"
	reasonReplacing = "Replacing"
)

// Reasons of ScalingBlocked beside those of the rollout's plan.
const (
	reasonScaling    = "Scaling"
	reasonNotScaling = "NothingToRemove"
)

// Reasons of QuorumAtRisk.
const (
	reasonSpare   = "OneMayFail"
	reasonNoSpare = "NoneMayFail"
)

// passing are the reasons for which a pod that has to go waits in a rollout that goes on.
var passing = map[rollout.Reason]bool{
	rollout.ReasonInTurn: true, rollout.ReasonLeaderLast: true, rollout.ReasonRecordStale: true, rollout.ReasonItsTurn: true, rollout.ReasonIdle: true,
	rollout.ReasonFinished: true, rollout.ReasonDraining: true, rollout.ReasonTerminating: true, rollout.ReasonUnsettled: true,
}

// stuckReasons are those for which a member that is not wanted stays although its pod does not have to go for now, or cannot.
var stuckReasons = map[rollout.Reason]bool{rollout.ReasonStuckTerminating: true, rollout.ReasonNeeded: true}

// outdated returns how many wanted pods have to be made anew.
func (f *facts) outdated() int {
	n := 0
	for _, m := range f.wanted() {
		if c := f.decision(m).Cause; c != rollout.CauseNone && c != rollout.CauseDrained {
			n++
		}
	}
	return n
}

// hold returns what the rollout is at, in a word and in a sentence, and since when. A replacement that does not come up is named
// as such.
func (f *facts) hold() (rollout.Reason, string, time.Time) {
	next := f.plan.Next
	for _, m := range f.members {
		if d := f.decision(m); m.pod == f.plan.Hand && next.On == m.pod && (d.Reason == rollout.ReasonStalled || d.Reason == rollout.ReasonStuckTerminating) {
			return d.Reason, m.pod + ": " + d.Message, d.Since
		}
	}
	return next.Reason, f.plan.Pod + ": " + next.Message, next.Since
}

// rolloutStatus says which pod the rollout is about and what it waits for. When that began is known from the pods, or carried
// over from the status before, so that nothing in it moves by itself.
func rolloutStatus(in compose.Input, f *facts) *v1alpha1.RolloutStatus {
	if f.plan.Hand == "" {
		return nil
	}
	reason, message, since := f.hold()
	st := &v1alpha1.RolloutStatus{Pod: f.plan.Hand, Reason: string(reason), Message: message}
	if since.IsZero() {
		since = in.Now
		old := in.XR.At("status", "rollout")
		if at, ok := old.Time("since"); ok && old.String("pod") == st.Pod && old.String("reason") == st.Reason {
			since = at
		}
	}
	st.Since = metav1.NewTime(since.UTC().Truncate(time.Second))
	return st
}

// rolling says how far a change of the pods has come.
func rolling(f *facts, st *v1alpha1.ShardStatus) compose.Condition {
	count := fmt.Sprintf("%d of %d instances updated", st.UpdatedReplicas, st.DesiredReplicas)
	if f.outdated() == 0 {
		return compose.False(TypeRollingUpdate, reasonUpToDate, count)
	}
	reason, message, _ := f.hold()
	word := string(reason)
	if passing[reason] {
		word = reasonReplacing
	}
	return compose.True(TypeRollingUpdate, word, count+"; "+message)
}

// removals returns the members that are on their way out, and what each waits for.
func removals(f *facts, sh *shard) []compose.Removal {
	var out []compose.Removal
	for _, m := range f.leaving(sh) {
		d := f.decision(m)
		out = append(out, compose.Removal{Name: podTitle(m.pod), Reason: string(d.Reason), Message: d.Message})
	}
	return out
}

func podTitle(name string) string { return "Pod " + name }

// scaling says whether members that are not wanted any more cannot go.
func scaling(f *facts, sh *shard, rs compose.Removals) compose.Condition {
	leaving := f.leaving(sh)
	if len(leaving) == 0 {
		return compose.False(TypeScalingBlocked, reasonNotScaling, "")
	}
	for _, e := range rs.Status {
		for _, m := range leaving {
			if d := f.decision(m); podTitle(m.pod) == e.Name && (d.Cause != rollout.CauseNone || stuckReasons[d.Reason]) && !passing[d.Reason] {
				return compose.True(TypeScalingBlocked, string(d.Reason), fmt.Sprintf("%s: %s, since %s", m.pod, d.Message, e.ReasonSince.UTC().Format(time.RFC3339)))
			}
		}
	}
	return compose.False(TypeScalingBlocked, reasonScaling, fmt.Sprintf("%d instances are on their way out", len(leaving)))
}

// quorumAtRisk says whether the shard can do without any one of its members.
func (h *health) quorumAtRisk(policy v1alpha1.DurabilityPolicy) compose.Condition {
	switch {
	case h.reason == reasonRecordUnknown:
		return compose.Condition{Type: TypeQuorumAtRisk, Status: metav1.ConditionUnknown, Reason: h.reason, Message: h.why()}
	case !h.available():
		return compose.True(TypeQuorumAtRisk, h.reason, h.why())
	case h.serving <= quorum, policy == v1alpha1.DurabilityMultiCellAtLeast2 && h.fragile():
		return compose.True(TypeQuorumAtRisk, reasonNoSpare, fmt.Sprintf("%d serve, and writes stop if one more fails", h.serving))
	default:
		return compose.False(TypeQuorumAtRisk, reasonSpare, fmt.Sprintf("%d serve", h.serving))
	}
}

// fragile is true if the loss of some member leaves members of one cell only.
func (h *health) fragile() bool {
	for _, n := range h.cells {
		if n == 1 && len(h.cells) <= quorum {
			return true
		}
	}
	return len(h.cells) < quorum
}

// drainedOf returns what a shard that was asked to drain still waits for.
func drainedOf(s *compose.Set, f *facts) []string {
	var out []string
	for _, m := range f.members {
		if m.exists() {
			out = append(out, "pod "+m.pod)
		}
	}
	for key, o := range s.Resources() {
		if s.Observed(key).GroupKind() == kindStatefulSet || o.Object != nil && o.Object.GetObjectKind().GroupVersionKind().GroupKind() == kindStatefulSet {
			out = append(out, "orchestrators")
		}
	}
	if f.record.exists && !f.record.current {
		return append(out, "the shard's record")
	}
	for _, m := range f.members {
		if f.record.remains(m) {
			out = append(out, "registration of "+m.pod)
		}
	}
	for _, id := range f.record.Leftovers {
		if !slices.ContainsFunc(f.members, func(m *member) bool { return m.serviceID == id }) {
			out = append(out, "registration of "+id)
		}
	}
	return out
}

// cellsInUse returns the cells that hold anything of the shard, wanted or not, sorted.
func cellsInUse(observed map[string]object.Object, f *facts, sh *shard) []string {
	cells := map[string]bool{}
	if !sh.spec.Drain {
		for _, c := range sh.cells {
			cells[c] = true
		}
	}
	for _, m := range f.members {
		if m.exists() || f.decision(m).Listing != rollout.Unlisted {
			cells[m.cell] = true
		}
	}
	for _, p := range f.record.Poolers {
		if p.Registered || p.InCohort {
			cells[p.Cell] = true
		}
	}
	for _, o := range observed {
		if o.GroupKind() == kindStatefulSet {
			cells[o.Label(naming.LabelCell)] = true
		}
	}
	delete(cells, "")
	return slices.Sorted(maps.Keys(cells))
}

// retained returns the claims of volumes that are kept although nothing else is left of their members, sorted.
func retained(s *compose.Set, f *facts) []string {
	var out []string
	for _, m := range f.members {
		if !m.wanted && f.decision(m).Reason == rollout.ReasonGone && s.Has(m.claimKey) {
			out = append(out, m.claim)
		}
	}
	slices.Sort(out)
	return out
}

// rolloutEvents tells of pods that go, and of a rollout that begins, ends or is held up in this pass.
func rolloutEvents(in compose.Input, f *facts, conditions ...compose.Condition) []compose.Event {
	var out []compose.Event
	for _, m := range f.members {
		d := f.decision(m)
		if d.Action != rollout.Remove {
			continue
		}
		reason := "ReplacingPod"
		if d.Cause == rollout.CauseNotWanted || d.Cause == rollout.CauseDrained {
			reason = "RemovingPod"
		}
		out = append(out, compose.Event{Reason: reason, Message: fmt.Sprintf("%s: %s (%s)", m.pod, d.Message, d.Cause)})
	}
	for _, c := range conditions {
		old, known := in.XR.Condition(c.Type)
		if !known && c.Status != metav1.ConditionTrue || known && old.Reason == c.Reason {
			continue
		}
		warning := c.Status == metav1.ConditionTrue && c.Reason != reasonReplacing
		out = append(out, compose.Event{Warning: warning, Reason: c.Type + c.Reason, Message: c.Message})
	}
	return out
}
