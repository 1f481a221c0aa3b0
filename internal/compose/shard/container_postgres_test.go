package shard

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// TestStartPgctld runs the script that starts pgctld with something else in its place.
func TestStartPgctld(t *testing.T) {
	cases := map[string]struct {
		reason string
		script string
		stop   bool
		want   int
	}{
		"Ends":  {reason: "Its exit code is the container's.", script: `exit 7`, want: 7},
		"Stops": {reason: "It is told to stop, and given the time that it needs.", script: `trap 'sleep 0.3; exit 3' TERM; touch "$1"; while :; do sleep 0.05; done`, stop: true, want: 3},
		"Deaf":  {reason: "One that does not heed it is waited for.", script: `trap '' TERM; touch "$1"; sleep 0.5; exit 4`, stop: true, want: 4},
		"Dies":  {reason: "A signal that kills it shows.", script: `kill -KILL $$`, want: 137},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			program, started := filepath.Join(dir, "pgctld"), filepath.Join(dir, "started")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+tc.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", strings.ReplaceAll(startPgctld, "/usr/local/bin/pgctld", program), "pgctld", started)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if tc.stop {
				for begin := time.Now(); !exists(started); time.Sleep(10 * time.Millisecond) {
					if time.Since(begin) > time.Minute {
						t.Fatal("the program was not started")
					}
				}
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			err := cmd.Wait()
			if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != tc.want {
				t.Errorf("%s\nwant exit code %d, got %d", tc.reason, tc.want, got)
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
