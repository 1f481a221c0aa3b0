package provider

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	topologies "github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
)

// clusters is a definition that stands in for that of MultigresClusters.
func clusters() *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{ObjectMeta: named("multigresclusters.multigres.com"), Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "multigres.com", Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "multigresclusters", Kind: "MultigresCluster"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1alpha1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
		}}},
	}}
}

// mgCluster makes a MultigresCluster that stays for as long as somebody holds it when it is deleted.
func (s *scenario) mgCluster(name string) *unstructured.Unstructured {
	s.Helper()
	crd := clusters()
	s.must(client.IgnoreAlreadyExists(s.kube.Create(s.Context(), crd)))
	s.Cleanup(func() { _ = s.kube.Delete(context.Background(), crd) })
	c := &unstructured.Unstructured{}
	c.SetAPIVersion("multigres.com/v1alpha1")
	c.SetKind("MultigresCluster")
	c.SetName(name)
	c.SetFinalizers([]string{"test.multigres.com/hold"})
	s.until("MultigresClusters are served", func(ctx context.Context) error {
		c.SetNamespace(s.ns)
		return s.kube.Create(ctx, c)
	})
	s.Cleanup(func() {
		_ = s.kube.Patch(context.Background(), c, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":null}}`)))
	})
	return c
}

// soon is how long a server that is back may go unnoticed: the longest rests of its store, its connection and its waiting records
// in a row (2 s, 2 s and 5 s), and what a busy machine adds. gRPC alone would rest for up to two minutes.
const soon = 15 * time.Second

// TestDeadTopology: when a cluster is deleted whose own topology server is gone for good, its records wait for it no longer, and it
// is told what they left. They do wait for as long as the cluster lives, and records on a server that others run as well always do.
func TestDeadTopology(t *testing.T) {
	t.Parallel()
	s := begin(t)
	own, others := s.own(), s.own()
	foreign := s.behind(others)
	s.provider()
	cluster := s.mgCluster("db")
	owner := metav1.OwnerReference{APIVersion: "multigres.com/v1alpha1", Kind: "MultigresCluster", Name: "db", UID: cluster.GetUID(), Controller: ptr.To(true)}
	for name, st := range map[string]*store{"own": own, "others": others} {
		pc := &v1alpha1.ProviderConfig{ObjectMeta: named(name), Spec: v1alpha1.ProviderConfigSpec{
			Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: s.root},
		}}
		pc.OwnerReferences = []metav1.OwnerReference{owner}
		if st == own {
			pc.Spec.DedicatedEndpoints = []string{st.address}
		}
		s.create(pc)
	}
	z, d, never, far := cell("z1", "own"), database("d", "own", "z1"), cell("z2", "own"), cell("far", "others")
	never.Spec.ForProvider.Root = "/never"
	s.create(z, d, far)
	s.settled(z, d, far)

	own.server.Kill()
	foreign.Refuse()
	down := time.Now()
	// What could never be written leaves nothing.
	s.create(never)
	s.remove(d, z, far)
	s.condition(d, "Settled", corev1.ConditionFalse, "Unavailable")
	s.stay(down.Add(topologies.GiveUpAfter+5*time.Second), d, z, far)

	s.must(s.kube.Delete(s.Context(), cluster))
	began := time.Now()
	s.gone(d, z)
	took := time.Since(began)
	for _, mg := range []resource.Managed{d, z} {
		told := strings.Join(s.events(mg), "\n")
		if !strings.Contains(told, string(topologies.ReasonTopologyGone)) || !strings.Contains(told, own.address) {
			t.Errorf("%s: an event should say what was left, got %s", mg.GetName(), told)
		}
	}
	s.stay(time.Now().Add(quiet), far)
	s.condition(far, "Settled", corev1.ConditionFalse, "Unavailable")
	s.must(foreign.Pass())
	back := time.Now()
	s.gone(far)
	recovery := time.Since(back)
	if recovery > soon {
		t.Errorf("the record on the server that is back should be gone within %s, got %s", soon, recovery)
	}
	if others.cell(cellKey("far")) != nil {
		t.Error("the record on the server that is back should be gone")
	}
	s.remove(never)
	s.gone(never)
	s.notef("kept for %.0f s while the cluster lived, gone %.1f s after it was deleted; kept on the server of others, gone %.1f s after that is back",
		began.Sub(down).Seconds(), took.Seconds(), recovery.Seconds())
}

// stay fails if a managed resource that is being deleted goes before a time.
func (s *scenario) stay(until time.Time, mgs ...resource.Managed) {
	s.Helper()
	for ; time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		for _, mg := range mgs {
			if err := s.kube.Get(s.Context(), client.ObjectKeyFromObject(mg), mg); kerrors.IsNotFound(err) {
				s.Fatalf("the finalizer of %s was taken away though nobody knows whether the record is gone", mg.GetName())
			}
		}
	}
}

// TestB5Hint: a shard whose pooler is not registered yet is looked at again after the interval that it asks for, neither at the next
// poll nor as a failure, and stays synced. A failure in the same place is left to the rate limiter.
func TestB5Hint(t *testing.T) {
	t.Parallel()
	s := begin(t)
	sh := s.shard()
	const base, hint = 200 * time.Millisecond, 5 * time.Second
	r := s.provider(with("--backoff-base="+base.String(), "--backoff-max=2s"))
	late := sh.poolers[2]
	sh.Kill(late)
	_, err := sh.raw.Delete(s.Context(), sh.key(late))
	s.must(err)
	s.create(sh.record)
	sh.observed("two of three", func(o v1alpha1.ShardRecordObservation) bool { return len(o.Poolers) > 0 && o.Leader != "" })
	// What woke it by events has been worked off.
	s.never("it fails", func() bool { s.get(sh.record); return sh.record.GetCondition("Synced").Status == corev1.ConditionFalse })
	began := time.Now()
	looks := func(since time.Time) []time.Time {
		var out []time.Time
		for _, l := range s.log(r, `"Name":"shard"`) {
			if l.Message == "Reconciling" && l.Time.After(since) {
				out = append(out, l.Time)
			}
		}
		return out
	}
	s.until("three more looks", func(context.Context) error {
		if n := len(looks(began)); n < 3 {
			return errors.Errorf("%d", n)
		}
		return nil
	})
	got := looks(began)
	for i := range got[1:] {
		// Only a busy machine makes a rest longer.
		if rest := got[i+1].Sub(got[i]); rest < hint*9/10 || rest > hint+5*time.Second {
			t.Errorf("want a look every %s, got one after %s", hint, rest)
		}
	}
	if s.get(sh.record); sh.record.GetCondition("Synced").Status != corev1.ConditionTrue {
		t.Errorf("waiting is no failure: %s", describe(sh.record))
	}

	// Where the topology refuses connections the rate limiter decides.
	failed := time.Now()
	pc := &v1alpha1.ProviderConfig{ObjectMeta: metaIn(s.ns, "pc")}
	s.edit(pc, func() { pc.Spec.Endpoints = []string{"127.0.0.1:1"} })
	s.condition(sh.record, "Synced", corev1.ConditionFalse, "")
	s.until("it is tried again soon", func(context.Context) error {
		l := looks(failed)
		for i := range max(len(l)-1, 0) {
			if rest := l[i+1].Sub(l[i]); rest > base/2 && rest < hint/2 {
				return nil
			}
		}
		return errors.Errorf("%d looks", len(l))
	})
	s.notef("looks %s and %s apart", got[1].Sub(got[0]).Round(10*time.Millisecond), got[2].Sub(got[1]).Round(10*time.Millisecond))
}
