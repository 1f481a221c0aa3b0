package v1alpha1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMergePVCDeletionPolicy(t *testing.T) {
	cases := map[string]struct {
		reason string
		child  *PVCDeletionPolicy
		parent *PVCDeletionPolicy
		want   *PVCDeletionPolicy
	}{
		"Neither": {
			reason: "Nothing merged with nothing is nothing.",
		},
		"NoChild": {
			reason: "Without a child the parent applies.",
			parent: &PVCDeletionPolicy{WhenDeleted: PVCDelete},
			want:   &PVCDeletionPolicy{WhenDeleted: PVCDelete},
		},
		"NoParent": {
			reason: "Without a parent the child applies.",
			child:  &PVCDeletionPolicy{WhenScaled: PVCDelete},
			want:   &PVCDeletionPolicy{WhenScaled: PVCDelete},
		},
		"Partial": {
			reason: "Half a policy inherits the other half.",
			child:  &PVCDeletionPolicy{WhenScaled: PVCDelete},
			parent: &PVCDeletionPolicy{WhenDeleted: PVCDelete, WhenScaled: PVCRetain},
			want:   &PVCDeletionPolicy{WhenDeleted: PVCDelete, WhenScaled: PVCDelete},
		},
		"ChildWins": {
			reason: "What the child sets wins over the parent.",
			child:  &PVCDeletionPolicy{WhenDeleted: PVCRetain, WhenScaled: PVCRetain},
			parent: &PVCDeletionPolicy{WhenDeleted: PVCDelete, WhenScaled: PVCDelete},
			want:   &PVCDeletionPolicy{WhenDeleted: PVCRetain, WhenScaled: PVCRetain},
		},
		"EmptyBoth": {
			reason: "Two policies that set nothing are no policy.",
			child:  &PVCDeletionPolicy{},
			parent: &PVCDeletionPolicy{},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := MergePVCDeletionPolicy(tc.child, tc.parent)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s\nMergePVCDeletionPolicy(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
