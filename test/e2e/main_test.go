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

	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
	"github.com/crossplane-multigres/crossplane-multigres/test/platform"
)

// shared is the platform that all scenarios share.
var shared *platform.Platform

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx := context.Background()
	begin := time.Now()
	step := func(what string) { fmt.Printf("e2e: %-20s +%.1f s\n", what, time.Since(begin).Seconds()) }

	var err error
	if shared, err = platform.Start(ctx, platform.Options{Nodes: nodes()}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Stop()

	step("platform started")

	dir := os.Getenv(platform.EnvPackages)
	if err := shared.Push(ctx, dir, os.Getenv("XPKG_VERSION")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}

	step("packages pushed")

	if err := shared.Install(ctx, filepath.Join(dir, "install.yaml")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		dir, err := shared.Artifacts(ctx, "install", "crossplane-system")
		fmt.Fprintln(os.Stderr, dir, err)
		return 1
	}

	step("packages installed")

	return m.Run()
}

// nodes are in the zones that the examples name.
func nodes() []kubelet.Node {
	var all []kubelet.Node
	for i, zone := range []string{"us-central1-a", "us-central1-b", "us-central1-c", "eu-central-1a", "eu-west-1a"} {
		all = append(all, kubelet.Node{Name: fmt.Sprintf("node-%d", i+1), Labels: map[string]string{"topology.kubernetes.io/zone": zone}})
	}

	return all
}
