package render

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// TestRetain holds that of a cluster whose volumes are to be retained none goes with it, whatever it belongs to: data, backups, and
// the topology server. That is what a cluster gets that says nothing about it.
func TestRetain(t *testing.T) {
	cases := map[string]struct {
		reason string
		policy map[string]any
		goes   bool
	}{
		"Default": {reason: "Nobody who says nothing loses a volume."},
		"Retain":  {reason: "Who says so neither.", policy: map[string]any{"whenDeleted": "Retain", "whenScaled": "Delete"}},
		"Delete":  {reason: "Who wants them gone gets that, everywhere.", policy: map[string]any{"whenDeleted": "Delete"}, goes: true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := load(t, "three-zones")
			xr := e.root.DeepCopy()
			if tc.policy != nil {
				set(t, xr, tc.policy, "spec", "pvcDeletionPolicy")
			}
			n, err := render.Render(t.Context(), fn.New(), xr, render.Options{Others: e.others, UntilReady: true})
			if err != nil {
				t.Fatal(err)
			}
			volumes := 0
			n.Walk(func(n *render.Node, _ int) {
				goes, is := volumeGoes(n.Object)
				if !is {
					return
				}
				volumes++
				if goes != tc.goes {
					t.Errorf("\n%s\n%s %s: volume goes with it: want %v, got %v", tc.reason, n.Object.GetKind(), n.Object.GetName(), tc.goes, goes)
				}
			})
			// Nine instances, one volume for backups, one StatefulSet of the topology server.
			if volumes != 11 {
				t.Errorf("want 11 objects with volumes, got %d", volumes)
			}
		})
	}
}

// volumeGoes is true if the volumes of an object go when it does, and whether it has any.
func volumeGoes(u *unstructured.Unstructured) (bool, bool) {
	switch u.GetKind() {
	case "VolumeClaim":
		policies, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "managementPolicies")
		return len(policies) == 0 || slices.Contains(policies, "*") || slices.Contains(policies, "Delete"), true
	case "StatefulSet":
		templates, _, _ := unstructured.NestedSlice(u.Object, "spec", "volumeClaimTemplates")
		policy, _, _ := unstructured.NestedString(u.Object, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
		return policy == "Delete", len(templates) > 0
	default:
		return false, false
	}
}
