package sim

import (
	"container/heap"
	"fmt"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
)

// epoch is when every simulated world begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A world is one shard with everything around it. It is deterministic: the same seed, first specification and schedule give the
// same world. How long something takes is drawn by who does it and how often they did it before, never from one common
// sequence, so that a schedule less one of its events stays the same schedule otherwise.
type world struct {
	seed  uint64
	now   time.Time
	steps int
	queue timers
	seq   int
	draws map[uint64]uint64

	api      *apiserver
	core     *core
	nodes    *nodes
	plane    *plane
	provider *provider
	user     *user
	judge    *judge
	story    *story

	met    func() // is told of every state that the world is in
	enough bool   // nobody needs to know how it goes on
}

// An option changes a world before it begins.
type option func(*world)

// withComposer drives another composer than the real one, to see that the checks notice.
func withComposer(c compose.Composer) option { return func(w *world) { w.core.compose = c } }

func newWorld(seed uint64, spec *spec, os ...option) *world {
	w := &world{seed: seed, now: epoch, draws: map[uint64]uint64{}}
	w.story = &story{w: w}
	w.api = newAPIServer(w)
	w.plane = newPlane(w)
	w.nodes = newNodes(w)
	w.provider = newProvider(w)
	w.core = newCore(w)
	w.user = &user{w: w, sizes: map[string]string{}}
	w.judge = newJudge(w)
	for _, o := range os {
		o(w)
	}
	w.user.write("creates the shard", spec)
	return w
}

// A timer is something that is going to happen.
type timer struct {
	at  time.Time
	seq int
	do  func()
}

type timers []*timer

func (q timers) Len() int { return len(q) }

func (q timers) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].seq < q[j].seq
}
func (q timers) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *timers) Push(x any)   { *q = append(*q, x.(*timer)) }

func (q *timers) Pop() any {
	old := *q
	t := old[len(old)-1]
	*q = old[:len(old)-1]
	return t
}

// after makes something happen once the time has passed.
func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.queue, &timer{at: w.now.Add(d), seq: w.seq, do: do})
}

// next returns when the next thing happens.
func (w *world) next() (time.Time, bool) {
	if len(w.queue) == 0 {
		return time.Time{}, false
	}
	return w.queue[0].at, true
}

// step lets the next thing happen and checks everything.
func (w *world) step() {
	t := heap.Pop(&w.queue).(*timer)
	w.now = t.at
	w.steps++
	t.do()
	w.plane.write()
	w.judge.look()
	if w.met != nil {
		w.met()
	}
}

// run steps until the given time, or until something is wrong.
func (w *world) run(until time.Time) {
	for w.judge.failure == nil {
		at, ok := w.next()
		if !ok || at.After(until) {
			break
		}
		w.step()
	}
	if w.judge.failure == nil && w.now.Before(until) {
		w.now = until
	}
}

// elapsed is how old the world is.
func (w *world) elapsed() time.Duration { return w.now.Sub(epoch) }

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// FNV-1a of 64 bits (RFC 9923).
const (
	fnvOffset uint64 = 14695981039346656037
	fnvPrime  uint64 = 1099511628211
)

func hash(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// number draws a number by who draws it, what for, and how often they did before.
func (w *world) number(what, who string) uint64 {
	k := hash(hash(fnvOffset, what)*fnvPrime, who)
	w.draws[k]++
	return mix(w.seed*0x9e3779b97f4a7c15 ^ mix(k+w.draws[k]*0xd1342543de82ef95))
}

// between draws a duration.
func (w *world) between(what, who string, least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	// Milliseconds, so that stories stay readable.
	span := uint64((most - least) / time.Millisecond)
	return least + time.Duration(w.number(what, who)%(span+1))*time.Millisecond
}

// chance is true in one of n cases.
func (w *world) chance(what, who string, n uint64) bool { return w.number(what, who)%n == 0 }

func (w *world) stamp() string { return w.now.Format(time.RFC3339) }

// clock formats a time as the age of the world.
func clock(d time.Duration) string {
	return fmt.Sprintf("%4d:%04.1f", int(d.Minutes()), d.Seconds()-60*float64(int(d.Minutes())))
}
