// Package main runs provider-multigres, the controllers of the managed resources.
package main

import (
	"os"
	"time"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

// cli holds the flags.
type cli struct {
	Debug     bool   `help:"Log debug messages too." short:"d"`
	LogFormat string `default:"json" enum:"json,text" help:"Format of log lines: json or text."`

	Namespaces []string `help:"Namespaces whose managed resources are worked on. All if there are none." placeholder:"NAME"`

	LeaderElection          bool          `default:"true" help:"Let one of several replicas work at a time. Without it this process takes over from whoever works." negatable:""`
	LeaderElectionNamespace string        `env:"POD_NAMESPACE" help:"Namespace of the lease. That of the pod if empty."`
	LeaderElectionLease     time.Duration `default:"15s" help:"How long other replicas wait for a leader that is silent."`
	LeaderElectionRenew     time.Duration `default:"10s" help:"How long a leader tries to renew its lease before it gives up."`
	LeaderElectionRetry     time.Duration `default:"2s" help:"Time between two tries."`

	Poll             time.Duration `default:"1m" help:"How often to observe each external resource."`
	Sync             time.Duration `default:"1h" help:"How often to reconcile everything, changed or not."`
	MaxReconcileRate int           `default:"100" help:"Reconciliations per second of all controllers."`
	Concurrency      int           `default:"10" help:"Reconciliations at a time of each controller."`
	BackoffBase      time.Duration `default:"1s" help:"Rest after the first failure in a row. Each further one doubles it."`
	BackoffMax       time.Duration `default:"60s" help:"Longest rest after a failure."`

	MetricsAddress string        `default:":8080" help:"Address of the Prometheus metrics. 0 for none."`
	HealthAddress  string        `default:":8081" help:"Address of /healthz and /readyz. 0 for none."`
	PprofAddress   string        `default:"0" help:"Address of the profiler. 0 for none."`
	Shutdown       time.Duration `default:"30s" help:"How long running reconciliations may take to end when the provider stops."`
}

// placement of the controllers.
func (c *cli) placement() placement.Spec {
	return placement.Spec{
		LeaderElection: c.LeaderElection,
		LeaseDuration:  c.LeaderElectionLease,
		RenewDeadline:  c.LeaderElectionRenew,
		RetryPeriod:    c.LeaderElectionRetry,
		Concurrency:    c.Concurrency,
		Rate:           c.MaxReconcileRate,
		BackoffBase:    c.BackoffBase,
		BackoffMax:     c.BackoffMax,
		PollInterval:   c.Poll,
		SyncInterval:   c.Sync,
	}
}

// Validate is called by kong.
func (c *cli) Validate() error { return c.placement().Validate() }

// Run the controllers until the process is told to stop or is no longer the leader, which is an error.
func (c *cli) Run() error {
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return errors.Wrap(err, "cannot get configuration of the API server")
	}
	ctx := ctrl.SetupSignalHandler()
	l, err := c.lead(ctx, cfg)
	if err != nil {
		return err
	}
	mgr, err := newManager(cfg, c, l)
	if err != nil {
		return err
	}
	return errors.Wrap(mgr.Start(ctx), "cannot run controllers")
}

// newParser returns a parser of command lines that fills the flags.
func newParser(c *cli) *kong.Kong {
	return kong.Must(c, kong.Name("provider-multigres"),
		kong.Description("A Crossplane provider of what a Multigres cluster keeps outside of Kubernetes, or for longer than itself."))
}

func main() {
	p := newParser(&cli{})
	ctx, err := p.Parse(os.Args[1:])
	p.FatalIfErrorf(err)
	ctx.FatalIfErrorf(ctx.Run())
}
