// Package main is kubectl-multigres, a kubectl plugin that shows what a Multigres cluster becomes.
package main

import (
	"context"

	"github.com/alecthomas/kong"
)

type cli struct {
	Render renderCmd `cmd:"" help:"Show every object that a cluster becomes, without a cluster."`
}

func main() {
	ctx := kong.Parse(&cli{}, kong.Name("kubectl-multigres"), kong.UsageOnError(),
		kong.Description("Tools for Multigres clusters on Crossplane."),
		kong.BindTo(context.Background(), (*context.Context)(nil)))
	ctx.FatalIfErrorf(ctx.Run())
}
