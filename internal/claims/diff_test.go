package claims

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	desired := Claim[place]{Context: a, Items: Items{"x": "1", "y": "1"}}
	settled := Claims[place]{desired}
	type want struct {
		ops      Ops[place]
		upToDate bool
		changed  bool
		changes  bool
	}
	cases := map[string]struct {
		reason   string
		claims   Claims[place]
		observed map[place]Observed
		want     want
	}{
		"UpToDate": {
			reason:   "What is desired, there and claimed needs nothing, whoever else is there.",
			claims:   settled,
			observed: map[place]Observed{a: {"x": "1", "y": "1", "foreign": "1"}},
			want:     want{upToDate: true},
		},
		"First": {
			reason:   "What is not there is added.",
			observed: map[place]Observed{a: {}},
			want:     want{ops: Ops[place]{Add: []string{"x", "y"}, Rewrite: true}, changes: true},
		},
		"UnclaimedButThere": {
			reason:   "Claims are rewritten even if nothing is to be done outside, or else a later removal is never made.",
			observed: map[place]Observed{a: {"x": "1", "y": "1"}},
			want:     want{ops: Ops[place]{Rewrite: true}},
		},
		"Drift": {
			reason:   "What was changed or deleted by hand is repaired though the claims are as desired.",
			claims:   settled,
			observed: map[place]Observed{a: {"x": "2"}},
			want:     want{ops: Ops[place]{Add: []string{"y"}, Update: []string{"x"}}, changes: true},
		},
		"Remove": {
			reason:   "Only what is claimed is removed.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1", "y": "1", "old": "1"}}},
			observed: map[place]Observed{a: {"x": "1", "y": "1", "old": "9", "foreign": "1"}},
			want:     want{ops: Ops[place]{Remove: []string{"old"}, Rewrite: true}, changes: true},
		},
		"RemovedByOthers": {
			reason:   "What is gone already is only forgotten.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1", "y": "1", "old": "1"}}},
			observed: map[place]Observed{a: {"x": "1", "y": "1"}},
			want:     want{ops: Ops[place]{Rewrite: true}},
		},
		"ContextChanged": {
			reason:   "All that is claimed in a previous context goes.",
			claims:   Claims[place]{{Context: b, Items: Items{"x": "1", "old": "1", "gone": "1"}}},
			observed: map[place]Observed{a: {}, b: {"x": "1", "old": "1", "foreign": "1"}},
			want: want{
				ops:     Ops[place]{Add: []string{"x", "y"}, Previous: []Removal[place]{{Context: b, Remove: []string{"old", "x"}}}, Rewrite: true},
				changed: true, changes: true,
			},
		},
		"OnlyPreviousLeft": {
			reason:   "A previous context alone is something to do.",
			claims:   Claims[place]{desired, {Context: b, Items: Items{"x": "1"}}},
			observed: map[place]Observed{a: {"x": "1", "y": "1"}, b: {"x": "1"}},
			want:     want{ops: Ops[place]{Previous: []Removal[place]{{Context: b, Remove: []string{"x"}}}, Rewrite: true}, changed: true, changes: true},
		},
		"PreviousClean": {
			reason:   "A previous context that is clean is only forgotten.",
			claims:   Claims[place]{desired, {Context: b, Items: Items{"x": "1"}}},
			observed: map[place]Observed{a: {"x": "1", "y": "1"}, b: {}},
			want:     want{ops: Ops[place]{Previous: []Removal[place]{{Context: b}}, Rewrite: true}, changed: true},
		},
		"PreviousUnknown": {
			reason:   "A previous context that cannot be reached is pending, and all else is done.",
			claims:   Claims[place]{desired, {Context: b, Items: Items{"x": "1"}}},
			observed: map[place]Observed{a: {"x": "1", "y": "1"}},
			want:     want{ops: Ops[place]{Pending: []place{b}}, upToDate: true, changed: true},
		},
		"DesiredUnknown": {
			reason:   "Nothing is done where nothing is known.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1", "y": "1", "old": "1"}}},
			observed: map[place]Observed{},
			want:     want{ops: Ops[place]{Pending: []place{a}}, upToDate: true, changed: true},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			ops := Diff(tc.claims, tc.observed, desired)
			got := want{ops: ops, upToDate: ops.UpToDate(), changed: ops.ContextChanged(), changes: ops.Changes()}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nDiff(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDeletion(t *testing.T) {
	cases := map[string]struct {
		reason   string
		claims   Claims[place]
		observed map[place]Observed
		want     Ops[place]
	}{
		"AllContexts": {
			reason:   "What is claimed goes in all contexts, whatever the spec says.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1"}}, {Context: b, Items: Items{"y": "1", "z": "1"}}},
			observed: map[place]Observed{a: {"x": "9", "foreign": "1"}, b: {"z": "1", "y": "1"}},
			want:     Ops[place]{Previous: []Removal[place]{{Context: a, Remove: []string{"x"}}, {Context: b, Remove: []string{"y", "z"}}}},
		},
		"Clean": {
			reason:   "When nothing is left there is nothing to do.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1"}}},
			observed: map[place]Observed{a: {"foreign": "1"}},
		},
		"Unknown": {
			reason:   "A context that cannot be reached is waited for.",
			claims:   Claims[place]{{Context: a, Items: Items{"x": "1"}}},
			observed: map[place]Observed{},
			want:     Ops[place]{Pending: []place{a}},
		},
		"NoClaims": {
			reason:   "Without claims nothing is removed.",
			observed: map[place]Observed{a: {"foreign": "1"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Deletion(tc.claims, tc.observed)); diff != "" {
				t.Errorf("\n%s\nDeletion(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
