package reliability

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	multiadminpb "github.com/multigres/multigres/go/pb/multiadmin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestBackup takes a full backup on demand, deletes a replica's volume, and sees that the replica comes back from that backup.
func TestBackup(t *testing.T) {
	s := watch(t, the(t))
	r, err := s.cluster.record(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := r.Status.AtProvider.LastBackup
	s.strike("full backup on demand", func() { s.backUp() })
	s.recovered(func(ctx context.Context) error {
		r, err := s.cluster.record(ctx)
		if err != nil {
			return err
		}
		if now := r.Status.AtProvider.LastBackup; now == nil || before != nil && now.ID == before.ID {
			return errors.Wrap(errNotYet, "no other backup is known")
		}
		return nil
	})

	replica := s.cluster.replica(t)
	s.strike("replica rebuilt from it", func() { wipe(t, replica) })
	s.recovered(replaced(replica))
	delete(s.volumes, claim(&replica))
	s.volumesKept()
	s.endOfOtherVolumes()
}

// backUp asks multiadmin for a backup, as an administrator does, and waits until it is complete.
func (s *scenario) backUp() {
	s.Helper()
	address, options := s.cluster.reach(s.T, naming.MultiAdmin(s.cluster.name), "18070")
	conn, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	admin := multiadminpb.NewMultiAdminServiceClient(conn)
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	job, err := admin.Backup(ctx, &multiadminpb.BackupRequest{Database: "postgres", TableGroup: "default", Shard: "0-inf", Type: "full"})
	if err != nil {
		s.Fatalf("cannot ask for a backup: %v", err)
	}
	eventually(s.T, "backup is complete", func(ctx context.Context) error {
		got, err := admin.GetBackupJobStatus(ctx, &multiadminpb.GetBackupJobStatusRequest{JobId: job.GetJobId(), Database: "postgres", TableGroup: "default", Shard: "0-inf"})
		if err != nil {
			return err
		}
		switch got.GetStatus() {
		case multiadminpb.JobStatus_JOB_STATUS_COMPLETED:
			return nil
		case multiadminpb.JobStatus_JOB_STATUS_FAILED:
			s.Fatalf("backup failed: %s", got.GetErrorMessage())
		}
		return errors.Wrapf(errNotYet, "backup is %s", got.GetStatus())
	})
}

// reach returns the address of a port of one of the cluster's Services, and how to get there by gRPC.
func (c *cluster) reach(t *testing.T, service, port string) (address string, options []grpc.DialOption) {
	t.Helper()
	from := shared.alive()
	found, err := shared.LookupFrom(from)(t.Context(), naming.ServiceHost(service, c.namespace))
	if err != nil {
		t.Fatal(err)
	}
	dial := shared.DialFrom(from)
	return net.JoinHostPort(found[0], port), []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) { return dial(ctx, "tcp", address) }),
	}
}
