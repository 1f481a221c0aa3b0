package sim

import (
	"maps"
	"slices"
	"strings"
	"time"

	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// A volume is what a PersistentVolumeClaim holds. It outlives pods, processes and objects.
type volume struct {
	made   bool                         // it holds a data directory that is part of the shard
	lsn    int64                        // of the last write that it holds
	led    bool                         // its server led when it died
	rule   *clustermetadatapb.ShardRule // that its server knows of
	size   string
	resize bool // its file system waits for a pod to grow
}

// A process is a pooler with its PostgreSQL.
type process struct {
	pod      *pod
	id       string
	cell     string
	volume   *volume
	up       bool // multipooler
	postgres bool // accepts connections
	leaving  bool // was sent SIGTERM
	primary  bool // says that it leads
	term     int64
	lagging  bool
	broken   bool // PostgreSQL does not start with its settings
}

// answers is true if pgctld calls PostgreSQL ready.
func (p *process) answers() bool { return p.up && p.postgres && !p.leaving }

// An entry is a pooler's record in the topology.
type entry struct {
	cell string
	kind string // PRIMARY, REPLICA or DRAINED

	message *clustermetadatapb.MultiPooler
}

// A plane is Multigres v0.1.0 with its PostgreSQL servers: one shard.
type plane struct {
	w         *world
	volumes   map[string]*volume
	processes map[string]*process // by service id
	topology  map[string]*entry   // by service id
	topoDown  bool
	topoWhole bool // not only those of the cells

	orchs    bool // there are orchestrators
	orchDown bool // but they do not act

	born    bool  // the shard was initialised
	rule    int64 // how many there were
	inForce *clustermetadatapb.ShardRule
	term    int64
	cohort  map[string]string // cells by service id
	leader  string
	lost    time.Time // since when the leader does not lead
	grace   time.Duration
	policy  v1alpha1.DurabilityPolicy
	acked   int64
	pending bool
}

func newPlane(w *world) *plane {
	return &plane{
		w: w, volumes: map[string]*volume{}, processes: map[string]*process{}, topology: map[string]*entry{}, cohort: map[string]string{},
		policy: v1alpha1.DurabilityAtLeast2,
	}
}

func (p *plane) volume(claim string) *volume { return p.volumes[claim] }

func (p *plane) ids() []string { return slices.Sorted(maps.Keys(p.processes)) }

func (p *plane) orchestrators(o *stored) {
	p.w.after(p.w.between("orch", o.name, 2*time.Second, 10*time.Second), func() {
		if p.w.api.byUID("StatefulSet", o.name, o.uid) == nil {
			return
		}
		p.orchs = true
		p.w.api.setStatus(o, record("observedGeneration", 1, "replicas", 1, "readyReplicas", 1, "currentRevision", "a", "updateRevision", "a"))
		p.poke()
	})
}

// reachable is true if others reach the process.
func (p *plane) reachable(q *process) bool { return q != nil && q.up && q.pod.node.works() }

// serves is true if the process can be a follower or a leader for the others.
func (p *plane) serves(id string) bool {
	q := p.processes[id]
	return p.reachable(q) && q.postgres && !q.leaving && (!q.primary || q.id == p.leader)
}

// start starts the processes of a pod.
func (p *plane) start(d *pod) {
	w := p.w
	q := &process{pod: d, id: d.id, cell: d.cell, volume: p.volumes[d.claim], up: true}
	d.process = q
	p.processes[d.id] = q
	p.register(q, "REPLICA")
	w.provider.mounted(d.claim)
	p.launch(q)
}

// launch starts PostgreSQL, again and again while its settings keep it from starting.
func (p *plane) launch(q *process) {
	w := p.w
	if !p.alive(q) || q.postgres {
		return
	}
	if q.broken = p.badSettings(); q.broken {
		w.after(w.between("launch", q.id, 10*time.Second, 30*time.Second), func() { p.launch(q) })
		return
	}
	if !q.volume.made {
		if p.born {
			p.restore(q)
		} else {
			p.poke()
		}
		return
	}
	w.after(w.between("postgres", q.id, time.Second, 5*time.Second), func() { p.up(q) })
}

// alive is true while the process is the one that runs under its id.
func (p *plane) alive(q *process) bool { return p.processes[q.id] == q && q.up && !q.leaving }

// restore fills an empty volume from the backup and then starts PostgreSQL. Measured: 9 s until it is in the cohort.
func (p *plane) restore(q *process) {
	w := p.w
	w.after(w.between("restore", q.pod.o.name, 5*time.Second, 12*time.Second), func() {
		if !p.alive(q) {
			return
		}
		q.volume.made = true
		p.up(q)
	})
}

// up is when PostgreSQL begins to answer. One that led before it died still believes that it does.
func (p *plane) up(q *process) {
	w := p.w
	if !p.alive(q) || q.volume == nil {
		return
	}
	q.postgres = true
	w.nodes.probe(q.pod)
	w.provider.wake("postgres up")
	if p.leader == q.id {
		q.primary, q.term = true, p.term
		p.register(q, "PRIMARY")
		p.lost = time.Time{}
	} else if q.volume.led {
		// A leader that comes back shows itself as PRIMARY for 5 to 20 s, is demoted and rewound.
		q.primary, q.term, q.lagging = true, max(1, p.term-1), true
		p.register(q, "PRIMARY")
		w.after(w.between("demote", q.id, 5*time.Second, 20*time.Second), func() { p.demote(q) })
	}
	p.poke()
}

func (p *plane) demote(q *process) {
	w := p.w
	if !p.alive(q) || p.leader == q.id {
		return
	}
	q.primary, q.term, q.postgres, q.lagging, q.volume.led = false, 0, false, false, false
	p.register(q, "REPLICA")
	w.nodes.probe(q.pod)
	w.after(w.between("rewind", q.id, 2*time.Second, 8*time.Second), func() {
		if p.alive(q) {
			q.postgres = true
			w.nodes.probe(q.pod)
			p.poke()
		}
	})
}

// register writes a pooler's own record.
func (p *plane) register(q *process, kind string) {
	w := p.w
	if p.topoDown || !q.pod.node.works() {
		w.after(30*time.Second, func() {
			if p.processes[q.id] == q && q.up {
				p.register(q, p.kindOf(q))
			}
		})
		return
	}
	p.topology[q.id] = &entry{cell: q.cell, kind: kind, message: message(q, kind)}
	w.provider.wake("topology changed")
	p.poke()
}

func (p *plane) kindOf(q *process) string {
	switch {
	case q.leaving:
		return "DRAINED"
	case q.primary:
		return "PRIMARY"
	default:
		return "REPLICA"
	}
}

// terminate sends SIGTERM: the pooler announces that it leaves, and PostgreSQL stops.
func (p *plane) terminate(d *pod) {
	q := d.process
	if q == nil || !q.up || q.leaving {
		return
	}
	q.leaving, q.postgres = true, false
	p.register(q, "DRAINED")
	p.poke()
}

// kill sends SIGKILL: nobody is told.
func (p *plane) kill(d *pod) {
	q := d.process
	if q == nil {
		return
	}
	q.up, q.postgres = false, false
	if p.processes[q.id] == q {
		delete(p.processes, q.id)
	}
	d.process = nil
	p.poke()
}

// reach is told that a process may or may not be reached any more.
func (p *plane) reach(d *pod) {
	if q := d.process; p.reachable(q) && q.primary && q.id != p.leader {
		p.w.after(p.w.between("demote", q.id, 5*time.Second, 20*time.Second), func() { p.demote(q) })
	}
	p.poke()
}

// holds is true if the members can hold a write by themselves, under the policy in force.
func (p *plane) holds(ids map[string]string) bool {
	if p.policy == v1alpha1.DurabilityMultiCellAtLeast2 {
		in := map[string]bool{}
		for _, cell := range ids {
			in[cell] = true
		}
		return len(in) >= 2
	}
	return len(ids) >= 2
}

// electable is true if those who serve may elect a leader: they are a majority, what they elect can hold a write, and those who
// are missing cannot.
func (p *plane) electable(serving, missing map[string]string) bool {
	return len(serving) > len(missing) && p.holds(serving) && !p.holds(missing)
}

// split parts the cohort into members that serve and others.
func (p *plane) split() (serving, missing map[string]string) {
	serving, missing = map[string]string{}, map[string]string{}
	for id, cell := range p.cohort {
		if p.serves(id) {
			serving[id] = cell
		} else {
			missing[id] = cell
		}
	}
	return serving, missing
}

// leads is true if the leader serves.
func (p *plane) leads() bool { return p.leader != "" && p.serves(p.leader) }

// write lets clients write, if they can. A write is acknowledged when the leader and enough followers hold it.
func (p *plane) write() {
	if !p.leads() {
		return
	}
	p.tellRule()
	serving, _ := p.split()
	if !p.holds(serving) {
		return
	}
	p.acked++
	lead := p.processes[p.leader]
	lead.volume.lsn = p.acked
	done := map[string]string{p.leader: lead.cell}
	ids := slices.Sorted(maps.Keys(serving))
	start := int(mix(p.w.seed+uint64(p.acked)) % uint64(len(ids)))
	for i := range ids {
		id := ids[(start+i)%len(ids)]
		if id == p.leader {
			continue
		}
		if p.holds(done) && mix(p.w.seed^uint64(p.acked)+uint64(i))%4 == 0 {
			continue // it lags
		}
		p.processes[id].volume.lsn = p.acked
		done[id] = serving[id]
	}
}

// poke makes the orchestrators look, as they do about once a second.
func (p *plane) poke() {
	if p.pending || !p.orchs || p.orchDown {
		return
	}
	p.pending = true
	p.w.after(p.w.between("orch", "look", 500*time.Millisecond, 2*time.Second), func() {
		p.pending = false
		p.react()
	})
}

// react lets the orchestrators do one thing.
func (p *plane) react() {
	switch {
	case !p.orchs || p.orchDown:
	case !p.born:
		p.bootstrap()
	case !p.leads():
		p.failover()
	default:
		p.lost = time.Time{}
		p.tend()
	}
}

// bootstrap initialises the shard once enough poolers wait. Measured: 20 s from the start to the first query.
func (p *plane) bootstrap() {
	w := p.w
	waiting := map[string]string{}
	for _, id := range p.ids() {
		if q := p.processes[id]; p.reachable(q) && !q.leaving && !q.broken {
			waiting[id] = q.cell
		}
	}
	p.policy = w.user.spec.policy
	if p.policy == "" {
		p.policy = v1alpha1.DurabilityAtLeast2
	}
	if !p.holds(waiting) {
		return
	}
	p.pending = true
	w.after(w.between("bootstrap", "plane", 10*time.Second, 20*time.Second), func() {
		p.pending = false
		alive := map[string]string{}
		for _, id := range slices.Sorted(maps.Keys(waiting)) {
			if q := p.processes[id]; p.reachable(q) && !q.leaving {
				alive[id] = q.cell
			}
		}
		if !p.holds(alive) {
			p.poke()
			return
		}
		p.born, p.term = true, 1
		p.cohort = alive
		for _, id := range slices.Sorted(maps.Keys(alive)) {
			q := p.processes[id]
			q.volume.made, q.postgres = true, true
			w.nodes.probe(q.pod)
		}
		p.lead(slices.Sorted(maps.Keys(alive))[0])
		for _, id := range p.ids() {
			if q := p.processes[id]; !q.volume.made {
				p.restore(q)
			}
		}
	})
}

// lead makes a member the leader.
func (p *plane) lead(id string) {
	q := p.processes[id]
	p.leader, p.lost = id, time.Time{}
	q.primary, q.term, q.volume.led = true, p.term, true
	p.ruled()
	p.register(q, "PRIMARY")
	p.w.story.tellf("multigres", "%s leads in term %d", p.called(id), p.term)
	p.poke()
}

// failover elects another leader: after the grace period, and only if those who are missing cannot hold a write that the
// others do not know of. Measured: 5 to 13 s, and 38 s if PostgreSQL outlives its multipooler.
func (p *plane) failover() {
	w := p.w
	if p.lost.IsZero() {
		p.lost = w.now
		p.grace = w.between("failover", "plane", 4*time.Second, 13*time.Second)
		if w.chance("held back", "plane", 6) {
			p.grace = 38 * time.Second
		}
	}
	if left := p.lost.Add(p.grace).Sub(w.now); left > 0 {
		p.pending = true
		w.after(left, func() { p.pending = false; p.react() })
		return
	}
	serving, missing := p.split()
	if !p.electable(serving, missing) {
		return // again when something changes
	}
	best := ""
	for _, id := range slices.Sorted(maps.Keys(serving)) {
		if best == "" || p.processes[id].volume.lsn > p.processes[best].volume.lsn {
			best = id
		}
	}
	p.term++
	if p.processes[best].volume.lsn < p.acked {
		w.judge.failf(noLoss, "%s is elected and does not hold write %d, which was acknowledged", p.called(best), p.acked)
	}
	p.lead(best)
}

// tend keeps the cohort: members that announced their leave go, followers that serve come in.
func (p *plane) tend() {
	for _, id := range slices.Sorted(maps.Keys(p.cohort)) {
		e := p.topology[id]
		q := p.processes[id]
		if id == p.leader || p.serves(id) || (e == nil || e.kind != "DRAINED") && (q == nil || !q.leaving) {
			continue
		}
		if p.drop(id) {
			p.poke()
			return
		}
	}
	for _, id := range p.ids() {
		if _, in := p.cohort[id]; in || !p.serves(id) || p.processes[id].primary {
			continue
		}
		p.cohort[id] = p.processes[id].cell
		p.ruled()
		p.poke()
		return
	}
}

// drop takes a member out of the cohort, unless the policy could not be met without it.
func (p *plane) drop(id string) bool {
	rest := maps.Clone(p.cohort)
	delete(rest, id)
	serving, _ := p.split()
	delete(serving, id)
	if !p.holds(rest) || !p.holds(serving) {
		return false
	}
	p.cohort = rest
	p.ruled()
	return true
}

// mounted is true if a server uses the volume of that name.
func (p *plane) mounted(claim string) bool {
	for _, q := range p.processes {
		if q.pod.claim == claim {
			return true
		}
	}
	return false
}

// copies is how many serving members hold every acknowledged write.
func (p *plane) copies() int {
	n := 0
	for id := range p.cohort {
		if p.serves(id) && p.processes[id].volume.lsn == p.acked {
			n++
		}
	}
	return n
}

// called names a pooler for a story, by its pod if it has one.
func (p *plane) called(id string) string {
	if q := p.processes[id]; q != nil {
		return short(q.pod.o.name)
	}
	return "pooler " + id
}

// badSettings is true if the settings that a starting server reads keep it from starting. It reads them from the ConfigMap as
// it is now, not as it was when its pod was made.
func (p *plane) badSettings() bool {
	o := p.w.api.get("ConfigMap", shardID.PostgresConfigMap())
	return o != nil && strings.Contains(o.config.GetFields()["data"].GetStructValue().GetFields()[pgconf.FilePostgresConf].GetStringValue(), badLibrary)
}
