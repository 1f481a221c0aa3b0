package topology

import (
	"context"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// A Layer is what all kinds have in common that are in topologies. There is one in a process.
type Layer struct {
	kube     client.Client
	live     client.Reader
	resolver *resolver
	identity *identifier
	lease    placement.Lease
	recorder event.Recorder
	tracker  resource.ModernTracker
	pool     *pool
	wakers   map[string]*waker
}

// New returns a layer of a manager, which runs it.
func New(mgr ctrl.Manager, o setup.Options) (*Layer, error) {
	l := &Layer{
		kube:     mgr.GetClient(),
		live:     mgr.GetAPIReader(),
		resolver: &resolver{configs: mgr.GetClient(), secrets: &remembered{Reader: mgr.GetAPIReader(), metadata: mgr.GetCache(), secrets: map[client.ObjectKey]*corev1.Secret{}}},
		identity: &identifier{live: mgr.GetAPIReader()},
		lease:    o.Lease,
		recorder: setup.Recorder(mgr, o, "topology"),
		tracker:  resource.NewProviderConfigUsageTracker(mgr.GetClient(), &v1alpha1.ProviderConfigUsage{}),
		wakers:   map[string]*waker{},
	}
	for _, kind := range []string{v1alpha1.CellRecordKind, v1alpha1.DatabaseRecordKind, v1alpha1.ShardRecordKind} {
		l.wakers[kind] = &waker{}
	}
	l.pool = newPool(func(u user) { l.wakers[u.kind].wake(u.key) }, o.Metrics)
	return l, errors.Wrap(mgr.Add(l.pool), "cannot add pool of topology stores")
}

// A Kind of managed resource whose external resource is in a topology.
type Kind[T resource.ModernManaged] struct {
	// GroupVersionKind of the managed resource.
	GroupVersionKind schema.GroupVersionKind

	// Needs are further kinds that the API server must serve before the controller starts. Optional.
	Needs []schema.GroupVersionKind

	// Managed and List are empty objects of the managed resource and of its list.
	Managed T
	List    client.ObjectList

	// Wakes returns the paths in the global topology whose changes wake a managed resource: records, or folders of them.
	Wakes func(mg T) []topo.Path

	// Client returns the external client for one reconcile.
	Client func(c *Connection) managed.TypedExternalClient[T]

	// Claims is true if the client claims what it writes before it does: a managed resource without claims wrote nothing.
	Claims bool

	// Watches of further Kubernetes objects that wake managed resources. Optional.
	Watches []setup.Watch

	// PollInterval returns when to observe again. Optional.
	PollInterval managed.PollIntervalHook
}

// SetupGated sets up the controller of a kind as soon as the API server serves all that it needs.
func SetupGated[T resource.ModernManaged](mgr ctrl.Manager, o setup.Options, l *Layer, k Kind[T]) {
	gvks := []schema.GroupVersionKind{
		k.GroupVersionKind,
		v1alpha1.ProviderConfigGroupVersionKind,
		v1alpha1.ClusterProviderConfigGroupVersionKind,
		v1alpha1.ProviderConfigUsageGroupVersionKind,
	}
	setup.WhenServed(mgr, o, func() error { return Setup(mgr, o, l, k) }, append(gvks, k.Needs...)...)
}

// Setup adds the controller of a kind to a manager.
func Setup[T resource.ModernManaged](mgr ctrl.Manager, o setup.Options, l *Layer, k Kind[T]) error {
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), k.Managed, indexConfig, indexByConfig); err != nil {
		return errors.Wrap(err, "cannot index managed resources")
	}
	kind := k.GroupVersionKind.Kind
	at := &lanes{kind: kind, width: o.Placement.Concurrency, metrics: o.Metrics, wake: l.wakers[kind].wake}
	at.of = serverOf(mgr.GetClient(), l.resolver, func() resource.ModernManaged {
		mg, _ := k.Managed.DeepCopyObject().(resource.ModernManaged)
		return mg
	})
	return setup.Setup(mgr, o, setup.Kind[T]{
		GroupVersionKind: k.GroupVersionKind,
		Managed:          k.Managed,
		Connector:        NewConnector(l, k),
		Watches:          slices.Concat(configWatches(mgr.GetClient(), k.List), k.Watches),
		Sources:          []setup.Source{{Name: "topology", Source: l.wakers[kind].source()}},
		Gone:             func(key client.ObjectKey) { l.pool.keep(user{kind: kind, key: key}) },
		PollInterval:     k.PollInterval,
		Conditions:       []xpv2.ConditionType{TypeSettled},
		Around:           at.around,
		Lanes:            laneCount,
	})
}

// A connector connects managed resources of a kind.
type connector[T resource.ModernManaged] struct {
	layer *Layer
	kind  Kind[T]
}

// NewConnector returns a connector of managed resources of a kind.
func NewConnector[T resource.ModernManaged](l *Layer, k Kind[T]) managed.TypedExternalConnector[T] {
	return &connector[T]{layer: l, kind: k}
}

// Connect tells that the managed resource uses its configuration, and opens the topology.
func (c *connector[T]) Connect(ctx context.Context, mg T) (managed.TypedExternalClient[T], error) {
	conn := &Connection{
		Kube:  c.layer.kube,
		layer: c.layer,
		mg:    mg,
		user:  user{kind: c.kind.GroupVersionKind.Kind, key: client.ObjectKeyFromObject(mg)},
		wakes: c.kind.Wakes(mg),
		used:  map[*entry]map[topo.Path]bool{},
	}
	err := c.layer.connect(ctx, conn)
	if err == nil {
		return &settling[T]{TypedExternalClient: c.kind.Client(conn), conn: conn}, nil
	}
	conn.release()
	settle(mg, err)
	if meta.WasDeleted(mg) && (c.kind.Claims && Untouched(mg) || c.unreachable(ctx, conn, err)) {
		return managed.TypedExternalClientFns[T]{ObserveFn: absent[T], DisconnectFn: nothing}, nil
	}
	return nil, err
}

// unreachable reports whether a managed resource that is being deleted need not wait for the topology that could not be opened.
func (c *connector[T]) unreachable(ctx context.Context, conn *Connection, err error) bool {
	if !errors.Is(err, topo.ErrUnavailable) {
		return false
	}
	claimed, err := conn.Claims()
	return err == nil && conn.LetGo(ctx, claimed.Contexts(conn.Somewhere())...)
}

// absent observes that there is no external resource.
func absent[T resource.Managed](context.Context, T) (managed.ExternalObservation, error) {
	return managed.ExternalObservation{}, nil
}

func nothing(context.Context) error { return nil }

// Untouched reports whether nothing was ever written for a managed resource. Claims are made before the first write.
func Untouched(mg resource.Managed) bool {
	return mg.GetAnnotations()[claims.Annotation] == "" && meta.GetExternalCreatePending(mg).IsZero()
}

// connect fills a connection.
func (l *Layer) connect(ctx context.Context, c *Connection) error {
	kind, name, err := reference(c.mg)
	if err != nil {
		return err
	}
	// It is told before the configuration is read, which therefore does not go away meanwhile. What is being deleted has told
	// it before, and may not tell it in a namespace that is being deleted, too.
	if !meta.WasDeleted(c.mg) {
		if err := l.tracker.Track(ctx, c.mg); err != nil {
			return errors.Wrap(err, "cannot track usage of ProviderConfig")
		}
	}
	identity, err := l.identity.get(ctx)
	if err != nil {
		return err
	}
	c.owner = newOwner(identity, c.user.kind, c.mg)
	if c.config, err = l.resolver.get(ctx, c.mg.GetNamespace(), kind, name); err != nil {
		return err
	}
	if c.base, err = l.resolver.topology(ctx, c.config); err != nil {
		return err
	}
	c.base.Identity = identity
	if err := usable(c.config, c.base); err != nil {
		return err
	}
	c.store, err = c.open(c.base, c.wakes) //nolint:contextcheck // The watch outlives the reconcile that opens the store.
	return errors.Wrapf(err, "cannot use %s %q", kind, name)
}

// configAt is how to reach a place: as its configuration says by now, but there.
func (l *Layer) configAt(ctx context.Context, mg resource.ModernManaged, p Place) (topo.Config, error) {
	kind, name := p.config()
	c, err := l.resolver.get(ctx, mg.GetNamespace(), kind, name)
	if err != nil {
		return topo.Config{}, err
	}
	cfg, err := l.resolver.topology(ctx, c)
	if err != nil {
		return topo.Config{}, err
	}
	if cfg.Identity, err = l.identity.get(ctx); err != nil {
		return topo.Config{}, err
	}
	cfg.Endpoints, cfg.Root = p.endpoints(), p.Root
	return cfg, usable(c, cfg)
}
