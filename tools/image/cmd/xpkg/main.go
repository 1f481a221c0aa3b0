// Command xpkg builds, signs, verifies and pushes the three Crossplane packages, without a container engine. Equal sources give
// equal packages.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

// A target is what the packages are built for. Names in them depend on it.
type target struct {
	Registry  string `default:"ghcr.io/crossplane-multigres" help:"Registry and path that the packages are pushed to."`
	Version   string `help:"Semantic version of all packages, with a leading v." required:""`
	Namespace string `default:"crossplane-system" help:"Namespace in which Crossplane runs."`
}

type cli struct {
	Build  buildCmd  `cmd:"" help:"Build the packages, the install manifest and SHA256SUMS."`
	Push   pushCmd   `cmd:"" help:"Push built packages to their registry."`
	Sign   signCmd   `cmd:"" help:"Sign SHA256SUMS with a private key."`
	Verify verifyCmd `cmd:"" help:"Check the files against SHA256SUMS, and SHA256SUMS against its signature."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]...); err != nil {
		fmt.Fprintln(os.Stderr, "xpkg:", err)
		os.Exit(1)
	}
}

// run is main with its surroundings given.
func run(ctx context.Context, out io.Writer, args ...string) error {
	k, err := kong.New(&cli{}, kong.Name("xpkg"), kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(out, (*io.Writer)(nil)))
	if err != nil {
		return fmt.Errorf("cannot make parser of flags: %w", err)
	}
	c, err := k.Parse(args)
	if err != nil {
		return fmt.Errorf("cannot parse flags: %w", err)
	}
	return c.Run()
}
