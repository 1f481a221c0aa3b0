package engine

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/grpc"
)

const (
	// startTimeout bounds how long a function may take until it listens. The
	// function needs a fraction of a second; a loaded machine needs more.
	startTimeout = 30 * time.Second

	// stopTimeout bounds how long a function may take to end after SIGTERM
	// before it is killed.
	stopTimeout = 5 * time.Second

	// dialInterval is the pause between two looks at the function's port.
	dialInterval = 20 * time.Millisecond

	// loopback is where functions listen. The port is the kernel's choice.
	loopback = "127.0.0.1:0"
)

// ErrExited means that a function ended before it listened.
var ErrExited = errors.New("function exited before it listened")

// Function is a running composition function.
type Function struct {
	// Address is where the function listens without TLS, host:port.
	Address string

	cmd    *exec.Cmd
	exited chan struct{}
	output *buffer
}

// StartFunction starts a composition function on a free loopback port, without
// TLS, and returns once it accepts connections. Further arguments are passed on
// to it. The caller must call Stop.
func StartFunction(ctx context.Context, path string, args ...string) (*Function, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}

	f := &Function{Address: address, exited: make(chan struct{}), output: &buffer{}}

	//nolint:noctx // The context bounds the start; the function lives until Stop.
	f.cmd = exec.Command(path, append([]string{"--insecure", "--address", address, "--metrics-address="}, args...)...)
	f.cmd.Stdout, f.cmd.Stderr = f.output, f.output

	if err := f.cmd.Start(); err != nil {
		return nil, errors.Wrap(err, "cannot start function")
	}

	go func() {
		_ = f.cmd.Wait()
		close(f.exited)
	}()

	if err := f.ready(ctx); err != nil {
		f.Stop()
		return nil, errors.Wrapf(err, "cannot wait for function: %s", f.Output())
	}

	return f, nil
}

// Output is everything the function has printed so far.
func (f *Function) Output() string { return f.output.String() }

// Stop ends the function's process and waits until it is gone. It may be called
// more than once.
func (f *Function) Stop() {
	_ = f.cmd.Process.Signal(syscall.SIGTERM)

	select {
	case <-f.exited:
	case <-time.After(stopTimeout):
		_ = f.cmd.Process.Signal(os.Kill)
		<-f.exited
	}
}

// Serve serves a composition function from this process, on a free loopback port
// and without TLS, as StartFunction does with a program. It returns the address,
// host:port, and a function that stops serving.
func Serve(ctx context.Context, fn fnv1.FunctionRunnerServiceServer) (address string, stop func(), err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback)
	if err != nil {
		return "", nil, errors.Wrap(err, "cannot listen")
	}

	s := grpc.NewServer()
	fnv1.RegisterFunctionRunnerServiceServer(s, fn)

	// Serve's only error is that of a listener that Stop closed.
	go func() { _ = s.Serve(l) }()

	return l.Addr().String(), s.Stop, nil
}

// ready waits until the function accepts connections.
func (f *Function) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	d := &net.Dialer{}

	for {
		c, err := d.DialContext(ctx, "tcp", f.Address)
		if err == nil {
			return c.Close()
		}

		select {
		case <-f.exited:
			return ErrExited
		case <-ctx.Done():
			return errors.Wrap(ctx.Err(), "it does not listen")
		case <-time.After(dialInterval):
		}
	}
}

// freeAddress asks the kernel for a loopback port that nobody uses.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", loopback)
	if err != nil {
		return "", errors.Wrap(err, "cannot find a free port")
	}

	return l.Addr().String(), errors.Wrap(l.Close(), "cannot free the port")
}

// buffer is a bytes.Buffer that a process may write while a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.b.Write(p)
}

// String returns everything written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()

	return b.b.String()
}
