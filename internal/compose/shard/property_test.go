package shard

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// drawSpec draws a shard of any valid shape.
func drawSpec(t *rapid.T) string { return drawSize(t, 3, 4) }

// drawSize draws one of at most so many pools beside the first, of at most so many replicas in each cell.
func drawSize(t *rapid.T, pools, replicas int) string {
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(t, name) }
	b := &strings.Builder{}
	b.WriteString(strings.Split(minimal, "  backup:")[0])
	b.WriteString(pick("backup", "", "  backup: {type: s3, s3: {bucket: b, region: r}}\n", "  backup: {type: filesystem, filesystem: {path: /repo}}\n",
		"  backup: {type: filesystem, filesystem: {}, pgbackrestTLS: {secretName: mine}}\n"))
	b.WriteString(pick("tls", "", "  internalTLS: {enabled: true}\n"))
	b.WriteString(pick("config", "", "  postgresConfig: {max_connections: \"99\"}\n", "  postgresConfig: {work_mem: 7MB}\n"))
	b.WriteString(pick("superuser", "", "  postgresSuperuser: admin\n"))
	b.WriteString("  pools:\n    main: {cells: [z1, z2], replicasPerCell: 1}\n")
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, pools, rapid.ID).Draw(t, "pools") {
		cells := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"z1", "z2", "z3"}), 1, 3, rapid.ID).Draw(t, "cells")
		fmt.Fprintf(b, "    %s: {cells: [%s], replicasPerCell: %d}\n", name, strings.Join(cells, ", "), rapid.IntRange(1, replicas).Draw(t, "replicas"))
	}
	return b.String()
}

// disturb changes some of what is observed in ways that a cluster or a person could.
func disturb(t *rapid.T, w *world) {
	for _, key := range slices.Sorted(maps.Keys(w.in.Observed)) {
		switch rapid.IntRange(0, 11).Draw(t, "disturb "+key) {
		case 0:
			delete(w.in.Observed, key)
		case 1:
			w.edit(key, unready, "status", "conditions")
		case 2:
			w.edit(key, created, "metadata", "deletionTimestamp")
		case 3:
			w.edit(key, "{multigres.com/spec-hash: old}", "metadata", "annotations")
		case 4:
			w.edit(key, "{}", "status")
		case 5:
			w.edit(key, "[]", "metadata", "managedFields")
		case 6:
			w.edit(key, "{}", "metadata", "labels")
		}
	}
}

// encode returns what would be sent, as bytes.
func encode(t testing.TB, out compose.Output) []byte {
	t.Helper()
	b := &bytes.Buffer{}
	write := func(name string, o object.Object) {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(o.Struct())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "%s %x\n", name, raw)
	}
	for _, key := range slices.Sorted(maps.Keys(out.Resources)) {
		write(fmt.Sprint(key, out.Resources[key].Ready), composetest.Get(t, out, key))
	}
	s, err := object.NewEncoder().EncodeWithStatus(out.Status)
	if err != nil {
		t.Fatal(err)
	}
	write("status", object.New(s))
	fmt.Fprintln(b, out.Conditions, out.Events, out.Ready, out.InProgress)
	return b.Bytes()
}

// TestProperties holds, for shards of any shape that change into others while things happen to them: nothing that holds data
// vanishes but for one pod that serves, nothing is made anew that exists, the output depends on the input only, and no composed
// object carries a status.
func TestProperties(t *testing.T) {
	stateful := map[string]bool{"VolumeClaim": true, "ShardRecord": true}
	required := answers(t)
	required[requireCertificate] = composetestObjects(t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, drawSpec(rt), required)
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			out := w.compose()
			if !bytes.Equal(encode(t, out), encode(t, w.compose())) {
				rt.Fatal("the same input gives another output")
			}
			serving := 0
			for key, o := range w.in.Observed {
				if _, ok := out.Resources[key]; ok {
					continue
				}
				if stateful[o.Kind()] {
					rt.Fatalf("%s %s vanished", o.Kind(), key)
				}
				if o.Kind() == "Pod" && compose.Ready(o) {
					serving++
				}
			}
			if serving > 1 {
				rt.Fatalf("%d pods that serve go at once", serving)
			}
			for key, r := range out.Resources {
				o := composetest.Get(t, out, key)
				if o.Has("status") || o.Has("metadata", "uid") || o.Has("metadata", "managedFields") || o.Name() == "" {
					rt.Fatalf("%s: want a name and nothing that is not ours, got %v", key, o.Struct())
				}
				if r.Ready && !compose.Ready(w.in.Observed[key]) {
					rt.Fatalf("%s is ready though nobody has seen it so", key)
				}
				old := w.in.Observed[key]
				if o.Kind() == "Pod" && old.Exists() && r.Object != nil && old.Annotation("multigres.com/spec-hash") != o.Annotation("multigres.com/spec-hash") {
					rt.Fatalf("%s: a pod's specification cannot change in place", key)
				}
			}
			w.apply()
			disturb(rt, w)
			if rapid.Bool().Draw(rt, "change") {
				w.set(drawSpec(rt))
			}
		}
	})
}

// TestDeterminism composes the same input a hundred times.
func TestDeterminism(t *testing.T) {
	w := newWorld(t, everything, answers(t))
	want := encode(t, w.settle())
	for range 100 {
		if got := encode(t, w.compose()); !bytes.Equal(want, got) {
			t.Fatal("the same input gives another output")
		}
	}
}

// TestConverges holds that a shard of any shape becomes another one and comes to rest once nothing disturbs it any more, and
// that nothing is left of what it was but its volumes.
func TestConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		required := answers(t)
		required[requireCertificate] = composetestObjects(t, `{kind: Secret, data: {ca.crt: YQ==, tls.crt: YQ==, tls.key: YQ==}}`)
		w := newWorld(t, drawSize(rt, 1, 2), required)
		w.settle()
		w.set(drawSize(rt, 1, 2))
		if statusOf(t, w.compose()).DesiredReplicas == 2 {
			// Two members that must both hold a write are rolled only if somebody says that writes may stop.
			w.set(strings.Replace(w.source, "generation: 2}", "generation: 2, annotations: {multigres.com/rollout-override: quorum}}", 1))
		}
		for range 300 {
			out := w.compose()
			w.apply()
			if out.Ready && !out.InProgress {
				break
			}
		}
		st := statusOf(t, w.out)
		if !w.out.Ready || w.out.InProgress || len(st.Retiring) > 0 || st.Rollout != nil || st.UpdatedReplicas != st.DesiredReplicas {
			rt.Fatalf("want a shard at rest, got %+v\n%+v", w.out.Conditions, st)
		}
	})
}
