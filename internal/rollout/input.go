// Package rollout decides which pod of a shard may be created, kept, replaced or removed next, and what becomes of the volume
// and the registration of one that has gone. It is the one place that decides about disruption, and it is pure: the same
// shard, record and time give the same plan.
//
// It keeps seven invariants. Each is held in one place:
//
//  1. At most one pod of a shard is voluntarily away, and only while every other one is ready and in the cohort: disrupt
//     removes one, and others asks each other one whether it is steady.
//  2. What stays is a quorum of the durability policy, in enough cells: others, quorum.
//  3. The leader is last, and nobody goes while it is unknown who leads, or while that changes: order, others, changing, confirmed.
//  4. A replacement that does not come up stops the rollout, for it is not steady: others.
//  5. No volume goes before its pod and its registration have gone, and none under Retain: volume.
//  6. What is wanted again comes back, at any stage: nothing is remembered but what is observed, so a plan for it is made as
//     if it had never been unwanted.
//  7. No dead end: what serves nobody does not wait for the others (idle), and every wait names what ends it.
package rollout

import "time"

// A Member is one PostgreSQL instance of a shard by its identity, which its pod, its volume and its registration share. It is
// one that is wanted, or one of which something is left.
type Member struct {
	// Key identifies the member: the composed-resource key of its pod.
	Key string
	// Name is the name of its pod.
	Name string
	// Cell that it runs in.
	Cell string

	// Want is what it should be. Nil means that it should not be at all.
	Want *Want
	// Spare is what one that should not be would be if it had to. Nil means that nobody knows.
	Spare *Want
	// Pod is nil if there is none, not even one that is terminating.
	Pod *Pod
	// Pooler is nil if the record says nothing about it.
	Pooler *Pooler
	// Listing is how the record's specification lists it so far.
	Listing Listing
	// Remains is true if the member is registered or in the cohort, or if the record cannot rule that out.
	Remains bool
	// Volume of the member.
	Volume Volume
}

// A Want is what a member should be.
type Want struct {
	// Hash of the specification that its pod should have.
	Hash string
	// StandIn is true if that is another pool's, since the member's own is not known any more: a pod of any other specification
	// is as good, if it serves.
	StandIn bool
	// Blocked says what the creation of its pod waits for. Empty means nothing.
	Blocked string
}

// A Pod is one pod as it is observed.
type Pod struct {
	UID string
	// Hash of the specification that the pod was made from; empty if nobody noted it.
	Hash string
	// Settled is false if the pod is not, or not surely, the one that the composite composes: what is known of it is in doubt.
	Settled bool
	// Foreign is true if somebody else controls the pod.
	Foreign bool
	Created time.Time
	// Ready is what its kubelet says, and Changed since when.
	Ready   bool
	Changed time.Time
	// Scheduled is false if the pod never had a node.
	Scheduled bool
	// Finished is true if all its containers have ended for good, as after an eviction.
	Finished bool
	// Deleting is true if its deletion was asked for, at DeleteAsked, to be done by DeleteBy.
	Deleting    bool
	DeleteAsked time.Time
	DeleteBy    time.Time
	// ResizePending is true if its volume has grown and the file system on it has to be mounted anew to follow.
	ResizePending bool
}

// A Pooler is what the shard's record says about a member.
type Pooler struct {
	// PodUID is the UID of the pod that was asked.
	PodUID        string
	Reachable     bool
	Initialized   bool
	PostgresReady bool
	InCohort      bool
	// CaughtUp is true if it replays close behind the leader, or leads.
	CaughtUp bool
}

// A Volume is the volume of a member.
type Volume struct {
	// Exists is true if its claim is observed.
	Exists bool
	// DeleteWhenScaled is true if the policy wants it gone once the member is not wanted any more.
	DeleteWhenScaled bool
	// Released is true if the observed claim takes the volume with it when it goes.
	Released bool
}

// A Listing is how the shard's record lists a member.
type Listing string

// Ways in which a record lists a member.
const (
	// Unlisted members are none of the record's business.
	Unlisted Listing = ""
	// Expected members have a pod, or will have one.
	Expected Listing = "Expected"
	// Removed members have gone for good: what is left of their registration is to be removed.
	Removed Listing = "Removed"
)

// A Record is what the shard's record says about the shard.
type Record struct {
	// Known is false if the record was never observed, or could not be observed when that was last tried.
	Known bool
	// Current is true if what it says was observed for the specification that it has.
	Current bool
	// Leader is the name of the leader's pod. It is empty unless the leader itself says so and nobody knows better.
	Leader string
	// NoLeaderSince is since when it has been empty, if it is.
	NoLeaderSince time.Time
	// Electing is true if somebody was won for a term above the leader's, so that it may not be followed any more.
	Electing bool
	// RuleMade is when the members last agreed on something else: on who leads, or on who is in the cohort.
	RuleMade time.Time
	// Durability is the name of the durability policy that the members agreed on.
	Durability string
	// NoCohort is true if nobody could tell who is in the cohort of a shard that has one.
	NoCohort bool
	// Probe is the last question put to the record, and Echo the one that its answer was observed for.
	Probe string
	Echo  string
}

// A Policy limits what a plan may do.
type Policy struct {
	// Durability is the name of the durability policy that the shard should have. It counts while the members' own is unknown.
	Durability string
	// Paused is true if nothing that lives may be disturbed and nothing that holds data removed.
	Paused bool
	// Drain is true if the whole shard should go, and its volumes stay.
	Drain bool
	// IgnoreRoles lets pods go although it is not known who leads and who is in the cohort.
	IgnoreRoles bool
	// IgnoreQuorum lets a pod go although the others are no quorum.
	IgnoreQuorum bool
}

// An Input is everything that a plan rests on.
type Input struct {
	// Members of the shard. Where nothing else decides, those that come first go first.
	Members []Member
	Record  Record
	Policy  Policy
	Now     time.Time
}
