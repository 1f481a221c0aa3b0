package rollout

import (
	"fmt"
	"time"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// ago returns a time before now.
func ago(d time.Duration) time.Time { return now.Add(-d) }

// A change makes one thing different in an input.
type change func(in *Input)

// shard returns an input in which all is well: members a, b, c and so on, one in each of the given cells, made from
// specification 1, which is wanted. The first one leads.
func shard(cells string, changes ...change) Input {
	in := Input{Now: now, Policy: Policy{Durability: "AT_LEAST_2"}, Record: Record{Known: true, Current: true, Leader: "a", Durability: "AT_LEAST_2"}}
	for i, cell := range cells {
		name := string(rune('a' + i))
		in.Members = append(in.Members, Member{
			Key: name, Name: name, Cell: string(cell), Listing: Expected, Remains: true, Volume: Volume{Exists: true},
			Want: &Want{Hash: "1"},
			Pod: &Pod{
				UID: "uid-" + name, Hash: "1", Settled: true, Created: ago(time.Hour), Ready: true, Changed: ago(time.Hour), Scheduled: true,
			},
			Pooler: &Pooler{PodUID: "uid-" + name, Reachable: true, Initialized: true, PostgresReady: true, InCohort: true, CaughtUp: true},
		})
	}
	for _, c := range changes {
		c(&in)
	}
	return in
}

// member changes the members of the given names.
func member(names string, f func(m *Member)) change {
	return func(in *Input) {
		found := 0
		for i := range in.Members {
			for _, n := range names {
				if in.Members[i].Name == string(n) {
					found++
					f(&in.Members[i])
				}
			}
		}
		if found != len(names) {
			panic(fmt.Sprintf("no such members: %q", names))
		}
	}
}

// update wants another specification for all members.
func update(in *Input) {
	for i := range in.Members {
		if in.Members[i].Want != nil {
			in.Members[i].Want.Hash = "2"
		}
	}
}

// updated members are made from it already.
func updated(names string) change { return member(names, func(m *Member) { m.Pod.Hash = "2" }) }

// unwanted members have gone from the specification.
func unwanted(names string) change { return member(names, func(m *Member) { m.Want = nil }) }

// down members have not been ready for as long, and their PostgreSQL does not answer.
func down(names string, since time.Duration) change {
	return member(names, func(m *Member) {
		m.Pod.Ready, m.Pod.Changed = false, ago(since)
		m.Pooler = &Pooler{PodUID: m.Pod.UID, InCohort: m.Pooler.InCohort}
	})
}

// outside members are not in the cohort.
func outside(names string) change {
	return member(names, func(m *Member) { m.Pooler.InCohort = false })
}

// terminating members' pods were deleted as long ago, with 90 s to stop.
func terminating(names string, since time.Duration) change {
	return member(names, func(m *Member) {
		m.Pod.Deleting, m.Pod.DeleteAsked, m.Pod.DeleteBy, m.Pod.Ready = true, ago(since), ago(since-90*time.Second), false
	})
}

// gone members have no pod and are in nobody's cohort.
func gone(names string) change {
	return member(names, func(m *Member) { m.Pod, m.Pooler = nil, nil })
}

// forgotten members have left the topology too, after they had been listed as removed.
func forgotten(names string) change {
	return member(names, func(m *Member) { m.Pod, m.Pooler, m.Remains, m.Listing = nil, nil, false, Removed })
}

// deleting members' volumes are not to outlive them.
func deleting(names string) change {
	return member(names, func(m *Member) { m.Volume.DeleteWhenScaled = true })
}

// asked has the record answer for a pod as it was so long ago.
func asked(name string, since time.Duration) change {
	return func(in *Input) {
		in.Record.Probe = formatProbe("uid-"+name, ago(since))
		in.Record.Echo = in.Record.Probe
	}
}

// leader leads, or nobody has for an hour.
func leader(name string) change {
	return func(in *Input) { in.Record.Leader, in.Record.NoLeaderSince = name, ago(time.Hour) }
}

func durability(name string) change { return func(in *Input) { in.Record.Durability = name } }

func paused(in *Input) { in.Policy.Paused = true }

func drained(in *Input) { in.Policy.Drain = true }
