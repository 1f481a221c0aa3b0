// Package main runs function-multigres, the composition function.
package main

import (
	"time"

	"github.com/alecthomas/kong"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/function-sdk-go"
	"google.golang.org/grpc/health"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
)

// cli holds the flags that the function specification prescribes, and a few of ours.
type cli struct {
	Debug              bool          `help:"Log debug messages too." short:"d"`
	Network            string        `default:"tcp" help:"Network on which to listen."`
	Address            string        `default:":9443" help:"Address at which to listen."`
	TLSCertsDir        string        `env:"TLS_SERVER_CERTS_DIR" help:"Folder with tls.crt, tls.key and ca.crt: the server's certificate and the CA of its clients."`
	Insecure           bool          `help:"Listen without TLS. Only for development."`
	MaxRecvMessageSize int           `default:"16" help:"Largest request accepted, in MiB."`
	MetricsAddress     string        `default:":8080" help:"Address of the Prometheus metrics. Empty for none."`
	TTLInProgress      time.Duration `default:"${ttl_in_progress}" help:"When Crossplane should call again while something is in progress."`
	TTLAtRest          time.Duration `default:"${ttl_at_rest}" help:"When Crossplane should call again when nothing is."`

	Settling time.Duration `default:"${settling}" help:"How long a composite must have been ready before nothing is in progress: Crossplane's --circuit-breaker-cooldown."`

	At time.Time `help:"Answer as at this time (RFC 3339) instead of now. Only for rendering what was observed then." placeholder:"TIME"`

	ImageUpdateStrategy string `default:"immediate" enum:"immediate,lazy" help:"When clusters adopt the images of a new version: at once (immediate), or when they acknowledge its revision (lazy)."`
}

// Run serves the function until it fails.
func (c *cli) Run() error {
	log, err := function.NewLogger(c.Debug)
	if err != nil {
		return errors.Wrap(err, "cannot create logger")
	}
	return function.Serve(
		fn.New(fn.WithLogger(log), fn.WithTTL(c.TTLInProgress, c.TTLAtRest), fn.WithSettling(c.Settling), fn.WithImageUpdateStrategy(c.ImageUpdateStrategy), fn.At(c.At)),
		function.Listen(c.Network, c.Address),
		function.MTLSCertificates(c.TLSCertsDir),
		function.Insecure(c.Insecure),
		function.MaxRecvMessageSize(c.MaxRecvMessageSize<<20),
		function.WithHealthServer(health.NewServer()),
		function.WithMetricsServer(c.MetricsAddress),
	)
}

func main() {
	ctx := kong.Parse(&cli{}, kong.Name("function-multigres"),
		kong.Description("A Crossplane composition function that composes Multigres clusters."),
		kong.Vars{
			"ttl_in_progress": fn.DefaultTTLInProgress.String(), "ttl_at_rest": fn.DefaultTTLAtRest.String(), "settling": fn.DefaultSettling.String(),
		})
	ctx.FatalIfErrorf(ctx.Run())
}
