// Package e2e tests our packages as a platform team and its users have them:
// installed from a registry on a real Crossplane, which runs as its own service
// account. Nodes are played, topology servers are real etcds, poolers are
// simulated; everything else is what runs in production.
//
// Scenarios share one platform; each has namespaces of its own, and prints one
// line with what it has shown. One that fails leaves objects, events and logs in
// .cache/artifacts.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/platform"
)

// envVersion is the version as which the packages are built.
const envVersion = "XPKG_VERSION"

// shared is the platform that all scenarios share.
var shared *platform.Platform

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, begin := context.Background(), time.Now()

	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)

	args, err := auditArgs(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	if shared, err = platform.Start(ctx, platform.Options{Nodes: platform.ExampleNodes(), APIServerArgs: args}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Stop()

	started := time.Since(begin)

	if err := install(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)

		dir, err := shared.Artifacts(ctx, "install", crossplane.Namespace)
		fmt.Fprintln(os.Stderr, "artifacts are in", dir, err)

		return 1
	}

	fmt.Printf("e2e: control plane and Crossplane ready after %.1f s, packages installed after %.1f s\n", started.Seconds(), time.Since(begin).Seconds())

	return m.Run()
}

// install pushes the packages to the registry and applies their install manifest.
func install(ctx context.Context) error {
	dir := os.Getenv(platform.EnvPackages)
	if err := shared.Push(ctx, dir, os.Getenv(envVersion)); err != nil {
		return err
	}

	return shared.Install(ctx, filepath.Join(dir, "install.yaml"))
}
