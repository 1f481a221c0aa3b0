package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
	"github.com/crossplane-multigres/crossplane-multigres/test/history"
)

const (
	// patience is how long anything may take that has no time of its own to keep. Machines that run tests are slow at times.
	patience = 2 * time.Minute

	// quiet is how long nothing must happen that should not.
	quiet = 2 * time.Second

	// interval between two looks.
	interval = 25 * time.Millisecond
)

// A scenario has a namespace, and a root of its own in each topology.
type scenario struct {
	testing.TB

	plane *controlplane.ControlPlane
	kube  client.Client
	ns    string
	root  string

	began    time.Time
	facts    []string
	replicas []*replica
	etcds    []*etcd.Server
}

// begin a scenario. When it ends one line says how.
func begin(t testing.TB) *scenario {
	t.Helper()
	s := &scenario{TB: t, plane: plane, began: time.Now()}
	t.Cleanup(s.summarize)
	s.settle()
	s.root = "/" + s.ns
	return s
}

// settle in a namespace of the control plane, whose service accounts have the provider's rights.
func (s *scenario) settle() {
	t := s.TB
	t.Helper()
	s.kube = s.plane.Client()
	s.ns = s.plane.Namespace(t)
	b := bind(s.ns)
	if err := s.kube.Create(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			s.keep()
		}
		s.release()
		_ = s.kube.Delete(context.Background(), b)
	})
}

// abroad is the same scenario in a namespace of another control plane.
func (s *scenario) abroad(p *controlplane.ControlPlane) *scenario {
	s.Helper()
	o := &scenario{TB: s.TB, plane: p, root: s.root}
	s.must(p.Client().Create(s.Context(), role.DeepCopy()))
	o.settle()
	return o
}

// notef keeps a fact for the line that says how the scenario ended.
func (s *scenario) notef(format string, args ...any) {
	s.facts = append(s.facts, fmt.Sprintf(format, args...))
}

func (s *scenario) summarize() {
	verdict := "ok"
	if s.Failed() {
		verdict = "FAILED"
	}
	fmt.Printf("    %-6s %-32s %5.1f s  %s\n", verdict, strings.TrimPrefix(s.Name(), "Test"), time.Since(s.began).Seconds(), strings.Join(s.facts, ", "))
}

// release ends the processes, and takes the finalizers away so that the namespace can go.
func (s *scenario) release() {
	for _, r := range s.replicas {
		r.Resume()
		r.Kill()
	}
	ctx := context.Background()
	for _, l := range lists() {
		if err := s.kube.List(ctx, l, client.InNamespace(s.ns)); err != nil {
			continue
		}
		for _, mg := range l.GetItems() {
			if len(mg.GetFinalizers()) > 0 {
				_ = s.kube.Patch(ctx, mg, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
			}
		}
	}
}

// keep writes the topologies' history to the artifacts. Objects, events and logs are kept with the namespace.
func (s *scenario) keep() {
	dir := filepath.Join("../../.cache/artifacts", s.Name())
	_ = os.MkdirAll(dir, 0o755)
	for i, e := range s.etcds {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{e.Address}})
		if err == nil {
			h, _ := history.Read(ctx, c, "/")
			var b strings.Builder
			for _, m := range h {
				fmt.Fprintf(&b, "%d %q\n", m.Revision, fmt.Sprint(m.Changes))
			}
			_ = os.WriteFile(filepath.Join(dir, fmt.Sprintf("history-%d.txt", i)), []byte(b.String()), 0o600)
			_ = c.Close()
		}
		cancel()
	}
}

// until polls until a condition holds.
func (s *scenario) until(what string, ok func(ctx context.Context) error) {
	s.Helper()
	controlplane.Eventually(s.TB, patience, what, ok)
}

// never fails if a condition holds within a while.
func (s *scenario) never(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(quiet); time.Now().Before(end); time.Sleep(interval) {
		if holds() {
			s.Fatalf("should never happen: %s", what)
		}
	}
}

// must stops the scenario at an error.
func (s *scenario) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// create objects in the namespace.
func (s *scenario) create(objects ...client.Object) {
	s.Helper()
	for _, o := range objects {
		o.SetNamespace(s.ns)
		s.must(s.kube.Create(s.Context(), o))
	}
}

// get reads an object again.
func (s *scenario) get(o client.Object) {
	s.Helper()
	s.must(s.kube.Get(s.Context(), client.ObjectKeyFromObject(o), o))
}

// edit changes an object that others write to.
func (s *scenario) edit(o client.Object, change func()) {
	s.Helper()
	s.until("edit "+o.GetName(), func(ctx context.Context) error {
		if err := s.kube.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return err
		}
		change()
		return s.kube.Update(ctx, o)
	})
}

// remove asks for the deletion of objects.
func (s *scenario) remove(objects ...client.Object) {
	s.Helper()
	for _, o := range objects {
		s.must(s.kube.Delete(s.Context(), o))
	}
}

// gone waits until objects are gone.
func (s *scenario) gone(objects ...client.Object) {
	s.Helper()
	for _, o := range objects {
		s.until(o.GetName()+" is gone", func(ctx context.Context) error {
			err := s.kube.Get(ctx, client.ObjectKeyFromObject(o), o)
			if kerrors.IsNotFound(err) {
				return nil
			}
			return errors.Errorf("still there, error %v: %s", err, describe(o))
		})
	}
}

// ready waits until managed resources are ready, and as their specs ask for.
func (s *scenario) ready(mgs ...resource.Managed) {
	s.Helper()
	for _, mg := range mgs {
		s.condition(mg, xpv2.TypeSynced, corev1.ConditionTrue, "")
		s.condition(mg, xpv2.TypeReady, corev1.ConditionTrue, "")
	}
}

// condition waits until a managed resource has a condition for its present generation, with a reason if that is not empty.
func (s *scenario) condition(mg resource.Managed, t xpv2.ConditionType, status corev1.ConditionStatus, reason xpv2.ConditionReason) xpv2.Condition {
	s.Helper()
	var c xpv2.Condition
	s.until(fmt.Sprintf("%s has %s=%s %s", mg.GetName(), t, status, reason), func(ctx context.Context) error {
		if err := s.kube.Get(ctx, client.ObjectKeyFromObject(mg), mg); err != nil {
			return err
		}
		c = mg.GetCondition(t)
		// Only this one says which generation the last reconcile was for.
		current := mg.GetCondition(xpv2.TypeSynced).ObservedGeneration >= mg.GetGeneration()
		if c.Status != status || reason != "" && c.Reason != reason || !current {
			return errors.Errorf("%s", describe(mg))
		}
		return nil
	})
	return c
}

// describe says what is known of a managed resource.
func describe(o client.Object) string {
	c, ok := o.(interface {
		GetCondition(xpv2.ConditionType) xpv2.Condition
	})
	if !ok {
		return o.GetName()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s generation %d deleted %t", o.GetName(), o.GetGeneration(), o.GetDeletionTimestamp() != nil)
	for _, t := range []xpv2.ConditionType{xpv2.TypeReady, xpv2.TypeSynced, "Settled"} {
		if got := c.GetCondition(t); got.Status != "" {
			fmt.Fprintf(&b, "; %s=%s %s (%d): %s", t, got.Status, got.Reason, got.ObservedGeneration, got.Message)
		}
	}
	return b.String()
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func metaIn(ns, name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }

// lists returns an empty list of each kind of managed resource.
func lists() []interface {
	client.ObjectList
	resource.ManagedList
} {
	return []interface {
		client.ObjectList
		resource.ManagedList
	}{
		&v1alpha1.PasswordList{}, &v1alpha1.TLSCertificateList{}, &v1alpha1.VolumeClaimList{},
		&v1alpha1.CellRecordList{}, &v1alpha1.DatabaseRecordList{}, &v1alpha1.ShardRecordList{},
	}
}

// events returns the reasons and messages of all events about an object.
func (s *scenario) events(o client.Object) []string {
	s.Helper()
	l := &corev1.EventList{}
	s.must(s.kube.List(s.Context(), l, client.InNamespace(s.ns)))
	var out []string
	for _, e := range l.Items {
		if e.InvolvedObject.UID == o.GetUID() {
			out = append(out, e.Reason+": "+e.Message)
		}
	}
	return out
}
