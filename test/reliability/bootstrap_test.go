package reliability

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/jackc/pgx/v5"
)

// TestBootstrap looks at a cluster of three instances in three zones that has just come up from nothing: one per zone, AT_LEAST_2 in force, and
// an application that knows the connection Secret and nothing else writes, and reads it back from the replicas.
func TestBootstrap(t *testing.T) {
	c := the(t)
	r, err := c.record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := r.Status.AtProvider.DurabilityPolicy; p != "AT_LEAST_2" {
		t.Errorf("policy in force is %q", p)
	}
	pods, err := c.poolers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nodes := map[string]bool{}
	for _, p := range pods {
		nodes[p.Spec.NodeName] = true
		for _, s := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
			if s.RestartCount > 0 {
				t.Logf("container %s of %s was restarted %d times", s.Name, p.GetName(), s.RestartCount)
			}
		}
	}
	if len(nodes) != len(zones) {
		t.Errorf("instances are on %d nodes, want one on each of %d", len(nodes), len(zones))
	}
	s := watch(t, c)
	s.readFromReplicas()
	s.end()
}

// readFromReplicas waits until the port for reads shows what was written, and sees that it is a standby that answers and that it does not write.
func (s *scenario) readFromReplicas() {
	s.Helper()
	rows := s.writer.Rows()
	eventually(s.T, "replicas show the rows", func(ctx context.Context) error {
		target, err := s.cluster.readOnly(ctx, shared.alive())
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		conn, err := target.Connect(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
		var standby bool
		var got int
		if err := conn.QueryRow(ctx, "select pg_is_in_recovery(), (select count(*) from "+pgx.Identifier{table(s.T)}.Sanitize()+")").Scan(&standby, &got); err != nil {
			return err
		}
		if !standby || got < rows {
			return errors.Wrapf(errNotYet, "standby %t, %d of %d rows", standby, got, rows)
		}
		if _, err := conn.Exec(ctx, "create table must_not_be (id int)"); err == nil {
			s.Error("the port for reads took a write")
		}
		return nil
	})
}
