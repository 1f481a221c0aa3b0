package reliability

import (
	"context"
	"fmt"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
)

// TestNodeKilled lets the leader's zone lose power, with all that runs there, and brings it back with its disks.
func TestNodeKilled(t *testing.T) {
	s, _, n := loseLeader(t, "leader's zone loses power", shared.KillNode, powerUp)
	s.strike("it comes back", func() { regain(t, n, powerUp) })
	s.recovered(nodeReady(n))
	s.end()
}

// TestNodePartitioned takes the leader's zone off the network. PostgreSQL goes on there, and cannot acknowledge anything.
func TestNodePartitioned(t *testing.T) {
	s, _, n := loseLeader(t, "leader's zone is cut off", shared.Cut, shared.Mend)
	s.strike("it is connected again", func() { regain(t, n, shared.Mend) })
	s.recovered(nodeReady(n))
	s.end()
}

// loseLeader takes the leader's zone away, and sees another one lead.
func loseLeader(t *testing.T, what string, take, give func(bed.Node) error) (*scenario, corev1.Pod, bed.Node) {
	t.Helper()
	s := watch(t, the(t))
	leader := s.cluster.leader(t)
	n := node(t, leader.Spec.NodeName)
	s.strike(what, func() { lose(t, n, take, give) })
	s.resumed(s.anotherLeads(leader))
	return s, leader, n
}

// powerUp starts a node by the bed's program: it stays the node's first process.
func powerUp(n bed.Node) error {
	return run(context.Background(), "start-node", fmt.Sprintf("--index=%d", n.Index))
}

// lose takes a node away, and gives it back at the end of a test that has not done so.
func lose(t *testing.T, n bed.Node, take, give func(bed.Node) error) {
	t.Helper()
	down[n.Name()] = true
	t.Cleanup(func() {
		if down[n.Name()] {
			regain(t, n, give)
		}
	})
	if err := take(n); err != nil {
		t.Fatal(err)
	}
}

// regain gives a node back.
func regain(t *testing.T, n bed.Node, give func(bed.Node) error) {
	t.Helper()
	if err := give(n); err != nil {
		t.Fatal(err)
	}
	delete(down, n.Name())
}

// anotherLeads waits until it is known that somebody else leads than did before.
func (s *scenario) anotherLeads(before corev1.Pod) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := s.cluster.record(ctx)
		if err != nil {
			return err
		}
		if now := r.Status.AtProvider.LeaderPod; now == "" || now == before.GetName() {
			return errors.Wrapf(errNotYet, "leader is %q", now)
		}
		return nil
	}
}

// nodeReady waits until Kubernetes knows that a node is back.
func nodeReady(n bed.Node) func(context.Context) error {
	return func(ctx context.Context) error {
		o := &corev1.Node{}
		if err := shared.client.Get(ctx, client.ObjectKey{Name: n.Name()}, o); err != nil {
			return err
		}
		for _, c := range o.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.Wrapf(errNotYet, "node %s is not ready", n.Name())
	}
}
