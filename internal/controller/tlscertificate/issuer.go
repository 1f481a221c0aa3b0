package tlscertificate

import (
	"cmp"
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// certificateGVK is cert-manager's kind of certificate. Its module is not needed for one object.
var certificateGVK = schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}

// observeIssued observes the Certificate of cert-manager that makes the Secret.
func (e *external) observeIssued(ctx context.Context, mg *v1alpha1.TLSCertificate) (managed.ExternalObservation, error) {
	c, err := e.certificate(ctx, mg)
	// Without cert-manager there is none either, and it cannot be made.
	if kerrors.IsNotFound(err) || apimeta.IsNoMatchError(err) && meta.WasDeleted(mg) {
		return managed.ExternalObservation{}, nil
	}
	if err != nil {
		return managed.ExternalObservation{}, errors.Wrap(err, "cannot use spec.forProvider.issuerRef: cannot get Certificate of cert-manager")
	}
	if meta.WasDeleted(mg) {
		return managed.ExternalObservation{ResourceExists: owned(mg, c)}, nil
	}
	if err := usable(mg, c, ofCertificate); err != nil {
		return managed.ExternalObservation{}, err
	}
	s, err := e.secret(ctx, mg)
	if resource.IgnoreNotFound(err) != nil {
		return managed.ExternalObservation{}, errors.Wrap(err, "cannot get Secret")
	}
	mg.Status.AtProvider = issuedObservation(mg, c, s)
	mg.SetConditions(issuedReady(c))
	return managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: !merge(c.DeepCopy(), mg)}, nil
}

// issuedReady is what cert-manager says.
func issuedReady(c *unstructured.Unstructured) xpv2.Condition {
	conditions, _, _ := unstructured.NestedSlice(c.Object, "status", "conditions")
	for _, i := range conditions {
		m, ok := i.(map[string]any)
		if !ok || m["type"] != "Ready" {
			continue
		}
		if m["status"] == string(corev1.ConditionTrue) {
			return xpv2.Available()
		}
		msg, _ := m["message"].(string)
		return xpv2.Unavailable().WithMessage(msg)
	}
	return xpv2.Unavailable().WithMessage("cert-manager has not said anything about the Certificate yet")
}

func issuedObservation(mg *v1alpha1.TLSCertificate, c *unstructured.Unstructured, s *corev1.Secret) v1alpha1.TLSCertificateObservation {
	out := v1alpha1.TLSCertificateObservation{}
	if p, err := pki.ParsePair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey]); err == nil {
		out = observation(mg, p.Certificate, nil)
	}
	out.RenewalTime = nil
	if v, _, _ := unstructured.NestedString(c.Object, "status", "renewalTime"); v != "" {
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			out.RenewalTime = moment(t)
		}
	}
	if ca, err := pki.ParseBundle(s.Data[keyCA]); err == nil && len(ca) > 0 {
		out.CANotAfter = moment(ca[0].NotAfter)
	}
	// It counts what it issued, and does not say why: whoever holds an older one is to let go of it.
	if n, _, _ := unstructured.NestedInt64(c.Object, "status", "revision"); n > 0 {
		out.Revision, out.Renewals = n, n-1
	}
	return out
}

// applyIssued creates or updates the Certificate.
func (e *external) applyIssued(ctx context.Context, mg *v1alpha1.TLSCertificate) error {
	c, err := e.certificate(ctx, mg)
	if kerrors.IsNotFound(err) {
		c = &unstructured.Unstructured{}
		c.SetGroupVersionKind(certificateGVK)
		c.SetNamespace(mg.GetNamespace())
		c.SetName(nameOf(mg))
		c.SetAnnotations(map[string]string{annotationOwner: mg.GetName()})
		merge(c, mg)
		return errors.Wrap(e.kube.Create(ctx, c), "cannot create Certificate of cert-manager")
	}
	if err != nil {
		return errors.Wrap(err, "cannot get Certificate of cert-manager")
	}
	if err := usable(mg, c, ofCertificate); err != nil {
		return err
	}
	before := c.DeepCopy()
	if !merge(c, mg) {
		return nil
	}
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return errors.Wrap(e.kube.Patch(ctx, c, p), "cannot patch Certificate of cert-manager")
}

// deleteIssued deletes the Certificate. What becomes of its Secret is cert-manager's to decide.
func (e *external) deleteIssued(ctx context.Context, mg *v1alpha1.TLSCertificate) error {
	c, err := e.certificate(ctx, mg)
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return errors.Wrap(err, "cannot get Certificate of cert-manager")
	}
	if !owned(mg, c) {
		return nil
	}
	uid := c.GetUID()
	return errors.Wrap(resource.IgnoreNotFound(e.kube.Delete(ctx, c, client.Preconditions{UID: &uid})), "cannot delete Certificate of cert-manager")
}

// certificate reads past the cache, which would want to watch a kind that may not exist.
func (e *external) certificate(ctx context.Context, mg *v1alpha1.TLSCertificate) (*unstructured.Unstructured, error) {
	c := &unstructured.Unstructured{}
	c.SetGroupVersionKind(certificateGVK)
	return c, e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: nameOf(mg)}, c)
}

func nameOf(mg *v1alpha1.TLSCertificate) string {
	return cmp.Or(meta.GetExternalName(mg), mg.GetName())
}

// merge puts what is wanted into a Certificate, leaves the rest of it alone, and returns whether that changed anything.
func merge(c *unstructured.Unstructured, mg *v1alpha1.TLSCertificate) bool {
	spec, _, _ := unstructured.NestedMap(c.Object, "spec")
	if spec == nil {
		spec = map[string]any{}
	}
	before := (&unstructured.Unstructured{Object: spec}).DeepCopy().Object
	p := mg.Spec.ForProvider
	spec["secretName"] = p.SecretName
	spec["duration"] = durationOf(mg).String()
	spec["usages"] = texts(wantedUsages(mg))
	spec["privateKey"] = map[string]any{"algorithm": "ECDSA", "size": int64(256), "rotationPolicy": "Always"}
	spec["issuerRef"] = map[string]any{
		"name":  p.IssuerRef.Name,
		"kind":  cmp.Or(p.IssuerRef.Kind, "Issuer"),
		"group": cmp.Or(p.IssuerRef.Group, certificateGVK.Group),
	}
	set(spec, "commonName", p.CommonName, p.CommonName != "")
	set(spec, "dnsNames", texts(p.DNSNames), len(p.DNSNames) > 0)
	set(spec, "renewBefore", or(p.RenewBefore, 0).String(), p.RenewBefore != nil)
	c.Object["spec"] = spec
	return !equality.Semantic.DeepEqual(before, spec)
}

// set or remove a field.
func set(spec map[string]any, name string, value any, wanted bool) {
	if !wanted {
		delete(spec, name)
		return
	}
	spec[name] = value
}

func texts[T ~string](in []T) []any {
	out := make([]any, 0, len(in))
	for _, s := range in {
		out = append(out, string(s))
	}
	return out
}
