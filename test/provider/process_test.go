package provider

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// TestProcess: the process shows what it does, answers whether it lives, profiles only on request, and ends when it is told to.
func TestProcess(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	tcp := s.behind(st)
	profiler, err := process.FreeAddress()
	s.must(err)
	r := s.provider(with("--log-format=text"))
	other := s.launch(with("--pprof-address=" + profiler))
	s.config("pc", st, "")
	z := cell("z1", "pc")
	s.create(z)
	s.settled(z)
	// A watch that ends by itself is counted, as is what fails.
	tcp.Cut()
	s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
	s.settled(z)

	s.until("it shows its metrics", func(context.Context) error {
		if got := status(r.metrics, "/metrics"); got != http.StatusOK {
			return errors.Errorf("status %d", got)
		}
		return nil
	})
	shown := s.body(r.metrics, "/metrics")
	for _, name := range []string{
		`multigres_provider_mutations_total{kind="CellRecord",operation="create",result="ok"} 1`,
		`multigres_provider_mutations_total{kind="CellRecord",operation="update",result="ok"} 1`,
		`multigres_provider_topology_request_seconds_bucket{result="ok"`,
		`multigres_provider_topology_stores 1`, `multigres_provider_topology_watches 1`, `multigres_provider_topology_watch_lists_total`,
		`multigres_provider_topology_watch_restarts_total`, `workqueue_depth{controller="managed/cellrecord.m.multigres.com"`,
		`controller_runtime_reconcile_total`, `leader_election_master_status`,
	} {
		if !strings.Contains(shown, name) {
			t.Errorf("/metrics should show %s", name)
		}
	}
	for _, address := range []string{r.metrics, r.health} {
		if got := status(address, "/debug/pprof/"); got != http.StatusNotFound {
			t.Errorf("the profiler should be off, got status %d", got)
		}
	}
	s.until("the profiler answers where it was asked for", func(context.Context) error {
		if got := status(profiler, "/debug/pprof/"); got != http.StatusOK {
			return errors.Errorf("status %d", got)
		}
		return nil
	})
	if !strings.Contains(r.Tail(1<<20), "level=INFO msg=") || !strings.Contains(other.Tail(1<<20), `"level":"INFO","msg":`) {
		t.Error("the log should be in the format that was asked for")
	}

	// A graceful end lets go of the lease.
	began := time.Now()
	r.Stop(patience)
	if code := r.ExitCode(); code != 0 {
		t.Errorf("an end that was asked for is no failure, got exit code %d: %s", code, r.Tail(2000))
	}
	took := time.Since(began)
	s.until("the other one leads", func(context.Context) error {
		if !s.answers(other) || s.metric(other, "leader_election_master_status") != 1 {
			return errors.New("it does not")
		}
		return nil
	})
	s.notef("ended within %.1f s, another one leads after %.1f s", took.Seconds(), time.Since(began).Seconds())
}

// body of what a path answers.
func (s *scenario) body(address, path string) string {
	s.Helper()
	c := http.Client{Timeout: patience}
	resp, err := c.Get("http://" + address + path)
	s.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	s.must(err)
	return string(b)
}
