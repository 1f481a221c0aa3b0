package provider

import (
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestObserveOnly: managed resources that are only to observe show what others made, write nothing, and go without it. What is not
// there they do not make.
func TestObserveOnly(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	// Somebody's, made by other managed resources.
	pw, vc, cert := password("pw", "pw"), claim("vc", s.class("plain", false), "1Gi"), certificate("cert", "ca")
	z, d := cell("z1", "pc"), database("d", "pc", "z1")
	s.create(pw, vc, cert, z, d)
	s.ready(pw, vc, cert)
	s.settled(z, d)
	theirs := []client.Object{s.secret("pw"), s.pvc("vc"), s.secret("cert-tls"), s.secret("ca")}
	revision := st.now()

	// The names of external resources are in the specifications, but that of a claim is the external name.
	see := claim("see-vc", *vc.Spec.ForProvider.StorageClassName, "1Gi")
	see.Annotations = map[string]string{"crossplane.io/external-name": "vc"}
	seeCert, seeCell, seeDB := certificate("see-cert", "ca"), cell("see-cell", "pc"), database("see-db", "pc", "z9")
	seeCert.Spec.ForProvider, seeCell.Spec.ForProvider.Cell, seeDB.Spec.ForProvider.Database = cert.Spec.ForProvider, "z1", "d"
	kinds := []struct{ whose, mg, none resource.Managed }{
		{whose: pw, mg: password("see-pw", "pw"), none: password("none-pw", "none")},
		{whose: vc, mg: see, none: claim("none-vc", "any", "1Gi")},
		{whose: cert, mg: seeCert, none: certificate("none-cert", "none-ca")},
		{whose: z, mg: seeCell, none: cell("none-cell", "pc")},
		{whose: d, mg: seeDB, none: database("none-db", "pc", "z9")},
	}
	for _, k := range kinds {
		for _, mg := range []resource.Managed{k.mg, k.none} {
			mg.(resource.Manageable).SetManagementPolicies(xpv2.ManagementPolicies{xpv2.ManagementActionObserve})
			s.create(mg)
		}
		s.ready(k.mg)
		s.condition(k.none, xpv2.TypeSynced, corev1.ConditionFalse, "")
		s.get(k.whose)
		if diff := cmp.Diff(s.atProvider(k.whose), s.atProvider(k.mg)); diff != "" {
			t.Errorf("%s should show what there is: -want, +got:\n%s", k.mg.GetName(), diff)
		}
		s.remove(k.mg, k.none)
		s.gone(k.mg, k.none)
	}
	for _, o := range theirs {
		before := o.GetResourceVersion()
		if s.get(o); o.GetResourceVersion() != before {
			t.Errorf("%s was written", o.GetName())
		}
	}
	for _, o := range []client.Object{&corev1.Secret{ObjectMeta: metaIn(s.ns, "none")}, &corev1.Secret{ObjectMeta: metaIn(s.ns, "none-cert-tls")}, &corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, "none-vc")}} {
		if err := s.kube.Get(t.Context(), client.ObjectKeyFromObject(o), o); !kerrors.IsNotFound(err) {
			t.Errorf("%s should not have been made, error %v", o.GetName(), err)
		}
	}
	if h := st.history().After(revision); len(h) > 0 {
		t.Errorf("the topology was written: %v", h)
	}
	s.notef("%d kinds", len(kinds))
}

// atProvider is what a managed resource shows of its external resource.
func (s *scenario) atProvider(mg resource.Managed) any {
	s.Helper()
	o, err := runtime.DefaultUnstructuredConverter.ToUnstructured(mg)
	s.must(err)
	shown, _, err := unstructured.NestedMap(o, "status", "atProvider")
	s.must(err)
	if len(shown) == 0 {
		s.Errorf("%s shows nothing", mg.GetName())
	}
	return shown
}
