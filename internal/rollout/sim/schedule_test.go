package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/fn"
)

// bound is how long a shard may take to reach the desired state once faults stop. Nine members that are rolled one after the
// other, each for some minutes, fit.
const bound = 90 * time.Minute

// A schedule is a seed, a first specification and what happens then.
type schedule struct {
	seed   uint64
	first  *spec
	events []event
}

// draw makes the schedule of a seed, with at most the given number of events.
func draw(seed uint64, most int) schedule {
	n := uint64(0)
	next := func(m int) int { n++; return int(mix(seed*0x9e3779b97f4a7c15+n) % uint64(m)) }
	s := schedule{seed: seed, first: first(next)}
	for range 1 + next(most) {
		e := event{kind: kinds[next(len(kinds))], a: uint64(next(1 << 30)), b: uint64(next(1 << 30))}
		switch next(4) {
		case 0:
			e.after = time.Duration(next(3000)) * time.Millisecond
		case 1:
			e.after = time.Duration(next(30)) * time.Second
		case 2:
			e.after = time.Duration(next(120)) * time.Second
		case 3:
			e.after = time.Duration(next(15)) * time.Minute / 4
		}
		s.events = append(s.events, e)
	}
	// Most worlds are born before anything happens to them.
	if next(8) > 0 {
		s.events[0].after += 3 * time.Minute
	}
	return s
}

// first draws the first specification.
func first(next func(int) int) *spec {
	s := &spec{
		pools: map[string]pool{}, image: "pgctld:v1", policy: v1alpha1.DurabilityAtLeast2, deleted: v1alpha1.PVCRetain, scaled: v1alpha1.PVCRetain,
	}
	shapes := []map[string]pool{
		{"main": {cells: []string{"z1"}, replicas: 3}},
		{"main": {cells: []string{"z1", "z2", "z3"}, replicas: 1}},
		{"main": {cells: []string{"z1", "z2"}, replicas: 2}},
		{"main": {cells: []string{"z1", "z2"}, replicas: 1}, "side": {cells: []string{"z3"}, replicas: 2}},
		{"main": {cells: []string{"z2"}, replicas: 2}},
	}
	for name, p := range shapes[next(len(shapes))] {
		p.size, p.cpu = "1Gi", "100m"
		s.pools[name] = p
	}
	if next(3) == 0 {
		s.scaled = v1alpha1.PVCDelete
	}
	if next(3) == 0 && len(s.cells()) > 1 {
		s.policy = v1alpha1.DurabilityMultiCellAtLeast2
	}
	return s
}

// An outcome is how a schedule went.
type outcome struct {
	failure *failure
	steps   int
	passes  int
	took    time.Duration // from the end of faults to the desired state
	again   int           // passes that it took
	events  map[string]int
	story   string
	disrupt int
}

// play runs a schedule to its end, and then until the shard is as desired.
func (s schedule) play(tell bool, os ...option) outcome { return s.watched(nil, tell, os...) }

// watched is play with somebody who is told of every state that is met.
func (s schedule) watched(l *lookout, tell bool, os ...option) outcome {
	w := newWorld(s.seed, s.first.clone(), append(slices.Clone(os), func(w *world) { w.story.told = tell }, l.follow)...)
	out := outcome{events: map[string]int{}}
	for _, e := range s.events {
		w.run(w.now.Add(e.after))
		if w.judge.failure != nil {
			break
		}
		l.ahead()
		if w.happen(e) {
			out.events[e.kind]++
		}
		l.happened()
	}
	w.met = nil
	w.conclude(&out)
	if w.judge.failure == nil && s.seed%restEvery == 0 {
		w.rest()
	}
	if out.note(w); out.failure == nil {
		l.arrived()
	}
	return out
}

// conclude ends all faults and runs the world until the shard is as desired.
func (w *world) conclude(out *outcome) {
	if w.judge.failure != nil {
		return
	}
	passes, began := w.core.passes, w.now
	w.heal()
	w.settle(began.Add(bound))
	if w.judge.failure == nil && !w.enough && len(w.missing()) > 0 {
		w.judge.failf(arrives, "after %s without faults the shard is not as desired: %s", brief(w.now.Sub(began)), strings.Join(w.missing(), "; "))
	}
	out.took, out.again = w.now.Sub(began), w.core.passes-passes
}

// note takes down how it went.
func (o *outcome) note(w *world) {
	o.failure, o.steps, o.passes, o.disrupt, o.story = w.judge.failure, w.steps, w.core.passes, w.judge.disruptions, w.story.String()
}

// faulty is true while there is a fault, or something that a user has to mend: heal has something to do.
func (w *world) faulty() bool {
	c, v := w.core, w.provider
	if c.down || c.fault != sound || v.down || v.blind || len(v.mute) > 0 || w.plane.topoDown || w.plane.orchDown || w.mended() != nil {
		return true
	}
	for _, f := range c.stale {
		if w.now.Before(f.until) {
			return true
		}
	}
	for _, o := range w.api.objects["Pod"] {
		if o.foreign {
			return true
		}
	}
	return slices.ContainsFunc(w.nodes.list, func(m *node) bool { return !m.works() })
}

// heal ends all faults, and mends what the user wrote.
func (w *world) heal() {
	w.story.tellf("end", "all faults stop")
	for _, m := range w.nodes.list {
		w.nodes.restore(m)
	}
	w.startCore()
	clear(w.core.stale)
	w.core.fault = sound
	w.startProvider()
	w.hear()
	w.sightProvider()
	for w.expelForeigner() {
	}
	w.startTopology()
	w.startOrchestrators()
	if s := w.mended(); s != nil {
		w.user.write("mends what is wrong", s)
	}
}

// mended returns what a user has to write for the shard to get anywhere, and nil if what they wrote last will do. Where no member
// can go without breaking the policy, an administrator has to say that it may be.
func (w *world) mended() *spec {
	now := w.user.spec
	override := ""
	if !w.spare(now) {
		override = "quorum"
	}
	if !now.paused && !now.broken() && now.override == override {
		return nil
	}
	s := now.clone()
	s.paused, s.override = false, override
	mend(w, s, 0, 0)
	return s
}

// spare is true if the policy holds without any one of the members that the spec wants.
func (w *world) spare(s *spec) bool {
	all := map[string]string{}
	for name, p := range s.pools {
		for _, c := range p.cells {
			for i := range p.replicas {
				all[podName(name, c, i)] = c
			}
		}
	}
	for name, cell := range all {
		delete(all, name)
		if !w.plane.holds(all) {
			return false
		}
		all[name] = cell
	}
	return true
}

// settle steps until the shard is as desired, or the time has come.
func (w *world) settle(until time.Time) {
	for n := 0; w.judge.failure == nil; n++ {
		if at, ok := w.next(); !ok || at.After(until) {
			return
		}
		if w.step(); w.enough || n%8 == 0 && len(w.missing()) == 0 {
			return
		}
	}
}

// restEvery is in how many schedules once a shard is also watched at rest.
const restEvery = 8

// rest watches a shard that is as desired for longer than the function lets pass between two calls. The breaker may have dropped
// the last event: then the first of these calls still finds something.
func (w *world) rest() {
	w.run(w.now.Add(breakerCooldown + fn.DefaultTTLAtRest + 2*time.Minute))
	writes, passes := w.api.writes, w.core.passes
	w.run(w.now.Add(fn.DefaultTTLAtRest + 2*time.Minute))
	if w.judge.failure != nil {
		return
	}
	if n := w.api.writes - writes; n > 0 {
		last := "the composite's status"
		if o := w.api.written; o != nil {
			last = describe(o)
		}
		w.judge.failf(atRest, "%d writes in %d passes, the last of %s", n, w.core.passes-passes, last)
	}
	if n := w.core.passes - passes; n > 2 {
		w.judge.failf(atRest, "%d passes, although nothing was written", n)
	}
}

// missing returns what is not as desired.
func (w *world) missing() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	s := w.user.spec
	wanted := s.wanted()
	for name := range wanted {
		o := w.api.get("Pod", name)
		switch {
		case o == nil:
			add("%s does not exist", short(name))
		case o.foreign:
			add("%s is somebody else's", short(name))
		case o.deleting():
			add("%s is going", short(name))
		case outdated(o.pod.made, s, w.poolOf(o)):
			add("%s is outdated", short(name))
		case !o.pod.ready || !w.judge.serves(o):
			add("%s does not serve", short(name))
		case w.plane.cohort[o.pod.id] == "":
			add("%s is not in the cohort", short(name))
		}
	}
	for name := range w.api.ours {
		if !wanted[name] {
			add("%s is still there", short(name))
		}
	}
	ids := map[string]bool{}
	for name := range wanted {
		ids[serviceID(name)] = true
	}
	for id := range w.plane.topology {
		if !ids[id] {
			add("the record of %s is still there", w.plane.called(id))
		}
	}
	if !s.drain {
		for id := range w.plane.cohort {
			if !ids[id] {
				add("%s is still in the cohort", w.plane.called(id))
			}
		}
		if c := w.core.condition("Ready"); c.Status != "True" {
			add("the shard says that it is not ready")
		}
	}
	if w.core.last.InProgress && !s.drain {
		add("the shard says that it is in progress")
	}
	slices.Sort(out)
	return out
}
