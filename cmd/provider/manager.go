package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/gate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/customresourcesgate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	ourcontroller "github.com/crossplane-multigres/crossplane-multigres/internal/controller"
	ourmetrics "github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
)

// readyTimeout is how long a readiness check waits at most. Kubelets give it a second.
const readyTimeout = 500 * time.Millisecond

// errNotSynced is why the provider is not ready.
var errNotSynced = errors.New("caches are not filled yet")

// newScheme returns a scheme of the kinds that the provider reads and writes.
func newScheme() (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, storagev1.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(s); err != nil {
			return nil, errors.Wrap(err, "cannot build scheme")
		}
	}
	return s, nil
}

// newManager returns a manager of all controllers, each of which starts when the API server serves its kind. Its options can be
// changed before it is made.
func newManager(cfg *rest.Config, c *cli, l leadership, change ...func(*ctrl.Options)) (ctrl.Manager, error) {
	zl := newLogger(c)
	ctrl.SetLogger(zl)
	s, err := newScheme()
	if err != nil {
		return nil, err
	}
	mo := managerOptions(c, s, l)
	for _, f := range change {
		f(&mo)
	}
	mgr, err := ctrl.NewManager(cfg, mo)
	if err != nil {
		return nil, errors.Wrap(err, "cannot create manager")
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, errors.Wrap(err, "cannot add health check")
	}
	if err := mgr.AddReadyzCheck("caches", synced(mgr.GetCache())); err != nil {
		return nil, errors.Wrap(err, "cannot add readiness check")
	}
	o := options(c, logging.NewLogrLogger(zl), l)
	if err := customresourcesgate.Setup(mgr, o.Options); err != nil {
		return nil, errors.Wrap(err, "cannot set up gate")
	}
	return mgr, errors.Wrap(ourcontroller.SetupGated(mgr, o), "cannot set up controllers")
}

// namespaces of the cache, nil for all.
func namespaces(names []string) map[string]cache.Config {
	if len(names) == 0 {
		return nil
	}
	out := make(map[string]cache.Config, len(names))
	for _, n := range names {
		out[n] = cache.Config{}
	}
	return out
}

// synced is ready when all caches that have been asked for are filled. A replica that does not lead has none, and is ready to.
func synced(c cache.Cache) healthz.Checker {
	return func(r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if !c.WaitForCacheSync(ctx) {
			return errNotSynced
		}
		return nil
	}
}

func managerOptions(c *cli, s *runtime.Scheme, l leadership) ctrl.Options {
	o := c.placement().Manager(ctrl.Options{
		Scheme: s,
		Cache: cache.Options{
			DefaultNamespaces: namespaces(c.Namespaces),
			// The gate needs no schemas, which are most of a CRD.
			ByObject: map[client.Object]cache.ByObject{
				&apiextensionsv1.CustomResourceDefinition{}: {Transform: customresourcesgate.TransformStripCRDSchema},
			},
		},
		// The data of Secrets stays out of memory, and is never read too late.
		Client:                  client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElectionNamespace: c.LeaderElectionNamespace,
		Metrics:                 server.Options{BindAddress: c.MetricsAddress},
		HealthProbeBindAddress:  c.HealthAddress,
		PprofBindAddress:        c.PprofAddress,
		GracefulShutdownTimeout: &c.Shutdown,
	}, leaseName)
	if l.lock != nil {
		o.LeaderElectionResourceLockInterface = l.lock
	}
	return o
}

func options(c *cli, log logging.Logger, l leadership) setup.Options {
	f := &feature.Flags{}
	f.Enable(feature.EnableBetaManagementPolicies)
	mm, m := managed.NewMRMetricRecorder(), ourmetrics.New()
	for _, c := range []prometheus.Collector{mm, m} {
		// Only a second manager in one process, as in tests, finds it registered.
		_ = metrics.Registry.Register(c)
	}
	return setup.Options{
		Options: c.placement().Crossplane(controller.Options{
			Logger:        log,
			Features:      f,
			Gate:          new(gate.Gate[schema.GroupVersionKind]),
			MetricOptions: &controller.MetricOptions{PollStateMetricInterval: time.Minute, MRMetrics: mm},
		}),
		Placement: c.placement(),
		Lease:     l.lease,
		Metrics:   m,
	}
}

func newLogger(c *cli) logr.Logger {
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" {
		return logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, o))
	}
	return logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, o))
}
