package record

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"
	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/logging"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clustermetadatapb "github.com/multigres/multigres/go/pb/clustermetadata"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// The record of the tests, its key below a root, and its owner's.
const (
	recordKey = "cells/z1/Cell"
	ownerKey  = "crossplane/owners/" + recordKey
	me        = "plane/ns/CellRecord/z1/uid"
)

// serverPart is what the IDs of servers begin with.
const serverPart = "server:"

var errNeeded = errors.New("it is needed")

// A fakeManager has what a layer is made from.
type fakeManager struct {
	manager.Manager

	kube client.Client
	pool manager.Runnable
}

// A fakeCache reads what there is.
type fakeCache struct {
	cache.Cache

	kube client.Client
}

func (c fakeCache) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	return c.kube.Get(ctx, key, obj, opts...)
}

func (m *fakeManager) GetClient() client.Client    { return m.kube }
func (m *fakeManager) GetAPIReader() client.Reader { return m.kube }
func (m *fakeManager) GetCache() cache.Cache       { return fakeCache{kube: m.kube} }
func (m *fakeManager) GetEventRecorderFor(string) record.EventRecorder {
	return record.NewFakeRecorder(1000)
}
func (m *fakeManager) Add(r manager.Runnable) error { m.pool = r; return nil }

// A desk is where one CellRecord is worked on, whose servers are parts of their own, as are the cells of a database: others may have
// put some there, too.
type desk struct {
	*testing.T

	kube      client.Client
	lease     *placement.FakeLease
	etcd      *fakeEtcd
	mg        *v1alpha1.CellRecord
	connector managed.TypedExternalConnector[*v1alpha1.CellRecord]

	// free and clear are what keeps the record from being deleted.
	free, clear error
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, etcd: runEtcd(t, 1), lease: placement.NewFakeLease(), mg: &v1alpha1.CellRecord{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.CellRecordKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "z1", UID: "uid", Generation: 1},
		Spec: v1alpha1.CellRecordSpec{
			ManagedResourceSpec: xpv2.ManagedResourceSpec{
				ProviderConfigReference: &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: "pc"},
			},
			ForProvider: v1alpha1.CellRecordParameters{Cell: "z1", ServerAddresses: []string{"one", "two"}, Root: "/r"},
		},
	}}
	d.kube = fake.NewClientBuilder().WithScheme(s).WithObjects(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem, UID: "plane"}},
		&v1alpha1.ProviderConfig{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pc"}},
	).Build()
	d.points(d.etcd, "/a")
	mgr := &fakeManager{kube: d.kube}
	l, err := topology.New(mgr, setup.Options{Options: controller.Options{Logger: logging.NewNopLogger()}, Lease: d.lease, Metrics: metrics.New()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		_ = mgr.pool.Start(ctx)
	})
	d.connector = topology.NewConnector(l, d.kind().topology())
	return d
}

func (d *desk) kind() Kind[*v1alpha1.CellRecord, *clustermetadatapb.Cell] {
	path := func(mg *v1alpha1.CellRecord) topo.Path { return topo.CellPath(mg.Spec.ForProvider.Cell) }
	return Kind[*v1alpha1.CellRecord, *clustermetadatapb.Cell]{
		GroupVersionKind: v1alpha1.CellRecordGroupVersionKind, Managed: &v1alpha1.CellRecord{}, List: &v1alpha1.CellRecordList{},
		Path:    path,
		Below:   func(*v1alpha1.CellRecord) []topo.Path { return []topo.Path{"databases"} },
		Records: func(s *topo.Store) topo.Records[*clustermetadatapb.Cell] { return s.Cells() },
		Desired: func(mg *v1alpha1.CellRecord) (claims.Items, error) {
			out := claims.Items{string(path(mg)): mg.Spec.ForProvider.Root}
			for _, a := range mg.Spec.ForProvider.ServerAddresses {
				out[serverPart+a] = ""
			}
			return out, nil
		},
		Observed: func(p topo.Path, m *clustermetadatapb.Cell) (claims.Observed, error) {
			out := claims.Observed{string(p): m.GetRoot()}
			for _, a := range m.GetServerAddresses() {
				out[serverPart+a] = ""
			}
			return out, nil
		},
		Apply: func(mg *v1alpha1.CellRecord, remove []string, m *clustermetadatapb.Cell) error {
			m.Name, m.Root = mg.Spec.ForProvider.Cell, mg.Spec.ForProvider.Root
			all := map[string]bool{}
			for _, a := range slices.Concat(m.GetServerAddresses(), mg.Spec.ForProvider.ServerAddresses) {
				all[a] = !slices.Contains(remove, serverPart+a)
			}
			maps.DeleteFunc(all, func(_ string, keep bool) bool { return !keep })
			m.ServerAddresses = slices.Sorted(maps.Keys(all))
			return nil
		},
		Report: func(mg *v1alpha1.CellRecord, rec topo.Record[*clustermetadatapb.Cell]) {
			mg.Status.AtProvider.Root, mg.Status.AtProvider.Revision = rec.Message.GetRoot(), rec.Revision
		},
		Free:  func(context.Context, client.Reader, *v1alpha1.CellRecord) error { return d.free },
		Clear: func(context.Context, *topology.Connection, *topo.Store, *v1alpha1.CellRecord) error { return d.clear },
	}
}

// points the configuration to a server and a root.
func (d *desk) points(e *fakeEtcd, root string) {
	d.Helper()
	pc := &v1alpha1.ProviderConfig{}
	if err := d.kube.Get(d.Context(), client.ObjectKey{Namespace: "ns", Name: "pc"}, pc); err != nil {
		d.Fatal(err)
	}
	pc.Spec.Topology = v1alpha1.Topology{Endpoints: []string{e.address}, Root: root}
	if err := d.kube.Update(d.Context(), pc); err != nil {
		d.Fatal(err)
	}
}

// visit connects, observes, and lets somebody go on from there.
func (d *desk) visit(then func(c managed.TypedExternalClient[*v1alpha1.CellRecord], o managed.ExternalObservation) error) error {
	d.Helper()
	c, err := d.connector.Connect(d.Context(), d.mg)
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(d.Context()) }()
	o, err := c.Observe(d.Context(), d.mg)
	if err != nil {
		return err
	}
	return then(c, o)
}

func (d *desk) observe() (managed.ExternalObservation, error) {
	d.Helper()
	var out managed.ExternalObservation
	err := d.visit(func(_ managed.TypedExternalClient[*v1alpha1.CellRecord], o managed.ExternalObservation) error {
		out = o
		return nil
	})
	return out, err
}

// reconcile once, as the managed reconciler and the guard do, and return what that was.
func (d *desk) reconcile() (string, error) {
	d.Helper()
	did := "nothing"
	err := d.visit(func(c managed.TypedExternalClient[*v1alpha1.CellRecord], o managed.ExternalObservation) error {
		var err error
		switch {
		case meta.WasDeleted(d.mg) && o.ResourceExists:
			did = "delete"
			_, err = c.Delete(d.Context(), d.mg)
		case meta.WasDeleted(d.mg):
			did = "let go"
		case !o.ResourceExists:
			did = "create"
			_, err = c.Create(d.Context(), d.mg)
		case !o.ResourceUpToDate:
			did = "update"
			err = d.update(c)
		}
		return err
	})
	return did, err
}

func (d *desk) update(c managed.TypedExternalClient[*v1alpha1.CellRecord]) error {
	d.Helper()
	notes, err := guard.NotesOf(c, d.mg)
	if err != nil {
		return err
	}
	meta.AddAnnotations(d.mg, notes.Before)
	if _, err := c.Update(d.Context(), d.mg); err != nil {
		return err
	}
	meta.AddAnnotations(d.mg, notes.After())
	return nil
}

// must reconcile, and do one thing after another.
func (d *desk) must(want ...string) {
	d.Helper()
	for _, w := range want {
		if got, err := d.reconcile(); err != nil || got != w {
			d.Fatalf("want %q, got %q, error %v", w, got, err)
		}
	}
}

// eventually reconciles until that does something: a server that was away is asked again after a while.
func (d *desk) eventually(want string) {
	d.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got, err := d.reconcile()
		if err == nil && got == want {
			return
		}
		if time.Now().After(end) {
			d.Fatalf("want %q, got %q, error %v", want, got, err)
		}
	}
}

// deleted marks the managed resource.
func (d *desk) deleted() { d.mg.DeletionTimestamp = &metav1.Time{Time: metav1.Now().Time} }

// claimed are the items that are claimed, by root.
func (d *desk) claimed() map[string][]string {
	d.Helper()
	all, err := claims.Decode[topology.Place](d.mg.GetAnnotations()[claims.Annotation], d.mg.GetUID())
	if err != nil {
		d.Fatal(err)
	}
	out := map[string][]string{}
	for _, c := range all {
		out[c.Context.Root] = slices.Sorted(maps.Keys(c.Items))
	}
	return out
}

// reason of the condition, empty if it is true.
func (d *desk) reason() xpv2.ConditionReason {
	c := d.mg.GetCondition(topology.TypeSettled)
	if c.Status == corev1.ConditionTrue {
		return ""
	}
	return c.Reason
}

// placeIn is the ID of the place that a message is about.
func placeIn(message string) string {
	_, rest, _ := strings.Cut(message, "(")
	id, _, _ := strings.Cut(rest, ")")
	return id
}
