package platform

import (
	"path/filepath"
	"testing"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// TestExampleNodes shows that pods of every cell of the examples find a node: a zone that is forgotten shows as a cluster that
// never becomes ready, long after.
func TestExampleNodes(t *testing.T) {
	zones := map[string]bool{}
	for _, n := range ExampleNodes() {
		zones[n.Labels[labelZoneID]] = true
	}

	files, err := filepath.Glob("../../examples/*/xr.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("cannot find examples: %v", err)
	}

	for _, file := range files {
		all, err := manifest.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for _, o := range all {
			spec, _ := o.Object["spec"].(map[string]any)
			cells, _ := spec["cells"].([]any)

			for _, c := range cells {
				cell, _ := c.(map[string]any)

				for _, key := range []string{"zone", "zoneId"} {
					if zone, ok := cell[key].(string); ok && !zones[zone] {
						t.Errorf("%s: there should be a node in %s %s", file, key, zone)
					}
				}
			}
		}
	}
}
