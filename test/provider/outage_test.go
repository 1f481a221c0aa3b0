package provider

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/proxy"
)

// soak is true if the long versions of scenarios are wanted.
var soak = os.Getenv("SOAK") != ""

// long returns the first of two values in `make soak`, else the second.
func long[T any](inSoak, otherwise T) T {
	if soak {
		return inSoak
	}
	return otherwise
}

// TestOutage: while a topology server is away, silent or slow nothing is let go on doubt, reconciles end in time, other managed
// resources go on, and there is no storm when it is back.
func TestOutage(t *testing.T) {
	const records = 50
	faults := map[string]func(p *proxy.TCP){
		"Refused":   func(p *proxy.TCP) { p.Refuse() },
		"BlackHole": func(p *proxy.TCP) { p.BlackHole() },
		"Slow":      func(p *proxy.TCP) { p.Delay(2 * time.Second) },
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			st := s.shared()
			elsewhere := *st
			tcp := s.behind(st)
			r := s.provider()
			s.config("pc", st, "")
			s.config("other", &elsewhere, "other")
			var all []resource.Managed
			for i := range records {
				z := cell(fmt.Sprint("z", i), "pc")
				s.create(z)
				all = append(all, z)
			}
			s.settled(all...)

			fault(tcp)
			down := time.Now()
			// Half of them are changed, and the first is deleted, while nobody answers.
			for i := range records / 2 {
				z := cell(fmt.Sprint("z", i), "pc")
				z.Namespace = s.ns
				s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
			}
			s.remove(all[0])
			pw := password("pw", "pw")
			asked := time.Now()
			s.create(pw)
			s.ready(pw)
			local := time.Since(asked)
			others := s.beside("other", 5)
			if name == "Slow" {
				// What is slow is not away: what is asked for is done, if later.
				s.changed(st, all[1:records/2])
				s.gone(all[0])
			} else {
				s.outlast(all[0], down)
			}
			for time.Since(down) < long(time.Minute, 12*time.Second) {
				time.Sleep(200 * time.Millisecond)
			}
			before := s.metric(r, "multigres_provider_topology_request_seconds_count")
			s.must(tcp.Pass())
			back := time.Now()
			peak := s.recovered(r, all, before)
			after := time.Since(back)
			s.changed(st, all[1:records/2])
			s.notef("password ready after %.1f s, slowest of 5 records elsewhere %.1f s, %.0f s down, all settled %.1f s after, at most %.0f requests/s of %d records, no reconcile longer than %s s",
				local.Seconds(), others.Seconds(), back.Sub(down).Seconds(), after.Seconds(), peak, records, s.bounded(r))
		})
	}
}

// beside creates records on a server that works, one after another, and returns how long the slowest took. None may wait for as
// long as a call to another server may, all the less for several of them.
func (s *scenario) beside(config string, n int) time.Duration {
	s.Helper()
	var slowest time.Duration
	for i := range n {
		z := cell(fmt.Sprint("beside", i), config)
		began := time.Now()
		s.create(z)
		s.ready(z)
		slowest = max(slowest, time.Since(began))
	}
	if slowest > topo.DefaultTimeout {
		s.Errorf("a record on a server that works took %s", slowest)
	}
	return slowest
}

// changed waits until records are as they were asked to be.
func (s *scenario) changed(st *store, mgs []resource.Managed) {
	s.Helper()
	for _, mg := range mgs {
		s.until(mg.GetName()+" is changed", func(context.Context) error {
			if got := st.cell(cellKey(mg.GetName())).GetRoot(); got != "/another" {
				return errors.Errorf("root %q", got)
			}
			return nil
		})
	}
}

// bounded checks that no reconcile of a replica was longer than it may be, and returns a bound of the longest, in seconds: the limit of
// a bucket of the histogram.
func (s *scenario) bounded(r *replica) string {
	s.Helper()
	const name = "controller_runtime_reconcile_time_seconds"
	all := s.metric(r, name+"_count")
	// Observing, creating, updating and deleting may each wait for the server, whose deadline is 5 seconds, once or twice.
	for _, limit := range []string{"0.5", "1", "2", "3", "5", "7", "10", "15", "20", "30"} {
		if s.metric(r, name+"_bucket", fmt.Sprintf("le=%q", limit)) == all {
			return limit
		}
	}
	s.Errorf("reconciles took longer than 30 s")
	return "inf"
}

// outlast checks that a managed resource that is being deleted stays for as long as its server is away.
func (s *scenario) outlast(mg resource.Managed, since time.Time) {
	s.Helper()
	s.condition(mg, "Settled", "False", "Unavailable")
	for time.Since(since) < long(time.Minute, 12*time.Second) {
		if err := s.kube.Get(s.Context(), client.ObjectKeyFromObject(mg), mg); kerrors.IsNotFound(err) {
			s.Fatal("the finalizer was taken away though nobody knows whether the record is gone")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// recovered waits until the first of all managed resources is gone and the others are settled, and returns the highest number of
// requests in a second.
func (s *scenario) recovered(r *replica, all []resource.Managed, before float64) float64 {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	peak := make(chan float64)
	go func() {
		top, last := 0.0, before
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
				n := s.metric(r, "multigres_provider_topology_request_seconds_count")
				top, last = max(top, n-last), n
			}
		}
		peak <- top
	}()
	s.gone(all[0])
	s.settled(all[1:]...)
	cancel()
	got := <-peak
	// The limit of reconciles in a second, with the calls of one. A storm has no bound.
	if limit := 100.0 * 6; got > limit {
		s.Errorf("%.0f requests in a second, want at most %.0f", got, limit)
	}
	return got
}

// TestOutageProcess: a topology server that crashes and comes back on its data is found as it was left.
func TestOutageProcess(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.own()
	s.provider()
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	for range 3 {
		st.server.Kill()
		s.edit(z, func() { z.Spec.ForProvider.Root += "x" })
		s.condition(z, "Settled", "False", "Unavailable")
		s.must(st.server.Start())
		s.settled(z)
		if got := st.cell(cellKey("z1")).GetRoot(); got != z.Spec.ForProvider.Root {
			t.Errorf("want root %q, got %q", z.Spec.ForProvider.Root, got)
		}
	}
	if n := st.history().Creations(cellKey("z1")); n != 1 {
		t.Errorf("want one creation, got %d", n)
	}
	s.notef("3 crashes")
}

// TestRepair: what somebody changes or deletes by hand is as it should be at once, without waiting for a poll.
func TestRepair(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	z, d := cell("z1", "pc"), database("d", "pc", "z1")
	s.create(z, d)
	s.settled(z, d)
	var worst time.Duration
	repaired := func(what string, ok func() bool) {
		began := time.Now()
		s.until(what, func(context.Context) error {
			if !ok() {
				return errors.New("not yet")
			}
			return nil
		})
		worst = max(worst, time.Since(began))
	}
	for range 5 {
		st.drop(cellKey("z1"))
		repaired("the cell is back", func() bool { return st.cell(cellKey("z1")) != nil })
		c := st.cell(cellKey("z1"))
		s.settled(z)
		st.put([]byte{}, cellKey("z1"))
		repaired("the cell is as it was", func() bool { return st.cell(cellKey("z1")).GetRoot() == c.GetRoot() })
		s.settled(z)
		st.drop(databaseKey("d"))
		repaired("the database is back", func() bool { return st.database(databaseKey("d")) != nil })
		s.settled(d)
	}
	// The poll is an hour away. Idle machines take a tenth of a second.
	if limit := 10 * time.Second; worst > limit {
		t.Errorf("a repair took %s", worst)
	}
	s.notef("15 repairs, slowest %.2f s", worst.Seconds())
}
