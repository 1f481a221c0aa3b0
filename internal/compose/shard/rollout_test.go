package shard

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// three are the keys of the pods of the minimal shard.
var three = []string{naming.KeyPod("main", "z1", 0), naming.KeyPod("main", "z1", 1), naming.KeyPod("main", "z1", 2)}

// roll composes and applies until the shard is at rest, and returns the keys of the pods that were removed, in that order. No
// more than one pod may be away at any time.
func (w *world) roll(limit int) []string {
	w.t.Helper()
	var order []string
	for range limit {
		before := composed(w.t, w.out, "Pod")
		out := w.compose()
		away := 0
		for _, key := range before {
			if _, ok := out.Resources[key]; ok {
				continue
			}
			away++
			if len(order) == 0 || order[len(order)-1] != key {
				order = append(order, key)
			}
		}
		if away+len(w.lingering) > 1 {
			w.t.Fatalf("%d pods are away at once", away+len(w.lingering))
		}
		w.lingering = nil
		w.apply()
		if !out.InProgress {
			return order
		}
	}
	w.t.Fatalf("not at rest after %d passes: %+v", limit, w.out.Conditions)
	return nil
}

func condition(t testing.TB, out compose.Output, typ string) compose.Condition {
	t.Helper()
	for _, c := range out.Conditions {
		if c.Type == typ {
			return c
		}
	}
	t.Fatalf("want a condition %s", typ)
	return compose.Condition{}
}

// TestRollingUpdate rolls a shard from one image to another, through pods that take their time to go.
func TestRollingUpdate(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	w.lingers = true
	w.set(change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:v9"))
	if diff := cmp.Diff([]string{three[1], three[2], three[0]}, w.roll(40)); diff != "" {
		t.Errorf("the leader goes last: -want, +got:\n%s", diff)
	}
	st := statusOf(t, w.out)
	if st.UpdatedReplicas != 3 || st.Rollout != nil || condition(t, w.out, TypeRollingUpdate).Reason != reasonUpToDate {
		t.Errorf("want all updated, got %+v", st)
	}
	for _, key := range three {
		if img := w.in.Observed[key].List("spec", "initContainers")[0].String("image"); img != "pgctld:v9" {
			t.Errorf("%s: want the new image, got %s", key, img)
		}
	}
}

// TestRolloutStatus holds what a person sees of a rollout: the pod in hand, what it waits for, since when, and no more of it
// changes than what happens.
func TestRolloutStatus(t *testing.T) {
	const prefix = "orders-postgres-default-0-inf-pool-main-z1-48700c48-"
	w := newWorld(t, minimal, nil)
	w.settle()
	w.set(change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:v9"))
	out := w.compose()
	roll := condition(t, out, TypeRollingUpdate)
	if want := "0 of 3 instances updated; " + prefix + "1: waits for the shard's record to be read again"; roll.Reason != reasonReplacing || roll.Message != want {
		t.Errorf("want %q, got %s %q", want, roll.Reason, roll.Message)
	}
	w.apply()
	out = w.compose()
	want := []compose.Event{
		{Reason: "ReplacingPod", Message: prefix + "1: goes, all others are steady (Outdated)"},
		{Reason: "RollingUpdateReplacing", Message: "0 of 3 instances updated; " + prefix + "1: goes, all others are steady"},
	}
	if diff := cmp.Diff(want, out.Events); diff != "" {
		t.Errorf("events: -want, +got:\n%s", diff)
	}
	w.apply()
	w.compose()
	w.apply()
	w.edit(three[1], unready, "status", "conditions")
	w.set(w.source + "status: {rollout: {pod: x, reason: y, since: \"2025-01-01T00:00:00Z\"}}\n")
	got := statusOf(t, w.compose()).Rollout
	if got == nil || got.Pod != prefix+"1" || got.Reason != "MemberNotSteady" || got.Message != prefix+"2: waits for "+prefix+"1, which is not ready" ||
		got.Since.UTC().Format("15:04:05") != "00:59:30" {
		t.Errorf("want the pod in hand since it is not ready, got %+v", got)
	}
}

// TestCohortChanging holds that no pod goes while the record shows that the cohort or its leader has just changed, or is about to.
func TestCohortChanging(t *testing.T) {
	for name, tc := range map[string]struct {
		reason string
		edit   func(*world)
	}{
		"Rule": {reason: "The rule in force is ten seconds old.", edit: func(w *world) {
			w.edit(naming.KeyShardRecord, now.Add(-10*time.Second).Format(time.RFC3339), "status", "atProvider", "ruleMade")
		}},
		"Election": {reason: "Others have promised to follow somebody else.", edit: func(w *world) {
			poolers := w.in.Observed[naming.KeyShardRecord].List("status", "atProvider", "poolers")
			leads := poolers[0].Struct().AsMap()
			leads["term"] = 2
			b, err := json.Marshal([]any{leads, poolers[1].Struct().AsMap(), poolers[2].Struct().AsMap()})
			if err != nil {
				t.Fatal(err)
			}
			w.edit(naming.KeyShardRecord, string(b), "status", "atProvider", "poolers")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			w.set(change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:v9"))
			w.compose()
			w.apply()
			tc.edit(w)
			out := w.compose()
			if diff := cmp.Diff(three, composed(t, out, "Pod")); diff != "" {
				t.Errorf("%s\npods: -want, +got:\n%s", tc.reason, diff)
			}
			if got := statusOf(t, out).Rollout; got == nil || got.Reason != "CohortChanging" {
				t.Errorf("%s\nwant the reason CohortChanging, got %+v", tc.reason, got)
			}
		})
	}
}

// TestRolloutSince holds that a time that nothing observed tells is noted once and carried over.
func TestRolloutSince(t *testing.T) {
	const reason = "pod: orders-postgres-default-0-inf-pool-main-z1-48700c48-1, reason: Paused"
	cases := map[string]struct {
		reason string
		status string
		want   string
	}{
		"New":     {"What begins now begins now.", "", "2026-01-01T01:00:00Z"},
		"Carried": {"What had begun before goes on.", "status: {rollout: {" + reason + ", since: \"2026-01-01T00:30:00Z\"}}\n", "2026-01-01T00:30:00Z"},
		"Damaged": {"What cannot be read begins now.", "status: {rollout: {" + reason + ", since: yesterday}}\n", "2026-01-01T01:00:00Z"},
		"Other":   {"Another reason begins now.", "status: {rollout: {pod: x, reason: Paused, since: \"2026-01-01T00:30:00Z\"}}\n", "2026-01-01T01:00:00Z"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			xr := change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:v9")
			w.set(change(t, xr, "generation: 2}", "generation: 2, annotations: {multigres.com/rollout-paused: \"\"}}") + tc.status)
			out := w.compose()
			st := statusOf(t, out)
			if st.Rollout == nil || st.Rollout.Since.UTC().Format("2006-01-02T15:04:05Z") != tc.want {
				t.Errorf("\n%s\nwant since %s, got %+v", tc.reason, tc.want, st.Rollout)
			}
			if out.InProgress {
				t.Error("a rollout that is paused is at rest")
			}
		})
	}
}

// TestBadImage holds that an image that does not come up takes one pod, and that a mended specification finishes.
func TestBadImage(t *testing.T) {
	w := newWorld(t, minimal, nil)
	w.settle()
	w.set(change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:bad") + "status: {phase: Healthy}\n")
	broken := func() {
		for _, key := range three {
			if o := w.in.Observed[key]; o.Exists() && o.List("spec", "initContainers")[0].String("image") == "pgctld:bad" {
				w.edit(key, `{phase: Pending, conditions: [{type: Ready, status: "False", lastTransitionTime: "2026-01-01T00:40:00Z"}]}`, "status")
			}
		}
		record := w.in.Observed[naming.KeyShardRecord]
		for i, p := range record.List("status", "atProvider", "poolers") {
			if pod := w.in.Observed[three[i]]; pod.Exists() && !compose.Ready(pod) {
				p.Struct().Fields["reachable"], p.Struct().Fields["postgresReady"], p.Struct().Fields["inCohort"] = nil, nil, nil
			}
		}
	}
	for range 20 {
		w.compose()
		w.apply()
		broken()
	}
	if diff := cmp.Diff(three, composed(t, w.out, "Pod")); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	out := w.compose()
	st := statusOf(t, out)
	if st.UpdatedReplicas != 1 || st.ReadyReplicas != 2 || condition(t, out, TypeRollingUpdate).Reason != "Stalled" {
		t.Errorf("want one pod broken, and that said, got %+v %+v", st, out.Conditions)
	}
	if c := condition(t, out, compose.TypeDegraded); c.Reason != "Stalled" {
		t.Errorf("want the shard degraded by it, got %+v", c)
	}
	w.set(change(t, minimal, "postgres: pgctld:v0.1.0", "postgres: pgctld:mended"))
	if diff := cmp.Diff([]string{three[1], three[2], three[0]}, w.roll(40)); diff != "" {
		t.Errorf("the broken one goes first: -want, +got:\n%s", diff)
	}
}

// TestReloadSafe holds that settings which a reload applies take no pod, and those that need a restart take all, one by one.
func TestReloadSafe(t *testing.T) {
	cases := map[string]struct {
		setting string
		want    []string
	}{
		"Reload":  {"work_mem: 9MB", nil},
		"Restart": {"max_locks_per_transaction: \"128\"", []string{three[1], three[2], three[0]}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, minimal, nil)
			w.settle()
			before := w.in.Observed[three[0]].Annotation(naming.AnnotationPostgresReloadHash)
			w.set(change(t, minimal, "  pools:\n", "  postgresConfig: {"+tc.setting+"}\n  pools:\n"))
			if diff := cmp.Diff(tc.want, w.roll(40)); diff != "" {
				t.Errorf("-want, +got:\n%s", diff)
			}
			record := w.in.Observed[naming.KeyShardRecord].String("spec", "forProvider", "settings", "hash")
			for _, key := range three {
				if got := w.in.Observed[key].Annotation(naming.AnnotationPostgresReloadHash); got != record {
					t.Errorf("%s: want the settings that the record asks for, %s, got %s", key, record, got)
				}
			}
			if (before != record) != (name == "Reload") {
				t.Errorf("want the hash of the settings that a reload applies to change with them only")
			}
		})
	}
}

// TestScaleDown follows members that are not wanted any more to their end, and what becomes of their volumes.
func TestScaleDown(t *testing.T) {
	five := change(t, minimal, "replicasPerCell: 3", "replicasPerCell: 5")
	policy := func(whenScaled string) func(string) string {
		return func(xr string) string {
			return change(t, xr, "  pools:\n", "  pvcDeletionPolicy: {whenScaled: "+whenScaled+"}\n  pools:\n")
		}
	}
	claims := []string{naming.KeyDataClaim("main", "z1", 3), naming.KeyDataClaim("main", "z1", 4)}
	pods := []string{naming.KeyPod("main", "z1", 3), naming.KeyPod("main", "z1", 4)}
	cases := map[string]struct {
		reason   string
		with     func(string) string
		retained int
	}{
		"Default": {"Volumes are kept unless somebody says otherwise.", func(xr string) string { return xr }, 2},
		"Retain":  {"They are kept, and told.", policy("Retain"), 2},
		"Delete":  {"They go, after pod and registration have.", policy("Delete"), 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.with(five), nil)
			w.settle()
			w.lingers = true
			w.set(tc.with(minimal))
			if diff := cmp.Diff(pods, w.roll(40)); diff != "" {
				t.Errorf("\n%s\npods that go: -want, +got:\n%s", tc.reason, diff)
			}
			var kept []string
			for _, key := range claims {
				if o := w.in.Observed[key]; o.Exists() {
					kept = append(kept, o.Name())
					if released(o) {
						t.Errorf("%s would take its volume along", key)
					}
				}
			}
			if diff := cmp.Diff(kept, statusOf(t, w.compose()).RetainedVolumes); diff != "" || len(kept) != tc.retained {
				t.Errorf("\n%s\nwant %d volumes kept, and told: -want, +got:\n%s", tc.reason, tc.retained, diff)
			}
			if rec := w.in.Observed[naming.KeyShardRecord]; len(rec.List("spec", "forProvider", "removed")) > 0 {
				t.Error("want nothing left to remove")
			}
			w.set(tc.with(five))
			w.roll(40)
			if diff := cmp.Diff(slices.Concat(three, pods), composed(t, w.out, "Pod")); diff != "" {
				t.Errorf("what is wanted again comes back: -want, +got:\n%s", diff)
			}
		})
	}
}

// TestVolumeGoesLast holds the order in which a member leaves: its pod, its registration, the claim's permission, the claim.
func TestVolumeGoesLast(t *testing.T) {
	four := change(t, minimal, "replicasPerCell: 3", "replicasPerCell: 4")
	delete4 := func(xr string) string {
		return change(t, xr, "  pools:\n", "  pvcDeletionPolicy: {whenScaled: Delete, whenDeleted: Retain}\n  pools:\n")
	}
	w := newWorld(t, delete4(four), nil)
	w.settle()
	w.lingers = true
	w.set(delete4(minimal))
	pod, claim := naming.KeyPod("main", "z1", 3), naming.KeyDataClaim("main", "z1", 3)
	id := naming.ServiceID(w.in.Observed[pod].Name())
	state := func(out compose.Output) string {
		var b []string
		_, ok := out.Resources[pod]
		switch {
		case ok:
			b = append(b, "pod")
		case len(w.lingering) > 0:
			b = append(b, "terminating")
		}
		params := composetest.Get(t, out, naming.KeyShardRecord).At("spec", "forProvider")
		for _, l := range []string{"poolers", "removed"} {
			if slices.ContainsFunc(params.List(l), func(p object.Object) bool { return p.String("serviceID") == id }) {
				b = append(b, l)
			}
		}
		if _, ok := out.Resources[claim]; ok {
			b = append(b, "claim")
			if released(composetest.Get(t, out, claim)) {
				b = append(b, "released")
			}
		}
		return strings.Join(b, " ")
	}
	var got []string
	for i := range 14 {
		out := w.compose()
		if s := state(out); len(got) == 0 || got[len(got)-1] != s {
			got = append(got, s)
		}
		switch i {
		case 4:
			// The topology does not let go at once.
			w.leftovers = []any{id}
		case 7:
			w.leftovers = nil
		}
		if i == 3 {
			w.lingering = nil
			w.lingers = false
		}
		w.apply()
	}
	want := []string{"pod poolers claim", "poolers claim", "terminating poolers claim", "removed claim", "claim released", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestCellRemoved follows a cell out of a pool.
func TestCellRemoved(t *testing.T) {
	two := change(t, minimal, "cells: [z1]", "cells: [z1, z2]")
	w := newWorld(t, two, nil)
	w.settle()
	w.lingers = true
	w.set(minimal)
	if diff := cmp.Diff([]string{"z1", "z2"}, statusOf(t, w.compose()).CellsInUse); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	want := []string{naming.KeyPod("main", "z2", 0), naming.KeyPod("main", "z2", 1), naming.KeyPod("main", "z2", 2)}
	if diff := cmp.Diff(want, w.roll(60)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	out := w.compose()
	if diff := cmp.Diff([]string{"z1"}, statusOf(t, out).CellsInUse); diff != "" {
		t.Errorf("nothing is left in the cell: -want, +got:\n%s", diff)
	}
	rec := composetest.Get(t, out, naming.KeyShardRecord)
	if diff := cmp.Diff([]string{"z1"}, rec.Strings("spec", "forProvider", "cells")); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if _, ok := out.Resources[naming.KeyHeadlessService("main", "z2")]; ok {
		t.Error("want no Service for a cell without pods")
	}
}

// TestUnseen holds that pods which were made a moment ago, and which nobody sees yet, keep what they are started with when their cell
// goes and the certificate is another one: the record lists them.
func TestUnseen(t *testing.T) {
	w := newWorld(t, change(t, minimal, "cells: [z1]", "cells: [z1, z2]"), map[string][]object.Object{
		requireCertificate: certificateOf(t, "YQ==", "YQ=="),
	})
	w.settle()
	for _, cell := range []string{"z1", "z2"} {
		for i := range 3 {
			delete(w.in.Observed, naming.KeyPod("main", cell, i))
		}
	}
	w.set(own)
	out := w.compose()
	for _, key := range []string{naming.KeyHeadlessService("main", "z2"), naming.KeyPgBackRestTLS} {
		if _, ok := out.Resources[key]; !ok {
			t.Errorf("want %s kept", key)
		}
	}
}

// TestDrain follows a whole shard out of its table group, and back.
func TestDrain(t *testing.T) {
	w := newWorld(t, minimal, nil)
	before := w.settle()
	w.lingers = true
	drain := change(t, minimal, "  pools:\n", "  drain: true\n  pools:\n")
	w.set(drain)
	out := w.compose()
	if diff := cmp.Diff(three[:1], composed(t, out, "Pod")); diff != "" {
		t.Errorf("all but the leader go: -want, +got:\n%s", diff)
	}
	if c := condition(t, out, compose.TypeDrained); c.Status != "False" || out.Ready || !out.InProgress {
		t.Errorf("want it draining, got %+v", c)
	}
	w.apply()
	if diff := cmp.Diff(three[:1], composed(t, w.compose(), "Pod")); diff != "" {
		t.Errorf("the leader waits for the others: -want, +got:\n%s", diff)
	}
	w.lingering = nil
	w.compose()
	w.apply()
	if out := w.compose(); len(composed(t, out, "StatefulSet")) != 1 {
		t.Error("orchestrators wait for the last pod")
	}
	w.lingering = nil
	for range 6 {
		w.compose()
		w.apply()
	}
	out = w.compose()
	if c := condition(t, out, compose.TypeDrained); c.Status != "True" || out.InProgress {
		t.Errorf("want it drained and at rest, got %+v", c)
	}
	if st := statusOf(t, out); len(st.CellsInUse) > 0 || len(st.Retiring) > 0 {
		t.Errorf("want nothing in use, got %+v", st)
	}
	if got := len(composed(t, out, "VolumeClaim")); got != 4 {
		t.Errorf("want every volume kept, got %d", got)
	}
	w.set(minimal + "status: {conditions: [{type: Drained, status: \"True\"}]}\n")
	w.lingers = false
	after := w.settle()
	if diff := cmp.Diff(composed(t, before, "Pod"), composed(t, after, "Pod")); diff != "" || !after.Ready {
		t.Errorf("what is wanted again comes back: -want, +got:\n%s", diff)
	}
	if c := condition(t, after, compose.TypeDrained); c.Reason != compose.ReasonNotRequested {
		t.Errorf("want it to say that nobody asks any more, got %+v", c)
	}
}

// TestScalingBlocked holds that a removal that cannot go on says so, and for how long.
func TestScalingBlocked(t *testing.T) {
	w := newWorld(t, change(t, minimal, "replicasPerCell: 3", "replicasPerCell: 4"), nil)
	w.settle()
	w.set(minimal)
	w.edit(three[2], unready, "status", "conditions")
	out := w.compose()
	c := condition(t, out, TypeScalingBlocked)
	const prefix = "orders-postgres-default-0-inf-pool-main-z1-48700c48-"
	want := prefix + "3: waits for " + prefix + "2, which is not ready, since 2026-01-01T01:00:00Z"
	if c.Status != "True" || c.Reason != "MemberNotSteady" || c.Message != want {
		t.Errorf("want %q, got %+v", want, c)
	}
	w.set(change(t, minimal, "replicasPerCell: 3", "replicasPerCell: 4"))
	if c := condition(t, w.compose(), TypeScalingBlocked); c.Status != "False" || c.Reason != reasonNotScaling {
		t.Errorf("putting it back cancels the removal, got %+v", c)
	}
}

// TestAdopted holds what happens to a pod of the namespace that the shard does not compose: one that nobody controls is taken
// over as it is, one of somebody else's is left alone.
func TestAdopted(t *testing.T) {
	cases := map[string]struct {
		reason string
		owner  string
		kept   bool
	}{
		"Orphan": {"A pod that was left behind is the shard's again.", "", true},
		"Own":    {"One that the composed resources do not show yet is not let go.", "{controller: true, uid: mine}", true},
		"Other":  {"Somebody else's is neither taken nor composed over.", "{controller: true, uid: other}", false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change(t, minimal, "generation: 2}", "generation: 2, uid: mine}"), nil)
			w.settle()
			w.edit(three[1], "["+tc.owner+"]", "metadata", "ownerReferences")
			w.lingering = append(w.lingering, w.in.Observed[three[1]])
			delete(w.in.Observed, three[1])
			out := w.compose()
			if _, ok := out.Resources[three[1]]; ok != tc.kept {
				t.Errorf("\n%s\nwant it composed: %v, got %v", tc.reason, tc.kept, ok)
			}
		})
	}
}

// TestNeeded holds that an instance which is not wanted any more comes back while the cohort needs its voice, on its own volume and
// with a name that others find: from its pool's specification, or from another pool's if its own has gone.
func TestNeeded(t *testing.T) {
	side := "    side:\n      type: readWrite\n      cells: [z2]\n      replicasPerCell: 1\n      storage: {size: 1Gi}\n" +
		"      postgres: {resources: {limits: {memory: 600Mi}}}\n"
	for name, tc := range map[string]struct {
		reason string
		before string
		pool   string
		memory string
	}{
		"Cell": {reason: "Its pool is known.", before: change(t, minimal, "cells: [z1]", "cells: [z1, z2]"), pool: "main", memory: "512Mi"},
		"Pool": {reason: "It is made as the pool that is left says.", before: minimal + side, pool: "side", memory: "512Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.before, nil)
			w.settle()
			gone := naming.KeyPod(tc.pool, "z2", 0)
			id := naming.ServiceID(w.in.Observed[gone].Name())
			w.set(minimal + "status: {noLeaderSince: \"2026-01-01T00:50:00Z\"}\n")
			delete(w.in.Observed, gone)
			// While somebody leads it is on its way out.
			w.compose()
			w.apply()
			lost := func() {
				w.edit(naming.KeyShardRecord, "\"\"", "status", "atProvider", "leaderPod")
				w.edit(naming.KeyShardRecord, "[{cell: z2, serviceID: "+id+", inCohort: true}]", "status", "atProvider", "poolers")
			}
			lost()
			out := w.compose()
			if _, ok := out.Resources[gone]; ok {
				t.Fatal("want it expected by the record first")
			}
			w.apply()
			lost()
			out = w.compose()
			pod, ok := out.Resources[gone].Object.(*corev1.Pod)
			if !ok {
				t.Fatalf("want it made again, got %+v", statusOf(t, out))
			}
			if got := pod.Spec.InitContainers[0].Resources.Limits.Memory().String(); got != tc.memory {
				t.Errorf("%s\nwant memory %s, got %s", tc.reason, tc.memory, got)
			}
			if got := pod.Labels[naming.LabelPool]; got != tc.pool {
				t.Errorf("want it to be of its pool still, got %q", got)
			}
			if got := pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName; !strings.Contains(got, "-"+tc.pool+"-z2-") {
				t.Errorf("want its own volume, got %q", got)
			}
			if _, ok := out.Resources[naming.KeyHeadlessService(tc.pool, "z2")]; !ok {
				t.Error("want the Service that gives it its name")
			}
			if st := statusOf(t, out); st.NoLeaderSince == nil || st.NoLeaderSince.UTC().Format("15:04") != "00:50" {
				t.Errorf("want the time carried over, got %v", st.NoLeaderSince)
			}
		})
	}
}
