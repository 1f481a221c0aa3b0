package shardrecord

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJobs(time.Now)
		taker, leader := shardstate.ID{Cell: "a", Name: "p-1"}, shardstate.ID{Cell: "b", Name: "p-0"}
		state := func(leader string) shardstate.State {
			return shardstate.State{Observation: v1alpha1.ShardRecordObservation{
				Leader: leader, Poolers: []v1alpha1.PoolerObservation{{Cell: "a", ServiceID: "p-1", PodUID: "1"}},
			}}
		}
		begun, ended := 0, 0
		var result error
		release := make(chan error)
		begin := func(ctx context.Context) {
			j.begin(ctx, "shard", func(w *job) { w.Running, w.taker, w.pod, w.leader = v1alpha1.BackupTypeFull, taker, "1", leader },
				func(ctx context.Context) error {
					begun++
					select {
					case err := <-release:
						return err
					case <-ctx.Done():
						return ctx.Err()
					}
				},
				func(w *job, err error) { w.Running, result, ended = "", err, ended+1 })
			synctest.Wait()
		}
		want := func(reason string, begins, ends int, err error) {
			t.Helper()
			synctest.Wait()
			if begun != begins || ended != ends || !errors.Is(result, err) || j.busy("shard") != (begins > ends) {
				t.Fatalf("%s: want %d begun, %d ended, %v; got %d, %d, %v", reason, begins, ends, err, begun, ended, result)
			}
		}

		ctx, cancel := context.WithCancel(t.Context())
		begin(ctx)
		cancel()
		time.Sleep(time.Hour)
		want("A backup should outlive its reconcile", 1, 0, nil)
		begin(t.Context())
		want("There should be one at a time", 1, 0, nil)
		if got := j.of("shard").Running; got != v1alpha1.BackupTypeFull {
			t.Errorf("What goes on should be seen: %q", got)
		}
		j.see("shard", state("p-0"))
		want("It should go on in a healthy shard", 1, 0, nil)
		release <- errBoom
		want("What came of it should be told", 1, 1, errBoom)

		begin(t.Context())
		j.see("shard", state(""))
		time.Sleep(leaderPatience - time.Second)
		j.see("shard", state("p-0"))
		time.Sleep(time.Second)
		j.see("shard", state(""))
		want("A leader that was silent for a moment should end nothing", 2, 1, errBoom)
		time.Sleep(leaderPatience)
		j.see("shard", state(""))
		want("An election may need the pooler", 2, 2, errHindered)

		begin(t.Context())
		j.see("shard", state("p-2"))
		want("Another leader should be followed", 3, 3, errHindered)

		begin(t.Context())
		j.forget("shard")
		synctest.Wait()
		if ended != 4 || j.busy("shard") || !errors.Is(result, errHindered) {
			t.Errorf("A shard that goes should take its backup with it: %d, %v", ended, result)
		}
	})
}

func TestBackupsKept(t *testing.T) {
	b := newBackups(time.Now)
	reads := 0
	read := func() (int, bool) {
		got, known := b.list("uid", func() ([]*managerpb.BackupMetadata, error) {
			reads++
			return []*managerpb.BackupMetadata{{}, {}, {}}, nil
		})
		return len(got), known
	}
	b.put("uid", []*managerpb.BackupMetadata{{}})
	if n, known := read(); n != 1 || !known || reads != 0 {
		t.Errorf("A list that was read elsewhere should be good for a while: %d, %t, %d reads", n, known, reads)
	}
	b.outdate("uid")
	if n, known := read(); n != 3 || !known || reads != 1 {
		t.Errorf("One that is outdated should be read again: %d, %t, %d reads", n, known, reads)
	}
}
