package pooler

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	managerpb "github.com/multigres/multigres/go/pb/multipoolermanagerdata"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// kinds are the types of backups as Multigres takes them, with what pgBackRest calls them and ends their names with.
var kinds = map[string]struct{ name, suffix string }{"full": {"full", "F"}, "differential": {"diff", "D"}, "incremental": {"incr", "I"}}

// AddBackup adds a complete backup that a pooler took. The type is full, diff or incr.
func (s *Shard) AddBackup(taker ID, id, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backups = append(s.backups, backup(taker, id, kind))
}

// Backups are the names of the backups there are, oldest first.
func (s *Shard) Backups() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, b := range s.backups {
		out = append(out, b.GetBackupId())
	}
	return out
}

// SetBackupTime says at what time backups are begun from now on, by the poolers' clock.
func (s *Shard) SetBackupTime(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backupTime = t
}

func backup(taker ID, id, kind string) *managerpb.BackupMetadata {
	return &managerpb.BackupMetadata{
		BackupId: id, Type: kind, Status: managerpb.BackupMetadata_COMPLETE,
		MultipoolerId: taker.Name,
	}
}

// GetBackups of the shard, oldest first.
func (m *manager) GetBackups(_ context.Context, req *managerpb.GetBackupsRequest) (*managerpb.GetBackupsResponse, error) {
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	out := slices.Clone(m.shard.backups)
	// As pgBackRest lists them, the limit cuts off the newest.
	if n := int(req.GetLimit()); n > 0 && n < len(out) {
		out = out[:n]
	}
	return &managerpb.GetBackupsResponse{Backups: out}, nil
}

// Backup takes one. It holds no lease: whether one is held is for a test to say.
func (m *manager) Backup(ctx context.Context, req *managerpb.BackupRequest) (*managerpb.BackupResponse, error) {
	kind, ok := kinds[req.GetType()]
	if !ok {
		return nil, status.Error(codes.InvalidArgument, "invalid backup type")
	}
	m.shard.mu.Lock()
	hangs := m.fault.BackupHangs
	m.shard.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	switch {
	case m.primary() && !req.GetForcePrimary():
		return nil, status.Error(codes.FailedPrecondition, "backups from primary databases are not allowed unless ForcePrimary is set")
	case m.fault.BackupFails:
		return nil, status.Error(codes.Internal, "pgbackrest backup failed")
	}
	at := m.shard.backupTime
	if at.IsZero() {
		at = time.Now()
	}
	id := at.UTC().Format("20060102-150405") + kind.suffix
	if kind.name != "full" {
		id = m.shard.lastFull() + "_" + id
	}
	m.shard.backups = append(m.shard.backups, backup(m.id, id, kind.name))
	return &managerpb.BackupResponse{BackupId: id}, nil
}

func (s *Shard) lastFull() string {
	for _, b := range slices.Backward(s.backups) {
		if b.GetType() == "full" {
			return b.GetBackupId()
		}
	}
	return ""
}

// ExpireBackups keeps the last full backups, as many as pgBackRest's option says, or else Multigres' own number of 7.
func (m *manager) ExpireBackups(_ context.Context, req *managerpb.ExpireBackupsRequest) (*managerpb.ExpireBackupsResponse, error) {
	m.shard.mu.Lock()
	defer m.shard.mu.Unlock()
	keep := 7
	for option, value := range req.GetOverrides() {
		n, err := strconv.Atoi(value)
		if option != "repo1_retention_full" || err != nil || n < 1 {
			return nil, status.Error(codes.Unknown, fmt.Sprintf("pgbackrest expire failed: %s=%s", option, value))
		}
		keep = n
	}
	if m.fault.BackupFails {
		return nil, status.Error(codes.Unknown, "pgbackrest expire failed")
	}
	var gone []string
	for fulls, i := 0, len(m.shard.backups)-1; i >= 0; i-- {
		if m.shard.backups[i].GetType() != "full" {
			continue
		}
		if fulls++; fulls < keep {
			continue
		}
		for _, b := range m.shard.backups[:i] {
			gone = append(gone, b.GetBackupId())
		}
		m.shard.backups = slices.Clone(m.shard.backups[i:])
		break
	}
	return &managerpb.ExpireBackupsResponse{ExpiredBackupIds: gone}, nil
}
