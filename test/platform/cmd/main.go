// Package main starts and stops a platform for people: a real control plane with
// Crossplane and our packages, on nodes that are played. `make controlplane-up`
// and `make controlplane-down` run it.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/platform"
)

// Files in the folder of control planes, of the one that people use.
const (
	folder     = ".cache/controlplane"
	pidFile    = folder + "/up.pid"
	logFile    = folder + "/up.log"
	kubeconfig = folder + "/up.kubeconfig"
)

const (
	// envVersion is the version as which the packages are built.
	envVersion = "XPKG_VERSION"

	poll = 100 * time.Millisecond
)

var (
	errUsage   = errors.New("use it with up or down")
	errRunning = errors.New("it runs already: make controlplane-down stops it")
	errStart   = errors.New("it did not start")
)

func main() {
	log.SetLogger(logr.Discard())

	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errUsage
	}

	switch args[0] {
	case "up":
		return up()
	case "down":
		return down()
	case "serve":
		return serve()
	default:
		return errUsage
	}
}

// up starts this program again, on its own, and waits until the platform is there.
func up() error {
	if _, ok := running(); ok {
		return errRunning
	}

	if err := os.MkdirAll(folder, 0o750); err != nil {
		return errors.Wrap(err, "cannot make folder")
	}

	_ = os.Remove(kubeconfig)

	out, err := os.Create(logFile)
	if err != nil {
		return errors.Wrap(err, "cannot make log")
	}

	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "cannot find this program")
	}

	begin := time.Now()

	//nolint:noctx // It lives until somebody stops it.
	cmd := exec.Command(self, "serve")
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}

	if err := cmd.Start(); err != nil {
		return errors.Wrap(err, "cannot start")
	}

	exited := make(chan struct{})

	go func() {
		_ = cmd.Wait()
		close(exited)
	}()

	for {
		if _, err := os.Stat(kubeconfig); err == nil {
			fmt.Printf("ready after %.0f s: export KUBECONFIG=$PWD/%s\n", time.Since(begin).Seconds(), kubeconfig)
			return nil
		}

		select {
		case <-exited:
			text, _ := os.ReadFile(logFile)
			return errors.Wrap(errStart, string(bytes.TrimSpace(text)))
		case <-time.After(poll):
		}
	}
}

// serve runs the platform until it is told to stop.
func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return errors.Wrap(err, "cannot write number of process")
	}

	defer func() { _, _ = os.Remove(pidFile), os.Remove(kubeconfig) }()

	p, err := platform.Start(ctx, platform.Options{Nodes: platform.ExampleNodes()})
	if err != nil {
		return err
	}
	defer p.Stop()

	dir := os.Getenv(platform.EnvPackages)
	if err := p.Push(ctx, dir, os.Getenv(envVersion)); err != nil {
		return err
	}

	if err := p.Install(ctx, filepath.Join(dir, "install.yaml")); err != nil {
		return err
	}

	// The one in the control plane's folder has another name each time.
	if err := os.Symlink(filepath.Join(p.Dir(), controlplane.AdminKubeconfig), kubeconfig); err != nil {
		return errors.Wrap(err, "cannot link kubeconfig")
	}

	<-ctx.Done()

	return nil
}

// down stops what up started, and waits until it is gone.
func down() error {
	pid, ok := running()
	if !ok {
		fmt.Println("it does not run")

		// What one has left that was killed.
		_, _ = os.Remove(pidFile), os.Remove(kubeconfig)

		return controlplane.Sweep()
	}

	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return errors.Wrap(err, "cannot stop")
	}

	for ok {
		time.Sleep(poll)

		_, ok = running()
	}

	return nil
}

// running returns the process that serves, if there is one.
func running() (int, bool) {
	b, err := os.ReadFile(pidFile)
	if err != nil {
		return 0, false
	}

	pid, err := strconv.Atoi(string(b))
	if err != nil {
		return 0, false
	}

	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))

	return pid, err == nil && bytes.HasSuffix(bytes.TrimRight(command, "\x00"), []byte("serve"))
}
