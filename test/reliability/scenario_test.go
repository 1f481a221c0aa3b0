package reliability

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
	"github.com/crossplane-multigres/crossplane-multigres/test/load"
)

// steady is for how long a cluster must be complete, and rows be written, to count as recovered: what is observed may lag behind a failure.
const steady = 5 * time.Second

// A scenario is one story with a cluster: a client writes from its beginning to its end.
//
//	s := watch(t, the(t))                                  // the cluster is complete, rows are being written
//	s.strike("leader's pod deleted", func() { ... })       // one thing happens
//	s.recovered(func(ctx) error { ... })                   // all is well again, and what should have happened has
//	s.end()                                                // every acknowledged row is there, every volume the same
type scenario struct {
	*testing.T

	cluster *cluster
	writer  *load.Writer
	volumes map[string]types.UID

	what   string
	struck time.Time
	lines  []line
}

// watch begins a scenario with a cluster that is complete. The client is on another node than the leader.
func watch(t *testing.T, c *cluster) *scenario {
	t.Helper()
	eventually(t, "cluster is complete", c.complete)
	return watchFrom(t, c, shared.awayFrom(c.leader(t).Spec.NodeName))
}

// watchFrom is the same with the client on some node, and does not wait.
func watchFrom(t *testing.T, c *cluster, from bed.Node) *scenario {
	t.Helper()
	target, err := c.target(t.Context(), from)
	if err != nil {
		t.Fatalf("cannot find database: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w, err := load.Start(ctx, target, table(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return &scenario{T: t, cluster: c, writer: w, volumes: c.volumes(t)}
}

// table is the one that a scenario writes.
func table(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
}

// strike does something to the cluster.
func (s *scenario) strike(what string, do func()) {
	s.Helper()
	// So that there is something to compare with.
	time.Sleep(time.Second)
	s.what, s.struck = what, time.Now()
	s.lines = append(s.lines, line{scenario: s.Name(), what: what, load: loadAverage()})
	do()
}

// silent is the same as recovered for a cluster that nobody writes to: there is no outage.
func (s *scenario) silent(also ...func(context.Context) error) {
	s.Helper()
	s.await(append(also, s.cluster.complete))
}

// resumed is the same for a cluster that cannot be complete, since something is still broken.
func (s *scenario) resumed(also ...func(context.Context) error) {
	s.Helper()
	s.await(append(also, s.writing))
	s.measure()
}

// recovered waits until the cluster is complete, rows are written, and what else is said holds, all of it for some seconds; it notes since when.
func (s *scenario) recovered(also ...func(context.Context) error) {
	s.Helper()
	s.await(append(also, s.writing, s.cluster.complete))
	s.measure()
}

// measure notes the outage.
func (s *scenario) measure() {
	s.Helper()
	l := &s.lines[len(s.lines)-1]
	outage, began := s.writer.Outage(s.struck, time.Now())
	l.outage = outage
	errs, last := s.writer.Errors()
	s.Logf("%s: at %s; longest time without an acknowledged row %.1f s, from %s; %d errors, last %v",
		s.what, s.struck.UTC().Format(time.TimeOnly), outage.Seconds(), began.UTC().Format(time.TimeOnly), errs, last)
}

// await waits until all holds for some seconds, and notes since when.
func (s *scenario) await(all []func(context.Context) error) {
	s.Helper()
	var since time.Time
	eventually(s.T, "recovered: "+s.what, func(ctx context.Context) error {
		now := time.Now()
		err := wanting(ctx, all)
		if err != nil {
			since = time.Time{}
			return err
		}
		if since.IsZero() {
			since = now
		}
		if time.Since(since) < steady {
			return errNotYet
		}
		return nil
	})
	s.lines[len(s.lines)-1].recovery = since.Sub(s.struck)
}

// wanting says what is missing.
func wanting(ctx context.Context, all []func(context.Context) error) error {
	for _, ok := range all {
		if err := ok(ctx); err != nil {
			return err
		}
	}
	return nil
}

// writing says why no rows are written.
func (s *scenario) writing(context.Context) error {
	if s.writer.Since(time.Now().Add(-time.Second)) == 0 {
		_, last := s.writer.Errors()
		return errors.Wrapf(errNotYet, "no row was written in the last second: %v", last)
	}
	return nil
}

// end stops the client, reads everything back, and prints the scenario's lines. The poolers' volumes must be those of its beginning.
func (s *scenario) end() {
	s.Helper()
	if diff := cmp.Diff(s.volumes, s.cluster.volumes(s.T)); diff != "" {
		s.Errorf("volumes are not what they were: -want, +got:\n%s", diff)
	}
	s.endOfOtherVolumes()
}

// endOfOtherVolumes is the same for a scenario that is meant to change volumes.
func (s *scenario) endOfOtherVolumes() {
	s.Helper()
	s.writer.Stop()
	var lost []int64
	eventually(s.T, "rows can be read back", func(ctx context.Context) (err error) {
		lost, err = s.writer.Lost(ctx)
		return err
	})
	if len(lost) > 0 {
		s.Errorf("%d of %d acknowledged rows are lost: %v", len(lost), s.writer.Rows(), lost)
	}
	for _, l := range s.lines {
		l.rows, l.lost = s.writer.Rows(), len(lost)
		if !s.Failed() {
			tell(l)
		}
	}
}
