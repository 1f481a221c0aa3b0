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
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crossplane-multigres/crossplane-multigres/test/crossplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
	"github.com/crossplane-multigres/crossplane-multigres/test/platform"
)

const (
	// envVersion is the version as which the packages are built.
	envVersion = "XPKG_VERSION"

	// envPrevious and envPreviousVersion are the folder and the version of packages to upgrade from.
	envPrevious        = "XPKG_PREVIOUS_DIR"
	envPreviousVersion = "XPKG_PREVIOUS_VERSION"

	// envSettling is for how long Crossplane drops watch events of a composite that
	// had too many, and the function takes one that became ready not to be at rest.
	// By default it is short, so that clusters come to rest while somebody waits.
	envSettling = "E2E_SETTLING"
)

// settling is what envSettling says.
var settling = 30 * time.Second

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

	if v := os.Getenv(envSettling); v != "" {
		if settling, err = time.ParseDuration(v); err != nil {
			fmt.Fprintln(os.Stderr, envSettling, err)
			return 1
		}
	}

	if shared, err = platform.Start(ctx, platform.Options{
		Nodes: platform.ExampleNodes(), APIServerArgs: args, CrossplaneArgs: []string{"--circuit-breaker-cooldown=" + settling.String()},
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer shared.Stop()

	shared.Kubelet.Change(func(pod *corev1.Pod, b *kubelet.Behaviour) {
		all := slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers)
		if slices.ContainsFunc(all, func(c corev1.Container) bool { return strings.HasPrefix(c.Image, broken+"/") }) {
			b.Fail = "ImagePullBackOff"
		}
	})

	fmt.Printf("e2e: control plane and Crossplane ready after %.1f s\n", time.Since(begin).Seconds())

	return m.Run()
}

// installed installs the packages that are tested, when the first scenario begins.
var installed = sync.OnceValue(func() error {
	return install(os.Getenv(platform.EnvPackages), os.Getenv(envVersion))
})

// install pushes packages to the registry and applies their install manifest.
func install(dir, version string) error {
	ctx, begin := context.Background(), time.Now()

	err := shared.Push(ctx, dir, version)
	if err == nil {
		err = shared.Install(ctx, filepath.Join(dir, "install.yaml"), configure)
	}

	if err != nil {
		dir, keeping := shared.Artifacts(ctx, "install", crossplane.Namespace)
		return errors.Wrapf(err, "cannot install %s: artifacts are in %s %v", version, dir, keeping)
	}

	fmt.Printf("e2e: packages %s installed after %.1f s\n", version, time.Since(begin).Seconds())

	return nil
}

// configure tells the function what Crossplane is told, as a platform team does:
// in the arguments of its DeploymentRuntimeConfig.
func configure(o *unstructured.Unstructured) error {
	if o.GetKind() != "DeploymentRuntimeConfig" || o.GetName() != "function-multigres" {
		return nil
	}

	path := []string{"spec", "deploymentTemplate", "spec", "template", "spec", "containers"}

	containers, _, err := unstructured.NestedSlice(o.Object, path...)
	if err != nil {
		return errors.Wrap(err, "cannot find containers")
	}

	if len(containers) != 1 {
		return errors.Errorf("there should be one container, not %d", len(containers))
	}

	c, _ := containers[0].(map[string]any)
	args, _ := c["args"].([]any)
	c["args"] = append(args, "--settling="+settling.String())

	return unstructured.SetNestedSlice(o.Object, containers, path...)
}
