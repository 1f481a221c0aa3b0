package claims

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A world is what is outside, and the annotation.
type world struct {
	outside    map[place]Observed
	ours       map[place]map[string]bool
	annotation string

	// left is how many more steps are made before the crash, and t checks what holds after each of them.
	left int
	t    *rapid.T
}

var places = []place{a, b, {Root: "/c"}}

// foreign is in each place, and nobody of ours ever asks for it.
const foreign = "foreign"

func newWorld(t *rapid.T) *world {
	w := &world{outside: map[place]Observed{}, ours: map[place]map[string]bool{}, t: t}
	for _, p := range places {
		w.outside[p] = Observed{foreign: "f"}
		w.ours[p] = map[string]bool{}
	}
	return w
}

// step does something unless the process has crashed.
func (w *world) step(do func()) {
	if w.left == 0 {
		return
	}
	w.left--
	do()
	c := w.claims()
	for _, p := range places {
		if w.outside[p][foreign] != "f" {
			w.t.Fatalf("What is not claimed was touched in %v.", p)
		}
		for id := range w.ours[p] {
			if _, claimed := c.In(p)[id]; !claimed {
				w.t.Fatalf("%q was written in %v, is still there, and is claimed no more: %v", id, p, c)
			}
		}
	}
}

func (w *world) claims() Claims[place] {
	c, err := Decode[place](w.annotation, "u")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) persist(c Claims[place]) {
	s, err := Encode(c, "u", 1)
	if err != nil {
		w.t.Fatal(err)
	}
	w.annotation = s
}

func (w *world) write(p place, id, hash string) {
	w.outside[p][id] = hash
	w.ours[p][id] = true
}

func (w *world) remove(p place, id string) {
	delete(w.outside[p], id)
	delete(w.ours[p], id)
}

// observe the places that are claimed or desired and can be reached.
func (w *world) observe(ps []place, down map[place]bool) map[place]Observed {
	seen := map[place]Observed{}
	for _, p := range ps {
		if !down[p] {
			seen[p] = w.outside[p]
		}
	}
	return seen
}

// reconcile as an external client does, until the crash.
func (w *world) reconcile(desired Claim[place], down map[place]bool) {
	c := w.claims()
	ops := Diff(c, w.observe(c.Contexts(desired.Context), down), desired)
	if down[desired.Context] || ops.UpToDate() {
		return
	}
	w.step(func() { w.persist(c.Widen(desired)) })
	for _, id := range append(ops.Add, ops.Update...) {
		w.step(func() { w.write(desired.Context, id, desired.Items[id]) })
	}
	for _, id := range ops.Remove {
		w.step(func() { w.remove(desired.Context, id) })
	}
	for _, previous := range ops.Previous {
		for _, id := range previous.Remove {
			w.step(func() { w.remove(previous.Context, id) })
		}
	}
	w.step(func() { w.persist(w.claims().Narrow(desired, ops.Pending...)) })
}

// destroy as an external client does, until the crash, and report whether the finalizer may go.
func (w *world) destroy(down map[place]bool) bool {
	c := w.claims()
	var ps []place
	for _, claim := range c {
		ps = append(ps, claim.Context)
	}
	ops := Deletion(c, w.observe(ps, down))
	for _, previous := range ops.Previous {
		for _, id := range previous.Remove {
			w.step(func() { w.remove(previous.Context, id) })
		}
	}
	return len(ops.Pending) == 0 && !ops.Changes()
}

func drawDesired(t *rapid.T) Claim[place] {
	return Claim[place]{
		Context: rapid.SampledFrom(places).Draw(t, "context"),
		Items:   rapid.MapOf(rapid.SampledFrom([]string{"w", "x", "y", "z"}), rapid.SampledFrom([]string{"1", "2"})).Draw(t, "items"),
	}
}

// A crash between any two steps forgets nothing that was written, whatever becomes of the spec meanwhile, and nothing is ever
// removed that was not claimed.
func TestCrash(t *testing.T) {
	const whole = 1 << 10
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(1, 12).Draw(t, "passes") {
			w.left = rapid.IntRange(0, 12).Draw(t, "steps")
			down := map[place]bool{rapid.SampledFrom(places).Draw(t, "down"): rapid.Bool().Draw(t, "isDown")}
			w.reconcile(drawDesired(t), down)
			// Somebody deletes by hand.
			if rapid.IntRange(0, 3).Draw(t, "hand") == 0 {
				w.remove(rapid.SampledFrom(places).Draw(t, "where"), "x")
			}
		}

		desired := drawDesired(t)
		w.left = whole
		w.reconcile(desired, nil)
		want := map[place]Observed{}
		for _, p := range places {
			want[p] = Observed{foreign: "f"}
		}
		maps.Copy(want[desired.Context], desired.Items)
		if diff := cmp.Diff(want, w.outside); diff != "" {
			t.Fatalf("\nOne whole pass leaves what is desired and what is foreign.\n-want, +got:\n%s", diff)
		}
		c := w.claims()
		if !c.Equal(Claims[place]{desired}) {
			t.Fatalf("\nOne whole pass claims what is desired: got %v", c)
		}
		if ops := Diff(c, w.observe(places, nil), desired); !ops.UpToDate() {
			t.Fatalf("\nAfter a whole pass there is nothing to do: got %v", ops)
		}

		// The spec is edited, and the object deleted before or while that is made true.
		w.left = rapid.IntRange(0, 6).Draw(t, "edited")
		w.reconcile(drawDesired(t), nil)
		w.left = rapid.IntRange(0, 3).Draw(t, "interrupted")
		w.destroy(map[place]bool{a: true})
		w.left = whole
		w.destroy(nil)
		if !w.destroy(nil) {
			t.Fatal("Deletion comes to an end.")
		}
		for _, p := range places {
			if diff := cmp.Diff(Observed{foreign: "f"}, w.outside[p]); diff != "" {
				t.Fatalf("\nDeletion leaves what is foreign in %v, and nothing else.\n-want, +got:\n%s", p, diff)
			}
		}
	})
}
