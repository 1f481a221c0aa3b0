package compose

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

func TestRemove(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 999, time.UTC)
	at := func(minutes int) metav1.Time {
		return metav1.NewTime(now.Truncate(time.Second).Add(time.Duration(minutes) * time.Minute))
	}
	b := Removal{Name: "Cell b", Reason: WaitDraining, Message: "drains"}
	none := func(string) bool { return false }
	cases := map[string]struct {
		reason string
		xr     string
		in     []Removal
		wanted func(string) bool
		want   Removals
	}{
		"Nothing": {
			reason: "A composite that never removed anything has nothing to say about it.",
			xr:     `{}`,
			want:   Removals{},
		},
		"NothingAnyMore": {
			reason: "A condition once reported cannot be taken back.",
			xr:     `{status: {conditions: [{type: Removing, status: "True"}]}}`,
			want:   Removals{Condition: False(TypeRemoving, ReasonNothing, "")},
		},
		"Begins": {
			reason: "What is missing in the status begins now, in whole seconds, and is told once. Removals are sorted.",
			xr:     `{}`,
			in:     []Removal{b, {Name: "Cell a", Reason: WaitInUse, Message: "is used"}},
			want: Removals{
				Status: []v1alpha1.RetiringResource{
					{Name: "Cell a", Since: at(0), Reason: WaitInUse, ReasonSince: at(0), Message: "is used"},
					{Name: "Cell b", Since: at(0), Reason: WaitDraining, ReasonSince: at(0), Message: "drains"},
				},
				Waiting:   []string{"removal of Cell a (is used)", "removal of Cell b (drains)"},
				Condition: True(TypeRemoving, ReasonRemoving, "Cell a since 2026-01-01T12:00:00Z (is used), Cell b since 2026-01-01T12:00:00Z (drains)"),
				Events: []Event{
					{Reason: "RemovalStarted", Message: "Cell a is not wanted any more and will be removed"},
					{Reason: "RemovalStarted", Message: "Cell b is not wanted any more and will be removed"},
				},
			},
		},
		"GoesOn": {
			reason: "Times are carried over: nothing moves by itself.",
			xr:     `{status: {retiring: [{name: Cell b, since: "2026-01-01T11:00:00Z", reason: Draining, reasonSince: "2026-01-01T11:50:00Z"}]}}`,
			in:     []Removal{b},
			want: Removals{
				Status:    []v1alpha1.RetiringResource{{Name: "Cell b", Since: at(-60), Reason: WaitDraining, ReasonSince: at(-10), Message: "drains"}},
				Waiting:   []string{"removal of Cell b (drains)"},
				Condition: True(TypeRemoving, ReasonRemoving, "Cell b since 2026-01-01T11:00:00Z (drains)"),
			},
		},
		"NextStage": {
			reason: "Another reason begins anew, the removal does not.",
			xr:     `{status: {retiring: [{name: Cell b, since: "2026-01-01T11:00:00Z", reason: InUse, reasonSince: "2026-01-01T11:00:00Z"}]}}`,
			in:     []Removal{b},
			want: Removals{
				Status:    []v1alpha1.RetiringResource{{Name: "Cell b", Since: at(-60), Reason: WaitDraining, ReasonSince: at(0), Message: "drains"}},
				Waiting:   []string{"removal of Cell b (drains)"},
				Condition: True(TypeRemoving, ReasonRemoving, "Cell b since 2026-01-01T11:00:00Z (drains)"),
			},
		},
		"GetsStuck": {
			reason: "What waits too long for one thing is stuck, with since when and why; a person is told once.",
			xr:     `{status: {retiring: [{name: Cell b, since: "2026-01-01T11:00:00Z", reason: Draining, reasonSince: "2026-01-01T11:45:00Z"}]}}`,
			in:     []Removal{b},
			want: Removals{
				Status:    []v1alpha1.RetiringResource{{Name: "Cell b", Since: at(-60), Reason: WaitDraining, ReasonSince: at(-15), Message: "drains"}},
				Waiting:   []string{"removal of Cell b (drains)"},
				Stuck:     1,
				Condition: True(TypeRemoving, ReasonStuck, "stuck: Cell b since 2026-01-01T11:45:00Z (drains)"),
				Events:    []Event{{Warning: true, Reason: "RemovalStuck", Message: "Cell b since 2026-01-01T11:45:00Z (drains)"}},
			},
		},
		"StaysStuck": {
			reason: "A second event would tell nothing new.",
			xr: `{status: {conditions: [{type: Removing, status: "True", reason: Stuck}],
				retiring: [{name: Cell b, since: "2026-01-01T11:00:00Z", reason: Draining, reasonSince: "2026-01-01T11:00:00Z"}]}}`,
			in: []Removal{b},
			want: Removals{
				Status:    []v1alpha1.RetiringResource{{Name: "Cell b", Since: at(-60), Reason: WaitDraining, ReasonSince: at(-60), Message: "drains"}},
				Waiting:   []string{"removal of Cell b (drains)"},
				Stuck:     1,
				Condition: True(TypeRemoving, ReasonStuck, "stuck: Cell b since 2026-01-01T11:00:00Z (drains)"),
			},
		},
		"EndsAndIsCancelled": {
			reason: "What is no removal any more is gone, unless it is wanted again.",
			xr: `{status: {conditions: [{type: Removing, status: "True"}], retiring: [
				{name: Cell a, since: "2026-01-01T11:00:00Z", reason: Draining, reasonSince: "2026-01-01T11:00:00Z"},
				{name: Cell b, since: "2026-01-01T11:00:00Z", reason: Draining, reasonSince: "2026-01-01T11:00:00Z"}]}}`,
			wanted: func(name string) bool { return name == "Cell a" },
			want: Removals{
				Condition: False(TypeRemoving, ReasonNothing, ""),
				Events:    []Event{{Reason: "RemovalCancelled", Message: "Cell a is wanted again"}, {Reason: "Removed", Message: "Cell b is gone"}},
			},
		},
		"Damaged": {
			reason: "An entry that does not tell its times, as one of an older version, begins anew.",
			xr:     `{status: {retiring: [Cell a, {name: Cell b, since: yesterday, reason: Draining}]}}`,
			in:     []Removal{b},
			want: Removals{
				Status:    []v1alpha1.RetiringResource{{Name: "Cell b", Since: at(0), Reason: WaitDraining, ReasonSince: at(0), Message: "drains"}},
				Waiting:   []string{"removal of Cell b (drains)"},
				Condition: True(TypeRemoving, ReasonRemoving, "Cell b since 2026-01-01T12:00:00Z (drains)"),
				Events:    []Event{{Reason: "RemovalStarted", Message: "Cell b is not wanted any more and will be removed"}},
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if tc.wanted == nil {
				tc.wanted = none
			}
			if diff := cmp.Diff(tc.want, Remove(parse(t, tc.xr), now, tc.in, tc.wanted)); diff != "" {
				t.Errorf("\n%s\nRemove(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDrained(t *testing.T) {
	before := `{status: {conditions: [{type: Drained, status: "True"}]}}`
	cases := map[string]struct {
		reason  string
		xr      string
		asked   bool
		waiting []string
		want    []Condition
	}{
		"NeverAsked": {reason: "Who was never asked has nothing to say.", xr: `{}`, want: nil},
		"Cancelled":  {reason: "A condition once reported cannot be taken back.", xr: before, want: []Condition{False(TypeDrained, ReasonNotRequested, "")}},
		"Draining":   {reason: "What is left is named.", xr: `{}`, asked: true, waiting: []string{"pod a"}, want: []Condition{False(TypeDrained, ReasonDraining, "waiting for pod a")}},
		"Drained":    {reason: "Nothing is left.", xr: `{}`, asked: true, want: []Condition{True(TypeDrained, ReasonDrained, "")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Drained(parse(t, tc.xr), tc.asked, tc.waiting)); diff != "" {
				t.Errorf("\n%s\nDrained(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestHasDrained(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   bool
	}{
		"Drained":   {reason: "It was asked, and says so of this specification.", want: true, in: `{metadata: {generation: 2}, spec: {drain: true}, status: {observedGeneration: 2, conditions: [{type: Drained, status: "True"}]}}`},
		"NotAsked":  {reason: "What it says is of an earlier drain.", in: `{metadata: {generation: 2}, status: {observedGeneration: 2, conditions: [{type: Drained, status: "True"}]}}`},
		"Stale":     {reason: "What it says is of an earlier specification.", in: `{metadata: {generation: 3}, spec: {drain: true}, status: {observedGeneration: 2, conditions: [{type: Drained, status: "True"}]}}`},
		"Draining":  {reason: "It is not done.", in: `{metadata: {generation: 2}, spec: {drain: true}, status: {observedGeneration: 2, conditions: [{type: Drained, status: "False"}]}}`},
		"NoAnswer":  {reason: "It did not say anything yet.", in: `{metadata: {generation: 2}, spec: {drain: true}, status: {observedGeneration: 2}}`},
		"NotObject": {reason: "What does not exist has not drained: whoever asks must look elsewhere.", in: `{}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got := HasDrained(parse(t, tc.in)); got != tc.want {
				t.Errorf("\n%s\nHasDrained(...): want %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}

// TestDrain proves that draining adds one field to what is kept, and none to what is observed.
func TestDrain(t *testing.T) {
	fields := func(spec string) string {
		return `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s, managedFields: [{manager: ` + object.ManagerPrefix + `x, operation: Apply,
			fieldsV1: {"f:spec": ` + spec + `}}]}, spec: {shardName: a, other: b}}`
	}
	for name, spec := range map[string]string{"Whole": `{}`, "Part": `{"f:shardName": {}}`} {
		t.Run(name, func(t *testing.T) {
			observed := parse(t, fields(spec))
			s := NewSet(map[string]object.Object{"s": observed})
			for _, key := range []string{"s", "nowhere"} {
				if err := s.Drain(key); err != nil {
					t.Fatal(err)
				}
			}
			kept := s.Resources()["s"].Kept
			if !kept.Bool("spec", "drain") || kept.String("spec", "shardName") != "a" {
				t.Errorf("what is kept should be asked to drain: %v", kept.Struct())
			}
			if observed.Has("spec", "drain") {
				t.Error("what is observed must not change")
			}
			if s.Has("nowhere") {
				t.Error("what is not there cannot drain")
			}
		})
	}
}
