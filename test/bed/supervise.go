package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// restartDelay is the time between the end of a program and its next start.
const restartDelay = 500 * time.Millisecond

// A program runs for as long as its supervisor.
type program struct {
	name string
	path string
	args []string
	log  string

	// after is a file that must exist before the program starts.
	after string
}

// supervise runs programs as the first process of a process namespace: it starts them in order, starts again what ends, and
// reaps the processes that others leave to it. It only returns if a program cannot be started.
func supervise(programs []program) error {
	running := map[int]program{}
	for _, p := range programs {
		pid, err := p.start()
		if err != nil {
			return err
		}
		running[pid] = p
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil {
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			return errors.Wrap(err, "cannot wait for programs")
		}
		p, ok := running[pid]
		if !ok {
			continue
		}
		delete(running, pid)
		fmt.Fprintf(os.Stderr, "%s %s ended (exit code %d, signal %d)\n", time.Now().Format(time.RFC3339), p.name, status.ExitStatus(), status.Signal())
		time.Sleep(restartDelay)
		if pid, err = p.start(); err != nil {
			return err
		}
		running[pid] = p
	}
}

// start starts the program and returns its process.
func (p program) start() (int, error) {
	if p.after != "" {
		for range 200 {
			if _, err := os.Stat(p.after); err == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	log, err := os.OpenFile(filepath.Clean(p.log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, errors.Wrapf(err, "cannot open log of %s", p.name)
	}
	defer func() { _ = log.Close() }()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, errors.Wrapf(err, "cannot start %s", p.name)
	}
	defer func() { _ = null.Close() }()
	// Not by os/exec, whose Wait would compete with the reaping.
	proc, err := os.StartProcess(p.path, append([]string{p.name}, p.args...), &os.ProcAttr{
		Files: []*os.File{null, log, log}, Env: os.Environ(),
	})
	if err != nil {
		return 0, errors.Wrapf(err, "cannot start %s", p.name)
	}
	return proc.Pid, nil
}
