package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
)

// Every state that any schedule meets must lead to the desired one once faults end. It is not enough to see that at the end of
// each schedule: a later event may save what would have stood still for ever.
//
// A state without faults needs nothing to be done: what a world goes through on its way to the desired state is proven by its
// getting there. Only if the next event comes before that is the schedule played again up to that event and then left alone. A
// state with faults is another matter: each is another moment for them to end. So of every such state that was never met before,
// the schedule is played again up to it, all faults end, and the shard has to arrive: where it is desired, or in a state without
// faults of which that is proven, and then the time that it took from there counts, too.

// A finding is what is known of a state.
type finding uint8

const (
	met     finding = 1 << iota // in a schedule
	claimed                     // somebody sees to it
	proven                      // the desired state was reached from there
)

// atlas are all states that the schedules of a run met.
type atlas struct {
	share uint64 // one in so many states that are not proven otherwise is seen to

	mu       sync.Mutex
	findings map[state]finding
	rests    map[state]time.Duration // at most so long from those that are proven
	visits   int                     // states met, each time

	forks, steps int
	longest      time.Duration
	longestAt    uint64
}

func newAtlas(share int) *atlas {
	return &atlas{share: uint64(share), findings: map[state]finding{}, rests: map[state]time.Duration{}}
}

func (a *atlas) chosen(s state) bool { return mix(uint64(s))%a.share == 0 }

// meet notes that a schedule met a state.
func (a *atlas) meet(s state) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visits++
	a.findings[s] |= met
}

// claim returns whether one of the states is to be seen to by whoever asks.
func (a *atlas) claim(vs ...visit) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range vs {
		if a.findings[v.state]&(claimed|proven) == 0 && a.chosen(v.state) {
			a.findings[v.state] |= claimed
			return true
		}
	}
	return false
}

// prove notes that the desired state was reached from these, and when.
func (a *atlas) prove(vs []visit, arrived time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range vs {
		a.findings[v.state] |= proven
		a.rests[v.state] = max(a.rests[v.state], arrived.Sub(v.at))
	}
}

// from returns how long it takes from a state to the desired one, if that is proven.
func (a *atlas) from(s state) (time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rests[s], a.findings[s]&proven != 0
}

// add notes how a fork went.
func (a *atlas) add(seed uint64, f fork, out outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forks++
	a.steps += out.steps - f.steps
	if out.took > a.longest {
		a.longest, a.longestAt = out.took, seed
	}
}

// brief says how many states the schedules met, and of how many it is proven that they lead to the desired one.
func (a *atlas) brief() string {
	if a == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	different, good := 0, 0
	for _, f := range a.findings {
		if f&met == 0 {
			continue
		}
		different++
		if f&proven != 0 {
			good++
		}
	}
	return fmt.Sprintf(": %d met, %d different, the desired state reached from %d of these; %d forks of %d more steps, at most %s to get there (bound %s, seed %d)",
		a.visits, different, good, a.forks, a.steps, brief(a.longest), bound, a.longestAt)
}

// A visit is a state at some time.
type visit struct {
	state state
	at    time.Time
}

// A fork is a moment of a schedule at which the faults are to end, and no more events to come.
type fork struct {
	events int           // that happened before
	steps  int           // of the world before
	calls  int           // of the composer before
	gap    time.Duration // since the last event
	state  state
	way    []visit // that led there without faults
}

// A lookout follows a schedule that is played and notes where to fork it.
type lookout struct {
	all    *atlas
	w      *world
	tape   tape
	events int
	last   time.Time // when the last event happened
	way    []visit   // without faults, from where it is not proven yet that the desired state is reached
	forks  []fork
}

// follow is an option.
func (l *lookout) follow(w *world) {
	if l == nil {
		return
	}
	l.w, l.last = w, w.now
	w.met = l.met
	w.core.compose = l.tape.record(w.api.equal, w.core.compose)
}

// lookEvery is in how many steps once it is asked whether the shard is as desired.
const lookEvery = 8

func (l *lookout) met() {
	v := visit{l.w.state(), l.w.now}
	l.all.meet(v.state)
	if l.w.faulty() {
		if l.all.claim(v) {
			l.fork(v.state, nil)
		}
		return
	}
	l.way = append(l.way, v)
	if l.w.steps%lookEvery == 0 && len(l.w.missing()) == 0 {
		l.arrived()
	}
}

// arrived notes that the shard is as desired.
func (l *lookout) arrived() {
	if l == nil {
		return
	}
	l.all.prove(l.way, l.w.now)
	l.way = l.way[:0]
}

// ahead is told that an event is about to happen.
func (l *lookout) ahead() {
	if l == nil {
		return
	}
	if n := len(l.way); n > 0 && l.all.claim(l.way...) {
		l.fork(l.way[n-1].state, slices.Clone(l.way))
	}
	l.way = l.way[:0]
}

// happened is told that it has.
func (l *lookout) happened() {
	if l == nil {
		return
	}
	l.events++
	l.last = l.w.now
	l.met()
}

func (l *lookout) fork(s state, way []visit) {
	l.forks = append(l.forks, fork{events: l.events, steps: l.w.steps, calls: len(l.tape), gap: l.w.now.Sub(l.last), state: s, way: way})
}

// fork plays the schedule again up to a moment, ends all faults there, and runs the world until the shard is as desired or is known
// to get there.
func (s schedule) fork(l *lookout, f fork, tell bool, os ...option) outcome {
	w := newWorld(s.seed, s.first.clone(), append(slices.Clone(os), func(w *world) {
		w.story.told = tell
		w.core.compose = l.tape.replay(f.calls, w.core.compose)
	})...)
	for _, e := range s.events[:f.events] {
		w.run(w.now.Add(e.after))
		w.happen(e)
	}
	for w.steps < f.steps {
		w.step()
	}
	out := outcome{events: map[string]int{}}
	if w.state() != f.state {
		w.judge.failf(noError, "the same schedule leads to another world")
	}
	rest := time.Duration(0)
	way := append(slices.Clone(f.way), visit{f.state, w.now})
	w.met = func() {
		if w.enough || w.faulty() {
			return
		}
		s := w.state()
		if rest, w.enough = l.all.from(s); !w.enough {
			way = append(way, visit{s, w.now})
		}
	}
	w.conclude(&out)
	if out.took += rest; out.took > bound {
		w.judge.failf(arrives, "it takes %s to the desired state", brief(out.took))
	}
	if out.note(w); out.failure == nil {
		l.all.prove(way, w.now.Add(rest))
	}
	return out
}

// playForks plays all forks that were noted while a schedule was played, until one fails: then the schedule is returned that ends there.
func (s schedule) playForks(l *lookout, os ...option) (outcome, schedule) {
	for _, f := range l.forks {
		out := s.fork(l, f, false, os...)
		l.all.add(s.seed, f, out)
		if out.failure != nil {
			return out, s.cut(f)
		}
	}
	return outcome{}, s
}

// cut is the schedule that ends where it was forked.
func (s schedule) cut(f fork) schedule {
	return schedule{seed: s.seed, first: s.first, events: append(slices.Clone(s.events[:f.events]), event{after: f.gap, kind: nothing})}
}

// A tape is what a composer returned, call by call. It need not be asked again for what it has said before.
type tape []compose.Output

// record notes what a composer returns. Objects that it has returned in the call before, too, are made the same ones, so that nobody
// need compare them again whenever the tape is played.
func (t *tape) record(equal func(x, y compose.Object) bool, c compose.Composer) compose.Composer {
	return func(in compose.Input) (compose.Output, error) {
		out, err := c(in)
		if n := len(*t); n > 0 {
			for key, before := range (*t)[n-1].Resources {
				if now := out.Resources[key]; now.Object != nil && before.Object != nil && equal(before.Object, now.Object) {
					now.Object = before.Object
					out.Resources[key] = now
				}
			}
		}
		*t = append(*t, out)
		return out, err
	}
}

// replay returns what is on the tape for the first calls, and asks the composer from then on.
func (t *tape) replay(calls int, c compose.Composer) compose.Composer {
	n := 0
	return func(in compose.Input) (compose.Output, error) {
		if n++; n <= calls {
			return (*t)[n-1], nil
		}
		return c(in)
	}
}
