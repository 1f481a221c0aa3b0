package bed

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// killTimeout is how long killed processes may take to be gone.
const killTimeout = 30 * time.Second

// errAlive means that a process does not die.
var errAlive = errors.New("still there after SIGKILL")

// spawn starts a program that outlives this process, and notes it in a file.
func (c Config) spawn(name string, files []*os.File, argv ...string) error {
	log, err := os.OpenFile(filepath.Clean(c.log(name)), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errors.Wrap(err, "cannot open log")
	}
	defer func() { _ = log.Close() }()
	//nolint:noctx // It lives until somebody kills it.
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	if err := cmd.Start(); err != nil {
		return errors.Wrapf(err, "cannot start %s", name)
	}
	note := fmt.Sprintf("%d %s", cmd.Process.Pid, started(cmd.Process.Pid))
	return errors.Wrap(os.WriteFile(c.pidFile(name), []byte(note), 0o600), "cannot note process")
}

// started is when a process started, in ticks since boot: with it a process differs from another one that has its number later.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, may hold spaces. The 22nd field is the 20th after it.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return ""
	}
	return fields[19]
}

// noted returns the process that a file notes, or 0 if it is gone.
func (c Config) noted(name string) int {
	b, err := os.ReadFile(c.pidFile(name))
	if err != nil {
		return 0
	}
	pid, start, _ := strings.Cut(string(b), " ")
	n, err := strconv.Atoi(pid)
	if err != nil || start == "" || started(n) != start {
		return 0
	}
	return n
}

// First returns the first process of a node, or of the hub, as the machine numbers it; 0 if it is gone.
func (c Config) First(name string) int {
	pid := c.noted(name)
	if pid == 0 {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0
	}
	children := strings.Fields(string(b))
	if len(children) == 0 {
		return 0
	}
	n, err := strconv.Atoi(children[0])
	if err != nil {
		return 0
	}
	return n
}

// kill ends a node, or the hub, at once and waits until all of its processes are gone.
func (c Config) kill(name string) error {
	outer := c.noted(name)
	if outer == 0 {
		return nil
	}
	target := c.First(name)
	if target == 0 {
		target = outer
	}
	if err := syscall.Kill(target, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return errors.Wrapf(err, "cannot kill %s", name)
	}
	for deadline := time.Now().Add(killTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		// It ends when its child, the first process of the namespace, and with it all others are gone. If this process is
		// its parent it has to be reaped.
		var status syscall.WaitStatus
		_, _ = syscall.Wait4(outer, &status, syscall.WNOHANG, nil)
		if c.noted(name) == 0 {
			return nil
		}
	}
	return errors.Wrapf(errAlive, "cannot kill %s", name)
}
