package provider

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

// TestB1Singleton: one replica of two works; when it is killed or told to end the other one takes over.
func TestB1Singleton(t *testing.T) {
	t.Parallel()
	s := begin(t)
	a := s.provider(brief)
	b := s.launch(brief)
	s.until("both are healthy", func(context.Context) error {
		for _, r := range []*replica{a, b} {
			if got := status(r.health, "/healthz"); got != 200 {
				return errors.Errorf("status %d", got)
			}
			if got := status(r.health, "/readyz"); got != 200 {
				return errors.Errorf("readiness %d", got)
			}
			if got := status(r.metrics, "/metrics"); got != 200 {
				return errors.Errorf("metrics %d", got)
			}
		}
		return nil
	})
	one := password("one", "one")
	s.create(one)
	s.ready(one)
	if n := len(s.writes(b)); n > 0 {
		t.Errorf("the replica that does not lead has written: %+v", s.writes(b))
	}
	if len(s.writes(a)) == 0 {
		t.Error("the leader should have written")
	}

	begin := time.Now()
	a.Kill()
	two := password("two", "two")
	s.create(two)
	s.ready(two)
	killed := time.Since(begin)
	if len(s.writes(b)) == 0 {
		t.Error("the successor should have written")
	}

	s.must(a.Start())
	s.until("the first one is healthy again", func(context.Context) error {
		if got := status(a.health, "/readyz"); got != 200 {
			return errors.Errorf("readiness %d", got)
		}
		return nil
	})
	before := len(s.writes(a))
	begin = time.Now()
	b.Stop(patience)
	three := password("three", "three")
	s.create(three)
	s.ready(three)
	if len(s.writes(a)) == before {
		t.Error("the first one should have written again")
	}
	// Nobody waits longer than this for a leader that is gone. Both are much shorter on an idle machine.
	if limit := 3 * leaseDuration; killed > limit || time.Since(begin) > limit {
		t.Errorf("taking over took %s and %s, want at most %s", killed, time.Since(begin), limit)
	}
	s.notef("killed: %.1f s to the next write, ended: %.1f s (lease %s)", killed.Seconds(), time.Since(begin).Seconds(), leaseDuration)
}

// TestStalePassword: a replica whose cache lags behind does not undo what was done since.
func TestStalePassword(t *testing.T) {
	t.Parallel()
	s := begin(t)
	api := proxy.RunAPI(t, plane.Config())
	r := s.provider(through(api))
	pw := password("pw", "pw")
	pw.Spec.ForProvider.Rotation = "a"
	s.create(pw)
	s.ready(pw)

	api.Hold("passwords")
	s.edit(pw, func() { pw.Spec.ForProvider.Rotation = "b" })
	// What another replica does, and what wakes this one.
	o := s.secret("pw")
	o.Data["password"] = []byte("of another replica")
	o.Annotations["m.multigres.com/passwords"] = strings.Replace(o.Annotations["m.multigres.com/passwords"], `"rotation":"a"`, `"rotation":"b"`, 1)
	s.must(s.kube.Update(s.Context(), o))
	stale := func() float64 {
		return s.metric(r, "controller_runtime_reconcile_total", `controller="managed/password.m.multigres.com"`)
	}
	before := stale()
	s.until("it is reconciled with the old view", func(context.Context) error {
		if stale() == before {
			return errors.New("not yet")
		}
		return nil
	})
	s.never("the password is replaced", func() bool { return string(s.secret("pw").Data["password"]) != "of another replica" })
	api.Release("passwords")
	s.ready(pw)
	if got := s.secret("pw"); got.ResourceVersion != o.ResourceVersion {
		t.Error("the Secret should be as the other replica left it")
	}
	s.notef("%g reconciles with an old view, no write", stale()-before)
}

// TestB2FencedLeader: a leader that was suspended in the middle of a change, while another one took over, writes nothing more, and
// ends.
func TestB2FencedLeader(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	// It stops between the lock of the managed resource and the change of the record.
	a := s.provider(brief, env("FAULT=after-lock:stop:1"))
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	s.edit(z, func() { z.Spec.ForProvider.Root = "/old" })
	b := s.launch(brief)
	s.until("the other one leads", func(context.Context) error {
		if !s.answers(b) || s.reconciles(b, cellController) == 0 {
			return errors.New("no reconcile")
		}
		return nil
	})
	s.edit(z, func() { z.Spec.ForProvider.Root = "/new" })
	s.settled(z)
	revision := st.now()
	a.Resume()
	s.ended(a)
	s.settled(z)
	for _, m := range st.history().After(revision) {
		t.Errorf("revision %d: %v", m.Revision, m.Changes)
	}
	if got := st.cell(cellKey("z1")).GetRoot(); got != "/new" {
		t.Errorf("want the new root, got %q", got)
	}
	if code := a.ExitCode(); code <= 0 {
		t.Error("a leader that was deposed should fail")
	}
	s.notef("no write after revision %d, exit code %d", revision, a.ExitCode())
}

// TestB3EachReplica: the replica that does not lead answers, and changes nothing, neither in Kubernetes nor in a topology.
func TestB3EachReplica(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	a := s.provider()
	b := s.launch()
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	for _, r := range []*replica{a, b} {
		s.until("it is ready", func(context.Context) error {
			if got := status(r.health, "/readyz"); got != 200 {
				return errors.Errorf("status %d", got)
			}
			return nil
		})
	}
	if n := s.metric(a, "multigres_provider_topology_stores"); n != 1 {
		t.Errorf("the leader should have one connection, got %g", n)
	}
	if w := s.writes(b); len(w) > 0 {
		t.Errorf("the other one has written: %+v", w)
	}
	if n := s.metric(b, "multigres_provider_mutations_total"); n > 0 {
		t.Errorf("the other one has changed %g records", n)
	}
	s.notef("%d requests of the other one, none writes", len(s.requests(b.user)))
}
