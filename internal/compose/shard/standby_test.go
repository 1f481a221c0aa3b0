package shard

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
)

// connections is the minimal shard with so many of them.
func connections(t *testing.T, n string) string {
	t.Helper()
	return change(t, minimal, "  durabilityPolicy", "  postgresConfig: {max_connections: \""+n+"\"}\n  durabilityPolicy")
}

// given is what servers that start find.
func (w *world) given() string {
	text := w.in.Observed[naming.KeyPostgresConfig].String("data", pgconf.FilePostgresConf)
	v, _ := pgconf.Parse(text).Get("max_connections")
	return v
}

func (w *world) noted() string {
	return w.in.Observed[naming.KeyPostgresConfig].Annotation(naming.AnnotationStandbySettings)
}

// TestLoweredSettings lowers a setting that standbys must not have less of than their leader: nothing is lowered and no pod goes, and
// the condition says which setting and why, until it is put back.
func TestLoweredSettings(t *testing.T) {
	w := newWorld(t, connections(t, "100"), nil)
	w.settle()
	w.set(connections(t, "80"))
	if gone := w.roll(10); len(gone) > 0 || w.given() != "100" {
		t.Errorf("want nobody disrupted and 100 connections, got %v, %s", gone, w.given())
	}
	c := condition(t, w.out, TypeSettingsHeld)
	if c.Status != metav1.ConditionTrue || c.Reason != reasonLeaderFirst || !strings.HasPrefix(c.Message, "max_connections stays at 100 instead of 80:") {
		t.Errorf("want it said, got %+v", c)
	}
	if ev := w.compose().Events; len(ev) == 0 || ev[0].Reason != TypeSettingsHeld+reasonLeaderFirst || !ev[0].Warning {
		t.Errorf("want a warning, got %+v", ev)
	}
	w.set(connections(t, "100") + "status: {conditions: [{type: SettingsHeld, status: \"True\", reason: LeaderMustBeFirst}]}\n")
	if gone := w.roll(10); len(gone) > 0 || condition(t, w.out, TypeSettingsHeld).Status != metav1.ConditionFalse {
		t.Errorf("want the condition false once it is put back, got %+v, gone %v", w.out.Conditions, gone)
	}
}

// TestRaisedSettings raises such a setting, and takes that back when some standbys have more already: the leader never had it, so
// that they may have less again. Once the leader has it they may not.
func TestRaisedSettings(t *testing.T) {
	w := newWorld(t, connections(t, "100"), nil)
	w.settle()
	w.set(connections(t, "200"))
	for range 6 {
		w.compose()
		w.apply()
	}
	if w.given() != "200" || !strings.Contains(w.noted(), "max_connections=100,") {
		t.Errorf("want 200 given and 100 remembered, got %s, %q", w.given(), w.noted())
	}
	w.set(connections(t, "100"))
	if gone := w.roll(20); len(gone) == 0 || w.given() != "100" || w.noted() != "" {
		t.Errorf("want the rollout taken back, got %v gone, %s given, %q", gone, w.given(), w.noted())
	}
	w.set(connections(t, "200"))
	if diff := cmp.Diff([]string{three[1], three[2], three[0]}, w.roll(40)); diff != "" {
		t.Errorf("standbys are first when a setting is raised: -want, +got:\n%s", diff)
	}
	if w.set(connections(t, "100")); len(w.roll(10)) > 0 || w.given() != "200" {
		t.Errorf("want 200 held, got %s", w.given())
	}
}

// TestSettingsOverride lowers the setting on an administrator's word, and does not forget that it is lower when the word is gone.
func TestSettingsOverride(t *testing.T) {
	w := newWorld(t, connections(t, "100"), nil)
	w.settle()
	w.set(change(t, connections(t, "80"), "generation: 2}", "generation: 2, annotations: {multigres.com/rollout-override: \"settings\"}}"))
	w.compose()
	w.apply()
	if w.given() != "80" || !strings.Contains(w.noted(), "max_connections=100,") {
		t.Errorf("want 80 given and 100 remembered, got %s, %q", w.given(), w.noted())
	}
	if diff := cmp.Diff([]string{three[1], three[2], three[0]}, w.roll(40)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	w.set(connections(t, "80"))
	if gone := w.roll(10); len(gone) > 0 || w.given() != "80" || w.noted() != "" {
		t.Errorf("want 80 to stay, got %v gone, %s given, %q", gone, w.given(), w.noted())
	}
}

// TestUnbornSettings lowers a setting of a shard that never came up: too much of it may be why.
func TestUnbornSettings(t *testing.T) {
	w := newWorld(t, connections(t, "9000"), nil)
	w.settle()
	w.edit(naming.KeyShardRecord, `{conditions: [{type: Synced, status: "True", observedGeneration: 9}], atProvider: {poolers: []}}`, "status")
	w.set(connections(t, "80"))
	w.compose()
	w.apply()
	if w.given() != "80" {
		t.Errorf("want 80 given, got %s", w.given())
	}
}
