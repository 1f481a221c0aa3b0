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
// the schedule is played again up to it, all faults end, and the shard has to arrive.

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
	visits   int // states met, each time

	forks, steps int
	longest      time.Duration
	longestAt    uint64
}

func newAtlas(share int) *atlas { return &atlas{share: uint64(share), findings: map[state]finding{}} }

func (a *atlas) chosen(s state) bool { return mix(uint64(s))%a.share == 0 }

// meet notes that a schedule met a state.
func (a *atlas) meet(s state) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.visits++
	a.findings[s] |= met
}

// claim returns whether one of the states is to be seen to by whoever asks.
func (a *atlas) claim(ss ...state) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range ss {
		if a.findings[s]&(claimed|proven) == 0 && a.chosen(s) {
			a.findings[s] |= claimed
			return true
		}
	}
	return false
}

// prove notes that the desired state was reached from these.
func (a *atlas) prove(ss []state) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range ss {
		a.findings[s] |= proven
	}
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

// A fork is a moment of a schedule at which the faults are to end, and no more events to come.
type fork struct {
	events int           // that happened before
	steps  int           // of the world before
	calls  int           // of the composer before
	gap    time.Duration // since the last event
	state  state
	way    []state // that led there without faults
}

// A lookout follows a schedule that is played and notes where to fork it.
type lookout struct {
	all    *atlas
	w      *world
	tape   tape
	events int
	last   time.Time // when the last event happened
	way    []state   // without faults, from where it is not proven yet that the desired state is reached
	forks  []fork
}

// follow is an option.
func (l *lookout) follow(w *world) {
	if l == nil {
		return
	}
	l.w, l.last = w, w.now
	w.met = l.met
	w.core.compose = l.tape.record(w.core.compose)
}

// lookEvery is in how many steps once it is asked whether the shard is as desired.
const lookEvery = 8

func (l *lookout) met() {
	s := l.w.state()
	l.all.meet(s)
	if l.w.faulty() {
		if l.all.claim(s) {
			l.fork(s, nil)
		}
		return
	}
	l.way = append(l.way, s)
	if l.w.steps%lookEvery == 0 && len(l.w.missing()) == 0 {
		l.arrived()
	}
}

// arrived notes that the shard is as desired.
func (l *lookout) arrived() {
	if l == nil {
		return
	}
	l.all.prove(l.way)
	l.way = l.way[:0]
}

// ahead is told that an event is about to happen.
func (l *lookout) ahead() {
	if l == nil {
		return
	}
	if n := len(l.way); n > 0 && l.all.claim(l.way...) {
		l.fork(l.way[n-1], slices.Clone(l.way))
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

func (l *lookout) fork(s state, way []state) {
	l.forks = append(l.forks, fork{events: l.events, steps: l.w.steps, calls: len(l.tape), gap: l.w.now.Sub(l.last), state: s, way: way})
}

// fork plays the schedule again up to a moment, ends all faults there, and runs the world until the shard is as desired.
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
	way := append(slices.Clone(f.way), f.state)
	w.met = func() {
		if !w.faulty() {
			way = append(way, w.state())
		}
	}
	w.conclude(&out)
	if out.note(w); out.failure == nil {
		l.all.prove(way)
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

func (t *tape) record(c compose.Composer) compose.Composer {
	return func(in compose.Input) (compose.Output, error) {
		out, err := c(in)
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
