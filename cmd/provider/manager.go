package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/feature"
	"github.com/crossplane/crossplane-runtime/v2/pkg/gate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/customresourcesgate"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/go-logr/logr"
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
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/local"
)

// leaseName is the name of the lease that replicas contend for.
const leaseName = "crossplane-leader-election-provider-multigres"

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

// newManager returns a manager of all controllers, each of which starts when the API server serves its kind.
func newManager(cfg *rest.Config, c *cli) (ctrl.Manager, error) {
	zl := newLogger(c)
	ctrl.SetLogger(zl)
	s, err := newScheme()
	if err != nil {
		return nil, err
	}
	mgr, err := ctrl.NewManager(cfg, managerOptions(c, s))
	if err != nil {
		return nil, errors.Wrap(err, "cannot create manager")
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, errors.Wrap(err, "cannot add health check")
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return nil, errors.Wrap(err, "cannot add readiness check")
	}
	o := options(c, logging.NewLogrLogger(zl))
	if err := customresourcesgate.Setup(mgr, o.Options); err != nil {
		return nil, errors.Wrap(err, "cannot set up gate")
	}
	ourcontroller.SetupGated(mgr, o)
	return mgr, nil
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

func managerOptions(c *cli, s *runtime.Scheme) ctrl.Options {
	return ctrl.Options{
		Scheme: s,
		Cache: cache.Options{
			SyncPeriod:        &c.Sync,
			DefaultNamespaces: namespaces(c.Namespaces),
			// The gate needs no schemas, which are most of a CRD.
			ByObject: map[client.Object]cache.ByObject{
				&apiextensionsv1.CustomResourceDefinition{}: {Transform: customresourcesgate.TransformStripCRDSchema},
			},
		},
		// The data of Secrets stays out of memory, and is never read too late.
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                c.LeaderElection,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       c.LeaderElectionNamespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &c.LeaderElectionLease,
		RenewDeadline:                 &c.LeaderElectionRenew,
		RetryPeriod:                   &c.LeaderElectionRetry,
		Metrics:                       server.Options{BindAddress: c.MetricsAddress},
		HealthProbeBindAddress:        c.HealthAddress,
		PprofBindAddress:              c.PprofAddress,
		GracefulShutdownTimeout:       &c.Shutdown,
	}
}

func options(c *cli, log logging.Logger) local.Options {
	f := &feature.Flags{}
	f.Enable(feature.EnableBetaManagementPolicies)
	mm := managed.NewMRMetricRecorder()
	// Only a second manager in one process, as in tests, finds it registered.
	_ = metrics.Registry.Register(mm)
	return local.Options{
		Options: controller.Options{
			Logger:                  log,
			MaxConcurrentReconciles: c.Concurrency,
			PollInterval:            c.Poll,
			GlobalRateLimiter:       ratelimiter.NewGlobal(c.MaxReconcileRate),
			Features:                f,
			Gate:                    new(gate.Gate[schema.GroupVersionKind]),
			MetricOptions:           &controller.MetricOptions{PollStateMetricInterval: time.Minute, MRMetrics: mm},
		},
		BackoffBase: c.BackoffBase,
		BackoffMax:  c.BackoffMax,
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
