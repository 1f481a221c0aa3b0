package sim

import (
	"slices"
	"time"
)

// shrink returns the shortest schedule that it finds which breaks the same law: events are left out, first many at once and
// then one by one, and the times between those that stay are made short and round.
func shrink(s schedule, broken law, os ...option) schedule {
	fails := func(s schedule) bool {
		out := s.play(false, os...)
		return out.failure != nil && out.failure.law == broken
	}
	for size := (len(s.events) + 1) / 2; size >= 1; size /= 2 {
		for i := 0; i < len(s.events); {
			// What is left keeps its time, or else moves up.
			if c := without(s, i, size, true); fails(c) {
				s = c
			} else if c := without(s, i, size, false); fails(c) {
				s = c
			} else {
				i += size
			}
		}
	}
	for i := range s.events {
		for _, d := range []time.Duration{0, time.Second, 10 * time.Second, time.Minute, 3 * time.Minute, 10 * time.Minute} {
			c := schedule{seed: s.seed, first: s.first, events: slices.Clone(s.events)}
			if d >= c.events[i].after {
				break
			}
			if c.events[i].after = d; fails(c) {
				s = c
				break
			}
		}
	}
	return s
}

// without returns a schedule less some of its events.
func without(s schedule, i, size int, still bool) schedule {
	c := schedule{seed: s.seed, first: s.first, events: slices.Clone(s.events)}
	end := min(i+size, len(c.events))
	var gap time.Duration
	for _, e := range c.events[i:end] {
		gap += e.after
	}
	c.events = slices.Delete(c.events, i, end)
	if still && i < len(c.events) {
		c.events[i].after += gap
	}
	return c
}
