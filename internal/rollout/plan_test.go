package rollout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A summary is what a test looks at of a plan.
type summary struct {
	// Pods says of each member what becomes of its pod.
	Pods map[string]string
	// Hand and Next are the pod that the plan is about, and what is said about the one that goes next.
	Hand, Next string
	// Asks is the pod about which the record is asked anew.
	Asks string
}

func summarise(in Input, p Plan) summary {
	s := summary{Pods: map[string]string{}, Hand: p.Hand, Next: p.Next.Message}
	for key, d := range p.Decisions {
		s.Pods[key] = string(d.Action) + " " + string(d.Reason)
	}
	if p.Probe != in.Record.Probe {
		s.Asks, _ = parseProbe(p.Probe)
	}
	return s
}

const (
	keep    = "Keep Current"
	turn    = "Freeze InTurn"
	last    = "Freeze LeaderLast"
	waits   = "Freeze MemberNotSteady"
	goes    = "Remove ItsTurn"
	create  = "Create Missing"
	asking  = "Freeze RecordStale"
	idle    = "Remove Idle"
	leaving = "Wait Terminating"
)

const readAgain = "waits for the shard's record to be read again"

func TestNew(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     Input
		want   summary
	}{
		"AtRest": {
			reason: "A shard that is as it should be is left alone.",
			in:     shard("xxx"),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": keep}},
		},
		"Bootstrap": {
			reason: "All missing pods that nothing holds back are made in one pass.",
			in: shard("xxx", gone("abc"), leader(""), member("c", func(m *Member) { m.Want.Blocked = "VolumeClaim c" }),
				func(in *Input) { in.Record = Record{} }),
			want: summary{Pods: map[string]string{"a": create, "b": create, "c": "Wait Prerequisites"}},
		},
		"RollAsksFirst": {
			reason: "Before a pod goes the record is asked whether what it says still holds.",
			in:     shard("xxx", update),
			want:   summary{Pods: map[string]string{"a": last, "b": asking, "c": turn}, Hand: "b", Next: readAgain, Asks: "uid-b"},
		},
		"RollUnanswered": {
			reason: "The question is put once: a provider that is down must not be written to again and again.",
			in:     shard("xxx", update, asked("b", time.Hour), func(in *Input) { in.Record.Echo = "" }),
			want:   summary{Pods: map[string]string{"a": last, "b": asking, "c": turn}, Hand: "b", Next: readAgain},
		},
		"RollAnsweredLate": {
			reason: "An answer that is old by now is no answer: what it says may have changed since.",
			in:     shard("xxx", update, asked("b", time.Minute)),
			want:   summary{Pods: map[string]string{"a": last, "b": asking, "c": turn}, Hand: "b", Next: readAgain, Asks: "uid-b"},
		},
		"RollAnsweredForAnother": {
			reason: "An answer about another pod does not count.",
			in:     shard("xxx", update, asked("c", time.Second)),
			want:   summary{Pods: map[string]string{"a": last, "b": asking, "c": turn}, Hand: "b", Next: readAgain, Asks: "uid-b"},
		},
		"RollAnsweredInTheFuture": {
			reason: "A question that was put later than now is put again.",
			in:     shard("xxx", update, asked("b", -time.Minute)),
			want:   summary{Pods: map[string]string{"a": last, "b": asking, "c": turn}, Hand: "b", Next: readAgain, Asks: "uid-b"},
		},
		"RollFirst": {
			reason: "One replica goes, and nobody else.",
			in:     shard("xxx", update, asked("b", time.Second)),
			want:   summary{Pods: map[string]string{"a": last, "b": goes, "c": turn}, Hand: "b", Next: "goes, all others are steady"},
		},
		"RollTerminating": {
			reason: "A pod on its way out is composed no longer, and nobody else goes.",
			in:     shard("xxx", update, terminating("b", 20*time.Second)),
			want:   summary{Pods: map[string]string{"a": last, "b": leaving, "c": waits}, Hand: "b", Next: "waits for b, which is terminating"},
		},
		"RollSuccessor": {
			reason: "Its successor is made when it has really gone.",
			in:     shard("xxx", update, gone("b")),
			want:   summary{Pods: map[string]string{"a": last, "b": create, "c": waits}, Hand: "b", Next: "waits for b, which has no pod"},
		},
		"RollStarting": {
			reason: "The next one waits until the successor is ready.",
			in:     shard("xxx", update, updated("b"), down("b", 10*time.Second)),
			want:   summary{Pods: map[string]string{"a": last, "b": "Keep Starting", "c": waits}, Hand: "b", Next: "waits for b, which is not ready"},
		},
		"RollUnseen": {
			reason: "What the record says of the predecessor counts for nothing.",
			in:     shard("xxx", update, updated("b"), member("b", func(m *Member) { m.Pooler.PodUID = "old" })),
			want:   summary{Pods: map[string]string{"a": last, "b": "Keep Joining", "c": waits}, Hand: "b", Next: "waits for b, which is not in the record yet"},
		},
		"RollOutside": {
			reason: "The next one waits until the successor is in the cohort.",
			in:     shard("xxx", update, updated("b"), outside("b"), member("b", func(m *Member) { m.Pod.Changed = ago(time.Minute) })),
			want:   summary{Pods: map[string]string{"a": last, "b": "Keep Joining", "c": waits}, Hand: "b", Next: "waits for b, which is not in the cohort"},
		},
		"RollStalled": {
			reason: "A successor that stays out of the cohort for long is told as stalled.",
			in:     shard("xxx", update, updated("b"), outside("b")),
			want:   summary{Pods: map[string]string{"a": last, "b": "Keep Stalled", "c": waits}, Hand: "b", Next: "waits for b, which is not in the cohort"},
		},
		"RollLagging": {
			reason: "The next one waits until the successor has caught up.",
			in:     shard("xxx", update, updated("b"), member("b", func(m *Member) { m.Pooler.CaughtUp = false })),
			want:   summary{Pods: map[string]string{"a": last, "b": "Keep Joining", "c": waits}, Hand: "b", Next: "waits for b, which lags behind the leader"},
		},
		"RollLeader": {
			reason: "The leader goes when all others have been replaced.",
			in:     shard("xxx", update, updated("bc"), asked("a", time.Second)),
			want:   summary{Pods: map[string]string{"a": goes, "b": keep, "c": keep}, Hand: "a", Next: "goes, all others are steady"},
		},
		"RollLeaderMoved": {
			reason: "Who leads by now is last, wherever it was before.",
			in:     shard("xxx", update, leader("b"), asked("a", time.Second)),
			want:   summary{Pods: map[string]string{"a": goes, "b": last, "c": turn}, Hand: "a", Next: "goes, all others are steady"},
		},
		"Unsettled": {
			reason: "A pod that the composed resources and the pods disagree about is in doubt, and with it all others.",
			in:     shard("xxx", update, member("c", func(m *Member) { m.Pod.Settled = false }), asked("c", time.Second)),
			want:   summary{Pods: map[string]string{"a": last, "b": turn, "c": "Freeze Unsettled"}, Hand: "c", Next: "is not composed yet"},
		},
		"UnsettledCurrent": {
			reason: "A pod in doubt that need not go says so, and blocks the others.",
			in:     shard("xxx", update, updated("c"), member("c", func(m *Member) { m.Pod.Settled = false })),
			want:   summary{Pods: map[string]string{"a": last, "b": waits, "c": "Keep Unsettled"}, Hand: "c", Next: "waits for c, which is not composed yet"},
		},
		"NameTaken": {
			reason: "Somebody else's pod is neither touched nor composed over.",
			in:     shard("xxx", member("c", func(m *Member) { m.Pod.Foreign = true })),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": "Wait NameTaken"}},
		},
		"Finished": {
			reason: "A pod that was evicted serves nobody: it goes at once, whatever else is paused or down.",
			in:     shard("xxx", paused, down("c", time.Second), member("b", func(m *Member) { m.Pod.Finished, m.Pod.Ready = true, false })),
			want:   summary{Pods: map[string]string{"a": keep, "b": "Remove Finished", "c": "Keep Starting"}, Hand: "b", Next: "its pod has ended"},
		},
		"DeletedByHand": {
			reason: "A pod deleted by hand is made again when it has gone; the others stay.",
			in:     shard("xxx", terminating("c", time.Second)),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": leaving}},
		},
		"NodeLost": {
			reason: "A pod whose node is lost never goes by itself: that is told, and nothing forced.",
			in:     shard("xxx", terminating("c", time.Hour)),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": "Wait StuckTerminating"}},
		},
		"ResizePending": {
			reason: "A pod whose file system waits to be mounted anew is replaced in turn, and until then kept up to date.",
			in:     shard("xxx", member("bc", func(m *Member) { m.Pod.ResizePending = true }), asked("b", time.Second)),
			want:   summary{Pods: map[string]string{"a": keep, "b": goes, "c": "Keep InTurn"}, Hand: "b", Next: "goes, all others are steady"},
		},
		"Paused": {
			reason: "Nothing that lives is disturbed while the rollout is paused; what is missing is made.",
			in:     shard("xxx", update, paused, asked("b", time.Second), gone("c")),
			want:   summary{Pods: map[string]string{"a": last, "b": "Freeze Paused", "c": create}, Hand: "b", Next: "the rollout is paused"},
		},
		"ScaleDown": {
			reason: "Members that are not wanted go one after the other, before outdated ones are replaced.",
			in:     shard("xxxxx", update, unwanted("de"), asked("d", time.Second)),
			want: summary{
				Pods: map[string]string{"a": last, "b": turn, "c": turn, "d": goes, "e": turn}, Hand: "d",
				Next: "goes, all others are steady",
			},
		},
		"ScaleDownInCohort": {
			reason: "The next one waits until the one that has gone has left the cohort.",
			in:     shard("xxxxx", unwanted("de"), member("d", func(m *Member) { m.Pod = nil; m.Listing = Removed })),
			want: summary{
				Pods: map[string]string{"a": keep, "b": keep, "c": keep, "d": "Wait Leaving", "e": waits}, Hand: "d",
				Next: "waits for d, which has gone and is still in the cohort",
			},
		},
		"ScaleDownLeader": {
			reason: "A leader that is not wanted is the last of those that are not to go.",
			in:     shard("xxxxx", leader("d"), unwanted("de"), asked("e", time.Second)),
			want: summary{
				Pods: map[string]string{"a": keep, "b": keep, "c": keep, "d": last, "e": goes}, Hand: "e",
				Next: "goes, all others are steady",
			},
		},
		"Moved": {
			reason: "Members in the old place stay until those in the new one are full members.",
			in:     shard("xxxyyy", unwanted("abc"), down("f", time.Second), outside("f")),
			want: summary{
				Pods: map[string]string{"a": last, "b": waits, "c": turn, "d": keep, "e": keep, "f": "Keep Starting"}, Hand: "f",
				Next: "waits for f, which is not ready",
			},
		},
		"Cancelled": {
			reason: "A member that is wanted again while its pod is going is made again as if nothing had been.",
			in:     shard("xxx", terminating("c", time.Second), member("c", func(m *Member) { m.Listing = Expected })),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": leaving}},
		},
		"Returning": {
			reason: "A member that is wanted again waits until nobody is about to remove its registration.",
			in:     shard("xxx", gone("c"), member("c", func(m *Member) { m.Listing = Removed })),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": "Wait Returning"}},
		},
		"Gone": {
			reason: "Of a member that has gone nothing is done about a pod.",
			in:     shard("xxxx", unwanted("d"), forgotten("d"), member("d", func(m *Member) { m.Listing = Unlisted })),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": keep, "d": "Wait Gone"}},
		},
		"NeededFinished": {
			reason: "While nobody leads, a member of the cohort that is not wanted and was evicted is made again: without it nobody may ever be elected.",
			in: shard("xyy", leader(""), unwanted("a"), down("bc", time.Second), member("a", func(m *Member) {
				m.Pod.Finished, m.Pod.Ready, m.Spare = true, false, &Want{Hash: "1"}
			})),
			want: summary{Pods: map[string]string{"a": "Remove Finished", "b": "Keep Starting", "c": "Keep Starting"}, Hand: "a", Next: "its pod has ended"},
		},
		"NeededGone": {
			reason: "So is one that has gone.",
			in: shard("xyy", leader(""), unwanted("a"), down("bc", time.Second), member("a", func(m *Member) {
				m.Pod, m.Spare = nil, &Want{Hash: "1"}
			})),
			want: summary{Pods: map[string]string{"a": create, "b": "Keep Starting", "c": "Keep Starting"}},
		},
		"NeededIdle": {
			reason: "One that does not come up is made again from what mends it.",
			in:     shard("xyy", leader(""), unwanted("a"), down("abc", 2*time.Minute), member("a", func(m *Member) { m.Spare = &Want{Hash: "2"} })),
			want:   summary{Pods: map[string]string{"a": asking, "b": "Keep Starting", "c": "Keep Starting"}, Hand: "a", Next: readAgain, Asks: "uid-a"},
		},
		"NeededWell": {
			reason: "One that is there stays.",
			in:     shard("xyy", leader(""), unwanted("a"), member("a", func(m *Member) { m.Spare = &Want{Hash: "1"} })),
			want:   summary{Pods: map[string]string{"a": "Keep Needed", "b": keep, "c": keep}},
		},
		"NeededUnknownPool": {
			reason: "If no pool is known any more one stays as it is, whatever it is, and one that has gone needs a person.",
			in: shard("xyy", leader(""), unwanted("ab"), member("a", func(m *Member) { m.Pod.Finished, m.Pod.Ready = true, false }),
				member("b", func(m *Member) { m.Pod = nil })),
			want: summary{Pods: map[string]string{"a": "Freeze Needed", "b": "Wait Needed", "c": keep}},
		},
		"NeededStandIn": {
			reason: "One whose pool is not known any more is made like another pool's if it has gone, or ended, and stays as it is while it runs.",
			in: shard("xyyy", leader(""), unwanted("abc"), member("a", func(m *Member) { m.Pod, m.Spare = nil, &Want{Hash: "2", StandIn: true} }),
				member("b", func(m *Member) { m.Spare = &Want{Hash: "2", StandIn: true} }),
				member("c", func(m *Member) { m.Pod.Finished, m.Spare = true, &Want{Hash: "2", StandIn: true} })),
			want: summary{Pods: map[string]string{"a": create, "b": "Freeze Needed", "c": "Remove Finished", "d": keep}, Hand: "c", Next: "its pod has ended"},
		},
		"NeededStandInMended": {
			reason: "One that was made like another pool's and does not come up is made anew from what mends it.",
			in:     shard("xyy", leader(""), unwanted("a"), down("a", 2*time.Minute), member("a", func(m *Member) { m.Spare = &Want{Hash: "2", StandIn: true} })),
			want:   summary{Pods: map[string]string{"a": asking, "b": keep, "c": keep}, Hand: "a", Next: readAgain, Asks: "uid-a"},
		},
		"NeededNoCohort": {
			reason: "While nobody can tell who is in the cohort, whoever is registered may be.",
			in: shard("xyy", leader(""), unwanted("a"), outside("abc"), func(in *Input) { in.Record.NoCohort = true }, member("a", func(m *Member) {
				m.Pod, m.Spare = nil, &Want{Hash: "1"}
			})),
			want: summary{Pods: map[string]string{"a": create, "b": "Keep Joining", "c": "Keep Joining"}},
		},
		"NeededNotYet": {
			reason: "An election takes its time: nothing is made again for it, and nothing goes.",
			in: shard("xyy", leader(""), unwanted("ab"), func(in *Input) { in.Record.NoLeaderSince = ago(time.Minute) },
				member("a", func(m *Member) { m.Pod, m.Spare, m.Listing = nil, &Want{Hash: "1"}, Removed }), down("b", time.Hour)),
			want: summary{Pods: map[string]string{"a": "Wait Leaving", "b": "Freeze Needed", "c": keep}},
		},
		"NeededReturns": {
			reason: "What is made again is first expected again, and the record read once more.",
			in:     shard("xyy", leader(""), unwanted("a"), member("a", func(m *Member) { m.Pod, m.Spare, m.Listing = nil, &Want{Hash: "1"}, Removed })),
			want:   summary{Pods: map[string]string{"a": "Wait Returning", "b": keep, "c": keep}},
		},
		"NotNeeded": {
			reason: "One that is surely outside the cohort is not needed.",
			in: shard("xyy", leader(""), unwanted("a"), outside("a"), member("a", func(m *Member) {
				m.Pod, m.Spare, m.Listing, m.Remains = nil, &Want{Hash: "1"}, Unlisted, false
			})),
			want: summary{Pods: map[string]string{"a": "Wait Gone", "b": keep, "c": keep}},
		},
		"Unhealthy": {
			reason: "A PostgreSQL on complete data that does not come up for long gets a new pod, if all others are steady.",
			in:     shard("xxx", down("c", time.Hour), member("c", func(m *Member) { m.Pooler.Reachable, m.Pooler.Initialized = true, true }), asked("c", time.Second)),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": "Remove ItsTurn"}, Hand: "c", Next: "goes, all others are steady"},
		},
		"Restoring": {
			reason: "One that is still restoring its data is left alone, however long it takes.",
			in:     shard("xxx", down("c", time.Hour), member("c", func(m *Member) { m.Pooler.Reachable = true })),
			want:   summary{Pods: map[string]string{"a": keep, "b": keep, "c": "Keep Stalled"}},
		},
		"Drain": {
			reason: "All but the leader go with the shard at once, whatever is known of them.",
			in:     shard("xxx", drained, func(in *Input) { in.Record.Known = false }),
			want:   summary{Pods: map[string]string{"a": last, "b": "Remove Draining", "c": "Remove Draining"}, Hand: "a", Next: "leads, and goes last"},
		},
		"DrainLeader": {
			reason: "The leader goes when all others have gone.",
			in:     shard("xxx", drained, gone("bc")),
			want:   summary{Pods: map[string]string{"a": "Remove Draining", "b": "Wait Leaving", "c": "Wait Leaving"}, Hand: "a", Next: "goes with the shard"},
		},
		"DrainPaused": {
			reason: "A shard does not go while its rollout is paused.",
			in:     shard("xxx", drained, paused),
			want:   summary{Pods: map[string]string{"a": "Freeze Paused", "b": "Freeze Paused", "c": "Freeze Paused"}, Hand: "a", Next: "the rollout is paused"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, summarise(tc.in, New(tc.in))); diff != "" {
				t.Errorf("\n%s\nNew(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestSince holds that every wait says since when, as far as anything observed tells.
func TestSince(t *testing.T) {
	cases := map[string]struct {
		in   Input
		want time.Time
	}{
		"Terminating": {shard("xxx", update, terminating("b", 20*time.Second)), ago(20 * time.Second)},
		"Unready":     {shard("xxx", update, updated("b"), down("b", 30*time.Second)), ago(30 * time.Second)},
		"Asked":       {shard("xxx", update, asked("b", 3*time.Second), func(in *Input) { in.Record.Echo = "" }), ago(3 * time.Second)},
		"NeverReady": {
			shard("xxx", update, updated("b"), down("b", 0), member("b", func(m *Member) { m.Pod.Changed = time.Time{} })),
			ago(time.Hour),
		},
		"Paused": {shard("xxx", update, paused), time.Time{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := New(tc.in).Next.Since; !got.Equal(tc.want) {
				t.Errorf("want since %v, got %v", tc.want, got)
			}
		})
	}
}
