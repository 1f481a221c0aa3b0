package tlscertificate

import (
	"context"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

func issued(c *v1alpha1.TLSCertificate) {
	c.Spec.ForProvider.CASecretName = ""
	c.Spec.ForProvider.IssuerRef = &v1alpha1.IssuerReference{Name: "issuer"}
}

func TestIssued(t *testing.T) {
	ctx := context.Background()
	b, mg := newBench(t), mr(issued)
	b.reconcile(mg)
	if got := b.reconcile(mg); got != 0 {
		t.Errorf("Update(): a Certificate that is up to date should be left alone")
	}
	c, err := b.certificate(ctx, mg)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"secretName":  "leaf",
		"commonName":  "a.example",
		"dnsNames":    []any{"a.example"},
		"duration":    "30h0m0s",
		"renewBefore": "6h0m0s",
		"usages":      []any{"server auth", "client auth"},
		"privateKey":  map[string]any{"algorithm": "ECDSA", "size": int64(256), "rotationPolicy": "Always"},
		"issuerRef":   map[string]any{"name": "issuer", "kind": "Issuer", "group": "cert-manager.io"},
	}
	if diff := cmp.Diff(want, c.Object["spec"]); diff != "" {
		t.Errorf("Create(): -want spec, +got:\n%s", diff)
	}
	if got := mg.GetCondition(xpv2.TypeReady).Status; got != corev1.ConditionFalse {
		t.Errorf("Observe(): a Certificate that is not issued yet should not be ready, got %s", got)
	}

	c.Object["status"] = map[string]any{
		"renewalTime": "2026-02-01T00:00:00Z",
		"conditions":  []any{map[string]any{"type": "Ready", "status": "True"}},
	}
	unstructured.RemoveNestedField(c.Object, "spec", "commonName")
	if err := unstructured.SetNestedField(c.Object, int64(3), "spec", "revisionHistoryLimit"); err != nil {
		t.Fatal(err)
	}
	if err := b.kube.Update(ctx, c); err != nil {
		t.Fatal(err)
	}
	if got := b.reconcile(mg); got != 1 {
		t.Errorf("Update(): what somebody changed should be repaired once, got %d updates", got)
	}
	if c, err = b.certificate(ctx, mg); err != nil {
		t.Fatal(err)
	}
	want["revisionHistoryLimit"] = int64(3)
	if diff := cmp.Diff(want, c.Object["spec"]); diff != "" {
		t.Errorf("Update(): -want spec, +got:\n%s", diff)
	}
	if !mg.GetCondition(xpv2.TypeReady).Equal(xpv2.Available()) {
		t.Errorf("Observe(): a Certificate that cert-manager calls ready should be ready")
	}
	if got := mg.Status.AtProvider.RenewalTime; got == nil || got.UTC().Format("2006-01-02") != "2026-02-01" {
		t.Errorf("Observe(): the renewal should be as cert-manager says, got %v", got)
	}

	for range 2 {
		if _, err := b.Delete(ctx, mr(issued, deleted)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.certificate(ctx, mg); !kerrors.IsNotFound(err) {
		t.Errorf("Delete(): the Certificate should be gone, got %v", err)
	}
}

func TestForeignCertificate(t *testing.T) {
	ctx := context.Background()
	b := newBench(t)
	c := &unstructured.Unstructured{}
	c.SetGroupVersionKind(certificateGVK)
	c.SetNamespace("ns")
	c.SetName("leaf")
	if err := b.kube.Create(ctx, c); err != nil {
		t.Fatal(err)
	}
	_, observe := b.Observe(ctx, mr(issued))
	_, update := b.Update(ctx, mr(issued))
	for _, err := range []error{observe, update} {
		if diff := cmp.Diff(errOwned, err, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("A Certificate that somebody else made should be left alone: -want error, +got error:\n%s", diff)
		}
	}
	if _, err := b.Delete(ctx, mr(issued, deleted)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.certificate(ctx, mr(issued)); err != nil {
		t.Errorf("Delete(): a Certificate that somebody else made should stay, got %v", err)
	}
}

// TestNoCertManager: without cert-manager an issuer is of no use, which is said with the field, and holds up no deletion.
func TestNoCertManager(t *testing.T) {
	b := newBench(t)
	missing := &apimeta.NoKindMatchError{GroupKind: certificateGVK.GroupKind()}
	b.live = interceptor.NewClient(b.kube.(client.WithWatch), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return missing
		},
	})
	if _, err := b.Observe(t.Context(), mr(issued)); !errors.Is(err, missing) || !strings.Contains(err.Error(), "spec.forProvider.issuerRef") {
		t.Errorf("Observe(): want the error of the API server with the field, got %v", err)
	}
	o, err := b.Observe(t.Context(), mr(issued, deleted))
	if err != nil || o.ResourceExists {
		t.Errorf("Observe(): nothing should hold up a deletion, got %+v, error %v", o, err)
	}
}
