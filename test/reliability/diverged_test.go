package reliability

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	pgctldpb "github.com/multigres/multigres/go/pb/pgctldservice"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
)

// diverged is what PostgreSQL says, and ends, if it was made a standby of somebody whose history is not its own.
const diverged = "is not a child of this server's history"

// TestDiverged makes a former leader a standby without a rewind while somebody else leads, as Multigres v0.1.0 does amid an election
// (docs/data-plane.md). It can never start again then, and nobody but our provider brings it back.
func TestDiverged(t *testing.T) {
	s, leader, n := loseLeader(t, "leader's zone is cut off", shared.Cut, shared.Mend)
	s.strike("former leader can never start again", func() {
		demote(t, leader)
		regain(t, n, shared.Mend)
	})
	eventually(t, "it is known that it cannot follow", func(ctx context.Context) error {
		r, err := s.cluster.record(ctx)
		if err != nil {
			return err
		}
		if c := r.GetCondition(xpv2.ConditionType(shardstate.TypeRejoined)); c.Status != corev1.ConditionFalse {
			return errors.Wrapf(errNotYet, "%s is %s", c.Type, c.Reason)
		}
		return nil
	})
	s.recovered(nodeReady(n))
	s.end()
}

// demote has the pod's pgctld restart PostgreSQL as a standby, and sees that it cannot start. Its multipooler, which would do so itself, stands
// still meanwhile.
func demote(t *testing.T, p corev1.Pod) {
	t.Helper()
	root := rootOf(t, p, "pgctld")
	conn, err := grpc.NewClient("unix://"+root+"/var/lib/pooler/pgctld.sock", grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	multipooler := processes(t, p, "multipooler")
	if err := bed.Signal(syscall.SIGSTOP, multipooler...); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bed.Signal(syscall.SIGCONT, multipooler...) }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := pgctldpb.NewPgCtldClient(conn).Restart(ctx, &pgctldpb.RestartRequest{Mode: "fast", AsStandby: true}); err == nil {
		t.Fatal("a former leader could become a standby although somebody else leads")
	}
	log, err := os.ReadFile(root + "/var/lib/pooler/pg_data/postgresql.log")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(log, []byte(diverged)) {
		t.Fatalf("PostgreSQL did not say that its requested timeline %s", diverged)
	}
}

// rootOf is where a container's files are seen from the machine, by one of its processes.
func rootOf(t *testing.T, p corev1.Pod, command string) string {
	t.Helper()
	return fmt.Sprintf("/proc/%d/root", processes(t, p, command)[0].PID)
}
