package sim

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/shard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/rollout"
)

// A mutant is a planner that breaks one rule.
type mutant struct {
	name   string
	breaks law

	// hint is a seed that shows it, if nothing has changed since that was written down.
	hint uint64
	plan func(rollout.Input) rollout.Plan
}

// mutants are planners of which the judge must notice each: a check that never fails shows nothing.
var mutants = []mutant{
	{"WaitsForNobody", oneAtATime, 5, func(in rollout.Input) rollout.Plan {
		return forced(rollout.New(in), rollout.ReasonMemberNotSteady, rollout.ReasonInTurn)
	}},
	{"TrustsOldRecords", leaderLast, 2, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		if p.Next.Reason == rollout.ReasonRecordStale {
			// The question is its own answer.
			in.Record.Current, in.Record.Probe, in.Record.Echo = true, p.Probe, p.Probe
			p = rollout.New(in)
		}
		return p
	}},
	{"CountsNoQuorum", quorumHolds, 26, func(in rollout.Input) rollout.Plan {
		in.Policy.IgnoreQuorum = true
		return rollout.New(in)
	}},
	{"TakesAnotherForTheLeader", leaderLast, 5, func(in rollout.Input) rollout.Plan {
		for i := range in.Members {
			if m := in.Members[i]; m.Pod != nil && m.Pod.Ready && m.Name != in.Record.Leader {
				in.Record.Leader = m.Name
				break
			}
		}
		return rollout.New(in)
	}},
	{"TakesReplacementsForGood", stopsOnBad, 86, func(in rollout.Input) rollout.Plan {
		in.Members = slices.Clone(in.Members)
		for i := range in.Members {
			m := &in.Members[i]
			if m.Pod == nil || m.Want == nil || m.Pod.Hash != m.Want.Hash || m.Pod.Deleting {
				continue
			}
			pod := *m.Pod
			pod.Ready, pod.Settled = true, true
			m.Pod = &pod
			m.Pooler = &rollout.Pooler{PodUID: pod.UID, Reachable: true, Initialized: true, PostgresReady: true, InCohort: true, CaughtUp: true}
		}
		return rollout.New(in)
	}},
	{"DeletesUnderRetain", volumesStay, 8, func(in rollout.Input) rollout.Plan {
		in.Members = slices.Clone(in.Members)
		for i := range in.Members {
			in.Members[i].Volume.DeleteWhenScaled = true
		}
		return rollout.New(in)
	}},
	{"DeletesVolumesAtOnce", volumesStay, 53, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for _, m := range in.Members {
			if d := p.Decisions[m.Key]; m.Want == nil && m.Volume.DeleteWhenScaled && m.Pod == nil {
				if d.Volume = rollout.VolumeRelease; m.Volume.Released {
					d.Volume = rollout.VolumeRemove
				}
				p.Decisions[m.Key] = d
			}
		}
		return p
	}},
	{"UnregistersTheLiving", drainsFirst, 8, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for _, m := range in.Members {
			if d := p.Decisions[m.Key]; m.Want == nil && m.Pod != nil && !m.Pod.Deleting {
				d.Listing = rollout.Removed
				p.Decisions[m.Key] = d
			}
		}
		return p
	}},
	{"SparesTheLeader", arrives, 5, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for _, m := range in.Members {
			if d := p.Decisions[m.Key]; d.Action == rollout.Remove && m.Name == in.Record.Leader {
				d.Action = rollout.Freeze
				p.Decisions[m.Key] = d
			}
		}
		return p
	}},
	{"AppliesToTheLiving", noError, 5, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for key, d := range p.Decisions {
			if d.Action == rollout.Freeze && d.Cause == rollout.CauseOutdated {
				d.Action = rollout.Keep
				p.Decisions[key] = d
			}
		}
		return p
	}},
	{"DisruptsWithoutReason", noError, 1, func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for _, m := range in.Members {
			if d := p.Decisions[m.Key]; d.Reason == rollout.ReasonCurrent && m.Name != in.Record.Leader && p.Hand == "" {
				d.Action = rollout.Remove
				p.Decisions[m.Key] = d
				break
			}
		}
		return p
	}},
	{"GoesOnThoughPaused", noError, 144, func(in rollout.Input) rollout.Plan {
		in.Policy.Paused = false
		return rollout.New(in)
	}},
}

// scripts are what must happen for those mutants that random schedules show too rarely. The leader dies, again and again, until
// another one leads, and the provider is not there to see it.
var scripts = map[string][]event{
	"TrustsOldRecords": {
		{after: 3 * time.Minute, kind: "provider stops"},
		{after: time.Second, kind: "leader crashes"},
		{after: time.Minute, kind: "leader crashes"},
		{after: time.Minute, kind: "leader crashes"},
		{after: 4 * time.Minute, kind: "image changed", a: 1},
	},
}

// forced lets pods go that have to and wait for one of the reasons.
func forced(p rollout.Plan, reasons ...rollout.Reason) rollout.Plan {
	for key, d := range p.Decisions {
		if d.Cause != rollout.CauseNone && slices.Contains(reasons, d.Reason) {
			d.Action = rollout.Remove
			p.Decisions[key] = d
		}
	}
	return p
}

// patienceWithMutants is how many schedules a mutant may get through unnoticed.
const patienceWithMutants = 400

// longestStory is how many events the reduced schedule of a mutant may have: a person has to read it.
const longestStory = 6

// TestMutants plays schedules with each mutant until the judge says which law it breaks, and sees that it can be told shortly.
func TestMutants(t *testing.T) {
	seen := map[law]bool{}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			composer := withComposer(shard.WithPlanner(m.plan))
			for i := range uint64(patienceWithMutants) {
				seed := m.hint + i
				s := draw(seed, *flagEvents)
				if script, ok := scripts[m.name]; ok {
					s = schedule{seed: seed, first: three(), events: script}
				}
				out := s.play(false, composer)
				if out.failure == nil || out.failure.law != m.breaks {
					continue
				}
				seen[m.breaks] = true
				if *flagSteps > 0 {
					s = shrink(s, m.breaks, composer)
				}
				out = s.play(true, composer)
				if out.failure == nil || out.failure.law != m.breaks {
					t.Errorf("want the reduced schedule to break the same law, got %v", out.failure)
				}
				if *flagSteps > 0 && len(s.events) > longestStory {
					t.Errorf("want a story of at most %d events, got %d", longestStory, len(s.events))
				}
				t.Logf("noticed with seed %d, told in %d events: %s", seed, len(s.events), out.failure.text)
				return
			}
			t.Errorf("%d schedules do not break law %s", patienceWithMutants, m.breaks)
		})
	}
	for _, l := range []law{oneAtATime, quorumHolds, leaderLast, stopsOnBad, volumesStay, drainsFirst, arrives} {
		if !seen[l] {
			t.Errorf("no mutant breaks law %s", l)
		}
	}
}

// counting is the real planner, and counts the reasons of what it decides.
func counting(reasons map[rollout.Reason]int) option {
	return withComposer(shard.WithPlanner(func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		for _, d := range p.Decisions {
			reasons[d.Reason]++
		}
		return p
	}))
}

// missingReasons are those that no decision had, sorted.
func missingReasons(reasons map[rollout.Reason]int) []rollout.Reason {
	all := map[rollout.Reason]bool{}
	for _, r := range rollout.Reasons() {
		if reasons[r] == 0 {
			all[r] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// TestSavedByTheEnd has a planner that never finishes a rollout of which one pod is done, and a user who takes the change back: at the
// end of the schedule all is well. That it stands still before must be noticed all the same.
func TestSavedByTheEnd(t *testing.T) {
	stops := withComposer(shard.WithPlanner(func(in rollout.Input) rollout.Plan {
		p := rollout.New(in)
		done, due := 0, 0
		for _, m := range in.Members {
			switch d := p.Decisions[m.Key]; {
			case d.Cause == rollout.CauseOutdated:
				due++
			case d.Action == rollout.Keep:
				done++
			}
		}
		for key, d := range p.Decisions {
			if due > 0 && done == 1 && d.Action == rollout.Remove {
				d.Action = rollout.Freeze
				p.Decisions[key] = d
			}
		}
		return p
	}))
	s := schedule{seed: 1, first: three(), events: []event{
		{after: 5 * time.Minute, kind: "image changed", a: 1},
		{after: 3 * time.Minute, kind: "image reverted"},
	}}
	l := newAtlas(1).lookout()
	if out := s.watched(l, true, stops); out.failure != nil {
		t.Fatalf("want the schedule to end well, got law %s broken:\n%s", out.failure.law, out.story)
	}
	out, bad := s.playForks(l, stops)
	if out.failure == nil || out.failure.law != arrives {
		t.Fatalf("want law %s broken from a state in the middle, got %v in %d forks", arrives, out.failure, len(l.forks))
	}
	if got := bad.play(false, stops); got.failure == nil || got.failure.law != arrives {
		t.Errorf("want the schedule that ends there to break the same law, got %v", got.failure)
	}
	t.Logf("noticed in a schedule of %d events: %s", len(bad.events), out.failure.text)

	l = newAtlas(1).lookout()
	if out := s.watched(l, true); out.failure != nil {
		t.Fatal(out.failure.text)
	}
	if out, _ := s.playForks(l); out.failure != nil {
		t.Errorf("want nothing noticed of the real planner, got law %s broken: %s", out.failure.law, out.failure.text)
	}
}

// TestVanishingLeader deletes the leader by force just when a pass is under way that rests on a look at it a moment before: nobody can be
// blamed for that, and the removal of the other member is no breach.
func TestVanishingLeader(t *testing.T) {
	s := schedule{seed: 3031, first: three(), events: []event{
		{after: 223 * time.Second, kind: "restart-only setting", a: 1},
		{after: 1300 * time.Millisecond, kind: "pod deleted by force", a: 2},
	}}
	for _, at := range []int{0, 100, 200, 300, 400, 500, 600} {
		s.events[1].after = time.Second + time.Duration(at)*time.Millisecond
		if out := s.play(true); out.failure != nil {
			t.Errorf("law %s is broken: %s\n%s", out.failure.law, out.failure.text, out.story)
		}
	}
}

// TestUnseenPod changes settings just when pods were made that core does not see yet: what a pod is said to have been made with must
// not change by applying another one to it. Else it would be replaced in vain or, worse, pass for one that has the new settings.
func TestUnseenPod(t *testing.T) {
	for _, undone := range []bool{false, true} {
		for at := time.Second; at < 5*time.Second; at += 100 * time.Millisecond {
			s := schedule{seed: 3780, first: three(), events: []event{
				{after: 0, kind: "pods seen late", a: 5},
				{after: at, kind: "restart-only setting", a: 1},
			}}
			if undone {
				s.events = append(s.events, event{after: 200 * time.Millisecond, kind: "last change undone"})
			}
			if out := s.play(true); out.failure != nil {
				t.Errorf("%s, undone %t: law %s is broken: %s\n%s", at, undone, out.failure.law, out.failure.text, out.story)
			}
		}
	}
}
