package tablegroup

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// shardObject returns a Shard as it is observed, its whole specification owned.
func shardObject(name, spec, status string) string {
	return `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s-` + name + `, generation: 2, managedFields: [
		{manager: ` + object.ManagerPrefix + `x, operation: Apply, fieldsV1: {"f:spec": {}}}]}, spec: {shardName: ` + name + spec + `}, status: {` + status + `}}`
}

const drained = `observedGeneration: 2, conditions: [{type: Drained, status: "True"}]`

// TestShardLeaves takes a shard out of a table group, and all shards out of one that drains.
func TestShardLeaves(t *testing.T) {
	current, old := naming.KeyShard("0-inf"), naming.KeyShard("old")
	retiring := `status: {retiring: [{name: Shard old, since: "2026-01-01T00:00:00Z", reason: Draining, reasonSince: "2026-01-01T00:00:00Z"}]}`
	draining := strings.Replace(group, "spec:\n", "spec:\n  drain: true\n", 1)
	type removal struct{ name, reason string }
	cases := map[string]struct {
		reason   string
		xr       string
		observed map[string]string
		there    []string
		// composed says of each key whether it is asked to drain.
		composed   map[string]bool
		removals   []removal
		drained    string
		inProgress bool
	}{
		"Asked": {
			reason:     "A shard that is not wanted any more is kept and asked to drain.",
			xr:         group,
			observed:   map[string]string{current: ready, old: shardObject("old", "", "")},
			composed:   map[string]bool{current: false, old: true},
			removals:   []removal{{"Shard old", compose.WaitDraining}},
			inProgress: true,
		},
		"Draining": {
			reason:     "What it says of an earlier specification does not count.",
			xr:         group + retiring,
			observed:   map[string]string{current: ready, old: shardObject("old", ", drain: true", `observedGeneration: 1, conditions: [{type: Drained, status: "True"}]`)},
			composed:   map[string]bool{current: false, old: true},
			removals:   []removal{{"Shard old", compose.WaitDraining}},
			inProgress: true,
		},
		"Stuck": {
			reason:   "What moves it is seen when it happens, so nothing needs to be asked often.",
			xr:       group + strings.ReplaceAll(retiring, "2026-01-01", "2025-12-01"),
			observed: map[string]string{current: ready, old: shardObject("old", ", drain: true", `observedGeneration: 2, conditions: [{type: Drained, status: "False"}]`)},
			composed: map[string]bool{current: false, old: true},
			removals: []removal{{"Shard old", compose.WaitDraining}},
		},
		"Drained": {
			reason:     "It goes as soon as it has drained.",
			xr:         group + retiring,
			observed:   map[string]string{current: ready, old: shardObject("old", ", drain: true", drained)},
			composed:   map[string]bool{current: false},
			removals:   []removal{{"Shard old", compose.WaitDeleting}},
			inProgress: true,
		},
		"Going": {
			reason:     "It is there until its record and volumes have gone.",
			xr:         group + retiring,
			observed:   map[string]string{current: ready},
			there:      []string{shardObject("old", ", drain: true", drained), shardObject("0-inf", "", "")},
			composed:   map[string]bool{current: false},
			removals:   []removal{{"Shard old", compose.WaitDeleting}},
			inProgress: true,
		},
		"Gone": {
			reason:   "Nothing is left of it.",
			xr:       group + retiring,
			observed: map[string]string{current: ready},
			composed: map[string]bool{current: false},
		},
		"BackAgain": {
			reason:     "A shard that is wanted again while it goes is made anew when it has gone.",
			xr:         group,
			observed:   map[string]string{current: `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s, deletionTimestamp: "2026-01-01T00:00:00Z"}, spec: {shardName: 0-inf, drain: true}, status: {conditions: [{type: Ready, status: "True"}]}}`},
			composed:   map[string]bool{current: false},
			inProgress: true,
		},
		"AllAsked": {
			reason:     "A table group that drains asks all of its shards to.",
			xr:         draining,
			observed:   map[string]string{current: shardObject("0-inf", "", `conditions: [{type: Ready, status: "True"}]`)},
			composed:   map[string]bool{current: true},
			removals:   []removal{{"Shard 0-inf", compose.WaitDraining}},
			drained:    "False",
			inProgress: true,
		},
		"AllDrained": {
			reason:     "They go as soon as they have drained, and the table group has not before they are gone.",
			xr:         draining,
			observed:   map[string]string{current: shardObject("0-inf", ", drain: true", drained)},
			removals:   []removal{{"Shard 0-inf", compose.WaitDeleting}},
			drained:    "False",
			inProgress: true,
		},
		"AllGoing": {
			reason:     "A shard that is being deleted is there.",
			xr:         draining,
			there:      []string{shardObject("0-inf", ", drain: true", drained)},
			removals:   []removal{{"Shard 0-inf", compose.WaitDeleting}},
			drained:    "False",
			inProgress: true,
		},
		"AllGone": {
			reason:  "Nothing is left, and nothing is made.",
			xr:      draining,
			drained: "True",
		},
		"DrainCancelled": {
			reason:     "Without the wish to drain everything is made again.",
			xr:         group + `status: {conditions: [{type: Drained, status: "True"}]}`,
			composed:   map[string]bool{current: false},
			drained:    "False",
			inProgress: true,
		},
		"Unknown": {
			reason:     "What is no Shard is kept as it is.",
			xr:         group,
			observed:   map[string]string{current: ready, "x": `{apiVersion: v1, kind: Secret, metadata: {name: x}}`},
			composed:   map[string]bool{current: false, "x": false},
			removals:   []removal{{"Secret x", compose.WaitInUse}},
			inProgress: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := compose.Input{
				XR: composetest.Object(t, tc.xr), Observed: composetest.Objects(t, tc.observed), Required: map[string][]object.Object{},
				Now: time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC),
			}
			out, err := Compose(in)
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Requirements) > 0 {
				want := compose.Requirement{APIVersion: "multigres.com/v1alpha1", Kind: "Shard", Namespace: "app", Labels: out.Requirements[requireShards].Labels}
				if diff := cmp.Diff(map[string]compose.Requirement{requireShards: want}, out.Requirements); diff != "" {
					t.Errorf("\n%s\nrequirements: -want, +got:\n%s", tc.reason, diff)
				}
				in.Required[requireShards] = []object.Object{}
				for _, y := range tc.there {
					in.Required[requireShards] = append(in.Required[requireShards], composetest.Object(t, y))
				}
				if out, err = Compose(in); err != nil {
					t.Fatal(err)
				}
			}
			composed := map[string]bool{}
			for key := range out.Resources {
				composed[key] = composetest.Get(t, out, key).Bool("spec", "drain")
			}
			if tc.composed == nil {
				tc.composed = map[string]bool{}
			}
			if diff := cmp.Diff(tc.composed, composed); diff != "" {
				t.Errorf("\n%s\ncomposed, with drain: -want, +got:\n%s", tc.reason, diff)
			}
			st, ok := out.Status.(*v1alpha1.TableGroupStatus)
			if !ok {
				t.Fatalf("the status is a %T", out.Status)
			}
			var got []removal
			for _, r := range st.Retiring {
				got = append(got, removal{r.Name, r.Reason})
			}
			if diff := cmp.Diff(tc.removals, got, cmp.AllowUnexported(removal{})); diff != "" {
				t.Errorf("\n%s\nretiring: -want, +got:\n%s", tc.reason, diff)
			}
			answer := ""
			for _, c := range out.Conditions {
				if c.Type == compose.TypeDrained {
					answer = string(c.Status)
				}
			}
			if answer != tc.drained {
				t.Errorf("\n%s\nDrained: want %q, got %q", tc.reason, tc.drained, answer)
			}
			if out.InProgress != tc.inProgress {
				t.Errorf("\n%s\nin progress: want %v, got %v", tc.reason, tc.inProgress, out.InProgress)
			}
			if strings.Contains(tc.xr, "drain: true") && out.Ready {
				t.Errorf("\n%s\na table group that drains is not ready", tc.reason)
			}
		})
	}
}

func TestCellsInUse(t *testing.T) {
	xr := group + `status: {retiring: [{name: Shard old}]}`
	in := compose.Input{
		XR: composetest.Object(t, xr),
		Observed: composetest.Objects(t, map[string]string{
			naming.KeyShard("0-inf"): `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s}, spec: {multiorch: {cells: [o]}, pools: {p: {cells: [s]}}}, status: {cells: [before], cellsInUse: [used]}}`,
		}),
		Required: map[string][]object.Object{requireShards: {composetest.Object(t, shardObject("old", "", "cellsInUse: [going]"))}},
	}
	out, err := Compose(in)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := out.Status.(*v1alpha1.TableGroupStatus)
	if !ok {
		t.Fatalf("the status is a %T", out.Status)
	}
	if diff := cmp.Diff([]string{"a", "b", "before", "going", "o", "s", "used"}, st.CellsInUse); diff != "" {
		t.Errorf("what is wanted, what is there, and what is on its way out use cells: -want, +got:\n%s", diff)
	}
}
