package tlscertificate

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// annotationAuthority marks a Secret with an authority that was made here, and that is ours to rotate.
const annotationAuthority = v1alpha1.Group + "/certificate-authority"

// keyCA is the key of a Secret that holds the certificates of the authorities to trust.
const keyCA = "ca.crt"

// An authority is what a Secret with a certificate authority holds: tls.crt and tls.key of the one that signs, and in ca.crt all
// that are to be trusted, the present one and those before it that have not ended.
type authority struct {
	secret *corev1.Secret
	pki.Pair

	// trusted are the authorities in ca.crt that have not ended.
	trusted []*x509.Certificate

	// ours is true if the authority was made here.
	ours bool
}

// authority reads the certificate authority. It returns nil if there is none, and an error that is pki.ErrInvalid if the Secret
// holds something else: to replace it would end the trust in every certificate that it signed.
func (e *external) authority(ctx context.Context, mg *v1alpha1.TLSCertificate) (*authority, error) {
	s := &corev1.Secret{}
	err := e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: mg.Spec.ForProvider.CASecretName}, s)
	if kerrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.Wrap(err, "cannot get Secret of the certificate authority")
	}
	p, err := pki.ParseAuthority(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, errors.Wrapf(err, "cannot use Secret %q of spec.forProvider.caSecretName as certificate authority", s.Name)
	}
	older, err := pki.ParseBundle(s.Data[keyCA])
	if err != nil {
		return nil, errors.Wrapf(err, "cannot use %s of Secret %q of spec.forProvider.caSecretName", keyCA, s.Name)
	}
	all := append([]*x509.Certificate{p.Certificate}, older...)
	return &authority{
		secret: s, Pair: p, trusted: pki.Trusted(e.now(), all...), ours: s.Annotations[annotationAuthority] != "",
	}, nil
}

// due is true if an authority is to be replaced: it is ours, and what it signs now would end too early. It is never replaced
// before two thirds of its life.
func (a *authority) due(now time.Time, leaf time.Duration) bool {
	end := a.Certificate.NotAfter
	return a.ours && !now.Before(end.Add(-min(leaf, end.Sub(a.Certificate.NotBefore)/3)))
}

// ensure returns the certificate authority, and makes or replaces it if need be. The old one stays trusted until it ends: what it
// signed ends before it does.
func (e *external) ensure(ctx context.Context, mg *v1alpha1.TLSCertificate) (*authority, error) {
	a, err := e.authority(ctx, mg)
	if err != nil {
		return nil, err
	}
	if a != nil && !a.due(e.now(), durationOf(mg)) {
		return a, nil
	}
	name := mg.Spec.ForProvider.CASecretName
	p, err := pki.NewAuthority(e.random, e.now(), name, caDurationOf(mg))
	if err != nil {
		return nil, err
	}
	next := &authority{Pair: p, trusted: []*x509.Certificate{p.Certificate}, ours: true}
	if a == nil {
		next.secret = &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: mg.GetNamespace(), Annotations: map[string]string{annotationAuthority: "true"}},
			Type:       corev1.SecretTypeTLS,
		}
		if err := next.fill(); err != nil {
			return nil, err
		}
		err := e.kube.Create(ctx, next.secret)
		if kerrors.IsAlreadyExists(err) {
			// Another certificate that shares the authority was faster.
			return e.authority(ctx, mg)
		}
		return next, errors.Wrap(err, "cannot create Secret of the certificate authority")
	}
	before := a.secret.DeepCopy()
	next.secret = a.secret
	next.trusted = append(next.trusted, a.trusted...)
	if err := next.fill(); err != nil {
		return nil, err
	}
	return next, e.patch(ctx, next.secret, before)
}

// release deletes the certificate authority of a certificate that is being deleted, if it was made here and nobody else shares
// it. A certificate that begins to share it at this moment makes another and is signed anew.
func (e *external) release(ctx context.Context, mg *v1alpha1.TLSCertificate) error {
	s := &corev1.Secret{}
	name := mg.Spec.ForProvider.CASecretName
	err := e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: name}, s)
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return errors.Wrap(err, "cannot get Secret of the certificate authority")
	}
	if s.Annotations[annotationAuthority] == "" {
		return nil
	}
	l := &v1alpha1.TLSCertificateList{}
	if err := e.live.List(ctx, l, client.InNamespace(mg.GetNamespace())); err != nil {
		return errors.Wrap(err, "cannot list certificates that may share the certificate authority")
	}
	for i := range l.Items {
		if c := &l.Items[i]; c.GetName() != mg.GetName() && c.GetDeletionTimestamp() == nil && c.Spec.ForProvider.CASecretName == name {
			return nil
		}
	}
	err = e.kube.Delete(ctx, s, client.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion})
	return errors.Wrap(resource.IgnoreNotFound(err), "cannot delete Secret of the certificate authority")
}

// fill writes an authority to its Secret.
func (a *authority) fill() error {
	cert, key, err := a.Encode()
	if err != nil {
		return err
	}
	if a.secret.Data == nil {
		a.secret.Data = map[string][]byte{}
	}
	a.secret.Data[corev1.TLSCertKey], a.secret.Data[corev1.TLSPrivateKeyKey] = cert, key
	a.secret.Data[keyCA] = pki.EncodeBundle(a.trusted...)
	return nil
}
