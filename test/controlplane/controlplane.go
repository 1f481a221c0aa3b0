package controlplane

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

const (
	// startTimeout bounds how long one program takes to be ready. An API server
	// needs three seconds; a loaded machine needs more.
	startTimeout = 3 * time.Minute

	// poll is the pause between two looks at something that is waited for.
	poll = 50 * time.Millisecond

	// garbage makes Go programs collect theirs less often than by default (GOGC is
	// 100 then): it takes a fifth off the CPU time of a start, for twice the memory.
	garbage = "GOGC=300"

	// tail is how many bytes of a program's log go into an error.
	tail = 4000
)

// ErrExited means that a program ended before it was ready.
var ErrExited = errors.New("program exited before it was ready")

// Options say what to run. The zero value is etcd and an API server.
type Options struct {
	// ControllerManager runs kube-controller-manager: garbage collection,
	// namespaces' deletion and default service accounts, workloads, volumes.
	ControllerManager bool

	// Scheduler runs kube-scheduler: pods get nodes, if there are any.
	Scheduler bool

	// APIServerArgs are further arguments of the API server. Of a flag that is
	// given twice, the last counts.
	APIServerArgs []string

	// CRDs are folders whose CustomResourceDefinitions are installed.
	CRDs []string

	// Keep says what is prepared once and kept. Nil begins with nothing.
	Keep *Keep
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	opts      Options
	directory *directory
	authority *certificate.Authority
	address   string
	store     string
	admin     *rest.Config
	client    client.Client

	etcd              *process.Process
	apiServer         *process.Process
	controllerManager *process.Process
	scheduler         *process.Process

	mu sync.Mutex
	// started are all programs, in the order of their start.
	started []*process.Process
}

// New starts a control plane and returns when it is ready. The caller must call
// Stop.
func New(ctx context.Context, o Options) (*ControlPlane, error) {
	c := &ControlPlane{opts: o}

	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, errors.Wrap(err, "cannot start control plane")
	}

	return c, nil
}

func (c *ControlPlane) start(ctx context.Context) error {
	// Before anything is made: what is missing stays missing.
	for _, env := range []string{EnvEtcd, EnvAPIServer, EnvControllerManager, EnvScheduler} {
		if _, err := program(env); err != nil {
			return err
		}
	}

	var err error
	if c.directory, err = newDirectory(); err != nil {
		return err
	}

	if err := os.Mkdir(filepath.Join(c.Dir(), "log"), 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder of logs")
	}

	if c.authority, err = certificate.NewAuthority("control plane"); err != nil {
		return err
	}

	if err := c.startStore(ctx); err != nil {
		return err
	}

	if c.opts.ControllerManager {
		if err := c.startControllerManager(); err != nil {
			return err
		}
	}

	if c.opts.Scheduler {
		return c.startScheduler()
	}

	return nil
}

// startStore starts etcd and the API server, with the CRDs.
func (c *ControlPlane) startStore(ctx context.Context) error {
	if c.opts.Keep != nil {
		return c.startKept(ctx)
	}

	if err := c.startAPIServer(ctx); err != nil {
		return err
	}

	return c.InstallCRDs(ctx, c.opts.CRDs...)
}

// Stop kills everything and removes the data. It may be called more than once.
func (c *ControlPlane) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()

	for _, p := range slices.Backward(c.started) {
		p.Kill()
	}

	c.started = nil

	if c.directory != nil {
		// What cannot be removed now is removed by the next one.
		_ = c.directory.remove()
		c.directory = nil
	}
}

// Dir is the control plane's folder. It is removed by Stop.
func (c *ControlPlane) Dir() string { return c.directory.path }

// Etcd is the API server's etcd.
func (c *ControlPlane) Etcd() *process.Process { return c.etcd }

// APIServer is kube-apiserver.
func (c *ControlPlane) APIServer() *process.Process { return c.apiServer }

// ControllerManager is kube-controller-manager, nil if it was not wanted.
func (c *ControlPlane) ControllerManager() *process.Process { return c.controllerManager }

// Scheduler is kube-scheduler, nil if it was not wanted.
func (c *ControlPlane) Scheduler() *process.Process { return c.scheduler }

// Run starts a program of the caller's whose log is one of the control plane's,
// and which Stop kills, too. Name and log must not be set to those of another.
func (c *ControlPlane) Run(cfg process.Config) (*process.Process, error) {
	if cfg.Log == "" {
		cfg.Log = filepath.Join(c.Dir(), "log", cfg.Name+".log")
	}

	cfg.Env = append([]string{garbage}, cfg.Env...)

	p, err := process.Start(cfg)
	if err != nil {
		return nil, err
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = append(c.started, p)

	return p, nil
}

// until polls until a condition holds, a program ends or takes too long. The
// error is the last that the condition gave, with the end of the program's log.
func until(ctx context.Context, p *process.Process, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}

		select {
		case <-p.Exited():
			return errors.Wrapf(ErrExited, "%s: %s", p.Name(), p.Tail(tail))
		case <-ctx.Done():
			return errors.Wrapf(err, "cannot wait for %s: %s", p.Name(), p.Tail(tail))
		case <-time.After(poll):
		}
	}
}
