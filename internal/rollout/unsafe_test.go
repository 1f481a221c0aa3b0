package rollout

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// removed returns the names of the members whose pods a plan removes, sorted.
func removed(p Plan) string {
	var out []byte
	for _, key := range slices.Sorted(maps.Keys(p.Decisions)) {
		if p.Decisions[key].Action == Remove {
			out = append(out, key...)
		}
	}
	return string(out)
}

// answered plays a record that answers at once, so that a plan shows what it really does.
func answered(in Input) Plan {
	p := New(in)
	if p.Probe != in.Record.Probe {
		in.Record.Probe, in.Record.Echo = p.Probe, p.Probe
		p = New(in)
	}
	return p
}

// TestUnsafe holds what the Multigres operator does at the risk of the data or of the service, and what happens here.
func TestUnsafe(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     Input
		gone   string
		next   Reason
	}{
		"BothReplicasUnready": {
			reason: "Two replicas that do not come up after they were replaced stop the rollout: the leader stays.",
			in:     shard("xxx", update, updated("bc"), down("bc", 5*time.Minute)),
			next:   ReasonMemberNotSteady,
		},
		"OneReplicaUnready": {
			reason: "A replica that does not come up keeps the other one from going.",
			in:     shard("xxx", update, updated("b"), down("b", 5*time.Minute)),
			next:   ReasonMemberNotSteady,
		},
		"ThreeCellsOneEach": {
			reason: "Three cells with one replica each are rolled one at a time, under a policy that wants two cells too.",
			in:     shard("xyz", durability("MULTI_CELL_AT_LEAST_2"), update),
			gone:   "b", next: ReasonItsTurn,
		},
		"ThreeCellsLeaderLast": {
			reason: "The leader's cell is the last one.",
			in:     shard("xyz", durability("MULTI_CELL_AT_LEAST_2"), update, updated("bc")),
			gone:   "a", next: ReasonItsTurn,
		},
		"ThreeCellsOneAway": {
			reason: "While one cell's member is away, wherever, nobody else goes.",
			in:     shard("xyz", durability("MULTI_CELL_AT_LEAST_2"), update, gone("b")),
			next:   ReasonMemberNotSteady,
		},
		"LastCells": {
			reason: "A member goes only if those that stay are in two cells, where the policy wants that.",
			in:     shard("xxy", durability("MULTI_CELL_AT_LEAST_2"), update, updated("ab")),
			next:   ReasonQuorumAtRisk,
		},
		"BadImage": {
			reason: "An image that cannot be pulled takes one pod and no more.",
			in:     shard("xxx", update, updated("b"), down("b", 20*time.Minute)),
			next:   ReasonMemberNotSteady,
		},
		"BadImageMended": {
			reason: "A mended specification takes up where it stopped: with the pod that the bad one broke.",
			in:     shard("xxx", update, member("b", func(m *Member) { m.Pod.Hash = "bad" }), down("b", 20*time.Minute)),
			gone:   "b", next: ReasonIdle,
		},
		"BadImageReverted": {
			reason: "A specification that is taken back needs no other pod to go but the broken one.",
			in:     shard("xxx", member("b", func(m *Member) { m.Pod.Hash = "bad" }), down("b", 20*time.Minute)),
			gone:   "b", next: ReasonIdle,
		},
		"BadImageAtBootstrap": {
			reason: "A shard that never came up is mended as a whole: none of its pods waits for another one.",
			in: shard("xxx", leader(""), update, down("abc", 2*time.Minute), outside("abc"),
				member("abc", func(m *Member) { m.Pooler = nil })),
			gone: "abc", next: ReasonIdle,
		},
		"Falter": {
			reason: "Pods that are unready for a moment are not idle: a change of the specification does not take all at once.",
			in:     shard("xxx", update, down("abc", 20*time.Second)),
			next:   ReasonMemberNotSteady,
		},
		"KubeletsAway": {
			reason: "Pods that only their kubelets do not speak for any more serve, and are no idle ones.",
			in:     shard("xxx", update, member("abc", func(m *Member) { m.Pod.Ready, m.Pod.Changed = false, ago(time.Hour) })),
			next:   ReasonMemberNotSteady,
		},
		"UnknownRoles": {
			reason: "Nobody goes while it is not known who leads.",
			in:     shard("xxx", update, leader("")),
			next:   ReasonRoleUnknown,
		},
		"UnknownRolesOverridden": {
			reason: "An administrator who knows better lets one go.",
			in:     shard("xxx", update, leader(""), func(in *Input) { in.Policy.IgnoreRoles = true }),
			gone:   "a", next: ReasonItsTurn,
		},
		"UnknownRolesOverriddenReadiness": {
			reason: "Even then not while another one is not ready.",
			in:     shard("xxx", update, leader(""), func(in *Input) { in.Policy.IgnoreRoles = true }, updated("c"), down("c", time.Second)),
			next:   ReasonMemberNotSteady,
		},
		"CohortChanged": {
			reason: "Who left the cohort and came back a moment ago may leave it again while orchestrators quarrel about it.",
			in:     shard("xxx", update, func(in *Input) { in.Record.RuleMade = ago(20 * time.Second) }),
			next:   ReasonCohortChanging,
		},
		"CohortSettled": {
			reason: "Nobody has changed it for longer than they quarrel.",
			in:     shard("xxx", update, func(in *Input) { in.Record.RuleMade = ago(30 * time.Second) }),
			gone:   "b", next: ReasonItsTurn,
		},
		"CohortChangedLater": {
			reason: "A clock that is a little ahead is taken for what it may mean.",
			in:     shard("xxx", update, func(in *Input) { in.Record.RuleMade = ago(-20 * time.Second) }),
			next:   ReasonCohortChanging,
		},
		"ClockAhead": {
			reason: "A clock that is far ahead tells nothing, and stops nothing.",
			in:     shard("xxx", update, func(in *Input) { in.Record.RuleMade = ago(-time.Hour) }),
			gone:   "b", next: ReasonItsTurn,
		},
		"Electing": {
			reason: "A leader of whom others have turned away may have nobody left who follows.",
			in:     shard("xxx", update, func(in *Input) { in.Record.Electing = true }),
			next:   ReasonCohortChanging,
		},
		"ElectingOverridden": {
			reason: "An administrator who knows better lets one go.",
			in:     shard("xxx", update, func(in *Input) { in.Record.Electing, in.Policy.IgnoreRoles = true, true }),
			gone:   "b", next: ReasonItsTurn,
		},
		"NoRecord": {
			reason: "Nobody goes while nothing is known of roles.",
			in:     shard("xxx", update, func(in *Input) { in.Record.Known = false }),
			next:   ReasonRecordUnknown,
		},
		"TwoMembers": {
			reason: "Two members that must both hold a write are not rolled by themselves: writes would stop.",
			in:     shard("xx", update),
			next:   ReasonQuorumAtRisk,
		},
		"TwoMembersOverridden": {
			reason: "An administrator may say that writes may stop.",
			in:     shard("xx", update, func(in *Input) { in.Policy.IgnoreQuorum = true }),
			gone:   "b", next: ReasonItsTurn,
		},
		"TwoMembersLeaderOverridden": {
			reason: "The leader of two goes last, too.",
			in:     shard("xx", update, updated("b"), func(in *Input) { in.Policy.IgnoreQuorum = true }),
			gone:   "a", next: ReasonItsTurn,
		},
		"UnknownPolicy": {
			reason: "A durability policy that nobody here knows lets nobody go.",
			in:     shard("xxx", durability("EVERYWHERE"), update),
			next:   ReasonQuorumAtRisk,
		},
		"AtLeast3": {
			reason: "A policy of three members keeps three.",
			in:     shard("xxx", durability("AT_LEAST_3"), update),
			next:   ReasonQuorumAtRisk,
		},
		"AtLeast3OfFour": {
			reason: "A policy of three members can do without one of four.",
			in:     shard("xxxx", durability("AT_LEAST_3"), update),
			gone:   "b", next: ReasonItsTurn,
		},
		"ScaleDownBrokenPool": {
			reason: "Pods of a pool that never came up go together: they serve nobody.",
			in: shard("xxxyy", unwanted("de"), down("de", time.Hour), outside("de"),
				member("de", func(m *Member) { m.Pod.Scheduled, m.Pooler = false, nil })),
			gone: "de", next: ReasonIdle,
		},
		"ScaleDownUnready": {
			reason: "A member that is wanted and does not come up keeps those that are not from going.",
			in:     shard("xxxx", unwanted("d"), down("c", time.Hour)),
			next:   ReasonMemberNotSteady,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := answered(tc.in)
			if diff := cmp.Diff(tc.gone, removed(p)); diff != "" {
				t.Errorf("\n%s\npods that go: -want, +got:\n%s", tc.reason, diff)
			}
			if p.Next.Reason != tc.next {
				t.Errorf("\n%s\nwant reason %s, got %s: %s", tc.reason, tc.next, p.Next.Reason, p.Next.Message)
			}
		})
	}
}
