// Package shardrecord tests internal/controller/shardrecord against a real etcd and simulated poolers.
package shardrecord

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/shardrecord"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/pooler"
)

const (
	namespace = "app"
	root      = "/multigres/global"
)

var (
	a = pooler.ID{Cell: "a", Name: "p-0"}
	b = pooler.ID{Cell: "b", Name: "p-1"}
	c = pooler.ID{Cell: "c", Name: "p-2"}
	d = pooler.ID{Cell: "a", Name: "p-3"}
)

// world is a shard with all that is around it.
type world struct {
	*pooler.Shard

	t       *testing.T
	raw     *clientv3.Client
	kube    client.Client
	clients *shardrecord.Clients
	conn    *connection
	mr      *v1alpha1.ShardRecord

	// ahead is how far the controller's clock is ahead, a time.Duration.
	ahead atomic.Int64
}

// options change how a world is made.
type options struct {
	// own are the etcd servers of cells that have their own.
	own map[string]*etcd.Server

	pooler  func(*pooler.Config)
	poolers []pooler.ID
}

// newWorld makes a world of three poolers, or those of the options, that has a leader.
func newWorld(t *testing.T, change ...func(*options)) *world {
	t.Helper()
	o := options{poolers: []pooler.ID{a, b, c}, pooler: func(*pooler.Config) {}}
	for _, f := range change {
		f(&o)
	}
	server := etcd.Run(t)
	raw := server.Client(t)
	cfg := pooler.Config{
		Database: "postgres", TableGroup: "default", Shard: "0-inf", Claimer: "o-x-0",
		Global: pooler.Place{Client: raw, Root: root}, Cells: map[string]pooler.Place{},
	}
	for _, name := range []string{"a", "b", "c"} {
		place := pooler.Place{Client: raw, Root: "/multigres/" + name}
		address := server.Address
		if own := o.own[name]; own != nil {
			place.Client, address = own.Client(t), own.Address
		}
		cfg.Cells[name] = place
		put(t, raw, root+"/"+string(topo.CellPath(name)), &clustermetadatapb.Cell{Name: name, ServerAddresses: []string{address}, Root: place.Root})
	}
	o.pooler(&cfg)
	s := runtime.NewScheme()
	if err := corev1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	w := &world{
		Shard: pooler.NewShard(cfg), t: t, raw: raw, kube: fake.NewClientBuilder().WithScheme(s).Build(),
		conn: &connection{t: t, endpoints: []string{server.Address}, stores: map[string]*topo.Store{}},
	}
	t.Cleanup(w.Close)
	w.clients = w.newClients()
	w.mr = &v1alpha1.ShardRecord{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shard", UID: types.UID(t.Name()), Generation: 1}}
	w.mr.Spec.ForProvider = v1alpha1.ShardRecordParameters{Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"a", "b", "c"}}
	w.start(o.poolers...)
	w.mr.Spec.ForProvider.Poolers = w.listed(o.poolers...)
	w.step()
	return w
}

// newClients makes what a provider has that has just begun.
func (w *world) newClients() *shardrecord.Clients {
	out := shardrecord.NewClients(w.kube, w.kube, func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) })
	w.t.Cleanup(out.Close)
	return out
}

func put(t *testing.T, raw *clientv3.Client, key string, m proto.Message) {
	t.Helper()
	value, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Put(t.Context(), key, string(value)); err != nil {
		t.Fatal(err)
	}
}

// start poolers, and their pods if there are none.
func (w *world) start(ids ...pooler.ID) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.Start(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
		w.pod(podOf(id))
	}
}

func (w *world) pod(name string) {
	w.t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid-" + name)}}
	if err := client.IgnoreAlreadyExists(w.kube.Create(w.t.Context(), pod)); err != nil {
		w.t.Fatal(err)
	}
}

// noPod removes pods.
func (w *world) noPod(names ...string) {
	w.t.Helper()
	for _, name := range names {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		if err := client.IgnoreNotFound(w.kube.Delete(w.t.Context(), pod)); err != nil {
			w.t.Fatal(err)
		}
	}
}

func podOf(id pooler.ID) string { return "pod-" + id.Name }

func (w *world) step() {
	w.t.Helper()
	if err := w.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fault(id pooler.ID, f pooler.Fault) {
	w.t.Helper()
	if err := w.SetFault(id, f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) listed(ids ...pooler.ID) []v1alpha1.ShardPooler {
	var out []v1alpha1.ShardPooler
	for _, id := range ids {
		out = append(out, v1alpha1.ShardPooler{Pod: podOf(id), ServiceID: id.Name, Cell: id.Cell, Hostname: w.Host(id), Pool: "main"})
	}
	return out
}

// remove poolers from those that are expected.
func (w *world) remove(ids ...pooler.ID) {
	p := &w.mr.Spec.ForProvider
	p.Poolers = slices.DeleteFunc(p.Poolers, func(m v1alpha1.ShardPooler) bool {
		return slices.Contains(ids, pooler.ID{Cell: m.Cell, Name: m.ServiceID})
	})
	p.Removed = w.listed(ids...)
}

// reconciled is what one pass did.
type reconciled struct {
	o       managed.ExternalObservation
	updated bool
	err     error
}

// reconcile does what the managed reconciler does in one pass, with something in between if it is not nil.
func (w *world) reconcile(between func()) reconciled {
	w.t.Helper()
	ext := w.clients.For(w.conn)
	r := reconciled{}
	if r.o, r.err = ext.Observe(w.t.Context(), w.mr); r.err != nil {
		return r
	}
	if between != nil {
		between()
	}
	switch {
	case w.mr.DeletionTimestamp != nil && r.o.ResourceExists:
		_, r.err = ext.Delete(w.t.Context(), w.mr)
	case w.mr.DeletionTimestamp == nil && !r.o.ResourceUpToDate:
		r.updated = true
		_, r.err = ext.Update(w.t.Context(), w.mr)
	}
	return r
}

// observe reconciles, which must not fail, and returns what is known.
func (w *world) observe() v1alpha1.ShardRecordObservation {
	w.t.Helper()
	if r := w.reconcile(nil); r.err != nil {
		w.t.Fatal(r.err)
	}
	return w.mr.Status.AtProvider
}

func (w *world) reason(t string) string {
	return string(w.mr.GetCondition(xpv2.ConditionType(t)).Reason)
}

// keys are all keys below a path that are there, sorted.
func (w *world) keys(prefix string) []string {
	w.t.Helper()
	resp, err := w.raw.Get(w.t.Context(), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, kv := range resp.Kvs {
		out = append(out, string(kv.Key))
	}
	return out
}

// connection opens topologies, as the layer below the controller does.
type connection struct {
	t         *testing.T
	endpoints []string
	stores    map[string]*topo.Store
	letGo     bool
	asked     []shardrecord.Place
}

func (c *connection) open(endpoints []string, root string) *topo.Store {
	key := endpoints[0] + root
	if s := c.stores[key]; s != nil {
		return s
	}
	s, err := topo.Open(topo.Config{Endpoints: endpoints, Root: root, Identity: "test", Timeout: 2 * time.Second})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = s.Close() })
	c.stores[key] = s
	return s
}

func (c *connection) Store() *topo.Store { return c.open(c.endpoints, root) }

func (c *connection) Endpoints() ([]string, string) { return c.endpoints, root }

func (c *connection) At(endpoints []string, root string, _ ...topo.Path) (*topo.Store, error) {
	return c.open(endpoints, root), nil
}

func (c *connection) Deleter() (topo.Writer, error) { return topo.Writer{Token: 1, Owner: "us"}, nil }

func (c *connection) LetGo(_ context.Context, places ...shardrecord.Place) bool {
	c.asked = places
	return c.letGo
}
