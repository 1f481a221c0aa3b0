package pooler

import "google.golang.org/grpc/codes"

// A Fault is how a pooler misbehaves. The zero Fault is a healthy pooler.
type Fault struct {
	// Hang keeps every call waiting until its caller gives up.
	Hang bool

	// Code is what every call fails with, if it is not OK.
	Code codes.Code

	// StalePrimary makes the pooler claim that it is a primary that leads by a rule of an older term.
	StalePrimary bool

	// ClaimTerm makes the pooler claim that it leads in this term.
	ClaimTerm int64

	// NotReady makes its PostgreSQL answer nothing.
	NotReady bool

	// Diverged makes its PostgreSQL end whenever it is started, because its history is not the leader's. A rewind mends it.
	Diverged bool

	// RewindFails makes rewinds fail.
	RewindFails bool

	// BackupFails makes backups and their removal fail.
	BackupFails bool

	// BackupHangs makes a backup go on until its caller gives up.
	BackupHangs bool

	// Lag is how many bytes it replays behind the leader.
	Lag uint64

	// RestartPending makes its PostgreSQL say that a setting waits for a restart.
	RestartPending bool

	// KeepConfig makes reloads change nothing, as before the kubelet has brought the new file.
	KeepConfig bool
}
