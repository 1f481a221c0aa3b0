package kubelet

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/crossplane-multigres/crossplane-multigres/test/process"
)

// Node is a node to play.
type Node struct {
	// Name of the node, which is also its label kubernetes.io/hostname.
	Name string

	// Labels of the node beside that, as topology.kubernetes.io/zone.
	Labels map[string]string
}

// Container is a program that runs for a pod.
type Container struct {
	// Address is where it listens, host:port, for a port of the pod's containers;
	// empty if it does not. Nil means nowhere.
	Address func(port int32) string

	// Ready says why it is not ready yet. Nil means always.
	Ready func(ctx context.Context) error

	// Stop ends it and waits until it has ended, for at most the grace period
	// until it is killed.
	Stop func(grace time.Duration)

	// Exited is closed when it has ended. Nil means never by itself.
	Exited <-chan struct{}

	// Process is the program itself, for tests that kill or pause it. Nil if it
	// is not a process of its own.
	Process *process.Process
}

// Run runs a program for a pod and returns without waiting until it is ready. It
// returns nil for a pod for which it has none.
type Run func(ctx context.Context, k *Kubelet, pod *corev1.Pod) (*Container, error)

// Options say what to play.
type Options struct {
	// Nodes of the cluster.
	Nodes []Node

	// Run runs programs for pods. The first that has one counts.
	Run []Run

	// Log is the file to which errors are appended. Nowhere if empty.
	Log string
}

// Kubelet plays the nodes until its context ends.
type Kubelet struct {
	Network *Network

	opts   Options
	client client.Client

	mu         sync.Mutex
	change     func(*corev1.Pod, *Behaviour)
	containers map[types.UID]*Container
	restarts   map[types.UID]int32
	nextIP     int

	done chan struct{}
}

// Start registers the nodes and plays them until the context ends.
func Start(ctx context.Context, cfg *rest.Config, o Options) (*Kubelet, error) {
	s := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(s); err != nil {
		return nil, errors.Wrap(err, "cannot build scheme")
	}

	log, err := logger(o.Log)
	if err != nil {
		return nil, err
	}

	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Logger:                  log,
		Scheme:                  s,
		Metrics:                 server.Options{BindAddress: "0"},
		Controller:              config.Controller{SkipNameValidation: ptr.To(true), MaxConcurrentReconciles: 40},
		GracefulShutdownTimeout: ptr.To(time.Second),
	})
	if err != nil {
		return nil, errors.Wrap(err, "cannot create manager")
	}

	k := &Kubelet{
		opts: o, client: mgr.GetClient(), done: make(chan struct{}),
		containers: map[types.UID]*Container{}, restarts: map[types.UID]int32{},
	}

	for _, setup := range []func(ctrl.Manager) error{k.setupPods, k.setupVolumes} {
		if err := setup(mgr); err != nil {
			return nil, errors.Wrap(err, "cannot set up controllers")
		}
	}

	// The cache does not run yet.
	direct, err := client.New(cfg, client.Options{Scheme: s})
	if err != nil {
		return nil, errors.Wrap(err, "cannot make client")
	}

	if err := registerNodes(ctx, direct, o.Nodes); err != nil {
		return nil, err
	}

	if err := registerStorageClass(ctx, direct); err != nil {
		return nil, err
	}

	if k.Network, err = listen(ctx, k); err != nil {
		return nil, err
	}

	go func() {
		defer close(k.done)
		// It ends with the context. An error before that shows in what is not played.
		_ = mgr.Start(ctx)
		k.stopAll()
	}()

	if !mgr.GetCache().WaitForCacheSync(ctx) {
		return nil, errors.Wrap(context.Cause(ctx), "cannot sync cache")
	}

	return k, nil
}

// logger returns a logger that appends to a file.
func logger(path string) (logr.Logger, error) {
	if path == "" {
		return logr.Discard(), nil
	}

	f, err := os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)

	return logr.FromSlogHandler(slog.NewTextHandler(f, nil)), errors.Wrap(err, "cannot open log")
}

// Done is closed when everything has ended after the context has.
func (k *Kubelet) Done() <-chan struct{} { return k.done }

// Change makes a function change how pods fare from now on, until the next call.
// It is called often and by several goroutines. Nil changes nothing.
func (k *Kubelet) Change(f func(pod *corev1.Pod, b *Behaviour)) {
	k.mu.Lock()
	defer k.mu.Unlock()

	k.change = f
}

// Container returns the program that runs for a pod, nil if none does.
func (k *Kubelet) Container(uid types.UID) *Container {
	k.mu.Lock()
	defer k.mu.Unlock()

	return k.containers[uid]
}

// Containers are all programs that run for pods, in no order.
func (k *Kubelet) Containers() []*Container {
	k.mu.Lock()
	defer k.mu.Unlock()

	return slices.Collect(maps.Values(k.containers))
}

func (k *Kubelet) stopAll() {
	k.mu.Lock()
	defer k.mu.Unlock()

	for uid, c := range k.containers {
		c.Stop(0)
		delete(k.containers, uid)
	}
}
