package provider

import (
	"context"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	kresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// retained are the management policies of what outlives its managed resource.
var retained = xpv2.ManagementPolicies{
	xpv2.ManagementActionObserve, xpv2.ManagementActionCreate, xpv2.ManagementActionUpdate, xpv2.ManagementActionLateInitialize,
}

// class makes a StorageClass whose volumes may grow, or not. Volumes are bound when a pod comes, or are made by the test.
func (s *scenario) class(name string, grows bool) string {
	s.Helper()
	sc := &storagev1.StorageClass{
		ObjectMeta: named(s.ns + "-" + name), Provisioner: "example.org/none",
		AllowVolumeExpansion: ptr.To(grows), VolumeBindingMode: ptr.To(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	s.must(s.kube.Create(s.Context(), sc))
	s.Cleanup(func() { _ = s.kube.Delete(context.Background(), sc) })
	return sc.Name
}

// volume makes a PersistentVolume that is bound to a claim.
func (s *scenario) volume(class, claim, size string) {
	s.Helper()
	pv := &corev1.PersistentVolume{ObjectMeta: named(s.ns + "-" + claim), Spec: corev1.PersistentVolumeSpec{
		StorageClassName: class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Capacity:                      corev1.ResourceList{corev1.ResourceStorage: kresource.MustParse(size)},
		PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		ClaimRef:                      &corev1.ObjectReference{Namespace: s.ns, Name: claim},
		PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "example.org", VolumeHandle: s.ns + claim}},
	}}
	s.must(s.kube.Create(s.Context(), pv))
	s.Cleanup(func() { _ = s.kube.Delete(context.Background(), pv) })
}

func claim(name, class, size string) *v1alpha1.VolumeClaim {
	return &v1alpha1.VolumeClaim{ObjectMeta: named(name), Spec: v1alpha1.VolumeClaimSpec{
		ForProvider: v1alpha1.VolumeClaimParameters{StorageClassName: ptr.To(class), Size: kresource.MustParse(size), Labels: map[string]string{"a": "b"}},
	}}
}

func (s *scenario) pvc(name string) *corev1.PersistentVolumeClaim {
	s.Helper()
	o := &corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, name)}
	s.get(o)
	return o
}

func size(pvc *corev1.PersistentVolumeClaim) string {
	return pvc.Spec.Resources.Requests.Storage().String()
}

// TestVolumeInUse: a claim that is deleted by hand while a pod uses it is not ready, comes back after the pod has gone, and meanwhile
// holds up nothing.
func TestVolumeInUse(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	mg := claim("used", s.class("plain", false), "1Gi")
	s.create(mg)
	s.ready(mg)
	pvc := s.pvc("used")
	// What Kubernetes does for a claim that a pod uses.
	s.edit(pvc, func() { pvc.Finalizers = append(pvc.Finalizers, "test.multigres.com/used") })
	s.must(s.kube.Delete(s.Context(), pvc))
	s.condition(mg, xpv2.TypeReady, corev1.ConditionFalse, "")
	s.never("it is replaced", func() bool { return s.pvc("used").UID != pvc.UID })
	s.edit(pvc, func() { pvc.Finalizers = nil })
	s.until("another one is there", func(context.Context) error {
		again := &corev1.PersistentVolumeClaim{}
		if err := s.kube.Get(s.Context(), client.ObjectKeyFromObject(pvc), again); err != nil {
			return err
		}
		if again.UID == pvc.UID {
			return errors.New("it is the old one")
		}
		return nil
	})
	s.ready(mg)
	s.notef("not ready while it goes, then made again")
}

// TestVolumeOutlives: what is retained stays and is adopted, what is not goes, and a claim that somebody deletes comes back.
func TestVolumeOutlives(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	class := s.class("plain", false)
	kept, dropped := claim("kept", class, "1Gi"), claim("dropped", class, "1Gi")
	kept.Spec.ManagementPolicies = retained
	s.create(kept, dropped)
	s.ready(kept, dropped)
	first := s.pvc("kept")

	s.remove(kept, dropped)
	s.gone(kept, dropped)
	s.gone(&corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, "dropped")})
	if got := s.pvc("kept"); got.UID != first.UID || got.DeletionTimestamp != nil {
		t.Errorf("a claim should be retained, got %s deleted %v", got.UID, got.DeletionTimestamp)
	}

	heir := claim("kept", class, "1Gi")
	heir.Spec.ForProvider.Labels = map[string]string{"c": "d"}
	s.create(heir)
	s.ready(heir)
	got := s.pvc("kept")
	if got.UID != first.UID {
		t.Errorf("a claim should be adopted, got another one")
	}
	if diff := cmp.Diff(map[string]string{"a": "b", "c": "d"}, got.Labels); diff != "" {
		t.Errorf("labels: -want, +got:\n%s", diff)
	}

	s.must(s.kube.Delete(s.Context(), got))
	s.until("the claim comes back", func(context.Context) error {
		again := &corev1.PersistentVolumeClaim{}
		if err := s.kube.Get(s.Context(), client.ObjectKeyFromObject(got), again); err != nil {
			return err
		}
		if again.UID == got.UID {
			return errors.New("it is the old one")
		}
		return nil
	})
	s.ready(heir)
	s.notef("retained, adopted, deleted by hand and made again")
}

// TestVolumeGrows: a volume grows if its class lets it, says so if not, and never shrinks.
func TestVolumeGrows(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	grows, stiff := s.class("grows", true), s.class("stiff", false)
	a, b := claim("a", grows, "1Gi"), claim("b", stiff, "1Gi")
	s.create(a, b)
	s.volume(grows, "a", "1Gi")
	s.volume(stiff, "b", "1Gi")
	s.ready(a, b)
	for _, c := range []*v1alpha1.VolumeClaim{a, b} {
		s.until("the volume is bound", func(context.Context) error {
			s.get(c)
			if c.Status.AtProvider.Phase != corev1.ClaimBound {
				return errors.New(string(c.Status.AtProvider.Phase))
			}
			return nil
		})
		s.edit(c, func() { c.Spec.ForProvider.Size = kresource.MustParse("2Gi") })
	}
	s.condition(a, "Sized", corev1.ConditionFalse, "Resizing")
	s.condition(b, "Sized", corev1.ConditionFalse, "CannotExpand")
	if got := size(s.pvc("b")); got != "1Gi" {
		t.Errorf("a claim that cannot grow should be left alone, got %s", got)
	}
	// What the storage's resizer and the kubelet do.
	pvc := s.pvc("a")
	if got := size(pvc); got != "2Gi" {
		t.Errorf("want a claim of 2Gi, got %s", got)
	}
	pvc.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: kresource.MustParse("2Gi")}
	s.must(s.kube.Status().Update(s.Context(), pvc))
	s.condition(a, "Sized", corev1.ConditionTrue, "Sized")

	s.edit(b, func() { b.Spec.ForProvider.Size = kresource.MustParse("3Gi") })
	s.condition(b, "Sized", corev1.ConditionFalse, "CannotExpand")
	b.Spec.ForProvider.Size = kresource.MustParse("1Gi")
	if err := s.kube.Update(s.Context(), b); !kerrors.IsInvalid(err) || !strings.Contains(err.Error(), "size") {
		t.Errorf("the API server should refuse to shrink, got %v", err)
	}
	s.notef("grown, refused by the class, refused to shrink")
}

// TestVolumeShrinksNever: a claim that is larger than what is wanted is left alone.
func TestVolumeShrinksNever(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	class := s.class("grows", true)
	pvc := &corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, "old"), Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: ptr.To(class), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: kresource.MustParse("5Gi")}},
	}}
	s.create(pvc)
	mg := claim("old", class, "1Gi")
	s.create(mg)
	c := s.condition(mg, "Sized", corev1.ConditionFalse, "CannotShrink")
	if got := s.pvc("old"); got.UID != pvc.UID || size(got) != "5Gi" {
		t.Errorf("want the claim of 5Gi that was there, got %s of %s", got.UID, size(got))
	}
	s.notef("%s", c.Message)
}

// TestNamespaceGoes: a namespace that is deleted goes, with all that is in it.
func TestNamespaceGoes(t *testing.T) {
	t.Parallel()
	s := begin(t)
	other := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: s.ns + "-"}}
	s.must(s.kube.Create(s.Context(), other))
	s.provider(with("--namespaces=" + other.Name))
	pw, vc, cert := password("pw", "pw"), claim("vc", s.class("plain", false), "1Gi"), certificate("cert", "ca")
	for _, o := range []client.Object{pw, vc, cert} {
		o.SetNamespace(other.Name)
		s.must(s.kube.Create(s.Context(), o))
	}
	s.ready(pw, vc, cert)

	// What is in a topology goes before its configuration, and what is retained elsewhere goes with the namespace.
	st := s.shared()
	pc := &v1alpha1.ProviderConfig{ObjectMeta: metaIn(other.Name, "pc"), Spec: v1alpha1.ProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: s.root},
	}}
	z, d, kept := cell("z1", "pc"), database("d", "pc", "z1"), claim("kept", s.class("other", false), "1Gi")
	kept.Spec.ManagementPolicies = retained
	for _, o := range []client.Object{pc, z, d, kept} {
		o.SetNamespace(other.Name)
		s.must(s.kube.Create(s.Context(), o))
	}
	s.settled(z, d)
	s.ready(kept)
	s.remove(other)
	s.gone(other)
	if left := st.history(); len(records(left[len(left)-1].State)) > 0 {
		t.Errorf("no record should be left, got %v", records(left[len(left)-1].State))
	}
	s.notef("5 kinds")
}
