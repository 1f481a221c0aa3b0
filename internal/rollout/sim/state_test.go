package sim

import (
	"strings"
	"time"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A state is a digest of everything in a world that what happens next depends on, less what is a matter of names and of small
// differences of time: members of one cell are exchangeable, so are cells, and of times only counts on which side they are of
// what the planner, Kubernetes or Multigres waits for. Worlds in the same state may differ in how long things are going to
// take, as the same world would if its dice were thrown again.
type state uint64

// A digest gathers a state.
type digest uint64

func (d *digest) add(n uint64) { *d = digest(mix(uint64(*d)^n) * fnvPrime) }

func (d *digest) flags(bs ...bool) {
	n := uint64(1)
	for _, b := range bs {
		n <<= 1
		if b {
			n |= 1
		}
	}
	d.add(n)
}

func (d *digest) text(s string) { d.add(hash(fnvOffset, s)) }

// What somebody waits for in a state: the planner, for an answer of the record, for a pod that serves nobody, for a leader, and for a
// replacement that does not come; and for a pod that should have gone by now.
const (
	answerAge   = 45 * time.Second
	idleAge     = time.Minute
	leaderAge   = 2 * time.Minute
	stalledAge  = 10 * time.Minute
	terminating = (podGrace + 60) * time.Second
)

// age adds how many of some durations have passed since the given time.
func (d *digest) age(w *world, since time.Time, ages ...time.Duration) {
	n := uint64(0)
	for _, a := range ages {
		if w.now.Sub(since) >= a {
			n++
		}
	}
	d.add(n)
}

// state returns the one that the world is in.
func (w *world) state() state {
	rec := w.api.get("ShardRecord", shardID.Record())
	known := map[string]mv1alpha1.PoolerObservation{}
	listed := map[string]uint64{}
	if rec != nil {
		for _, o := range rec.observation.Poolers {
			known[o.ServiceID] = o
		}
		for id := range poolers(rec, "poolers") {
			listed[id] = 1
		}
		for id := range poolers(rec, "removed") {
			listed[id] = 2
		}
	}
	// Sums do not depend on an order.
	in, wanted := map[string]uint64{}, w.user.spec.wanted()
	for name, cell := range w.members() {
		in[cell] += w.member(name, wanted, known[serviceID(name)], listed[serviceID(name)])
	}
	total := uint64(0)
	for _, n := range in {
		total += mix(n)
	}
	d := digest(total)
	w.surroundings(&d)
	if d.flags(rec != nil); rec != nil {
		w.records(&d, rec)
	}
	return state(d)
}

// members are all of which there is anything, or should be: their pods' names, with their cells.
func (w *world) members() map[string]string {
	out := map[string]string{}
	for name, p := range w.user.spec.pools {
		for _, c := range p.cells {
			for i := range p.replicas {
				out[podName(name, c, i)] = c
			}
		}
	}
	for name, o := range w.api.objects["Pod"] {
		if out[name] == "" && !o.foreign {
			out[name] = o.pod.cell
		}
	}
	for name, o := range w.api.objects["VolumeClaim"] {
		if pod := name[len("data-"):]; out[pod] == "" {
			out[pod] = o.label(naming.LabelCell)
		}
	}
	return out
}

// member digests one member.
func (w *world) member(name string, wanted map[string]bool, seen mv1alpha1.PoolerObservation, listed uint64) uint64 {
	p := w.plane
	id := serviceID(name)
	d := digest(listed)
	_, in := p.cohort[id]
	e := p.topology[id]
	o := w.api.get("Pod", name)
	steady := o != nil && string(seen.PodUID) == o.uid && seen.Reachable && seen.PostgresReady && seen.InCohort && seen.LagWithinLimit
	d.flags(wanted[name], in, id == p.leader, e != nil, w.provider.mute[id], steady, seen.InCohort)
	if e != nil {
		d.text(e.kind)
	}
	d.flags(o != nil, o != nil && o.foreign)
	if o != nil && !o.foreign {
		q := o.pod
		d.flags(o.deleting(), q.node != nil, q.node != nil && q.node.lost, q.node != nil && q.node.silent, q.running, q.ready, q.failed != "", q.waiting != "",
			outdated(q.made, w.user.spec, w.poolOf(o)), q.made.broken())
		if o.deleting() {
			d.age(w, o.deleted, terminating)
		}
		if since, bad := w.judge.idle[name]; bad {
			d.age(w, since, idleAge, stalledAge)
		}
	}
	q := p.processes[id]
	if d.flags(q != nil); q != nil {
		d.flags(q.up, q.postgres, q.leaving, q.primary, q.broken, q.pod.o == o)
	}
	claim := w.api.get("VolumeClaim", "data-"+name)
	if d.flags(claim != nil); claim != nil {
		d.flags(claim.deleting(), deletes(claim))
	}
	v := p.volumes["data-"+name]
	if d.flags(v != nil); v != nil {
		d.flags(v.made, v.led, v.resize)
	}
	if until, ok := w.nodes.stuck["data-"+name]; ok {
		d.flags(w.now.Before(until))
	}
	return mix(uint64(d))
}

// surroundings digests what is not a member's.
func (w *world) surroundings(d *digest) {
	p, c, v, s := w.plane, w.core, w.provider, w.user.spec
	d.flags(p.born, p.orchs, p.orchDown, p.topoDown, p.topoWhole, p.leads())
	d.text(string(p.policy))
	if p.born && !p.leads() {
		d.age(w, w.judge.unknown, leaderAge)
	}
	_, pods := c.stale["Pod"]
	_, records := c.stale["ShardRecord"]
	d.flags(c.down, w.now.Before(c.open), pods, records, v.down, v.blind)
	d.add(uint64(c.fault))
	d.flags(s.paused, s.drain, s.broken(), w.spare(s), s.scaled == "Delete", s.deleted == "Delete")
	d.text(s.override)
	for _, m := range w.nodes.list {
		if !m.works() {
			d.add(3)
		}
	}
}

// records digests what the shard's record says of itself.
func (w *world) records(d *digest, rec *stored) {
	probe := parameters(rec).GetFields()["probe"].GetStringValue()
	d.flags(rec.deleting(), probe != "", probe == rec.observation.Probe, rec.observation.LeaderPod != "",
		len(rec.observation.UnreachableCells) > 0, len(rec.observation.Leftovers) > 0, rec.observed() == rec.generation)
	_, asked, _ := strings.Cut(probe, "@")
	if at, err := time.Parse(time.RFC3339, asked); err == nil {
		d.age(w, at, answerAge)
	}
}

// observed is the generation that an object's status rests on.
func (o *stored) observed() int {
	for _, v := range o.status.GetStructValue().GetFields()["conditions"].GetListValue().GetValues() {
		if f := v.GetStructValue().GetFields(); f["type"].GetStringValue() == "Synced" && f["status"].GetStringValue() == "True" {
			return int(f["observedGeneration"].GetNumberValue())
		}
	}
	return 0
}
