package reliability

import (
	"context"
	"strings"
	"time"
)

const (
	// diverged is what PostgreSQL says, and ends, if it was made a standby of somebody whose history is not its own.
	diverged = "is not a child of this server's history"

	// rebuildAfter is how long a data directory may stay so before somebody does something about it.
	rebuildAfter = time.Minute

	dataDir = "/var/lib/pooler/pg_data"
)

// rebuildDiverged does by hand what docs/data-plane.md tells an administrator to do about an instance that can never start again: Multigres v0.1.0
// can make a former leader that comes back amid an election a standby without rewinding it. Its data directory is moved away, and its pod, whose
// multipooler may still take itself for the leader, deleted: the next one restores itself from the backup. The scenario's line says so.
func (s *scenario) rebuildDiverged(ctx context.Context) {
	s.Helper()
	if time.Since(s.struck) < rebuildAfter {
		return
	}
	pods, err := s.cluster.poolers(ctx)
	if err != nil {
		return
	}
	for _, p := range pods {
		if ready(&p) || p.Status.Phase != "Running" {
			continue
		}
		out, err := shared.Kubectl(ctx, nil, "-n", p.GetNamespace(), "exec", p.GetName(), "-c", "postgres", "--", "tail", "-n", "40", dataDir+"/postgresql.log")
		if err != nil || !strings.Contains(out, diverged) {
			continue
		}
		if _, err := shared.Kubectl(ctx, nil, "-n", p.GetNamespace(), "exec", p.GetName(), "-c", "postgres", "--", "mv", dataDir, dataDir+".diverged"); err != nil {
			s.Logf("cannot move data directory away: %v", err)
			continue
		}
		remove(s.T, p)
		s.Logf("%s: %s can never start again: %q; its data directory was moved away and its pod deleted", time.Now().UTC().Format(time.TimeOnly), p.GetName(), diverged)
		s.lines[len(s.lines)-1].what += ", former leader rebuilt by hand"
	}
}
