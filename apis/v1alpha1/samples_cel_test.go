package v1alpha1_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

// plurals of the kinds that people write.
var plurals = map[string]string{
	"MultigresCluster":      "multigresclusters",
	"MultigresClusterClaim": "multigresclusterclaims",
	"CoreTemplate":          "coretemplates",
	"CellTemplate":          "celltemplates",
	"ShardTemplate":         "shardtemplates",
}

// samples returns the documents of the manifests that people have, by file name.
func samples(t *testing.T) map[string]string {
	t.Helper()

	paths, err := filepath.Glob("testdata/samples/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("Glob(...): found %d, %v", len(paths), err)
	}

	out := map[string]string{}

	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("ReadFile(...): %v", err)
		}

		out[filepath.Base(path)] = string(b)
	}

	return out
}

// kind is the kind of an object that a test is about.
func kind(obj map[string]any) string { return obj["kind"].(string) }

// Manifests that were written for other implementations of the API apply as they
// are, and nothing is added to them on the way: what is stored is what was
// written.
func TestSamples(t *testing.T) {
	loaded := definitions(t)

	for name, document := range samples(t) {
		obj := schematest.Decode(t, document)
		objs := map[string]map[string]any{name: obj}

		if kind(obj) == "MultigresCluster" {
			objs[name+" as claim"] = schematest.With(t, obj, "MultigresClusterClaim", "kind")
		}

		for name, obj := range objs {
			t.Run(name, func(t *testing.T) {
				s := loaded[plurals[kind(obj)]]
				got := schematest.Decode(t, document)
				got["kind"] = kind(obj)

				if unknown := s.PruneUnknown(got); len(unknown) > 0 {
					t.Errorf("PruneUnknown(...): want no unknown fields, got %v", unknown)
				}

				s.Default(got)

				if diff := cmp.Diff(obj, got); diff != "" {
					t.Errorf("What is stored must be what was written: -want, +got:\n%s", diff)
				}

				if errs := s.Validate(got, nil); len(errs) > 0 {
					t.Errorf("Validate(create): want no errors, got %v", errs.ToAggregate())
				}

				if errs := s.Validate(got, got); len(errs) > 0 {
					t.Errorf("Validate(update): want no errors, got %v", errs.ToAggregate())
				}
			})
		}

		t.Run(name+" as type", func(t *testing.T) {
			types := map[string]runtime.Object{
				"MultigresCluster": &v1alpha1.MultigresCluster{},
				"CoreTemplate":     &v1alpha1.CoreTemplate{},
				"CellTemplate":     &v1alpha1.CellTemplate{},
				"ShardTemplate":    &v1alpha1.ShardTemplate{},
			}

			if err := yaml.UnmarshalStrict([]byte(document), types[kind(obj)]); err != nil {
				t.Errorf("UnmarshalStrict(...): the Go type must know all fields: %v", err)
			}
		})
	}
}

// Two of the manifests were refused when they were first published, and still
// are without the place that was added to their cells.
func TestCellWithoutPlace(t *testing.T) {
	s := definitions(t)["multigresclusters"]

	for name, cell := range map[string]int{"overrides.yaml": 0, "external-etcd.yaml": 1} {
		t.Run(name, func(t *testing.T) {
			obj := schematest.Decode(t, samples(t)[name])
			errs := s.Validate(schematest.Without(t, obj, "spec", "cells", cell, "zoneId"), nil)

			if len(errs) != 1 || errs[0].Detail != "a cell needs one of zoneId, region and zone" {
				t.Errorf("Validate(...): want the rule about places, got %v", errs.ToAggregate())
			}
		})
	}
}

// What a person may change in a living cluster, and what not.
func TestUpdates(t *testing.T) {
	s := definitions(t)["multigresclusters"]
	obj := schematest.Decode(t, samples(t)["topology.yaml"])
	shard := []any{"spec", "databases", 0, "tablegroups", 0, "shards", 0}
	pool := append(slices.Clone(shard), "spec", "pools", "main")
	at := func(path []any, more ...any) []any { return append(slices.Clone(path), more...) }

	cases := map[string]struct {
		reason string
		from   map[string]any
		to     map[string]any
		want   []string
	}{
		"CellAdded": {
			reason: "A cluster grows by cells.",
			from:   schematest.With(t, obj, []any{map[string]any{"name": "z1", "zoneId": "use1-az1"}}, "spec", "cells"),
			to:     obj,
		},
		"CellRemoved": {
			reason: "A cell that is removed is drained; the schema does not stand in the way.",
			from:   obj,
			to:     schematest.With(t, obj, []any{map[string]any{"name": "z1", "zoneId": "use1-az1"}}, "spec", "cells"),
		},
		"CellMoved": {
			reason: "A cell cannot move: its volumes would stay behind.",
			from:   obj,
			to:     schematest.With(t, obj, "use1-az4", "spec", "cells", 1, "zoneId"),
			want:   []string{"spec.cells[1]"},
		},
		"PoolAdded": {
			reason: "A shard grows by pools.",
			from:   obj,
			to:     schematest.With(t, obj, map[string]any{}, at(shard, "spec", "pools", "second")...),
		},
		"PoolRemoved": {
			reason: "A pool that is removed is drained; the schema does not stand in the way.",
			from:   schematest.With(t, obj, map[string]any{}, at(shard, "spec", "pools", "second")...),
			to:     obj,
		},
		"PoolLeavesCell": {
			reason: "Instances of a cell that a pool leaves are drained.",
			from:   obj,
			to:     schematest.With(t, obj, []any{"z1"}, at(pool, "cells")...),
		},
		"ReplicasChanged": {
			reason: "Pools scale in both directions.",
			from:   obj,
			to:     schematest.With(t, obj, 1, at(pool, "replicasPerCell")...),
		},
		"VolumeShrinks": {
			reason: "Volumes do not shrink.",
			from:   obj,
			to:     schematest.With(t, obj, "512Mi", at(pool, "storage", "size")...),
			want:   []string{"spec.databases[0].tablegroups[0].shards[0].spec.pools[main].storage.size"},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, err := range s.Validate(tc.to, tc.from) {
				got = append(got, err.Field)
			}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nrefused paths: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// anyKey are the fields whose keys people choose.
var anyKey = []string{
	"annotations", "labels", "limits", "matchLabels", "metadata", "podAnnotations", "podLabels", "pools", "postgresConfig", "requests",
}

// A misspelt field is found, wherever it is: with strict validation an API
// server refuses what it would have to remove.
func TestUnknownFields(t *testing.T) {
	const misspelt = "misspelt"

	loaded := definitions(t)

	for name, document := range samples(t) {
		t.Run(name, func(t *testing.T) {
			obj := schematest.Decode(t, document)
			want := spoil(obj, "", "", misspelt)
			got := loaded[plurals[kind(obj)]].PruneUnknown(obj)

			slices.Sort(want)
			slices.Sort(got)

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("PruneUnknown(...): -want, +got:\n%s", diff)
			}

			if diff := cmp.Diff(schematest.Decode(t, document), obj); diff != "" {
				t.Errorf("Only unknown fields may be removed: -want, +got:\n%s", diff)
			}
		})
	}
}

// spoil adds a field to each object in a value and returns the paths of what it
// added.
func spoil(value any, path, field, name string) []string {
	var out []string

	switch value := value.(type) {
	case []any:
		for i := range value {
			out = append(out, spoil(value[i], fmt.Sprintf("%s[%d]", path, i), "", name)...)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(value)) {
			out = append(out, spoil(value[k], strings.TrimPrefix(path+"."+k, "."), k, name)...)
		}

		if !slices.Contains(anyKey, field) {
			value[name] = true
			out = append(out, strings.TrimPrefix(path+"."+name, "."))
		}
	}

	return out
}
