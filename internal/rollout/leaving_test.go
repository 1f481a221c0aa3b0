package rollout

import (
	"testing"
)

// TestLeaving holds what becomes of the registration and of the volume of a member, from the moment that it is not wanted any
// more: one after the other, each when the one before is surely done.
func TestLeaving(t *testing.T) {
	type fate struct {
		listing Listing
		volume  VolumeAction
	}
	remove := func(changes ...change) []change { return append([]change{unwanted("d"), deleting("d")}, changes...) }
	released := member("d", func(m *Member) { m.Volume.Released = true })
	removedListing := member("d", func(m *Member) { m.Listing = Removed })
	cases := map[string]struct {
		reason  string
		changes []change
		want    fate
	}{
		"Wanted":      {"A member that is wanted keeps all.", []change{deleting("d"), released}, fate{Expected, VolumeKeep}},
		"Living":      {"While its pod lives it is expected.", remove(), fate{Expected, VolumeKeep}},
		"Terminating": {"So it is while its pod is going.", remove(terminating("d", 1)), fate{Expected, VolumeKeep}},
		"Gone":        {"Then its registration goes.", remove(gone("d")), fate{Removed, VolumeKeep}},
		"Registered":  {"While something is left in the topology its volume stays.", remove(gone("d"), removedListing, released), fate{Removed, VolumeKeep}},
		"RecordOld": {
			"What the record said before it was told does not count.", remove(forgotten("d"), released, func(in *Input) { in.Record.Current = false }),
			fate{Removed, VolumeKeep},
		},
		"RecordFailed": {
			"What could not be observed is not gone.", remove(forgotten("d"), released, func(in *Input) { in.Record.Known = false }),
			fate{Unlisted, VolumeKeep},
		},
		"NoLeader":  {"No volume goes while the shard does not live without it.", remove(forgotten("d"), released, leader("")), fate{Unlisted, VolumeKeep}},
		"Forgotten": {"Then the claim is told to take the volume along.", remove(forgotten("d")), fate{Unlisted, VolumeRelease}},
		"Released":  {"When it has been told it goes.", remove(forgotten("d"), released), fate{Unlisted, VolumeRemove}},
		"Retained": {
			"No volume goes under Retain, even if its claim would take it along.",
			remove(forgotten("d"), released, member("d", func(m *Member) { m.Volume.DeleteWhenScaled = false })),
			fate{Unlisted, VolumeKeep},
		},
		"NoVolume": {"There may be none.", remove(forgotten("d"), released, member("d", func(m *Member) { m.Volume.Exists = false })), fate{Unlisted, VolumeKeep}},
		"Paused":   {"No volume goes while the rollout is paused.", remove(forgotten("d"), released, paused), fate{Unlisted, VolumeKeep}},
		"WantedAgain": {
			"A member that is wanted again keeps its volume, however far its removal had come.",
			[]change{forgotten("d"), deleting("d"), released},
			fate{Expected, VolumeKeep},
		},
		"Stranger": {
			"What is registered and listed nowhere is removed like a member that has gone.",
			remove(gone("d"), member("d", func(m *Member) { m.Listing = Unlisted })),
			fate{Removed, VolumeKeep},
		},
		"Drained":         {"A shard that goes keeps its volumes; they go with it by another policy.", remove(drained, forgotten("d"), released), fate{Unlisted, VolumeKeep}},
		"DrainedWanted":   {"A member of a shard that goes is removed like one that is not wanted.", []change{drained, gone("d")}, fate{Removed, VolumeKeep}},
		"ForeignPodIsNot": {"Somebody else's pod is not the member's.", remove(member("d", func(m *Member) { m.Pod.Foreign = true })), fate{Removed, VolumeKeep}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			d := New(shard("xxxx", tc.changes...)).Decisions["d"]
			if got := (fate{d.Listing, d.Volume}); got != tc.want {
				t.Errorf("\n%s\nwant %v, got %v", tc.reason, tc.want, got)
			}
		})
	}
}
