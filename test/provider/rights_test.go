package provider

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/shardstate"
)

// certManager is as much of cert-manager's definition of Certificate as an API server needs to keep one.
func certManager() *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{ObjectMeta: named("certificates.cert-manager.io"), Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "cert-manager.io", Scope: apiextensionsv1.NamespaceScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "certificates", Kind: "Certificate"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)},
		}}},
	}}
}

// rights are the verbs of a role by resource, as in "secrets." and "passwords/status.m.multigres.com".
type rights map[string][]string

func (r rights) add(resource, group, verb string) {
	key := resource + "." + group
	if !slices.Contains(r[key], verb) {
		r[key] = append(r[key], verb)
		slices.Sort(r[key])
	}
}

func granted(rules []rbacv1.PolicyRule) rights {
	out := rights{}
	for _, rule := range rules {
		for _, g := range rule.APIGroups {
			for _, r := range rule.Resources {
				for _, v := range rule.Verbs {
					out.add(r, g, v)
				}
			}
		}
	}
	return out
}

// used returns the rights that the requests of replicas need, and those that were refused.
func (s *scenario) used() (need, refused rights) {
	need, refused = rights{}, rights{}
	for _, r := range s.requests("system:serviceaccount:" + s.ns + ":") {
		if r.Object.Resource == "" {
			continue
		}
		if r.Response.Code == http.StatusForbidden {
			refused.add(r.resource(), r.Object.Group, r.Verb)
		}
		need.add(r.resource(), r.Object.Group, r.Verb)
	}
	return need, refused
}

// TestRights: the provider's role is what the provider needs, verb by verb, and nothing is refused.
func TestRights(t *testing.T) {
	t.Parallel()
	s := begin(t)
	crd := certManager()
	s.must(client.IgnoreAlreadyExists(s.kube.Create(s.Context(), crd)))
	s.Cleanup(func() { _ = s.kube.Delete(context.Background(), crd) })
	s.until("certificates are served", func(ctx context.Context) error {
		if err := s.kube.Get(ctx, client.ObjectKeyFromObject(crd), crd); err != nil {
			return err
		}
		for _, c := range crd.Status.Conditions {
			if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
				return nil
			}
		}
		return errors.New("not established")
	})

	leader := s.provider()
	all := s.lifeOfAll()
	sh := s.lifeOfShard()
	owners := s.blocked(all)
	// The lease changes hands. API servers up to Kubernetes 1.33 cannot list by a watch.
	leader.Stop(patience)
	s.provider(env("KUBE_FEATURE_WatchListClient=false"))
	s.endOfAll(all)
	for _, id := range sh.poolers {
		sh.dies(id)
	}
	s.remove(sh.record)
	s.gone(sh.record)

	need, refused := s.used()
	if len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
	maps.Copy(need, owners)
	// Asked only when a server has been silent for a minute while its cluster is being deleted.
	need.add("multigresclusters", "multigres.com", "get")
	if diff := cmp.Diff(need, granted(role.Rules)); diff != "" {
		t.Errorf("rights: -needed, +granted:\n%s", diff)
	}
	verbs := 0
	for v := range maps.Values(need) {
		verbs += len(v)
	}
	s.notef("%d verbs on %d resources, each needed", verbs, len(need))
}

// blocked returns the rights that admission asks for on behalf of whoever makes an owner reference that blocks deletion, here of
// connection Secrets and of usages of configurations. No request shows them.
func (s *scenario) blocked(all []resource.Managed) rights {
	s.Helper()
	var owners []metav1.OwnerReference
	for _, mg := range all {
		owners = append(owners, s.secret("connection-"+mg.GetName()).OwnerReferences...)
	}
	usages := &v1alpha1.ProviderConfigUsageList{}
	s.must(s.kube.List(s.Context(), usages, client.InNamespace(s.ns)))
	for _, u := range usages.Items {
		owners = append(owners, u.OwnerReferences...)
	}
	out := rights{}
	for _, owner := range owners {
		if ptr.Deref(owner.BlockOwnerDeletion, false) {
			out.add(strings.ToLower(owner.Kind)+"s/finalizers", v1alpha1.Group, "update")
		}
	}
	return out
}

// lifeOfAll lets a managed resource of each kind be made, changed and repaired, and returns them.
func (s *scenario) lifeOfAll() []resource.Managed {
	s.Helper()
	class := s.class("grows", true)
	pw, vc, cert := password("pw", "pw"), claim("vc", class, "1Gi"), certificate("cert", "ca")
	issued := certificate("issued", "")
	issued.Spec.ForProvider.IssuerRef = &v1alpha1.IssuerReference{Name: "issuer"}
	st := s.shared()
	s.config("records", st, "records")
	z, d := cell("z1", "records"), database("d", "records", "z1")
	everywhere := &v1alpha1.ClusterProviderConfig{ObjectMeta: named(s.ns), Spec: v1alpha1.ClusterProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: s.root + "/other"},
	}}
	s.must(s.kube.Create(s.Context(), everywhere))
	far := cell("z3", s.ns)
	far.Spec.ProviderConfigReference.Kind = v1alpha1.ClusterProviderConfigKind
	all := []resource.Managed{pw, vc, cert, issued, z, d, far}
	for i, mg := range all {
		mg.(resource.LocalConnectionSecretWriterTo).SetWriteConnectionSecretToReference(&xpv2.LocalSecretReference{Name: fmt.Sprint("connection-", all[i].GetName())})
		s.create(mg)
	}
	s.ready(pw, vc, cert, z, d, far)
	s.keeps(everywhere)
	s.condition(issued, xpv2.TypeSynced, corev1.ConditionTrue, "")
	s.edit(z, func() { z.Spec.ForProvider.Root = "/another" })
	s.edit(d, func() { d.Spec.ForProvider.Cells = append(d.Spec.ForProvider.Cells, "z2") })
	// Another configuration of the same place, and a usage that nobody is behind any more.
	s.config("renamed", st, "records")
	s.edit(z, func() { z.Spec.ProviderConfigReference.Name = "renamed" })
	orphan := &v1alpha1.ProviderConfigUsage{ObjectMeta: named("orphan")}
	orphan.Labels = map[string]string{"crossplane.io/provider-config": "records", "crossplane.io/provider-config-kind": v1alpha1.ProviderConfigKind}
	orphan.SetProviderConfigReference(xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: "records"})
	orphan.SetResourceReference(xpv2.TypedReference{APIVersion: "v1", Kind: "Nothing", Name: "nobody"})
	s.create(orphan)
	s.repeated()
	s.inherited()
	s.edit(pw, func() { pw.Spec.ForProvider.Rotation = "b" })
	s.edit(vc, func() { vc.Spec.ForProvider.Labels["a"] = "c" })
	s.edit(cert, func() { cert.Spec.ForProvider.CommonName = "another" })
	s.edit(issued, func() { issued.Spec.ForProvider.CommonName = "another" })
	s.ready(pw, vc, cert)
	s.settled(z, d)
	s.condition(issued, xpv2.TypeSynced, corev1.ConditionTrue, "")
	return all
}

// keeps waits until the provider keeps a ClusterProviderConfig from going away. Those of other scenarios see it, too, and are faster
// at times.
func (s *scenario) keeps(pc *v1alpha1.ClusterProviderConfig) {
	s.Helper()
	resource := "clusterproviderconfigs." + v1alpha1.Group
	s.until("the provider writes the ClusterProviderConfig", func(context.Context) error {
		if need, _ := s.used(); slices.Contains(need[resource], "update") {
			return nil
		}
		s.edit(pc, func() { pc.Finalizers = nil })
		time.Sleep(time.Second)
		return errors.New("somebody else did")
	})
}

// lifeOfShard lets a shard lose a pooler for good.
func (s *scenario) lifeOfShard() *shard {
	s.Helper()
	sh := s.shard()
	s.create(sh.record)
	s.ready(sh.record)
	sh.dies(sh.poolers[2])
	s.edit(sh.record, func() {
		sh.record.Spec.ForProvider.Poolers, sh.record.Spec.ForProvider.Removed = sh.listed(sh.poolers[:2]...), sh.listed(sh.poolers[2])
	})
	s.ready(sh.record)
	s.condition(sh.record, shardstate.TypeLeftoversRemoved, corev1.ConditionTrue, shardstate.ReasonNothingLeft)
	return sh
}

// repeated lets an event happen more than once, which is one object that is changed.
func (s *scenario) repeated() {
	s.Helper()
	broken := s.opaque("broken", map[string]string{"password": "kept"})
	s.edit(broken, func() { broken.Annotations = map[string]string{"m.multigres.com/passwords": "{"} })
	s.create(password("broken", "broken"))
	s.until("an event is repeated", func(ctx context.Context) error {
		l := &corev1.EventList{}
		if err := s.kube.List(ctx, l, client.InNamespace(s.ns)); err != nil {
			return err
		}
		for _, e := range l.Items {
			if e.InvolvedObject.Name == "broken" && e.Count > 1 {
				return nil
			}
		}
		return errors.New("not yet")
	})
}

// inherited lets a password be adopted whose Password is gone.
func (s *scenario) inherited() {
	s.Helper()
	old := password("old", "retained")
	old.Spec.ManagementPolicies = retained
	s.create(old)
	s.ready(old)
	s.remove(old)
	s.gone(old)
	heir := password("heir", "retained")
	s.create(heir)
	s.ready(heir)
}

// endOfAll deletes managed resources.
func (s *scenario) endOfAll(all []resource.Managed) {
	s.Helper()
	for _, mg := range all {
		s.remove(mg)
	}
	for _, mg := range all {
		s.gone(mg)
	}
	configs := []client.Object{
		&v1alpha1.ProviderConfig{ObjectMeta: metaIn(s.ns, "records")}, &v1alpha1.ClusterProviderConfig{ObjectMeta: named(s.ns)},
	}
	s.remove(configs...)
	s.gone(configs...)
}
