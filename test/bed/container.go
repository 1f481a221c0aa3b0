package bed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// A Process runs in a container of a pod, as the machine sees it.
type Process struct {
	// PID on the machine.
	PID int

	// Parent is the PID of its parent on the machine.
	Parent int

	// Command is the name of its program, at most 15 characters.
	Command string
}

// PodProcesses returns what runs in a pod, by the pod's UID, without what keeps its namespaces. The kubelet has every pod in a control group
// that carries its UID.
func (c Config) PodProcesses(uid string) ([]Process, error) {
	procs, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return nil, errors.Wrap(err, "cannot list processes")
	}
	var out []Process
	for _, file := range procs {
		b, err := os.ReadFile(filepath.Clean(file))
		// Processes come and go.
		if err != nil || !strings.Contains(string(b), "/multigres-"+c.Name+"/") || !strings.Contains(string(b), "/pod"+uid+"/") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		if p, ok := process(pid); ok && p.Command != "pause" {
			out = append(out, p)
		}
	}
	return out, nil
}

// process reads what the kernel says of a process that lives.
func process(pid int) (Process, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	// The name, in parentheses, may hold spaces and parentheses.
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	fields := strings.Fields(string(b[end+1:]))
	if len(fields) < 2 || fields[0] == "Z" {
		return Process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	return Process{PID: pid, Parent: parent, Command: string(b[open+1 : end])}, err == nil
}

// Signal sends a signal to processes. Those that are gone are left out.
func Signal(s syscall.Signal, processes ...Process) error {
	for _, p := range processes {
		if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return errors.Wrapf(err, "cannot signal %s", p.Command)
		}
	}
	return nil
}
