package sim

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

var errUnstable = errors.New("cannot settle the requirements in five rounds")

// A transaction is a pass between the call of the composer and the applying of what it returned.
type transaction struct {
	out      compose.Output
	in       compose.Input
	at       time.Time
	uids     map[string]string
	revision int  // of the specification that it rests on
	again    bool // it was applied before
}

// apply does what a pass returned, in the order of Crossplane v2.4.0: collect what is observed and not desired, remember what
// is desired, apply it, write the status. A torn pass ends somewhere among these.
func (c *core) apply(t *transaction, f fault) {
	w := c.w
	before := w.api.writes
	if f == torn && w.chance("torn before collecting", "core", 3) {
		w.story.tellf("core", "dies before it applies anything")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(t.in.Observed)) {
		if _, ok := t.out.Resources[key]; ok {
			continue
		}
		o := w.api.byUID(t.in.Observed[key].Kind(), t.in.Observed[key].Name(), t.uids[key])
		if o == nil {
			continue
		}
		if !o.deleting() {
			w.story.tellf("core", "collects %s", describe(o))
			w.judge.collecting(t, o)
		}
		w.api.delete(o)
	}
	if f == torn && w.chance("torn after collecting", "core", 2) {
		w.story.tellf("core", "dies after it has collected")
		return
	}
	refs := make(map[string]ref, len(t.out.Resources))
	for key, r := range t.out.Resources {
		kind, name := identity(r)
		refs[key] = ref{kind, name}
	}
	if !maps.Equal(refs, c.refs) {
		c.refs = refs
		c.event(2)
	}
	for i, key := range slices.Sorted(maps.Keys(t.out.Resources)) {
		if f == torn && i > 0 && w.chance("torn while applying", "core", 8) {
			w.story.tellf("core", "dies while it applies, before %s", key)
			return
		}
		r := t.out.Resources[key]
		kind, name := identity(r)
		switch w.api.apply(key, r) {
		case made:
			w.story.tellf("core", "creates %s %s", kind, short(name))
			w.judge.created(t, w.api.get(kind, name), r.Object == nil)
		case refused:
			w.judge.refused(t, w.api.get(kind, name))
		case unchanged, taken:
		case changed:
			if kind == "ShardRecord" {
				w.judge.recorded(w.api.get(kind, name))
			}
		}
	}
	c.writeStatus(t)
	if w.api.writes == before {
		c.quiet++
	} else {
		c.quiet = 0
	}
	c.last = t.out
	t.again = true
}

// writeStatus writes the composite's status and conditions, if they differ.
func (c *core) writeStatus(t *transaction) {
	w := c.w
	differs := false
	if t.out.Status != nil && !reflect.DeepEqual(c.status, t.out.Status) {
		s, err := object.NewEncoder().EncodeWithStatus(t.out.Status)
		if err != nil {
			panic(err)
		}
		c.status, c.statusValue = t.out.Status, valueOf(s)
		differs = true
	}
	conds := append(slices.Clone(t.out.Conditions), readiness(t.out))
	for _, d := range conds {
		c.tell(d)
		i := slices.IndexFunc(c.conditions, func(o condition) bool { return o.Type == d.Type })
		switch {
		case i < 0:
			c.conditions = append(c.conditions, condition{d, w.now})
		case c.conditions[i].Condition == d:
			continue
		case c.conditions[i].Status == d.Status:
			c.conditions[i].Condition = d
		default:
			c.conditions[i] = condition{d, w.now}
		}
		differs = true
	}
	if differs {
		w.api.writes++
		w.api.written = nil
		w.user.changed = true
		c.event(2)
	}
}

// tell tells of a condition whose status or reason changes.
func (c *core) tell(d compose.Condition) {
	if !c.w.story.told {
		return
	}
	old := c.condition(d.Type)
	if old.Status == d.Status && old.Reason == d.Reason || d.Type == "Ready" || d.Type == "Progressing" || d.Type == "BackupHealthy" {
		return
	}
	c.w.story.tellf("core", "says %s=%s %s: %s", d.Type, d.Status, d.Reason, d.Message)
}

func readiness(out compose.Output) compose.Condition {
	d := compose.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Creating"}
	if out.Ready {
		d.Status, d.Reason = metav1.ConditionTrue, "Available"
	}
	return d
}
