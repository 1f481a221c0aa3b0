package naming

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLabels(t *testing.T) {
	shard := ShardID{Cluster: "minimal", Database: "postgres", TableGroup: "default", Shard: "0-inf"}

	// with returns the labels of a component of cluster minimal and more.
	with := func(component string, more ...string) map[string]string {
		l := map[string]string{
			"app.kubernetes.io/name":       "multigres",
			"app.kubernetes.io/instance":   "minimal",
			"app.kubernetes.io/component":  component,
			"app.kubernetes.io/part-of":    "multigres",
			"app.kubernetes.io/managed-by": "crossplane-multigres",
		}
		for i := 0; i < len(more); i += 2 {
			l["multigres.com/"+more[i]] = more[i+1]
		}
		return l
	}

	cases := map[string]struct {
		reason string
		got    map[string]string
		want   map[string]string
	}{
		"Standard": {
			reason: "Every object carries the recommended labels.",
			got:    Labels("minimal", ComponentMultiAdmin),
			want:   with("multiadmin"),
		},
		"Cluster": {
			reason: "An object of a cluster names it.",
			got:    ClusterLabels("minimal", ComponentMultiAdmin),
			want:   with("multiadmin", "cluster", "minimal"),
		},
		"Cell": {
			reason: "An object of a cell names it.",
			got:    CellLabels("minimal", "zone-a", ComponentMultiGateway),
			want:   with("multigateway", "cluster", "minimal", "cell", "zone-a"),
		},
		"Database": {
			reason: "An object of a database names it.",
			got:    DatabaseLabels("minimal", "postgres", ComponentTopology),
			want:   with("topology", "cluster", "minimal", "database", "postgres"),
		},
		"TableGroup": {
			reason: "An object of a table group names it.",
			got:    TableGroupLabels("minimal", "postgres", "default", ComponentTableGroup),
			want:   with("tablegroup", "cluster", "minimal", "database", "postgres", "tablegroup", "default"),
		},
		"Shard": {
			reason: "An object of a shard names it.",
			got:    shard.Labels(ComponentShard),
			want:   with("shard", "cluster", "minimal", "database", "postgres", "tablegroup", "default", "shard", "0-inf"),
		},
		"ShardCell": {
			reason: "An object of a shard in a cell names both.",
			got:    shard.CellLabels("zone-a", ComponentMultiOrch),
			want:   with("multiorch", "cluster", "minimal", "database", "postgres", "tablegroup", "default", "shard", "0-inf", "cell", "zone-a"),
		},
		"Pool": {
			reason: "A pod names its pool and cell.",
			got:    shard.PoolLabels("main", "zone-a"),
			want:   with("shard-pool", "cluster", "minimal", "database", "postgres", "tablegroup", "default", "shard", "0-inf", "cell", "zone-a", "pool", "main"),
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestSelector(t *testing.T) {
	cases := map[string]struct {
		reason string
		labels map[string]string
		want   map[string]string
	}{
		"Pool": {
			reason: "Only labels that tell pools apart are selected by.",
			labels: ShardID{"minimal", "postgres", "default", "0-inf"}.PoolLabels("main", "zone-a"),
			want: map[string]string{
				LabelComponent:  "shard-pool",
				LabelInstance:   "minimal",
				LabelCluster:    "minimal",
				LabelDatabase:   "postgres",
				LabelTableGroup: "default",
				LabelShard:      "0-inf",
				LabelPool:       "main",
				LabelCell:       "zone-a",
			},
		},
		"EmptyValue": {
			reason: "A label that is present and empty still tells objects apart.",
			labels: map[string]string{LabelShard: "", "team": "a"},
			want:   map[string]string{LabelShard: ""},
		},
		"Nil": {
			reason: "Nothing to select by gives an empty map.",
			want:   map[string]string{},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Selector(tc.labels)); diff != "" {
				t.Errorf("\n%s\nSelector(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	users, ours := map[string]string{"team": "a", LabelInstance: "other"}, map[string]string{LabelInstance: "minimal"}

	got := Merge(users, ours)
	want := map[string]string{"team": "a", LabelInstance: "minimal"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nOurs win over the user's.\nMerge(...): -want, +got:\n%s", diff)
	}

	got["changed"] = "x"
	if diff := cmp.Diff(map[string]string{"team": "a", LabelInstance: "other"}, users); diff != "" {
		t.Errorf("\nThe user's map is not shared.\n-want, +got:\n%s", diff)
	}
}

func TestLabelValue(t *testing.T) {
	long := strings.Repeat("a", 64)

	cases := map[string]struct {
		reason string
		value  string
		want   string
	}{
		"Valid":     {"A valid value is kept.", "Zone_a.1", "Zone_a.1"},
		"Empty":     {"An empty value is valid.", "", ""},
		"Longest":   {"63 characters are allowed.", long[:63], long[:63]},
		"TooLong":   {"A longer value is shortened.", long, strings.Repeat("a", 52) + "---" + Hash(long)},
		"DashFirst": {"A value starts with a letter or digit.", "-a", "x-a-" + Hash("-a")},
		"DotLast":   {"A value ends with a letter or digit.", "a.", "a--" + Hash("a.")},
		"Slash":     {"Other characters are replaced.", "a/b", "a-b-" + Hash("a/b")},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, LabelValue(tc.value)); diff != "" {
				t.Errorf("\n%s\nLabelValue(%q): -want, +got:\n%s", tc.reason, tc.value, diff)
			}
		})
	}
}

func TestLabelValueIsValid(t *testing.T) {
	valid := regexp.MustCompile(`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`)

	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zA-Z0-9._/-]{0,90}`)).Draw(t, "value")
		got := LabelValue(value)
		if len(got) > 63 || !valid.MatchString(got) {
			t.Errorf("LabelValue(%q): %q is no label value", value, got)
		}
		if again := LabelValue(got); again != got {
			t.Errorf("LabelValue(%q): %q becomes %q", value, got, again)
		}
	})
}

func TestRolloutAnnotations(t *testing.T) {
	want := map[string]string{AnnotationRolloutPaused: "", AnnotationRolloutOverride: "roles"}
	got := RolloutAnnotations(map[string]string{AnnotationRolloutPaused: "", AnnotationRolloutOverride: "roles", AnnotationProjectRef: "p", "other": "x"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
