package reliability

import "testing"

// TestLeaderKilled kills every process of the leader's pod at once: the kernel's way of running out of memory.
func TestLeaderKilled(t *testing.T) {
	s := watch(t, the(t))
	leader := s.cluster.leader(t)
	s.strike("leader's pod killed hard", func() { crash(t, leader) })
	s.recovered(restarted(leader, "postgres"), restarted(leader, "multipooler"))
	s.end()
}

// TestLeaderDeleted deletes the leader's pod, as a drain of its node does.
func TestLeaderDeleted(t *testing.T) {
	s := watch(t, the(t))
	leader := s.cluster.leader(t)
	s.strike("leader's pod deleted", func() { remove(t, leader) })
	s.recovered(replaced(leader))
	s.end()
}

// TestPostmasterKilled kills PostgreSQL alone. It is started again in its place, nobody else is elected.
func TestPostmasterKilled(t *testing.T) {
	s := watch(t, the(t))
	s.strike("leader's PostgreSQL killed", func() { crash(t, s.cluster.leader(t), "postgres") })
	s.recovered()
	s.end()
}

// TestMultipoolerKilled kills the leader's multipooler alone.
func TestMultipoolerKilled(t *testing.T) {
	s := watch(t, the(t))
	leader := s.cluster.leader(t)
	s.strike("leader's multipooler killed", func() { crash(t, leader, "multipooler") })
	s.recovered(restarted(leader, "multipooler"))
	s.end()
}
