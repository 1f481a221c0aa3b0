package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// A law is something that must hold in every world, whatever happens.
type law string

// The seven invariants of a rollout, and what goes without saying.
const (
	oneAtATime  law = "1: at most one member is voluntarily away, and only while all others serve"
	quorumHolds law = "2: no voluntary disruption takes the members below what the durability policy needs"
	leaderLast  law = "3: the leader is disrupted last, and nobody while it is not known who leads"
	stopsOnBad  law = "4: a replacement that does not become ready stops the rollout"
	volumesStay law = "5: no volume goes under Retain, and none before its pod and its record"
	drainsFirst law = "6: what is scaled away drains first"
	arrives     law = "7: the desired state is reached once faults stop"
	noError     law = "the composer returns no error, applies nothing that is refused, disrupts nothing without a reason"
	noLoss      law = "no acknowledged write is lost"
	atRest      law = "a shard that is as desired comes to rest: nothing is written any more"
)

// age is how old the facts may be that a disruption rests on.
const age = 60 * time.Second

// A failure is a broken law.
type failure struct {
	law  law
	text string
}

// A spell begins and ends.
type spell struct{ since, at time.Time }

// A judge knows the truth, and holds what is done against it.
type judge struct {
	w       *world
	failure *failure

	bad     map[string]time.Time // since when a pod does not serve in the cohort, by name; absent if it does
	idle    map[string]time.Time // since when a pod's PostgreSQL does not serve
	rose    map[string]spell     // when a pod last did not serve, before it did
	away    map[string]time.Time // since when a pod is voluntarily away
	served  map[string]bool      // who ever served in the cohort, by name, as long as there is or should be such a pod
	led     string               // who leads
	since   time.Time            // since when
	unknown time.Time            // since when the record names no leader; zero while it does
	named   time.Time            // since when it names one; zero while it does not
	nobody  time.Time            // since when it has named none for longer than facts may be old
	spoiled map[string]int       // serving pods that were disrupted for a broken spec, with its revision
	reasons map[string]int
	made    map[string]*spec // what pods were last made for, by name

	disruptions int
}

func newJudge(w *world) *judge {
	return &judge{
		w: w, bad: map[string]time.Time{}, idle: map[string]time.Time{}, rose: map[string]spell{}, away: map[string]time.Time{}, served: map[string]bool{}, spoiled: map[string]int{},
		reasons: map[string]int{}, made: map[string]*spec{},
	}
}

func (j *judge) failf(l law, format string, args ...any) {
	if j.failure != nil {
		return
	}
	j.failure = &failure{law: l, text: fmt.Sprintf(format, args...)}
	j.w.story.tellf("JUDGE", "law broken: %s: %s", l, j.failure.text)
}

// serves is true if the pod's server takes part in the shard.
func (j *judge) serves(o *stored) bool {
	return o != nil && !o.deleting() && j.w.plane.serves(o.pod.id) && j.w.plane.processes[o.pod.id].pod == o.pod
}

// look takes the truth down after every step, and checks what must hold at any time.
func (j *judge) look() {
	w := j.w
	pods := w.api.ours
	wanted := w.user.spec.wanted()
	mark := func(m map[string]time.Time, name string, good bool) {
		if good {
			delete(m, name)
		} else if _, ok := m[name]; !ok {
			m[name] = w.now
		}
	}
	for name, o := range pods {
		serves := j.serves(o)
		_, in := w.plane.cohort[o.pod.id]
		if since, ok := j.idle[name]; ok && serves {
			j.rose[name] = spell{since, w.now}
		}
		mark(j.idle, name, serves)
		mark(j.bad, name, serves && in)
		if serves && in {
			j.served[name] = true
			delete(j.away, name)
		}
		if !o.deleting() && w.api.get("Service", o.subdomain()) == nil {
			j.failf(drainsFirst, "%s lives and the Service that gives it its name is gone", short(name))
		}
	}
	for name := range wanted {
		if pods[name] == nil {
			mark(j.bad, name, false)
			mark(j.idle, name, false)
		}
	}
	for name := range j.bad {
		if pods[name] == nil && !wanted[name] {
			delete(j.bad, name)
			delete(j.idle, name)
		}
	}
	for name := range j.away {
		if pods[name] == nil && !wanted[name] {
			delete(j.away, name)
		}
	}
	for name := range j.served {
		if pods[name] == nil && !wanted[name] {
			delete(j.served, name)
		}
	}
	j.lookForLeader()
	if w.plane.leader != j.led {
		j.led, j.since = w.plane.leader, w.now
	}
}

// lookForLeader notes whether the record names a leader.
func (j *judge) lookForLeader() {
	note := func(since *time.Time, holds bool) {
		switch {
		case !holds:
			*since = time.Time{}
		case since.IsZero():
			*since = j.w.now
		}
	}
	o := j.w.api.get("ShardRecord", shardID.Record())
	names := o != nil && o.observation.LeaderPod != ""
	note(&j.unknown, !names)
	note(&j.named, names)
	if !names || j.w.now.Sub(j.named) > age {
		note(&j.nobody, !names)
	}
}

// collecting is told that core is about to delete an object that it composed.
func (j *judge) collecting(t *transaction, o *stored) {
	want := j.w.user.history[t.revision-1]
	switch o.kind {
	case "Pod":
		j.disrupting(t, o, want)
	case "VolumeClaim":
		j.letting(o, want)
	}
}

// disrupting judges the removal of a pod.
func (j *judge) disrupting(t *transaction, o *stored, want *spec) {
	w := j.w
	p := o.pod
	if p.failed != "" || !t.in.Observed[o.key].Has("spec", "nodeName") && !j.serving(t, o.name) {
		return // nothing ran when core looked
	}
	if j.idled(t, o.name) {
		return // it has not served for long, whatever the others do
	}
	j.disruptions++
	wanted := want.wanted()
	pool := o.label(naming.LabelPool)
	stale := outdated(p.made, want, pool)
	resize := w.plane.volumes[p.claim] != nil && w.plane.volumes[p.claim].resize
	_, idle := j.idle[o.name]
	if wanted[o.name] && !stale && !resize && !idle && !j.recently(o.name) {
		j.failf(noError, "%s is removed, although it is wanted, up to date and healthy", short(o.name))
	}
	if want.paused {
		j.failf(noError, "%s is removed although the rollout is paused", short(o.name))
	}
	if want.drain {
		j.drained(t, o)
		return
	}
	if want.broken() && wanted[o.name] && !idle {
		j.spoiled[o.name] = t.revision
		for name, revision := range j.spoiled {
			if name != o.name && revision == t.revision {
				j.failf(stopsOnBad, "%s serves and is removed for a specification whose pods never become ready, as %s was", short(o.name), short(name))
			}
		}
	}
	if want.override == "roles" {
		j.onlyOne(t, o, true)
		return // whoever says so knows what else is lost
	}
	j.alone(t, o, wanted)
	j.onlyOne(t, o, false)
	if serving := j.others(t, o); want.override != "quorum" && !w.plane.holds(serving) {
		j.failf(quorumHolds, "%s is removed and %d others serve", short(o.name), len(serving))
	}
	j.leader(t, o, want)
}

// fresh is true if a member that does not serve did so within the age that facts may have, so that nobody can be blamed for taking
// it for one that serves. One that never served never was fit to be taken for that.
func (j *judge) fresh(t *transaction, name string) bool {
	since, bad := j.bad[name]
	return !bad || j.served[name] && t.at.Sub(since) <= age
}

// newcomer is true of a pod that never served, that is not wanted any more, and that core could not see yet: no member misses it.
func (j *judge) newcomer(t *transaction, o *stored, wanted map[string]bool) bool {
	return o != nil && !wanted[o.name] && !j.served[o.name] && !t.in.Observed[o.key].Exists()
}

// alone judges whether all others serve. A fault that is younger than facts may be is no reproach.
func (j *judge) alone(t *transaction, o *stored, wanted map[string]bool) {
	w := j.w
	for _, name := range slices.Sorted(maps.Keys(j.bad)) {
		since, other := j.bad[name], w.api.ours[name]
		if name == o.name || j.fresh(t, name) || other == nil && !wanted[name] || j.newcomer(t, other, wanted) {
			continue
		}
		j.failf(oneAtATime, "%s is removed while %s has not served in the cohort for %s (exists: %t)", short(o.name), short(name), brief(t.at.Sub(since)), other != nil)
	}
}

// onlyOne judges whether nobody else is voluntarily away. If roles do not matter one is back once its server answers, as far as its
// kubelet could tell, in the cohort or not.
func (j *judge) onlyOne(t *transaction, o *stored, roles bool) {
	for _, name := range slices.Sorted(maps.Keys(j.away)) {
		since := j.away[name]
		if name == o.name || !since.Before(t.at) {
			continue
		}
		if idle, ok := j.idle[name]; roles && (!ok || j.answers(name) || idle.After(since) && t.at.Sub(idle) <= age) {
			continue
		}
		j.failf(oneAtATime, "%s is removed while %s is voluntarily away, for %s", short(o.name), short(name), brief(t.at.Sub(since)))
	}
	j.away[o.name] = j.w.now
}

// answers is true if the server of a pod answers, even if it takes itself for a leader that it is no more.
func (j *judge) answers(name string) bool {
	o := j.w.api.ours[name]
	return o != nil && !o.deleting() && o.pod.ready && o.pod.process.answers()
}

// others are the members that serve beside a pod, as far as anybody could know. One whose pod was deleted by force a moment ago is
// among them.
func (j *judge) others(t *transaction, o *stored) map[string]string {
	out := map[string]string{}
	for name, cell := range j.w.members() {
		if name != o.name && j.served[name] && j.fresh(t, name) {
			out[serviceID(name)] = cell
		}
	}
	return out
}

// lag is how long a kubelet may take to see that a server answers, and core to see that.
const lag = 15 * time.Second

// idled is true if a pod had not served for long when core looked, as far as core could see.
func (j *judge) idled(t *transaction, name string) bool {
	if since, ok := j.idle[name]; ok {
		return t.at.Sub(since) >= age-lag
	}
	r := j.rose[name]
	return r.at.Sub(r.since) >= age-lag && (t.at.Sub(r.at) < lag || len(j.w.core.stale) > 0 && t.at.Sub(r.at) <= age)
}

// serving is true if a pod's server had served for longer than the age that facts may have when core looked.
func (j *judge) serving(t *transaction, name string) bool {
	_, idle := j.idle[name]
	return !idle && t.at.Sub(j.rose[name].at) > age
}

// recently is true if a pod was not in order within the age that facts may have.
func (j *judge) recently(name string) bool {
	_, bad := j.bad[name]
	return bad
}

// leader judges whether it may be this pod's turn.
func (j *judge) leader(t *transaction, o *stored, want *spec) {
	w := j.w
	if w.plane.leader == "" || !w.plane.leads() && t.at.Sub(w.plane.lost) > age && !w.plane.lost.IsZero() {
		j.failf(leaderLast, "%s is removed although nobody leads", short(o.name))
		return
	}
	if o.pod.id != w.plane.leader || t.at.Sub(j.since) < age {
		return
	}
	wanted := want.wanted()
	for name, other := range w.api.ours {
		if name == o.name || other.deleting() {
			continue
		}
		if !wanted[name] || outdated(other.pod.made, want, other.label(naming.LabelPool)) {
			j.failf(leaderLast, "%s leads and is removed before %s, which must go, too", short(o.name), short(name))
		}
	}
}

// drained judges the removal of a pod of a shard that goes as a whole: there is no quorum to keep, and the leader is last if it
// is known who that is.
func (j *judge) drained(t *transaction, o *stored) {
	w := j.w
	known := t.in.Observed[naming.KeyShardRecord].String("status", "atProvider", "leaderPod")
	if o.name != known || o.pod.id != w.plane.leader {
		return
	}
	for name, other := range w.api.ours {
		if name != o.name && !other.deleting() && j.serves(other) {
			j.failf(leaderLast, "%s leads and is removed before %s, although the whole shard goes", short(o.name), short(name))
		}
	}
}

// letting judges that core lets a volume's claim go.
func (j *judge) letting(o *stored, want *spec) {
	pod := o.name[len("data-"):]
	if want.wanted()[pod] {
		j.failf(volumesStay, "the claim of %s goes, which is wanted", short(pod))
	}
	if !deletes(o) {
		return
	}
	pool := o.label(naming.LabelPool)
	for _, s := range slices.Backward(j.w.user.history) {
		if _, there := s.pools[pool]; !there && s.scaled == "Delete" {
			return
		} else if there {
			if s.retains(pool) {
				j.failf(volumesStay, "the volume of %s goes, under Retain", short(pod))
			}
			return
		}
	}
}

// volume judges the deletion of a volume.
func (j *judge) volume(o *stored) {
	w := j.w
	pod := o.name[len("data-"):]
	id := naming.ServiceID(pod)
	if q := w.plane.processes[id]; q != nil && q.up {
		j.failf(volumesStay, "the volume of %s goes while its server runs", short(pod))
	}
	if _, in := w.plane.cohort[id]; in {
		j.failf(volumesStay, "the volume of %s goes while it is in the cohort", short(pod))
	}
	if w.plane.topology[id] != nil {
		j.failf(volumesStay, "the volume of %s goes while its record is there", short(pod))
	}
}

// created judges the making of an object. One that was to stay as it is and went meanwhile is made again as it was.
func (j *judge) created(t *transaction, o *stored, kept bool) {
	if o.kind != "Pod" {
		return
	}
	want := j.w.user.history[t.revision-1]
	if kept {
		want = j.made[o.name]
	} else if !want.wanted()[o.name] && !t.again && !j.leaderless() {
		j.failf(noError, "%s is created and not wanted", short(o.name))
	}
	o.pod.made, j.made[o.name] = want, want
}

// leaderless is true if nobody is known to have led for long: then members that are on their way out may be needed for an
// election. Of one that led for a moment nobody need have heard.
func (j *judge) leaderless() bool {
	return !j.w.plane.born || !j.unknown.IsZero() && !j.nobody.IsZero() && j.w.now.Sub(j.nobody) > age
}

// refused judges an apply that the API server refused. Nobody knows of a pod that core had not seen when it called the composer.
func (j *judge) refused(t *transaction, o *stored) {
	if o.deleting() || t.uids[o.key] != o.uid {
		return
	}
	j.failf(noError, "another specification is applied to the living pod %s", short(o.name))
}

// unregistering judges that a pooler's record is removed.
func (j *judge) unregistering(id string) {
	if q := j.w.plane.processes[id]; q != nil && q.up && q.pod.node.works() {
		j.failf(drainsFirst, "the record of %s is removed while it lives", j.w.plane.called(id))
	}
}

// recorded judges what the shard's record asks for.
func (j *judge) recorded(o *stored) {
	for id, f := range poolers(o, "removed") {
		if p := j.w.api.ours[f.GetFields()["pod"].GetStringValue()]; p != nil && !p.deleting() && len(j.w.core.stale) == 0 {
			j.failf(drainsFirst, "the record lists %s as removed and its pod lives", j.w.plane.called(id))
		}
	}
}

// subdomain is the Service that a pod is named by.
func (o *stored) subdomain() string {
	return o.config.GetFields()["spec"].GetStructValue().GetFields()["subdomain"].GetStringValue()
}
