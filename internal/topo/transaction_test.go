package topo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestRefusal(t *testing.T) {
	none, unowned := Writer{Token: 5, Owner: "me"}, Writer{Token: 5, Owner: "me", Adopt: AdoptUnowned}
	anyone := Writer{Token: 5, Owner: "me", Adopt: AdoptAny}
	now := fenceValue(5)

	cases := map[string]struct {
		reason string
		writer Writer
		change change
		found  found
		want   error
	}{
		"Fenced": {
			reason: "Who no longer leads learns that first.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: fenceValue(6), owner: "other"},
			want: ErrFenced,
		},
		"CreateExists": {
			reason: "A record without an owner is not created again.",
			writer: none, change: change{create: true}, found: found{fence: now, revision: 3},
			want: ErrExists,
		},
		"CreateMine": {
			reason: "Nor is the writer's own, which a lost reply may have left.",
			writer: none, change: change{create: true}, found: found{fence: now, revision: 3, owner: "me"},
			want: ErrExists,
		},
		"CreateOther": {
			reason: "A record of another is named as such.",
			writer: unowned, change: change{create: true}, found: found{fence: now, revision: 3, owner: "other"},
			want: ErrOwnedByOther,
		},
		"CreateAfterDeletionByHand": {
			reason: "The writer's own owner key does not stand in its way.",
			writer: none, change: change{create: true}, found: found{fence: now, owner: "me"},
		},
		"CreateOnForeignClaim": {
			reason: "The owner key of another holds its path.",
			writer: unowned, change: change{create: true}, found: found{fence: now, owner: "other"},
			want: ErrOwnedByOther,
		},
		"CreateTakeOver": {
			reason: "A person may ask to take it.",
			writer: anyone, change: change{create: true}, found: found{fence: now, owner: "other"},
		},
		"Changed": {
			reason: "Somebody wrote the record since it was read.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: now, revision: 4, owner: "me"},
			want: ErrConflict,
		},
		"Gone": {
			reason: "Somebody deleted the record since it was read.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: now, owner: "me"},
			want: ErrAbsent,
		},
		"GoneWithOwner": {
			reason: "Somebody deleted the record and its owner key since it was read.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: now},
			want: ErrAbsent,
		},
		"Lost": {
			reason: "Somebody took the record since it was read.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: now, revision: 3, owner: "other"},
			want: ErrOwnedByOther,
		},
		"Disowned": {
			reason: "Somebody removed the owner since it was read, and adoption is off.",
			writer: none, change: change{revision: 3, owner: "me"}, found: found{fence: now, revision: 3},
			want: ErrOwnedByOther,
		},
		"AdoptedMeanwhile": {
			reason: "An adoption whose reply was lost is read again.",
			writer: unowned, change: change{revision: 3}, found: found{fence: now, revision: 3, owner: "me"},
			want: ErrConflict,
		},
		"BackAgain": {
			reason: "A record that is there again is not deleted with its owner key.",
			writer: none, change: change{owner: "me", remove: true}, found: found{fence: now, revision: 9, owner: "me"},
			want: ErrConflict,
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, refusal(tc.writer, tc.change, tc.found), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nrefusal(...): -want +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestFenceOrder checks that etcd, which compares bytes, orders tokens as
// numbers, and that the bound of Raise holds the fences it must not lower.
func TestFenceOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64Min(0).Draw(t, "a"), rapid.Int64Min(0).Draw(t, "b")

		if (a < b) != (fenceValue(a) < fenceValue(b)) {
			t.Errorf("%d and %d are ordered otherwise as %q and %q", a, b, fenceValue(a), fenceValue(b))
		}

		if (a >= b) != (fenceValue(a) > prior(fenceValue(b))) {
			t.Errorf("fence %d is on the wrong side of the bound of %d", a, b)
		}
	})
}
