package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// An event is one thing that a schedule does to a world: a fault, its end, or a change of the specification. What it hits
// follows from its two numbers and from what is there at that time.
type event struct {
	after time.Duration // the event before it
	kind  string
	a, b  uint64
}

func (e event) String() string {
	return fmt.Sprintf("%s later: %s (%d, %d)", brief(e.after), e.kind, e.a%97, e.b%97)
}

// A happening makes a kind of event happen. It is false if there is nothing to happen to.
type happening func(w *world, a, b uint64) bool

// faults are what befalls a shard, and how often, beside the others.
var faults = map[string]struct {
	weight int
	do     happening
}{
	"containers crash":     {6, crashContainers},
	"leader crashes":       {5, crashLeader},
	"postmaster crashes":   {3, crashPostmaster},
	"pod deleted":          {5, deletePod},
	"pod deleted by force": {3, forcePod},
	"pod evicted":          {4, evictPod},
	"node drained":         {3, drainNode},
	"node loses power":     {4, func(w *world, a, _ uint64) bool { return loseNode(w, a, true) }},
	"node loses network":   {3, func(w *world, a, _ uint64) bool { return loseNode(w, a, false) }},
	"node replaced":        {2, replaceNode},
	"node back":            {6, restoreNode},
	"provider stops":       {4, func(w *world, _, _ uint64) bool { return w.stopProvider() }},
	"provider starts":      {4, func(w *world, _, _ uint64) bool { return w.startProvider() }},
	"topology fails":       {3, stopTopology},
	"topology back":        {4, func(w *world, _, _ uint64) bool { return w.startTopology() }},
	"pooler unheard":       {3, mutePooler},
	"pooler heard":         {3, func(w *world, _, _ uint64) bool { return w.hear() }},
	"orchestrators stop":   {3, func(w *world, _, _ uint64) bool { return w.stopOrchestrators() }},
	"orchestrators start":  {4, func(w *world, _, _ uint64) bool { return w.startOrchestrators() }},
	"core stops":           {3, stopCore},
	"pass lost":            {3, func(w *world, _, _ uint64) bool { return w.passFault(lost) }},
	"pass slow":            {3, func(w *world, _, _ uint64) bool { return w.passFault(slow) }},
	"pass torn":            {4, func(w *world, _, _ uint64) bool { return w.passFault(torn) }},
	"pass repeated":        {2, func(w *world, _, _ uint64) bool { return w.passFault(repeated) }},
	"core forgets":         {2, func(w *world, _, _ uint64) bool { return w.passFault(forgetful) }},
	"pods seen late":       {3, func(w *world, a, _ uint64) bool { return w.freeze("Pod", a) }},
	"record seen late":     {3, func(w *world, a, _ uint64) bool { return w.freeze("ShardRecord", a) }},
	"storm of events":      {2, storm},
	"volume wiped":         {2, wipeVolume},
	"provider cannot read": {3, func(w *world, _, _ uint64) bool { return w.blindProvider() }},
	"provider reads again": {3, func(w *world, _, _ uint64) bool { return w.sightProvider() }},
	"foreign pod":          {2, foreignPod},
	"foreign pod goes":     {3, func(w *world, _, _ uint64) bool { return w.expelForeigner() }},
}

// changes are what a user does.
var changes = map[string]struct {
	weight int
	do     func(w *world, s *spec, a, b uint64) bool
}{
	"scaled up":                {5, scaleUp},
	"scaled down":              {6, scaleDown},
	"pool added":               {3, addPool},
	"pool removed":             {4, removePool},
	"pool moved":               {3, movePool},
	"cell added to a pool":     {3, addCell},
	"cell removed":             {4, removeCell},
	"image changed":            {8, changeImage},
	"image reverted":           {3, revertImage},
	"bad image":                {4, badImageGiven},
	"spec mended":              {8, mend},
	"restart-only setting":     {4, changeRestartOnly},
	"bad restart-only setting": {2, badRestartOnly},
	"reload-safe setting":      {2, changeReloadSafe},
	"resources of a pool":      {4, changeResources},
	"storage grown":            {3, growStorage},
	"rollout paused":           {2, func(_ *world, s *spec, _, _ uint64) bool { return flip(&s.paused, true) }},
	"rollout resumed":          {5, func(_ *world, s *spec, _, _ uint64) bool { return flip(&s.paused, false) }},
	"volume policies changed":  {3, changePolicies},
	"shard drained":            {1, func(_ *world, s *spec, _, _ uint64) bool { return flip(&s.drain, true) }},
	"drain cancelled":          {5, func(_ *world, s *spec, _, _ uint64) bool { return flip(&s.drain, false) }},
	"last change undone":       {4, undo},
	"override given":           {1, override},
}

// kinds are all kinds of events, sorted, each as often as its weight.
var kinds = func() []string {
	var out []string
	for k, f := range faults {
		out = append(out, slices.Repeat([]string{k}, f.weight)...)
	}
	for k, c := range changes {
		out = append(out, slices.Repeat([]string{k}, c.weight)...)
	}
	slices.Sort(out)
	return out
}()

// nothing is an event that is none: only time passes before it.
const nothing = "nothing"

// happen lets an event happen, and returns whether there was anything to happen to.
func (w *world) happen(e event) bool {
	if e.kind == nothing {
		return true
	}
	if f, ok := faults[e.kind]; ok {
		w.story.tellf("fault", "%s", e.kind)
		return f.do(w, e.a, e.b)
	}
	s := w.user.spec.clone()
	if !changes[e.kind].do(w, s, e.a, e.b) || !s.valid() || s.String() == w.user.spec.String() {
		return false
	}
	w.user.write(e.kind, s)
	return true
}

// pick returns one of the sorted items.
func pick[T any](items []T, n uint64) (T, bool) {
	if len(items) == 0 {
		var zero T
		return zero, false
	}
	return items[n%uint64(len(items))], true
}

// somePod picks a pod that runs.
func somePod(w *world, n uint64) *pod {
	var running []*pod
	for _, o := range w.api.pods() {
		if o.pod.running && o.pod.node.works() && !o.deleting() {
			running = append(running, o.pod)
		}
	}
	p, _ := pick(running, n)
	return p
}

func crashContainers(w *world, a, _ uint64) bool {
	p := somePod(w, a)
	if p == nil {
		return false
	}
	w.story.tellf("fault", "all containers of %s are killed", short(p.o.name))
	w.nodes.crash(p)
	return true
}

func crashLeader(w *world, _, _ uint64) bool {
	q := w.plane.processes[w.plane.leader]
	if q == nil || !q.pod.running || !q.pod.node.works() || q.pod.o.deleting() {
		return false
	}
	w.story.tellf("fault", "all containers of the leader %s are killed", short(q.pod.o.name))
	w.nodes.crash(q.pod)
	return true
}

func crashPostmaster(w *world, a, _ uint64) bool {
	p := somePod(w, a)
	if p == nil || p.process == nil || !p.process.postgres {
		return false
	}
	w.story.tellf("fault", "PostgreSQL of %s is killed", short(p.o.name))
	q := p.process
	q.postgres = false
	w.plane.poke()
	w.nodes.probe(p)
	w.after(w.between("monitor", p.o.name, time.Second, 5*time.Second), func() { w.plane.launch(q) })
	return true
}

func deletePod(w *world, a, _ uint64) bool {
	o, ok := pick(w.api.pods(), a)
	if !ok || o.deleting() {
		return false
	}
	w.story.tellf("fault", "somebody deletes pod %s", short(o.name))
	w.api.delete(o)
	return true
}

func forcePod(w *world, a, _ uint64) bool {
	o, ok := pick(w.api.pods(), a)
	if !ok {
		return false
	}
	w.story.tellf("fault", "somebody deletes pod %s without grace", short(o.name))
	w.nodes.vanish(o.pod)
	return true
}

func evictPod(w *world, a, _ uint64) bool {
	p := somePod(w, a)
	if p == nil || p.failed != "" {
		return false
	}
	w.story.tellf("fault", "the kubelet evicts %s", short(p.o.name))
	w.nodes.evict(p)
	return true
}

// drainNode evicts the pods of a node through the budget, as far as it allows.
func drainNode(w *world, a, _ uint64) bool {
	m := w.nodes.list[a%uint64(len(w.nodes.list))]
	done := false
	for _, p := range w.nodes.pods(m) {
		if p.o.deleting() || w.healthy() <= w.budget() {
			continue
		}
		w.story.tellf("fault", "an administrator evicts %s within the budget", short(p.o.name))
		w.api.delete(p.o)
		done = true
	}
	return done
}

// healthy is how many pods are ready and stay, and budget how many the budget wants.
func (w *world) healthy() int {
	n := 0
	for _, o := range w.api.ours {
		if o.pod.ready && !o.deleting() {
			n++
		}
	}
	return n
}

func (w *world) budget() int {
	o := w.api.get("PodDisruptionBudget", shardID.PDB())
	if o == nil {
		return 0
	}
	return int(wantedBy(o).GetFields()["minAvailable"].GetNumberValue())
}

func loseNode(w *world, a uint64, power bool) bool {
	m := w.nodes.list[a%uint64(len(w.nodes.list))]
	if !m.works() || len(w.nodes.pods(m)) == 0 {
		return false
	}
	w.story.tellf("fault", "node %s goes away (without power: %t)", m.name, power)
	w.nodes.lose(m, power)
	return true
}

func restoreNode(w *world, _, _ uint64) bool {
	for _, m := range w.nodes.list {
		if !m.works() {
			w.story.tellf("fault", "node %s is back", m.name)
			w.nodes.restore(m)
			return true
		}
	}
	return false
}

// replaceNode takes a lost node out of the cluster: the objects of its pods go, and a new machine takes its place.
func replaceNode(w *world, _, _ uint64) bool {
	for _, m := range w.nodes.list {
		if !m.lost {
			continue
		}
		w.story.tellf("fault", "node %s is taken out and replaced", m.name)
		for _, p := range w.nodes.pods(m) {
			delete(w.nodes.stuck, p.claim)
			w.api.remove(p.o)
		}
		m.lost = false
		return true
	}
	return false
}

func (w *world) stopProvider() bool {
	return flip(&w.provider.down, true)
}

func (w *world) startProvider() bool {
	if !flip(&w.provider.down, false) {
		return false
	}
	w.provider.looking = false
	w.provider.wake("started")
	return true
}

// stopTopology makes the topology of the cells fail, or that of the whole cluster.
func stopTopology(w *world, a, _ uint64) bool {
	if !flip(&w.plane.topoDown, true) {
		return false
	}
	w.plane.topoWhole = a%2 == 0
	w.provider.wake("topology failed")
	return true
}

func (w *world) startTopology() bool {
	if !flip(&w.plane.topoDown, false) {
		return false
	}
	w.provider.wake("topology back")
	return true
}

func mutePooler(w *world, a, _ uint64) bool {
	p := somePod(w, a)
	if p == nil || len(w.provider.mute) > 0 {
		return false
	}
	w.story.tellf("fault", "the provider hears nothing of %s", short(p.o.name))
	w.provider.mute[p.id] = true
	return true
}

func (w *world) hear() bool {
	if len(w.provider.mute) == 0 {
		return false
	}
	clear(w.provider.mute)
	w.provider.wake("heard")
	return true
}

func (w *world) stopOrchestrators() bool { return flip(&w.plane.orchDown, true) }

func (w *world) startOrchestrators() bool {
	if !flip(&w.plane.orchDown, false) {
		return false
	}
	w.plane.poke()
	return true
}

func stopCore(w *world, a, _ uint64) bool {
	if !flip(&w.core.down, true) {
		return false
	}
	d := time.Duration(a%600) * time.Second
	w.story.tellf("fault", "core stops for %s", d)
	w.after(d, func() { w.startCore() })
	return true
}

func (w *world) startCore() {
	c := w.core
	if !c.down {
		return
	}
	// It begins with empty memory and full caches.
	c.down, c.queued, c.requirements, c.open, c.tokens = false, false, nil, time.Time{}, breakerBurst
	clear(c.stale)
	c.wake()
}

func (w *world) passFault(f fault) bool {
	w.core.fault = f
	w.core.wake()
	return true
}

func (w *world) freeze(kind string, a uint64) bool {
	d := time.Duration(1+a%50) * time.Second
	w.story.tellf("fault", "core's cache of %ss stands still for %s", kind, d)
	w.core.freeze(kind, d)
	return true
}

func storm(w *world, _, _ uint64) bool {
	w.core.event(1000)
	return true
}

// wipeVolume empties the volume of a member that is down, if another one holds everything.
func wipeVolume(w *world, a, _ uint64) bool {
	var down []string
	for _, name := range slices.Sorted(maps.Keys(w.plane.volumes)) {
		if !w.plane.mounted(name) {
			down = append(down, name)
		}
	}
	name, ok := pick(down, a)
	if !ok || !w.plane.leads() || w.plane.copies() < 2 {
		return false
	}
	w.story.tellf("fault", "the volume %s is empty", short(name))
	v := w.plane.volumes[name]
	v.made, v.lsn, v.led = false, 0, false
	return true
}

// blindProvider makes the provider fail whenever it looks: its configuration or its credentials are wrong.
func (w *world) blindProvider() bool {
	if !flip(&w.provider.blind, true) {
		return false
	}
	w.provider.wake("blind")
	return true
}

func (w *world) sightProvider() bool {
	if !flip(&w.provider.blind, false) {
		return false
	}
	w.provider.wake("sees again")
	return true
}

// foreignPod puts somebody else's pod where a member's pod could be.
func foreignPod(w *world, a, b uint64) bool {
	name, ok := pick(w.freeNames(), a+b)
	if !ok {
		return false
	}
	w.story.tellf("fault", "somebody makes a pod of their own that is called %s", short(name))
	w.api.intrude(name)
	return true
}

// freeNames are the names that the next pod of each pool in each cell would get, sorted: a name further on would hardly ever be
// in anybody's way.
func (w *world) freeNames() []string {
	var out []string
	for _, p := range poolNames {
		for _, c := range cells {
			for i := range 4 {
				if name := podName(p, c, i); w.api.get("Pod", name) == nil {
					out = append(out, name)
					break
				}
			}
		}
	}
	return out
}

func (w *world) expelForeigner() bool {
	for _, o := range w.api.all("Pod") {
		if o.foreign {
			w.api.remove(o)
			return true
		}
	}
	return false
}

// flip sets a switch, and returns whether it was not set so already.
func flip(b *bool, to bool) bool {
	if *b == to {
		return false
	}
	*b = to
	return true
}
