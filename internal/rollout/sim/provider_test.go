package sim

import (
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// How often the provider looks at a shard by itself: while something is in progress, and otherwise.
const (
	recordBusy = 5 * time.Second
	recordPoll = time.Minute
)

// A provider is ours: it makes volumes, and says what the topology and the poolers know.
type provider struct {
	w       *world
	down    bool
	blind   bool            // every look fails
	mute    map[string]bool // poolers that do not answer it although they serve
	looking bool
	again   bool
	poll    int
}

func newProvider(w *world) *provider { return &provider{w: w, mute: map[string]bool{}} }

// applied is told of every managed resource that core made or changed, and of what needs nobody.
func (p *provider) applied(o *stored) {
	w := p.w
	switch o.kind {
	case "VolumeClaim":
		w.after(w.between("claim", o.name, 200*time.Millisecond, 3*time.Second), func() { p.claim(o) })
	case "TLSCertificate":
		w.after(w.between("certificate", o.name, 200*time.Millisecond, 3*time.Second), func() { p.ready(o, nil) })
	case "ShardRecord":
		p.wake("record changed")
	}
}

// ready writes a managed resource's status.
func (p *provider) ready(o *stored, at *structpb.Value, more ...*structpb.Value) {
	w := p.w
	if w.api.byUID(o.kind, o.name, o.uid) == nil {
		return
	}
	if p.down {
		w.after(5*time.Second, func() { p.applied(o) })
		return
	}
	conds := append([]*structpb.Value{
		record("type", "Ready", "status", "True", "observedGeneration", o.generation),
		record("type", "Synced", "status", "True", "observedGeneration", o.generation),
	}, more...)
	s := record("conditions", list(conds...))
	if at != nil {
		s.GetStructValue().Fields["atProvider"] = at
	}
	w.api.setStatus(o, s)
}

// wantedBy returns what a managed resource asks for.
func wantedBy(o *stored) *structpb.Struct {
	return o.config.GetFields()["spec"].GetStructValue()
}

func parameters(o *stored) *structpb.Struct {
	return wantedBy(o).GetFields()["forProvider"].GetStructValue()
}

// deletes is true if the management policies let the provider delete what the managed resource stands for.
func deletes(o *stored) bool {
	for _, v := range wantedBy(o).GetFields()["managementPolicies"].GetListValue().GetValues() {
		if a := v.GetStringValue(); a == "*" || a == "Delete" {
			return true
		}
	}
	return false
}

// claim makes the volume of a claim, adopts one of the same name, or grows it.
func (p *provider) claim(o *stored) {
	w := p.w
	if w.api.byUID(o.kind, o.name, o.uid) == nil {
		return
	}
	if p.down {
		w.after(5*time.Second, func() { p.claim(o) })
		return
	}
	if o.deleting() {
		return
	}
	v := w.plane.volumes[o.name]
	if v == nil {
		v = &volume{}
		w.plane.volumes[o.name] = v
	}
	size := parameters(o).GetFields()["size"].GetStringValue()
	if v.size == "" {
		v.size = size
	}
	if v.size != size {
		v.size, v.resize = size, true
		w.after(w.between("resize", o.name, time.Second, 20*time.Second), func() { p.claim(o) })
	}
	at := record("phase", "Bound", "capacity", v.size)
	if v.resize {
		at.GetStructValue().Fields["resize"] = record("requested", v.size, "pending", true, "fileSystemResizePending", true)
	}
	p.ready(o, at)
}

// deleted is told that a managed resource is to go.
func (p *provider) deleted(o *stored) {
	w := p.w
	w.after(w.between("delete", o.name, 200*time.Millisecond, 2*time.Second), func() { p.finalize(o) })
}

// finalize deletes what a managed resource stands for and then lets it go.
func (p *provider) finalize(o *stored) {
	w := p.w
	if w.api.byUID(o.kind, o.name, o.uid) == nil {
		return
	}
	if p.down {
		w.after(5*time.Second, func() { p.finalize(o) })
		return
	}
	if o.kind != "VolumeClaim" || !deletes(o) {
		w.api.remove(o)
		return
	}
	// A claim in use only goes when no pod uses it any more (pvc-protection).
	if p.used(o.name) {
		return
	}
	w.judge.volume(o)
	w.story.tellf("provider", "deletes the volume %s", short(o.name))
	delete(w.plane.volumes, o.name)
	w.api.remove(o)
}

func (p *provider) used(claim string) bool {
	for _, o := range p.w.api.pods() {
		if o.pod.claim == claim {
			return true
		}
	}
	return false
}

// unused looks after claims that waited for a pod to go.
func (p *provider) unused() {
	for _, o := range p.w.api.all("VolumeClaim") {
		if o.deleting() {
			p.deleted(o)
		}
	}
}

// mounted is told that a pod mounts a volume: its file system grows.
func (p *provider) mounted(claim string) {
	v := p.w.plane.volumes[claim]
	if v == nil || !v.resize {
		return
	}
	v.resize = false
	if o := p.w.api.get("VolumeClaim", claim); o != nil {
		p.applied(o)
	}
}

// wake makes the provider look at the shard soon.
func (p *provider) wake(string) {
	w := p.w
	if p.down {
		return
	}
	if p.looking {
		p.again = true
		return
	}
	p.looking = true
	w.after(w.between("observe", "record", 50*time.Millisecond, 800*time.Millisecond), p.observe)
}

// tick makes the provider look again after a while.
func (p *provider) tick(d time.Duration) {
	p.poll++
	n := p.poll
	p.w.after(d, func() {
		if n == p.poll {
			p.wake("poll")
		}
	})
}

// observe reads the shard, does what is due about removed poolers, and writes what it read a moment later.
func (p *provider) observe() {
	w := p.w
	p.looking, p.again = false, false
	o := w.api.get("ShardRecord", shardID.Record())
	if o == nil || p.down {
		return
	}
	p.looking = true
	if p.blind || w.plane.topoDown && w.plane.topoWhole {
		p.fail(o)
		return
	}
	st := p.read(o)
	generation := o.generation
	w.after(w.between("write", "record", 20*time.Millisecond, 500*time.Millisecond), func() {
		p.looking = false
		if p.down || w.api.byUID(o.kind, o.name, o.uid) == nil {
			return
		}
		p.publish(o, st, generation)
		p.operate(st)
		next := recordPoll
		if st.Settling {
			next = recordBusy
		}
		p.tick(next)
		if p.again || o.generation != generation {
			p.wake("changed meanwhile")
		}
	})
}

// publish writes a state to the record's status.
func (p *provider) publish(o *stored, st shardstate.State, generation int) {
	o.observation = st.Observation
	at, err := object.NewEncoder().EncodeWithStatus(&st.Observation)
	if err != nil {
		panic(err)
	}
	conds := []*structpb.Value{record("type", "Synced", "status", "True", "observedGeneration", generation)}
	for _, v := range st.Verdicts {
		conds = append(conds, record("type", v.Type, "status", string(v.Status), "reason", v.Reason, "message", v.Message, "observedGeneration", generation))
	}
	p.w.api.setStatus(o, record("atProvider", valueOf(at), "conditions", list(conds...)))
}

// fail is a look that fails altogether: what was read before stays, and is known to be old.
func (p *provider) fail(o *stored) {
	w := p.w
	w.after(w.between("write", "record", 20*time.Millisecond, 500*time.Millisecond), func() {
		p.looking = false
		if p.down || w.api.byUID(o.kind, o.name, o.uid) == nil {
			return
		}
		s := record("conditions", list(record("type", "Synced", "status", "False", "reason", "ReconcileError", "observedGeneration", o.generation)))
		if at := o.status.GetStructValue().GetFields()["atProvider"]; at != nil {
			s.GetStructValue().Fields["atProvider"] = at
		}
		w.api.setStatus(o, s)
		p.tick(recordPoll)
	})
}

// poolers returns the pods and cells of the poolers in a list of the record's, by service id.
func poolers(o *stored, name string) map[string]*structpb.Struct {
	out := map[string]*structpb.Struct{}
	for _, v := range parameters(o).GetFields()[name].GetListValue().GetValues() {
		out[v.GetStructValue().GetFields()["serviceID"].GetStringValue()] = v.GetStructValue()
	}
	return out
}
