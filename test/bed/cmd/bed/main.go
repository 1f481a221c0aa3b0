// Package main brings a bed up and takes it down: see package bed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"

	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
	"github.com/crossplane-multigres/crossplane-multigres/test/bed/demo"
)

// exitUnsupported is the exit code where a machine cannot run a bed, so that callers can tell it from a failure.
const exitUnsupported = 77

// errNode means that the bed has no such node.
var errNode = errors.New("no such node")

// cli holds the flags that say which bed.
type cli struct {
	Name  string   `default:"bed" help:"Name of the bed: one to eight lower-case letters and digits."`
	Cache string   `default:".cache" help:"Folder with what make built, and of the bed itself." type:"path"`
	Zones []string `default:"eu-1a,eu-1b,eu-1c" help:"Failure zones, one node each."`

	Check     checkCmd     `cmd:"" help:"Say whether this machine can run a bed."`
	Up        upCmd        `cmd:"" help:"Start the bed."`
	Down      downCmd      `cmd:"" help:"End the bed and remove all of it."`
	Install   installCmd   `cmd:"" help:"Install Crossplane and our packages."`
	Demo      demoCmd      `cmd:"" help:"Create a cluster and use it."`
	KillNode  killNodeCmd  `cmd:"" help:"Let a node lose power."`
	StartNode startNodeCmd `cmd:"" help:"Start a node again."`
	CutNode   cutNodeCmd   `cmd:"" help:"Take a node off the network."`
	MendNode  mendNodeCmd  `cmd:"" help:"Plug a node in again."`
	RunHub    runHubCmd    `cmd:"" hidden:""`
	EnterNode enterNodeCmd `cmd:"" hidden:""`
	RunNode   runNodeCmd   `cmd:"" hidden:""`
}

func (c *cli) config() bed.Config { return bed.Config{Name: c.Name, Cache: c.Cache, Zones: c.Zones} }

type checkCmd struct{}

// Run says what is missing.
func (checkCmd) Run() error { return bed.Supported() }

type upCmd struct {
	Listen  string        `default:"127.0.0.1:0" help:"TCP address of the API server on this machine."`
	Timeout time.Duration `default:"5m" help:"How long to wait for everything to be ready."`
}

// Run starts the bed.
func (u *upCmd) Run(ctx context.Context, c *cli) error {
	ctx, cancel := context.WithTimeout(ctx, u.Timeout)
	defer cancel()
	cfg := c.config()
	cfg.Listen = u.Listen
	begin := time.Now()
	if err := cfg.Up(ctx, steps()); err != nil {
		return errors.Wrapf(err, "cannot start bed (logs are in %s)", cfg.Dir())
	}
	fmt.Printf("bed %s is up after %.1f s: export KUBECONFIG=%s\n", cfg.Name, time.Since(begin).Seconds(), cfg.Kubeconfig())
	return nil
}

type downCmd struct{}

// Run ends the bed.
func (d *downCmd) Run(c *cli) error { return c.config().Down() }

type installCmd struct {
	Crossplane string        `help:"File with the objects of Crossplane's chart." required:"" type:"existingfile"`
	Packages   string        `help:"Folder with the packages and their install manifest." required:"" type:"existingdir"`
	Registry   string        `help:"What the packages were built for." required:""`
	Version    string        `help:"Their version." required:""`
	Timeout    time.Duration `default:"5m" help:"How long to wait for everything to be healthy."`
}

// Run installs everything.
func (i *installCmd) Run(ctx context.Context, c *cli) error {
	ctx, cancel := context.WithTimeout(ctx, i.Timeout)
	defer cancel()
	return c.config().Install(ctx, bed.Install{
		Crossplane: i.Crossplane,
		Push:       []string{filepath.Join(c.Cache, "bin", "xpkg"), "push", "--registry=" + i.Registry, "--version=" + i.Version, "--dir=" + i.Packages, "--force"},
		Manifest:   filepath.Join(i.Packages, "install.yaml"),
	}, steps())
}

type demoCmd struct {
	Context string        `help:"Context of your own kubeconfig, instead of the bed."`
	Claim   bool          `help:"Create the cluster by a claim."`
	Timeout time.Duration `default:"10m" help:"How long to wait for the cluster."`
}

// Run shows a cluster.
func (d *demoCmd) Run(ctx context.Context, c *cli) error {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	kubectl := c.config().Kubectl
	if d.Context != "" {
		kubectl = bed.KubectlFor(d.Context)
	}
	return demo.Run(ctx, kubectl, os.Stdout, d.Claim)
}

// steps prints each step with its time.
func steps() bed.Progress {
	last := time.Now()
	return func(step string) {
		fmt.Printf("    %-20s %5.1f s\n", step, time.Since(last).Seconds())
		last = time.Now()
	}
}

// A nodeFlag names a node.
type nodeFlag struct {
	Index int `help:"Which node, counted from 1." required:""`
}

func (n nodeFlag) node(c *cli) (bed.Node, error) {
	nodes := c.config().Nodes()
	if n.Index < 1 || n.Index > len(nodes) {
		return bed.Node{}, errors.Wrapf(errNode, "cannot find node %d of %d", n.Index, len(nodes))
	}
	return nodes[n.Index-1], nil
}

func (n nodeFlag) do(c *cli, f func(bed.Node) error) error {
	node, err := n.node(c)
	if err != nil {
		return err
	}
	return f(node)
}

type (
	killNodeCmd  struct{ nodeFlag }
	startNodeCmd struct{ nodeFlag }
	cutNodeCmd   struct{ nodeFlag }
	mendNodeCmd  struct{ nodeFlag }
	enterNodeCmd struct{ nodeFlag }
	runNodeCmd   struct{ nodeFlag }
	runHubCmd    struct{}
)

// Run kills the node.
func (n *killNodeCmd) Run(c *cli) error { return n.do(c, c.config().KillNode) }

// Run starts the node.
func (n *startNodeCmd) Run(c *cli) error { return n.do(c, c.config().StartNode) }

// Run takes the node off the network.
func (n *cutNodeCmd) Run(c *cli) error { return n.do(c, c.config().Cut) }

// Run plugs the node in.
func (n *mendNodeCmd) Run(c *cli) error { return n.do(c, c.config().Mend) }

// Run enters the node's namespaces.
func (n *enterNodeCmd) Run(c *cli) error {
	self, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "cannot find this program")
	}
	return n.do(c, func(node bed.Node) error {
		args := append([]string{"run-node"}, os.Args[2:]...)
		return bed.EnterNode(c.config(), node, self, args)
	})
}

// Run is a node's first process.
func (n *runNodeCmd) Run(c *cli) error {
	return n.do(c, func(node bed.Node) error { return bed.RunNode(c.config(), node) })
}

// Run is the hub's first process.
func (*runHubCmd) Run(c *cli) error { return bed.RunHub(c.config()) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := &cli{}
	k := kong.Parse(c, kong.Name("bed"), kong.Description("A real Kubernetes of three zones on one machine."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	c.Cache = filepath.Clean(c.Cache)
	err := k.Run(c)
	if errors.Is(err, bed.ErrUnsupported) {
		fmt.Fprintln(os.Stderr, "bed: SKIPPED:", err)
		os.Exit(exitUnsupported) //nolint:gocritic // Nothing is left to be stopped.
	}
	k.FatalIfErrorf(err)
}
