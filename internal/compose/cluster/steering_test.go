package cluster

import (
	"strings"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestSteersRollouts holds that who pauses the rollouts of a cluster pauses those of all its table groups, and nothing else.
func TestSteersRollouts(t *testing.T) {
	paused := strings.Replace(minimal, "generation: 2}", `generation: 2, annotations: {multigres.com/rollout-paused: "", multigres.com/rollout-override: quorum}}`, 1)
	out := mustRun(t, compose.Input{XR: composetest.Object(t, paused), Observed: grow(t, minimal, generatedSecret)}, generatedSecret)
	tg := composetest.Get(t, out, naming.KeyTableGroup("postgres", "default"))
	if !tg.Has("metadata", "annotations", naming.AnnotationRolloutPaused) || tg.Annotation(naming.AnnotationRolloutOverride) != "quorum" {
		t.Errorf("want both annotations handed down, got %v", tg.StringMap("metadata", "annotations"))
	}
	cell := composetest.Get(t, out, naming.KeyCell("zone-a"))
	if cell.Has("metadata", "annotations", naming.AnnotationRolloutPaused) {
		t.Error("a cell has nothing to pause")
	}
}
