package tablegroup

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestSteersRollouts holds that who pauses the rollouts of a table group pauses those of all its shards.
func TestSteersRollouts(t *testing.T) {
	paused := strings.Replace(group, "generation: 2}", `generation: 2, annotations: {multigres.com/rollout-paused: "", multigres.com/rollout-override: roles, other: x}}`, 1)
	out, err := Compose(compose.Input{XR: composetest.Object(t, paused)})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{naming.AnnotationProjectRef: "shop", naming.AnnotationRolloutPaused: "", naming.AnnotationRolloutOverride: "roles"}
	got := composetest.Get(t, out, naming.KeyShard("0-inf")).StringMap("metadata", "annotations")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
