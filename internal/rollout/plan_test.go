package rollout

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNew(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     Input
		want   Plan
	}{
		"Bootstrap": {
			reason: "All missing pods whose volumes are there are created in one pass, the others wait.",
			in: Input{Desired: []Pod{
				{Key: "a", Hash: "1", Volumes: true}, {Key: "b", Hash: "1", Volumes: true}, {Key: "c", Hash: "1"},
			}},
			want: Plan{
				"a": {Create, ReasonMissing}, "b": {Create, ReasonMissing}, "c": {Wait, ReasonNeedVolumes},
			},
		},
		"Outdated": {
			reason: "A pod made from another specification, or from one that nobody noted, stays as it is.",
			in: Input{
				Desired:  []Pod{{Key: "a", Hash: "2", Volumes: true}, {Key: "b", Hash: "2", Volumes: true}, {Key: "c", Hash: "2"}},
				Observed: []ObservedPod{{Key: "a", Hash: "1"}, {Key: "b"}, {Key: "c", Hash: "2"}},
			},
			want: Plan{
				"a": {Freeze, ReasonOutdated}, "b": {Freeze, ReasonOutdated}, "c": {Keep, ReasonCurrent},
			},
		},
		"ScaledDown": {
			reason: "A pod that the shard does not want any more stays.",
			in:     Input{Observed: []ObservedPod{{Key: "a", Hash: "1", Ready: true}}},
			want:   Plan{"a": {Freeze, ReasonNotWanted}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, New(tc.in)); diff != "" {
				t.Errorf("\n%s\nNew(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestNewNeverLoses holds for any shard: every observed pod is decided about and none of them is created anew or left to wait,
// and a pod is created only if it does not exist.
func TestNewNeverLoses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
		hash := rapid.SampledFrom([]string{"", "1", "2"})
		in := Input{}
		for _, k := range rapid.SliceOfDistinct(keys, rapid.ID).Draw(t, "desired") {
			in.Desired = append(in.Desired, Pod{Key: k, Hash: hash.Draw(t, "hash"), Volumes: rapid.Bool().Draw(t, "volumes")})
		}
		for _, k := range rapid.SliceOfDistinct(keys, rapid.ID).Draw(t, "observed") {
			in.Observed = append(in.Observed, ObservedPod{Key: k, Hash: hash.Draw(t, "hash"), Deleting: rapid.Bool().Draw(t, "deleting")})
		}
		p := New(in)
		for _, o := range in.Observed {
			if a := p[o.Key].Action; a != Keep && a != Freeze {
				t.Fatalf("observed pod %s: want it kept or frozen, got %q", o.Key, a)
			}
		}
		if got, most := len(p), len(in.Desired)+len(in.Observed); got > most {
			t.Fatalf("want at most %d decisions, got %d", most, got)
		}
	})
}
