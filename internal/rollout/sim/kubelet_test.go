package sim

import (
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Times of Kubernetes' node lifecycle controller (1.33 to 1.35, its defaults) and of attach and detach: when a silent node's
// pods stop being ready, when they are evicted from it, and when a volume is taken from it by force.
const (
	nodeGrace    = 50 * time.Second // --node-monitor-grace-period
	nodeEviction = 300 * time.Second
	forceDetach  = 6 * time.Minute
)

// A node runs pods.
type node struct {
	name, cell string
	lost       bool // no power
	silent     bool // runs, but cannot be reached
	away       time.Time
	spells     int // how often it went away
}

func (n *node) works() bool { return !n.lost && !n.silent }

// A pod is what runs, or is to run, of a pod object.
type pod struct {
	o    *stored
	node *node

	cell, id, claim string
	image           string

	running  bool // its containers
	ready    bool // the kubelet's last word
	waiting  string
	failed   string // the reason for phase Failed
	restarts int
	term     bool // SIGTERM was sent
	process  *process
	made     *spec // what it was made for
}

// nodes are the machines, their kubelets, the scheduler and the controllers around them.
type nodes struct {
	w     *world
	list  []*node
	stuck map[string]time.Time // volumes that are attached to a node that went away, until when
}

func newNodes(w *world) *nodes {
	n := &nodes{w: w, stuck: map[string]time.Time{}}
	for _, cell := range cells {
		for _, i := range []string{"a", "b"} {
			n.list = append(n.list, &node{name: cell + i, cell: cell})
		}
	}
	return n
}

// cells are all that a spec can name.
var cells = []string{"z1", "z2", "z3"}

// created is told of a new pod object.
func (n *nodes) created(o *stored) {
	spec := object.New(wantedBy(o))
	p := &pod{o: o, cell: o.label(naming.LabelCell)}
	for _, c := range spec.List("initContainers") {
		p.image = c.String("image")
	}
	for _, c := range spec.List("containers") {
		for _, arg := range c.Strings("args") {
			if v, ok := strings.CutPrefix(arg, "--service-id="); ok {
				p.id = v
			}
		}
	}
	for _, v := range spec.List("volumes") {
		if v.String("name") == "pgdata" {
			p.claim = v.String("persistentVolumeClaim", "claimName")
		}
	}
	o.pod = p
	n.w.after(n.w.between("schedule", o.name, 100*time.Millisecond, 2*time.Second), func() { n.schedule(p) })
}

// exists is true while the pod's object is there.
func (n *nodes) exists(p *pod) bool { return n.w.api.byUID("Pod", p.o.name, p.o.uid) != nil }

// schedule finds a node in the pod's cell, now or later.
func (n *nodes) schedule(p *pod) {
	w := n.w
	if !n.exists(p) || p.o.deleting() {
		return
	}
	start := int(w.number("node", p.o.name) % uint64(len(n.list)))
	for i := range n.list {
		m := n.list[(start+i)%len(n.list)]
		if m.cell == p.cell && m.works() {
			p.node = m
			p.o.defaults["nodeName"] = str(m.name)
			n.report(p)
			n.attach(p)
			return
		}
	}
	w.after(10*time.Second, func() { n.schedule(p) })
}

// attach brings the volume to the node and then starts the containers.
func (n *nodes) attach(p *pod) {
	w := n.w
	if !n.exists(p) || p.o.deleting() {
		return
	}
	if until, ok := n.stuck[p.claim]; ok && w.now.Before(until) || w.plane.volume(p.claim) == nil {
		w.after(5*time.Second, func() { n.attach(p) })
		return
	}
	delete(n.stuck, p.claim)
	w.after(w.between("attach", p.o.name, time.Second, 10*time.Second), func() { n.start(p) })
}

// start starts the containers, if their image can be had.
func (n *nodes) start(p *pod) {
	if !n.exists(p) || p.o.deleting() || !p.node.works() || p.running || p.failed != "" {
		return
	}
	if p.image == badImage {
		p.waiting = "ImagePullBackOff"
		n.report(p)
		return
	}
	p.running, p.waiting = true, ""
	n.report(p)
	n.w.plane.start(p)
}

// probe is told that a pod's PostgreSQL began or ceased to answer. The kubelet notices within a period of its probe.
func (n *nodes) probe(p *pod) {
	n.w.after(n.w.between("probe", p.o.name, 0, 10*time.Second), func() {
		if !n.exists(p) || p.node == nil || !p.node.works() {
			return
		}
		if r := p.running && p.process != nil && p.process.answers(); r != p.ready {
			p.ready = r
			n.report(p)
		}
	})
}

// deleted is told of a deletion timestamp.
func (n *nodes) deleted(o *stored) {
	p := o.pod
	if p.node == nil {
		n.w.api.remove(o)
		return
	}
	n.w.after(n.w.between("notice", o.name, 50*time.Millisecond, time.Second), func() { n.terminate(p) })
}

// terminate stops a pod's containers gracefully and then lets its object go.
func (n *nodes) terminate(p *pod) {
	w := n.w
	if !n.exists(p) || !p.node.works() || p.term {
		return
	}
	p.term = true
	if !p.running {
		w.after(w.between("stop", p.o.name, 100*time.Millisecond, 2*time.Second), func() { w.api.remove(p.o) })
		return
	}
	w.plane.terminate(p)
	// Within the grace period of 90 s.
	w.after(w.between("stop", p.o.name, 3*time.Second, 30*time.Second), func() {
		w.plane.kill(p)
		p.running, p.ready = false, false
		w.api.remove(p.o)
	})
}

// crash kills all containers of a pod. The kubelet starts them again, later each time.
func (n *nodes) crash(p *pod) {
	w := n.w
	w.plane.kill(p)
	p.running, p.ready = false, false
	p.restarts++
	p.waiting = "CrashLoopBackOff"
	if p.node == nil || !p.node.works() {
		return
	}
	n.report(p)
	delay := min(5*time.Minute, time.Second<<min(p.restarts, 8))
	w.after(delay, func() { n.start(p) })
}

// evict fails a pod: its containers stop gracefully and its object stays, in phase Failed.
func (n *nodes) evict(p *pod) {
	w := n.w
	w.plane.terminate(p)
	w.after(w.between("evict", p.o.name, time.Second, 10*time.Second), func() {
		w.plane.kill(p)
		p.running, p.ready, p.failed = false, false, "Evicted"
		if n.exists(p) {
			n.report(p)
		}
	})
}

// vanish deletes a pod's object with no grace. What it ran dies a moment later, if its node can be told.
func (n *nodes) vanish(p *pod) {
	w := n.w
	w.api.remove(p.o)
	if p.node == nil || p.node.works() {
		w.plane.kill(p)
		p.running, p.ready = false, false
	}
}

// lose takes a node away: without power, or without network.
func (n *nodes) lose(m *node, power bool) {
	w := n.w
	m.lost, m.silent, m.away = power, !power, w.now
	m.spells++
	spell := m.spells
	for _, p := range n.pods(m) {
		n.stuck[p.claim] = w.now.Add(forceDetach)
		if power {
			w.plane.kill(p)
			p.running = false
		} else {
			w.plane.reach(p)
		}
	}
	w.after(nodeGrace, func() {
		if m.works() || m.spells != spell {
			return
		}
		for _, p := range n.pods(m) {
			p.ready = false
			n.report(p)
		}
	})
	w.after(nodeGrace+nodeEviction, func() {
		if m.works() || m.spells != spell {
			return
		}
		for _, p := range n.pods(m) {
			w.api.delete(p.o)
		}
	})
}

// restore brings a node back. Its kubelet ends what has been deleted meanwhile and starts the rest.
func (n *nodes) restore(m *node) {
	w := n.w
	if m.works() {
		return
	}
	m.lost, m.silent = false, false
	for _, p := range n.orphans(m) {
		w.plane.kill(p)
		p.running = false
	}
	for _, p := range n.pods(m) {
		delete(n.stuck, p.claim)
		switch {
		case p.o.deleting():
			n.terminate(p)
		case !p.running && p.failed == "":
			w.after(w.between("boot", p.o.name, 5*time.Second, 40*time.Second), func() { n.start(p) })
		default:
			w.plane.reach(p)
			n.probe(p)
		}
	}
}

// pods are those whose objects say that they run on a node.
func (n *nodes) pods(m *node) []*pod {
	var out []*pod
	for _, o := range n.w.api.pods() {
		if o.pod.node == m {
			out = append(out, o.pod)
		}
	}
	return out
}

// orphans are pods that run on a node and whose objects are gone.
func (n *nodes) orphans(m *node) []*pod {
	var out []*pod
	for _, id := range n.w.plane.ids() {
		if p := n.w.plane.processes[id].pod; p.node == m && !n.exists(p) {
			out = append(out, p)
		}
	}
	return out
}

// report writes a pod's status.
func (n *nodes) report(p *pod) {
	phase := "Pending"
	switch {
	case p.failed != "":
		phase = "Failed"
	case p.running || p.restarts > 0:
		phase = "Running"
	}
	truth := func(b bool) string {
		if b {
			return "True"
		}
		return "False"
	}
	s := &structpb.Struct{Fields: map[string]*structpb.Value{
		"phase": str(phase),
		"conditions": list(
			record("type", "PodScheduled", "status", truth(p.node != nil)),
			record("type", "Ready", "status", truth(p.ready), "lastTransitionTime", n.w.stamp())),
	}}
	if old := p.o.status; old != nil {
		// A transition time moves with its condition only.
		was := old.GetStructValue().GetFields()["conditions"].GetListValue().GetValues()[1].GetStructValue()
		if was.GetFields()["status"].GetStringValue() == truth(p.ready) {
			s.Fields["conditions"].GetListValue().Values[1].GetStructValue().Fields["lastTransitionTime"] = was.GetFields()["lastTransitionTime"]
		}
	}
	if p.failed != "" {
		s.Fields["reason"] = str(p.failed)
	}
	if p.node != nil && p.failed == "" {
		state := record("running", record("startedAt", epoch.Format(time.RFC3339)))
		if !p.running {
			reason := p.waiting
			if reason == "" {
				reason = "ContainerCreating"
			}
			state = record("waiting", record("reason", reason))
		}
		s.Fields["initContainerStatuses"] = list(record("name", "postgres", "restartCount", p.restarts, "state", state))
	}
	n.w.api.setStatus(p.o, valueOf(s))
	n.w.provider.wake("pod changed")
}
