package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

var (
	flagSchedules = flag.Int("sim.schedules", 40, "how many schedules TestSimulate plays at least")
	flagSteps     = flag.Int("sim.steps", 0, "how many steps TestSimulate plays at least")
	flagEvents    = flag.Int("sim.events", 12, "how many events a schedule has at most")
	flagFirst     = flag.Uint64("sim.first", 1, "seed of the first schedule")
	flagSeed      = flag.Uint64("sim.seed", 0, "play only the schedule of this seed and tell its story")
	flagShare     = flag.Int("sim.share", 0, "of how many states one is proven to lead to the desired state; 0 means none, 1 all")
	flagFailures  = flag.Int("sim.failures", 1, "how many failing schedules are told before TestSimulate ends")
)

// everything is from how many steps on a run is expected to have met all kinds of events and all reasons.
const everything = 1_000_000

// kindsAtLeast is how many kinds of events any run has.
const kindsAtLeast = 20

// A tally sums up what many schedules did.
type tally struct {
	schedules int
	failed    []uint64
	forked    []schedule // that fail if they end where they were forked
	steps     int
	passes    int
	disrupt   int
	longest   time.Duration
	longestAt uint64
	most      int
	events    map[string]int
	reasons   map[rollout.Reason]int
}

func (t *tally) add(seed uint64, o outcome) {
	t.schedules++
	t.steps += o.steps
	t.passes += o.passes
	t.disrupt += o.disrupt
	for k, n := range o.events {
		t.events[k] += n
	}
	if o.failure != nil {
		t.failed = append(t.failed, seed)
		return
	}
	if o.took > t.longest {
		t.longest, t.longestAt = o.took, seed
	}
	t.most = max(t.most, o.again)
}

// tellEvery is after how many schedules once it is told how far a run is.
const tellEvery = 500

// playAll plays schedules of consecutive seeds on all processors: at least so many schedules and so many steps, or until enough
// have failed.
func playAll(first uint64, schedules, steps, events, failures int, all *atlas, sofar func(*tally)) *tally {
	t := &tally{events: map[string]int{}, reasons: map[rollout.Reason]int{}}
	var mu sync.Mutex
	var next atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			reasons := map[rollout.Reason]int{}
			for {
				mu.Lock()
				enough := len(t.failed) >= failures || t.schedules >= schedules && t.steps >= steps
				mu.Unlock()
				if enough {
					break
				}
				seed := first + next.Add(1) - 1
				s, l := draw(seed, events), all.lookout()
				out := s.watched(l, false, counting(reasons))
				at, bad := outcome{}, s
				if l != nil && out.failure == nil {
					at, bad = s.playForks(l, counting(reasons))
				}
				mu.Lock()
				if t.add(seed, out); t.schedules%tellEvery == 0 {
					sofar(t)
				}
				if at.failure != nil {
					t.failed, t.forked = append(t.failed, seed), append(t.forked, bad)
				}
				mu.Unlock()
			}
			mu.Lock()
			for r, n := range reasons {
				t.reasons[r] += n
			}
			mu.Unlock()
		})
	}
	wg.Wait()
	slices.Sort(t.failed)
	return t
}

// rare is what random schedules do not reach for sure in a million steps, and what must happen for it.
var rare = []struct {
	reason rollout.Reason // that the plan must give; none if the kinds of events are the point
	events []event
}{
	{rollout.ReasonNameTaken, []event{
		{after: 5 * time.Minute, kind: "foreign pod"},
		{after: time.Minute, kind: "scaled up"},
		{after: 5 * time.Minute, kind: "foreign pod goes"},
	}},
	{rollout.ReasonStalled, []event{
		{after: 5 * time.Minute, kind: "bad image"},
		{after: 20 * time.Minute, kind: "spec mended"},
	}},
	{"", []event{
		{after: 5 * time.Minute, kind: "shard drained"},
		{after: time.Minute, kind: "drain cancelled"},
	}},
}

// playRare plays what is rare, and adds it to the tally.
func playRare(t *testing.T, sum *tally) {
	t.Helper()
	for i, r := range rare {
		reasons := map[rollout.Reason]int{}
		seed := uint64(i) + 1
		out := schedule{seed: seed, first: three(), events: r.events}.play(true, counting(reasons))
		if out.failure != nil {
			t.Errorf("rare schedule %d breaks law %s\n%s", i, out.failure.law, out.story)
			continue
		}
		if r.reason != "" && reasons[r.reason] == 0 {
			t.Errorf("rare schedule %d leads to %s and not to %s:\n%s", i, counts(reasons), r.reason, out.story)
		}
		sum.add(seed, out)
		for r, n := range reasons {
			sum.reasons[r] += n
		}
	}
}

// lookout returns one for a schedule, or nil if nobody asks for states.
func (a *atlas) lookout() *lookout {
	if a == nil {
		return nil
	}
	return &lookout{all: a}
}

// explain reduces the schedule of a seed and tells what happened.
func explain(s schedule, os ...option) string {
	seed := s.seed
	out := s.play(false, os...)
	if out.failure == nil {
		return fmt.Sprintf("seed %d does not fail", seed)
	}
	s = shrink(s, out.failure.law, os...)
	out = s.play(true, os...)
	return fmt.Sprintf("seed %d breaks law %s\n  %s\n%s", seed, out.failure.law, out.failure.text, out.story)
}

// TestSimulate plays random schedules of faults and changes against the real composer, checks every law after every step, and
// then lets the faults end and sees the shard arrive where its specification wants it.
func TestSimulate(t *testing.T) {
	if *flagSeed != 0 {
		out := draw(*flagSeed, *flagEvents).play(true)
		t.Logf("%d steps, %d passes, %s:\n%s", out.steps, out.passes, brief(out.took), out.story)
		if out.failure != nil {
			t.Fatal(explain(draw(*flagSeed, *flagEvents)))
		}
		return
	}
	began := time.Now()
	var all *atlas
	if *flagShare > 0 {
		all = newAtlas(*flagShare)
	}
	sum := playAll(*flagFirst, *flagSchedules, *flagSteps, *flagEvents, *flagFailures, all, func(s *tally) {
		t.Logf("so far %d schedules, %d steps%s", s.schedules, s.steps, all.brief())
	})
	for _, seed := range sum.failed {
		if !slices.ContainsFunc(sum.forked, func(s schedule) bool { return s.seed == seed }) {
			t.Error(explain(draw(seed, *flagEvents)))
		}
	}
	for _, s := range sum.forked {
		t.Error("if its faults end early: " + explain(s))
	}
	t.Logf("%d schedules, %d steps, %d passes, %d serving pods removed in %s", sum.schedules, sum.steps, sum.passes, sum.disrupt, time.Since(began).Round(time.Second))
	t.Logf("the desired state was reached at most %s and %d passes after the last fault (bound %s, seed %d)", brief(sum.longest), sum.most, bound, sum.longestAt)
	if all != nil {
		t.Logf("of all states%s", all.brief())
	}
	t.Logf("%d kinds of events: %s", len(sum.events), counts(sum.events))
	t.Logf("%d of %d reasons: %s", len(sum.reasons), len(rollout.Reasons()), counts(sum.reasons))
	playRare(t, sum)
	if len(sum.events) < kindsAtLeast {
		t.Errorf("want at least %d kinds of events", kindsAtLeast)
	}
	if sum.steps < everything {
		return
	}
	if n := len(faults) + len(changes); len(sum.events) != n {
		t.Errorf("want all %d kinds of events", n)
	}
	if missing := missingReasons(sum.reasons); len(missing) > 0 {
		t.Errorf("no schedule leads to %v", missing)
	}
}

// counts lists names with their numbers, sorted.
func counts[K ~string](m map[K]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s %d", k, m[k]))
	}
	return strings.Join(out, ", ")
}
