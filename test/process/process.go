package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// pauseInterval is the time between two looks whether a process has paused.
const pauseInterval = time.Millisecond

// ErrRunning means that a process that is to be started already runs.
var ErrRunning = errors.New("process already runs")

// Config says what to run.
type Config struct {
	// Name is for messages: the program's name, or what tells two of its
	// processes apart.
	Name string

	// Path of the program.
	Path string

	// Args are its arguments, without its name.
	Args []string

	// Env is added to the environment of this process, as KEY=value.
	Env []string

	// Dir is its working directory. That of this process if empty.
	Dir string

	// Log is the file that its output is appended to.
	Log string
}

// Process is a program that runs, or has run and can be started again. Its
// methods may be called by several goroutines.
type Process struct {
	cfg Config

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start starts a program.
func Start(cfg Config) (*Process, error) {
	p := &Process{cfg: cfg}
	if err := p.Start(); err != nil {
		return nil, err
	}

	return p, nil
}

// Start starts the program again after it has ended, with the same arguments.
// The error wraps ErrRunning if it has not.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.running() {
		return errors.Wrap(ErrRunning, p.cfg.Name)
	}

	log, err := os.OpenFile(filepath.Clean(p.cfg.Log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errors.Wrapf(err, "cannot open log of %s", p.cfg.Name)
	}
	// The child has its own handle.
	defer func() { _ = log.Close() }()

	//nolint:noctx // It lives until somebody ends it.
	cmd := exec.Command(p.cfg.Path, p.cfg.Args...)
	cmd.Dir, cmd.Env = p.cfg.Dir, append(os.Environ(), p.cfg.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// An interrupt at the terminal ends the tests, and they end the rest.
		Setpgid: true,
	}

	if err := onForker(cmd.Start); err != nil {
		return errors.Wrapf(err, "cannot start %s", p.cfg.Name)
	}

	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited

	go func() {
		_ = cmd.Wait()
		close(exited)
	}()

	return nil
}

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.exited
}

// PID is the number of the process, also after it has ended.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	return p.cmd.Process.Pid
}

// ExitCode is the code with which the process has ended: -1 if it runs or was killed.
func (p *Process) ExitCode() int {
	p.mu.Lock()
	defer p.mu.Unlock()

	if p.running() {
		return -1
	}

	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal. It does nothing if the process has ended.
func (p *Process) Signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()

	// Its only error is that the process has ended.
	_ = p.cmd.Process.Signal(s)
}

// Kill ends the process at once and waits until it is gone.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Exited()
}

// Stop asks the process to end, waits until it is gone, and kills it if it
// takes longer than the grace period.
func (p *Process) Stop(grace time.Duration) {
	p.Signal(syscall.SIGTERM)

	select {
	case <-p.Exited():
	case <-time.After(grace):
		p.Kill()
	}
}

// Restart kills the process and starts it again.
func (p *Process) Restart() error {
	p.Kill()

	return p.Start()
}

// Pause stops the process from running, and returns when it has stopped. It
// keeps its connections and answers nobody.
func (p *Process) Pause() {
	p.Signal(syscall.SIGSTOP)

	for p.state() != 'T' {
		select {
		case <-p.Exited():
			return
		case <-time.After(pauseInterval):
		}
	}
}

// Resume lets a paused process run again.
func (p *Process) Resume() { p.Signal(syscall.SIGCONT) }

// Tail is the end of the process's output, of at most n bytes.
func (p *Process) Tail(n int) string {
	b, err := os.ReadFile(p.cfg.Log)
	if err != nil {
		return fmt.Sprintf("cannot read log: %v", err)
	}

	return string(b[max(0, len(b)-n):])
}

// Name is the name that the process was given.
func (p *Process) Name() string { return p.cfg.Name }

// running is true from the start to the end of the process.
func (p *Process) running() bool {
	if p.cmd == nil {
		return false
	}

	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// state is the letter that proc(5) has for what the process does, 0 if it is gone.
func (p *Process) state() byte {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID()), "stat"))
	if err != nil {
		return 0
	}

	// The state follows the name, which stands in parentheses and may hold some.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 || i+2 >= len(b) {
		return 0
	}

	return b[i+2]
}

// forker has all children of this process: the kernel signals a child when the
// thread that made it ends, and this one ends with the process.
var forker = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())

	go func() {
		runtime.LockOSThread()

		for f := range calls {
			f()
		}
	}()

	return calls
})

func onForker(f func() error) error {
	result := make(chan error)
	forker() <- func() { result <- f() }

	return <-result
}
