// Package reliability shows what happens to the users of a cluster when something is changed or dies: on real kubelets in three zones, with
// PostgreSQL and Multigres' own programs, Crossplane and our packages in pods, and everything between them as in production.
//
// Scenarios share one bed, most of them one cluster, and run one after the other; after one that failed the others share another. Each prints one line for everything that it does to the cluster:
//
//	outage     the longest time without an acknowledged row around it, as one client sees it that writes all the time
//	recovery   from it until all is as it should be again, and stays so: every pod ready and in the cohort, every standby streaming, every
//	           record true, the cluster Ready
//	rows       that were acknowledged in the scenario; lost are those of them that cannot be read back at its end
//
// How to write one: see scenario. One that fails leaves objects, events and logs in .cache/artifacts. Where the machine cannot run a bed, all
// are skipped, and the number of them is printed.
//
//	make e2e-short           the bounded part, as in make test
//	make e2e                 all of them
//	make e2e RUN=TestLeader  some; with KEEP=1 the bed stays for the next run
package reliability

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/crossplane-multigres/crossplane-multigres/test/bed"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
)

// What the Makefile says.
const (
	envBed        = "BED_BIN"        // The program that starts a bed.
	envName       = "BED_NAME"       // The bed's name.
	envCache      = "BED_CACHE"      // Where everything was built.
	envCrossplane = "BED_CROSSPLANE" // Crossplane's objects.
	envPackages   = "BED_PACKAGES"   // The packages, and
	envRegistry   = "BED_REGISTRY"   // the registry and
	envVersion    = "BED_VERSION"    // the version that they were built for.
	envKeep       = "BED_KEEP"       // Not empty: the bed stays, and with it clusters in which scenarios failed.
)

// theBed is a bed and its Kubernetes as an administrator sees it.
type theBed struct {
	bed.Config

	rest   *rest.Config
	client client.Client
}

var (
	// shared is the bed that all scenarios share.
	shared theBed

	// unsupported says why this machine cannot run a bed.
	unsupported error

	// skipped counts the scenarios that could not run.
	skipped atomic.Int32
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	if unsupported = bed.Supported(); unsupported == nil {
		if err := start(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "reliability:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if n := skipped.Load(); n > 0 {
		fmt.Printf("reliability: %d SCENARIOS SKIPPED: %v\n", n, unsupported)
	}
	if err := report(); err != nil {
		fmt.Fprintln(os.Stderr, "reliability:", err)
	}
	os.Exit(code)
}

// start starts the bed and installs Crossplane and our packages, unless a bed of that name is up. Whoever calls the tests takes it down.
func start(ctx context.Context) error {
	shared.Config = bed.Config{Name: os.Getenv(envName), Cache: os.Getenv(envCache), Zones: zones[:]}
	if shared.First("hub") == 0 {
		begin := time.Now()
		if err := run(ctx, "up"); err != nil {
			return err
		}
		up := time.Since(begin)
		if err := run(ctx, "install", "--crossplane="+os.Getenv(envCrossplane), "--packages="+os.Getenv(envPackages),
			"--registry="+os.Getenv(envRegistry), "--version="+os.Getenv(envVersion)); err != nil {
			return err
		}
		fmt.Printf("reliability: bed up after %.0f s, packages healthy after %.0f s, load %s\n", up.Seconds(), time.Since(begin).Seconds(), loadAverage())
	}
	var err error
	if shared.rest, err = clientcmd.BuildConfigFromFlags("", shared.Kubeconfig()); err != nil {
		return errors.Wrap(err, "cannot read kubeconfig of the bed")
	}
	shared.rest.QPS, shared.rest.Burst = 100, 200
	scheme, err := controlplane.Scheme()
	if err != nil {
		return err
	}
	shared.client, err = client.New(shared.rest, client.Options{Scheme: scheme})
	return errors.Wrap(err, "cannot make client")
}

// run runs the bed's program.
func run(ctx context.Context, command string, flags ...string) error {
	args := append([]string{command, "--name=" + shared.Name, "--cache=" + shared.Cache, "--zones=" + strings.Join(shared.Zones, ",")}, flags...)
	out, err := exec.CommandContext(ctx, os.Getenv(envBed), args...).CombinedOutput()
	return errors.Wrapf(err, "cannot %s bed: %s", command, out)
}

// loadAverage is the machine's over the last minute.
func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
