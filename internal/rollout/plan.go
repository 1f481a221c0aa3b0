// Package rollout decides which pod of a shard may be created, kept, replaced or removed next. It is the one place that
// decides about disruption, and it is pure: the same shard, record and time give the same plan.
package rollout

import (
	"time"
)

// A Pod is one pod that the shard should have.
type Pod struct {
	// Key is the pod's composed-resource key. It identifies the pod among desired and observed ones.
	Key string
	// Name is the pod's metadata.name.
	Name string
	// Cell is the cell that the pod runs in.
	Cell string
	// Hash is the hash of the specification that the pod should have.
	Hash string
	// Volumes says whether everything that the pod mounts is there.
	Volumes bool
}

// An ObservedPod is one pod that the shard has.
type ObservedPod struct {
	Key  string
	Name string
	Cell string
	// Hash is the hash of the specification that the pod was made from; empty if nobody noted it.
	Hash string
	// Ready is true if the pod is ready and not on its way out.
	Ready bool
	// Deleting is true if the pod has a deletion timestamp.
	Deleting bool
}

// A Member is what the shard's record knows about one pooler.
type Member struct {
	Pod           string
	Primary       bool
	InCohort      bool
	PostgresReady bool
}

// A Record is what the shard's record knows about its poolers.
type Record struct {
	// Known is false if the record was never observed.
	Known   bool
	Leader  string
	Members []Member
}

// A Policy limits what a plan may do.
type Policy struct {
	// Durability is the name of the shard's durability policy.
	Durability string
	// Paused is true if somebody paused the rollout.
	Paused bool
}

// An Input is everything that a plan rests on.
type Input struct {
	Desired  []Pod
	Observed []ObservedPod
	Record   Record
	Policy   Policy
	Now      time.Time
}

// An Action is what happens to one pod.
type Action string

// What can happen to a pod.
const (
	// Create makes a pod that does not exist.
	Create Action = "Create"
	// Keep applies the pod's specification, which is the one that it was made from.
	Keep Action = "Keep"
	// Freeze leaves a pod as it is although the shard wants another specification for it, or none at all.
	Freeze Action = "Freeze"
	// Wait holds back the creation of a pod.
	Wait Action = "Wait"
)

// Reasons for an action.
const (
	ReasonMissing     = "Missing"
	ReasonCurrent     = "Current"
	ReasonOutdated    = "Outdated"
	ReasonNotWanted   = "NotWanted"
	ReasonNeedVolumes = "NeedVolumes"
)

// A Decision is the action for one pod, with the reason for it.
type Decision struct {
	Action Action
	Reason string
}

// A Plan holds one decision for every desired and every observed pod, by key.
type Plan map[string]Decision

// New makes a plan. Missing pods are created as soon as what they mount is there, all in parallel. Pods whose specification is
// outdated, and pods that are not wanted any more, stay as they are.
func New(in Input) Plan {
	p := make(Plan, len(in.Desired)+len(in.Observed))
	for _, o := range in.Observed {
		p[o.Key] = Decision{Action: Freeze, Reason: ReasonNotWanted}
	}
	hashes := make(map[string]string, len(in.Observed))
	for _, o := range in.Observed {
		hashes[o.Key] = o.Hash
	}
	for _, d := range in.Desired {
		hash, exists := hashes[d.Key]
		p[d.Key] = decide(d, hash, exists)
	}
	return p
}

func decide(d Pod, hash string, exists bool) Decision {
	if exists && hash == d.Hash {
		return Decision{Action: Keep, Reason: ReasonCurrent}
	}
	if exists {
		return Decision{Action: Freeze, Reason: ReasonOutdated}
	}
	if !d.Volumes {
		return Decision{Action: Wait, Reason: ReasonNeedVolumes}
	}
	return Decision{Action: Create, Reason: ReasonMissing}
}

// Count returns how many pods of the plan have the given reason.
func (p Plan) Count(reason string) int {
	n := 0
	for _, d := range p {
		if d.Reason == reason {
			n++
		}
	}
	return n
}
