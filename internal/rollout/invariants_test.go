package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// draw draws a shard in any state, possible or not.
func draw(t *rapid.T) Input {
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	// In some shards hardly anything is wrong: those are the ones in which a pod goes.
	calm := rapid.SampledFrom([]int{7, 60, 200}).Draw(t, "calm")
	mostly := func(name string) bool { return rapid.IntRange(0, calm).Draw(t, name) > 0 }
	in := shard(rapid.SampledFrom([]string{"x", "xy", "xxy", "xyz", "xxxy", "xxyyz"}).Draw(t, "cells"))
	for i := range in.Members {
		m := &in.Members[i]
		age := time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute
		m.Want.Hash = rapid.SampledFrom([]string{"1", "1", "2"}).Draw(t, "hash")
		m.Pod.Settled, m.Pod.Ready, m.Pod.Scheduled, m.Pod.Changed = mostly("settled"), mostly("ready"), mostly("scheduled"), ago(age)
		m.Pod.Finished, m.Pod.Foreign = !mostly("finished"), !mostly("foreign")
		m.Pooler.PostgresReady, m.Pooler.Reachable, m.Pooler.InCohort = mostly("postgres"), mostly("reachable"), mostly("cohort")
		m.Pooler.CaughtUp, m.Pooler.Initialized, m.Remains = mostly("caught up"), mostly("initialized"), yes("remains")
		m.Listing = rapid.SampledFrom([]Listing{Unlisted, Expected, Removed}).Draw(t, "listing")
		m.Volume = Volume{Exists: mostly("volume"), DeleteWhenScaled: yes("delete"), Released: yes("released")}
		if !mostly("deleting") {
			m.Pod.Deleting, m.Pod.DeleteAsked, m.Pod.DeleteBy = true, ago(age), ago(age-time.Minute)
		}
		if !mostly("seen") {
			m.Pooler.PodUID = "other"
		}
		if !mostly("pod") {
			m.Pod = nil
		}
		if !mostly("pooler") {
			m.Pooler = nil
		}
		if !mostly("wanted") {
			m.Spare = m.Want
			m.Want = nil
		}
	}
	names := []string{"a", "b", "a", "b", "nobody", ""}
	in.Record.Leader = rapid.SampledFrom(names).Draw(t, "leader")
	in.Record.Known, in.Record.Current, in.Record.NoCohort = mostly("known"), mostly("current"), !mostly("no cohort")
	in.Record.NoLeaderSince = ago(time.Duration(rapid.IntRange(0, 5).Draw(t, "leaderless")) * time.Minute)
	in.Record.Durability = rapid.SampledFrom([]string{"AT_LEAST_2", "AT_LEAST_3", "MULTI_CELL_AT_LEAST_2", "", "ANY"}).Draw(t, "policy")
	in.Policy.Paused, in.Policy.Drain = !mostly("paused"), !mostly("drain")
	asked(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "asked"), time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds"))*time.Second)(&in)
	if !mostly("answered") {
		in.Record.Echo = ""
	}
	return in
}

// serves is true if a pod may serve somebody, for all that is known of it.
func serves(in Input, m *Member) bool {
	x := m.Pooler
	answers := x != nil && x.PodUID == m.Pod.UID && x.Reachable && x.PostgresReady
	return !m.Pod.Finished && (m.Pod.Ready || answers || m.Name == in.Record.Leader || m.Pod.Scheduled && now.Sub(m.Pod.Changed) < time.Minute)
}

// TestInvariants holds the promises that a single plan can keep or break, whatever state a shard is in.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := draw(t)
		p := answered(in)
		if diff := cmp.Diff(p, answered(in)); diff != "" {
			t.Fatalf("the same input gives another plan:\n%s", diff)
		}
		var goes *Member
		disturbed := 0
		for i := range in.Members {
			m := &in.Members[i]
			d, ok := p.Decisions[m.Key]
			if !ok || d.Action == "" || d.Reason == "" {
				t.Fatalf("%s: want a decision with a reason, got %+v", m.Name, d)
			}
			check(t, in, m, d)
			if d.Action != Remove || m.Pod.Finished {
				continue
			}
			if in.Policy.Paused {
				t.Fatalf("%s goes although the rollout is paused", m.Name)
			}
			if !in.Policy.Drain && serves(in, m) {
				disturbed++
				goes = m
			}
		}
		if disturbed > 1 {
			t.Fatalf("%d pods that serve go at once", disturbed)
		}
		if goes != nil {
			others(t, in, goes)
		}
	})
}

// check holds what is promised of each member by itself.
func check(t *rapid.T, in Input, m *Member, d Decision) {
	if d.Action == Create && (m.Pod != nil || m.Listing == Removed) {
		t.Fatalf("%s is made while something of its predecessor is there", m.Name)
	}
	if m.Pod == nil && d.Action != Create && d.Action != Wait || living(m) && (d.Action == Create || d.Action == Wait) {
		t.Fatalf("%s: %s makes no sense", m.Name, d.Action)
	}
	if m.Pod != nil && (m.Pod.Deleting || m.Pod.Foreign) && d.Action != Wait {
		t.Fatalf("%s: want nothing composed, got %s", m.Name, d.Action)
	}
	if d.Volume != VolumeKeep && (m.Want != nil || m.Pod != nil || m.Remains || !m.Volume.DeleteWhenScaled || in.Policy.Paused || in.Policy.Drain) {
		t.Fatalf("%s: want its volume kept, got %s", m.Name, d.Volume)
	}
	if d.Volume == VolumeRemove && !m.Volume.Released {
		t.Fatalf("%s: its volume would be left behind", m.Name)
	}
	if m.Pod != nil && !m.Pod.Foreign && d.Listing != Expected {
		t.Fatalf("%s: want it expected while it has a pod, got %q", m.Name, d.Listing)
	}
}

// others holds what is promised of all others when one goes that serves.
func others(t *rapid.T, in Input, goes *Member) {
	if in.Record.Leader == "" || !in.Record.Known {
		t.Fatalf("%s goes though it is not known who leads", goes.Name)
	}
	left, cells := 0, map[string]bool{}
	for i := range in.Members {
		m := &in.Members[i]
		switch {
		case m == goes:
		case m.Pod == nil && m.Want != nil:
			t.Fatalf("%s goes while %s is away", goes.Name, m.Name)
		case m.Pod == nil:
		case m.Pod.Deleting || !m.Pod.Ready || !m.Pod.Settled || m.Pooler == nil || !m.Pooler.InCohort || m.Pooler.PodUID != m.Pod.UID:
			t.Fatalf("%s goes while %s is no full member", goes.Name, m.Name)
		default:
			left++
			cells[m.Cell] = true
			if goes.Name == in.Record.Leader && (m.Want == nil || m.Want.Hash != m.Pod.Hash) {
				t.Fatalf("the leader goes before %s", m.Name)
			}
		}
	}
	need := map[string]int{"": 2, "AT_LEAST_2": 2, "AT_LEAST_3": 3, "MULTI_CELL_AT_LEAST_2": 2, "ANY": 100}[in.Record.Durability]
	if left < need || in.Record.Durability == "MULTI_CELL_AT_LEAST_2" && len(cells) < 2 {
		t.Fatalf("%d members in %d cells would be left under %q", left, len(cells), in.Record.Durability)
	}
}
