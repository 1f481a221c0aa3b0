package reliability

import (
	"cmp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
)

// TestTopologyMember kills one member of the topology server.
func TestTopologyMember(t *testing.T) {
	s := watch(t, the(t))
	member := s.topology()[0]
	s.strike("one topology server killed", func() { crash(t, member) })
	s.recovered(restarted(member, member.Spec.Containers[0].Name))
	s.end()
}

// TestTopologyDown kills all members of the topology server again and again, for a minute. Queries go on: nobody asks it what it knows already.
func TestTopologyDown(t *testing.T) {
	const dead = time.Minute
	s := watch(t, the(t))
	var from, to time.Time
	s.strike("all topology servers dead for 60 s", func() {
		from = time.Now()
		for time.Since(from) < dead {
			for _, m := range s.topology() {
				all, err := shared.PodProcesses(string(m.GetUID()))
				if err != nil {
					t.Fatal(err)
				}
				if err := bed.Signal(syscall.SIGKILL, all...); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(250 * time.Millisecond)
		}
		to = time.Now()
	})
	rows := s.writer.Since(from) - s.writer.Since(to)
	if rows == 0 {
		t.Errorf("nobody could write while the topology servers were dead")
	}
	t.Logf("%d rows were acknowledged while the topology servers were dead", rows)
	s.recovered()
	s.end()
}

// TestTopologyVolume deletes the volume of one member of the topology server, with its pod.
func TestTopologyVolume(t *testing.T) {
	s := watch(t, the(t))
	member := s.topology()[0]
	s.strike("one topology server's volume lost", func() { wipe(t, member) })
	s.recovered(replaced(member))
	s.end()
}

// topology are the pods of the topology server, by name.
func (s *scenario) topology() []corev1.Pod {
	s.Helper()
	list := &corev1.PodList{}
	if err := shared.client.List(s.Context(), list, client.InNamespace(s.cluster.namespace), client.MatchingLabels{naming.LabelComponent: naming.ComponentGlobalTopo}); err != nil {
		s.Fatalf("cannot list topology servers: %v", err)
	}
	if len(list.Items) == 0 {
		s.Fatal(errors.Wrap(errNotYet, "no topology server is there"))
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return list.Items
}
