package bed

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// poll is the time between two looks whether something has come about.
const poll = 100 * time.Millisecond

// helperImage has a shell, in which volumes are made and removed.
const helperImage = "ghcr.io/multigres/pgctld:v0.1.0"

// errUp means that a bed of that name is up.
var errUp = errors.New("it is up: `make bed-down` ends it")

// A Progress is told each step when it is done.
type Progress func(step string)

// Up starts the bed and returns when its nodes are ready, names resolve and volumes can be had. The time that it may take is the
// context's. What it started goes on when this process ends. A bed that does not come up is left as it is, for its logs.
func (c Config) Up(ctx context.Context, done Progress) error {
	if err := c.prepare(); err != nil {
		return err
	}
	if err := c.startHub(ctx); err != nil {
		return err
	}
	done("control plane")
	for _, n := range c.Nodes() {
		if err := c.StartNode(n); err != nil {
			return err
		}
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	done("nodes")
	if err := c.addOn(ctx); err != nil {
		return err
	}
	done("names and volumes")
	return nil
}

// prepare makes the bed's folder with links to the programs.
func (c Config) prepare() error {
	if err := c.Validate(); err != nil {
		return err
	}
	if err := Supported(); err != nil {
		return err
	}
	if c.noted("hub") != 0 {
		return errors.Wrapf(errUp, "cannot start bed %q", c.Name)
	}
	// What a bed that was not taken down has left.
	if err := c.Down(); err != nil {
		return err
	}
	for _, d := range []string{"log", "hub", "volumes/shared"} {
		if err := os.MkdirAll(filepath.Join(c.Dir(), d), 0o755); err != nil {
			return errors.Wrap(err, "cannot make folder of bed")
		}
	}
	return c.linkPrograms()
}

// addOn installs what a cluster has beside Kubernetes itself, and waits for it.
func (c Config) addOn(ctx context.Context) error {
	for _, a := range []string{"addons/dns.yaml", "addons/storage.yaml"} {
		b, err := rendered(a, map[string]any{
			"Domain": domain, "DNS": dnsService, "Nodes": c.Nodes(), "Volumes": filepath.Join(c.Dir(), "volumes"), "Helper": helperImage,
		})
		if err != nil {
			return err
		}
		if err := c.Apply(ctx, b); err != nil {
			return err
		}
	}
	for ns, d := range map[string]string{"kube-system": "coredns", "local-path-storage": "local-path-provisioner"} {
		if _, err := c.Kubectl(ctx, nil, "-n", ns, "rollout", "status", "--timeout=5m", "deployment/"+d); err != nil {
			return err
		}
	}
	return nil
}

// startHub starts the hub and waits for its API server.
func (c Config) startHub(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return errors.Wrap(err, "cannot listen for users of the API server")
	}
	defer func() { _ = l.Close() }()
	if err := c.writeIdentities(l.Addr().String()); err != nil {
		return err
	}
	if err := c.createHubNetwork(); err != nil {
		return err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return errors.Wrap(errName, "cannot use listener")
	}
	f, err := tcp.File()
	if err != nil {
		return errors.Wrap(err, "cannot hand the port on")
	}
	defer func() { _ = f.Close() }()
	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "cannot find this program")
	}
	args := append([]string{
		"nsenter", "--net=" + filepath.Join(netns, c.namespace("")),
		"unshare", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child", "--propagation", "private", self,
	}, c.args("run-hub")...)
	if err := c.spawn("hub", []*os.File{f}, args...); err != nil {
		return err
	}
	return until(ctx, func() error {
		_, err := c.Kubectl(ctx, nil, "get", "--raw", "/readyz")
		return err
	})
}

// StartNode starts a node, for the first time or after it was killed.
func (c Config) StartNode(n Node) error {
	if err := c.createCgroups(n); err != nil {
		return err
	}
	if err := c.createNodeNetwork(n); err != nil {
		return err
	}
	if err := c.writeNode(n); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "cannot find this program")
	}
	return c.spawn(n.Name(), nil, append([]string{self}, c.args("enter-node", fmt.Sprintf("--index=%d", n.Index))...)...)
}

// KillNode ends a node at once: its zone loses power.
func (c Config) KillNode(n Node) error {
	if err := c.routeAround(n); err != nil {
		return err
	}
	return c.kill(n.Name())
}

// args are what this program is called with to do something for the same bed.
func (c Config) args(command string, more ...string) []string {
	return append([]string{command, "--name=" + c.Name, "--cache=" + c.Cache, "--zones=" + strings.Join(c.Zones, ",")}, more...)
}

// ready waits for all nodes.
func (c Config) ready(ctx context.Context) error {
	return until(ctx, func() error {
		out, err := c.Kubectl(ctx, nil, "get", "nodes", "-o", `jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}`)
		if err != nil {
			return err
		}
		for _, n := range c.Nodes() {
			if !strings.Contains(out, n.Name()+"=True") {
				return errors.Wrapf(errNotReady, "nodes are %q", out)
			}
		}
		return nil
	})
}

// errNotReady means that something has not come about yet.
var errNotReady = errors.New("not ready")

// until tries something until it works or the context ends; then the error is the last one.
func until(ctx context.Context, try func() error) error {
	t := time.NewTicker(poll)
	defer t.Stop()
	var last error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Wrap(last, "cannot wait any longer")
		case <-t.C:
		}
	}
}

// Kubectl runs kubectl as an administrator and returns what it prints.
func (c Config) Kubectl(ctx context.Context, in []byte, args ...string) (string, error) {
	return kubectl(ctx, c.bin("kubectl"), in, append([]string{"--kubeconfig=" + c.Kubeconfig()}, args...))
}

// KubectlFor returns a function that runs the machine's kubectl for a context of its user.
func KubectlFor(name string) func(ctx context.Context, in []byte, args ...string) (string, error) {
	return func(ctx context.Context, in []byte, args ...string) (string, error) {
		return kubectl(ctx, "kubectl", in, append([]string{"--context=" + name}, args...))
	}
}

func kubectl(ctx context.Context, path string, in []byte, args []string) (string, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin = bytes.NewReader(in)
	out, errs := &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	return out.String(), errors.Wrapf(err, "cannot kubectl %s: %s", strings.Join(args, " "), strings.TrimSpace(errs.String()))
}

// Apply applies objects in YAML.
func (c Config) Apply(ctx context.Context, objects []byte) error {
	_, err := c.Kubectl(ctx, objects, "apply", "--server-side", "-f", "-")
	return err
}
