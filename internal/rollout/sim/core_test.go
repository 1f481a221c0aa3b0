package sim

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// Crossplane's circuit breaker (v2.4.0, the flags' defaults): how many watch events of one composite it lets through at once,
// how many more each second, for how long it then drops them, and how often it lets one through meanwhile.
const (
	breakerBurst    = 100.0
	breakerRefill   = 1.0
	breakerCooldown = 5 * time.Minute
	breakerHalfOpen = 30 * time.Second
)

// A ref is what a composite remembers of a composed resource.
type ref struct{ kind, name string }

// A condition of the composite, with the time that Crossplane adds.
type condition struct {
	compose.Condition

	since time.Time
}

// A core is Crossplane's controller of the shard's kind: it calls the composer and applies what it returns, one pass after the
// other.
type core struct {
	w       *world
	compose compose.Composer

	refs         map[string]ref
	requirements map[string]compose.Requirement
	status       any
	statusValue  *structpb.Value
	conditions   []condition

	queued  bool // a pass is due
	working bool // a pass is under way
	down    bool
	ttl     int // counts the timers, so that an old one is known

	tokens   float64
	refilled time.Time
	open     time.Time // the breaker drops events until then
	half     time.Time // and lets one through from then on

	stale map[string]frozen // what a cache that stands still holds, by kind
	fault fault             // befalls the next pass

	passes int
	quiet  int // passes in a row that changed nothing
	last   compose.Output
}

// A frozen cache of one kind.
type frozen struct {
	until time.Time
	views map[string]object.Object
}

// A fault of a pass.
type fault int

const (
	sound     fault = iota
	lost            // the response is lost: nothing is applied
	slow            // a long time passes between the call and the applying
	torn            // core dies in the middle of applying
	repeated        // the same response is applied twice, the second time later
	forgetful       // core dies after applying and forgets what it knew of requirements
)

func newCore(w *world) *core {
	return &core{
		w: w, compose: realComposer, refs: map[string]ref{}, tokens: breakerBurst, refilled: epoch, stale: map[string]frozen{},
	}
}

// watched is told of every change of an object.
func (c *core) watched(o *stored) {
	r, composed := c.refs[o.key]
	composed = composed && r.kind == o.kind && r.name == o.name
	required := false
	for _, q := range c.requirements {
		required = required || matches(q, o)
	}
	if !composed && !required {
		return
	}
	// An update shows the old and the new object; what is being deleted costs nothing; who is watched twice counts twice.
	cost := 2.0
	if o.version == 1 {
		cost = 1
	}
	if composed && required {
		cost *= 2
	}
	if o.deleting() {
		cost = 0
	}
	c.event(cost)
}

// event asks for a pass because of a watch event, unless the breaker drops it.
func (c *core) event(cost float64) {
	w := c.w
	if w.now.Before(c.open) {
		if cost > 0 && w.now.Before(c.half) {
			return
		}
		c.half = w.now.Add(breakerHalfOpen)
		c.wake()
		return
	}
	c.tokens = min(breakerBurst, c.tokens+breakerRefill*w.now.Sub(c.refilled).Seconds())
	c.refilled = w.now
	c.tokens -= cost
	if c.tokens < 0 {
		c.open, c.half = w.now.Add(breakerCooldown), w.now.Add(breakerHalfOpen)
		c.tokens = breakerBurst
		w.story.tellf("core", "has seen too many watch events and drops them for %s", breakerCooldown)
	}
	c.wake()
}

// wake asks for a pass.
func (c *core) wake() {
	if c.queued || c.down {
		return
	}
	c.queued = true
	if c.working {
		return
	}
	c.w.after(c.w.between("queue", "core", 10*time.Millisecond, 60*time.Millisecond), c.begin)
}

func (c *core) begin() {
	if c.working || c.down || !c.queued {
		return
	}
	c.queued, c.working = false, true
	c.pass()
}

func (c *core) end(ttl time.Duration) {
	w := c.w
	c.working = false
	c.ttl++
	n := c.ttl
	w.after(ttl+w.between("ttl", "core", -ttl/10, ttl/10), func() {
		if n == c.ttl {
			c.wake()
		}
	})
	if c.queued {
		c.queued = false
		c.wake()
	}
}

// pass observes, calls the composer, and applies a moment later.
func (c *core) pass() {
	w := c.w
	f := c.fault
	c.fault = sound
	in := c.observe()
	versions := c.uids()
	out, err := c.call(&in)
	c.passes++
	if err != nil {
		w.judge.failf(noError, "the composer returns an error: %v", err)
		return
	}
	t := &transaction{out: out, in: in, at: w.now, uids: versions, revision: w.user.revision}
	delay := w.between("apply", "core", 20*time.Millisecond, 400*time.Millisecond)
	switch f {
	case sound, torn, forgetful:
	case lost:
		w.story.tellf("core", "loses the response of this pass")
		w.after(delay, func() { c.end(time.Second); c.wake() })
		return
	case slow:
		delay = w.between("slow", "core", 5*time.Second, 25*time.Second)
		w.story.tellf("core", "takes %s between observing and applying", brief(delay))
	case repeated:
		again := delay + w.between("again", "core", 100*time.Millisecond, 10*time.Second)
		w.story.tellf("core", "will apply this pass a second time after %s", brief(again))
		w.after(again, func() { c.apply(t, sound) })
	}
	w.after(delay, func() {
		c.apply(t, f)
		c.end(ttl(out))
		if f == forgetful || f == torn {
			c.requirements = nil
			c.wake()
		}
	})
}

// ttl is when the function asks to be called again.
func ttl(out compose.Output) time.Duration {
	if out.InProgress {
		return fn.DefaultTTLInProgress
	}
	return fn.DefaultTTLAtRest
}

// call runs the composer until it asks for nothing more, at most five times.
func (c *core) call(in *compose.Input) (compose.Output, error) {
	rs := c.requirements
	for range 5 {
		in.Required = c.require(rs)
		out, err := c.compose(*in)
		if err != nil {
			return out, err
		}
		if maps.Equal(keysOf(rs), keysOf(out.Requirements)) && reflect.DeepEqual(rs, out.Requirements) {
			c.requirements = rs
			return out, nil
		}
		rs = out.Requirements
	}
	return compose.Output{}, errUnstable
}

func keysOf[V any](m map[string]V) map[string]bool {
	out := make(map[string]bool, len(m))
	for k := range m {
		out[k] = true
	}
	return out
}

// view returns what core's cache has of an object, which may be older than what the API server has.
func (c *core) view(kind, name string) object.Object {
	if f, ok := c.stale[kind]; ok {
		if c.w.now.Before(f.until) {
			return f.views[name]
		}
		delete(c.stale, kind)
	}
	o := c.w.api.get(kind, name)
	if o == nil {
		return object.Object{}
	}
	return o.look()
}

// freeze makes core's cache of a kind stand still.
func (c *core) freeze(kind string, d time.Duration) {
	f := frozen{until: c.w.now.Add(d), views: map[string]object.Object{}}
	for _, o := range c.w.api.all(kind) {
		f.views[o.name] = o.look()
	}
	c.stale[kind] = f
	c.w.after(d, c.wake)
}

func (c *core) observe() compose.Input {
	in := compose.Input{XR: c.w.user.look(), Observed: make(map[string]object.Object, len(c.refs)), Now: c.w.now}
	for key, r := range c.refs {
		// What somebody else controls is none of the composite's.
		if o := c.view(r.kind, r.name); o.Exists() && !c.w.api.objects[r.kind][r.name].others() {
			in.Observed[key] = o
		}
	}
	return in
}

func (o *stored) others() bool { return o != nil && o.foreign }

// uids are those that the composed resources have in core's cache, with which it deletes them.
func (c *core) uids() map[string]string {
	out := make(map[string]string, len(c.refs))
	for key, r := range c.refs {
		out[key] = c.view(r.kind, r.name).UID()
	}
	return out
}

// require answers requirements from the cache.
func (c *core) require(rs map[string]compose.Requirement) map[string][]object.Object {
	out := make(map[string][]object.Object, len(rs))
	for name, q := range rs {
		out[name] = nil
		if q.Name != "" {
			if o := c.view(q.Kind, q.Name); o.Exists() {
				out[name] = []object.Object{o}
			}
			continue
		}
		for _, n := range c.cached(q.Kind) {
			if o := c.view(q.Kind, n); o.Exists() && labelled(o, q.Labels) {
				out[name] = append(out[name], o)
			}
		}
	}
	return out
}

// cached are the names of the objects of a kind that the cache has, sorted.
func (c *core) cached(kind string) []string {
	if f, ok := c.stale[kind]; ok && c.w.now.Before(f.until) {
		return slices.Sorted(maps.Keys(f.views))
	}
	return slices.Sorted(maps.Keys(c.w.api.objects[kind]))
}

func labelled(o object.Object, labels map[string]string) bool {
	for k, v := range labels {
		if o.Label(k) != v {
			return false
		}
	}
	return true
}

func matches(q compose.Requirement, o *stored) bool {
	if q.Kind != o.kind {
		return false
	}
	if q.Name != "" {
		return q.Name == o.name
	}
	for k, v := range q.Labels {
		if o.label(k) != v {
			return false
		}
	}
	return true
}

// condition returns the composite's condition of a type.
func (c *core) condition(typ string) condition {
	for _, d := range c.conditions {
		if d.Type == typ {
			return d
		}
	}
	return condition{}
}
