// Package tlscertificate keeps certificates in Secrets and renews them before they end.
package tlscertificate

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/local"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// annotationOwner of an object names the TLSCertificate that made it.
const annotationOwner = v1alpha1.Group + "/tls-certificate"

// errOwned is why a Secret or a Certificate cannot be used.
var errOwned = errors.New("this TLSCertificate did not make it")

// SetupGated sets up the controller of TLSCertificates once the API server serves them.
func SetupGated(mgr ctrl.Manager, o setup.Options) {
	e := &external{kube: mgr.GetClient(), live: mgr.GetAPIReader(), random: rand.Reader, now: time.Now}
	local.SetupGated(mgr, o, local.Kind[*v1alpha1.TLSCertificate]{
		GroupVersionKind: v1alpha1.TLSCertificateGroupVersionKind,
		Managed:          &v1alpha1.TLSCertificate{},
		List:             &v1alpha1.TLSCertificateList{},
		Watched:          &corev1.Secret{},
		WatchedName:      "Secret",
		MetadataOnly:     true,
		Names:            secrets,
		Client:           e,
		PollInterval:     e.poll,
	})
}

// secrets returns the names of the Secrets whose changes wake a TLSCertificate.
func secrets(mg *v1alpha1.TLSCertificate) []string {
	p := mg.Spec.ForProvider
	if p.CASecretName == "" {
		return []string{p.SecretName}
	}
	return []string{p.SecretName, p.CASecretName}
}

// external is the client of a certificate. It reads Secrets past the cache.
type external struct {
	kube   client.Client
	live   client.Reader
	random io.Reader
	now    func() time.Time
}

// Disconnect does nothing: the client of the Kubernetes API is shared.
func (e *external) Disconnect(context.Context) error { return nil }

// poll returns when to look at a certificate again: not after it is due for renewal.
func (e *external) poll(mg resource.Managed, interval time.Duration) time.Duration {
	c, ok := mg.(*v1alpha1.TLSCertificate)
	if !ok || c.Status.AtProvider.RenewalTime == nil {
		return interval
	}
	left := c.Status.AtProvider.RenewalTime.Sub(e.now())
	if left <= 0 {
		return interval
	}
	// Times of the API are whole seconds.
	return min(interval, left+time.Second)
}

// Observe the certificate. It never writes.
func (e *external) Observe(ctx context.Context, mg *v1alpha1.TLSCertificate) (managed.ExternalObservation, error) {
	if mg.Spec.ForProvider.IssuerRef != nil {
		return e.observeIssued(ctx, mg)
	}
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalObservation{}, nil
	}
	if err != nil {
		return managed.ExternalObservation{}, errors.Wrap(err, "cannot get Secret")
	}
	if meta.WasDeleted(mg) {
		return managed.ExternalObservation{ResourceExists: owned(mg, s)}, nil
	}
	if err := usable(mg, s, ofSecret); err != nil {
		return managed.ExternalObservation{}, err
	}
	a, err := e.authority(ctx, mg)
	if err != nil {
		return managed.ExternalObservation{}, err
	}
	l := inspect(mg, s, a, e.now())
	past := countOf(s)
	mg.Status.AtProvider = observation(mg, l.cert, a)
	mg.Status.AtProvider.Revision, mg.Status.AtProvider.Renewals = past.revision, past.renewals
	mg.SetConditions(ready(l, a))
	return managed.ExternalObservation{
		ResourceExists:   true,
		ResourceUpToDate: l.stale == "" && !l.outdated && !a.due(e.now(), durationOf(mg)),
		Diff:             l.stale,
	}, nil
}

// ready returns whether a certificate can be used.
func ready(l leaf, a *authority) xpv2.Condition {
	if l.err != nil {
		return xpv2.Unavailable().WithMessage(l.err.Error())
	}
	if a == nil {
		return xpv2.Unavailable().WithMessage(l.stale)
	}
	return xpv2.Available()
}

// Create the certificate, and its authority if it does not exist.
func (e *external) Create(ctx context.Context, mg *v1alpha1.TLSCertificate) (managed.ExternalCreation, error) {
	mg.SetConditions(xpv2.Creating())
	return managed.ExternalCreation{}, e.apply(ctx, mg)
}

// Update renews the certificate or its authority, or passes on whom to trust.
func (e *external) Update(ctx context.Context, mg *v1alpha1.TLSCertificate) (managed.ExternalUpdate, error) {
	return managed.ExternalUpdate{}, e.apply(ctx, mg)
}

func (e *external) apply(ctx context.Context, mg *v1alpha1.TLSCertificate) error {
	if mg.Spec.ForProvider.IssuerRef != nil {
		return e.applyIssued(ctx, mg)
	}
	a, err := e.ensure(ctx, mg)
	if err != nil {
		return err
	}
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		s = &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: mg.Spec.ForProvider.SecretName, Namespace: mg.GetNamespace()},
			Type:       corev1.SecretTypeTLS,
		}
		if err := e.fill(mg, s, a); err != nil {
			return err
		}
		return errors.Wrap(e.kube.Create(ctx, s), "cannot create Secret")
	}
	if err != nil {
		return errors.Wrap(err, "cannot get Secret")
	}
	if err := usable(mg, s, ofSecret); err != nil {
		return err
	}
	before := s.DeepCopy()
	if err := e.fill(mg, s, a); err != nil {
		return err
	}
	return e.patch(ctx, s, before)
}

// fill puts the certificates of the authority into a Secret, and a new certificate if the one there is to be replaced.
func (e *external) fill(mg *v1alpha1.TLSCertificate, s *corev1.Secret, a *authority) error {
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, annotationOwner, mg.GetName())
	l := inspect(mg, s, a, e.now())
	past := countOf(s).or(mg.Status.AtProvider)
	past.next(l, trustsMore(s, a)).write(s)
	if l.stale != "" {
		p, err := pki.Issue(e.random, e.now(), a.Pair, l.next(mg, e.now()))
		if err != nil {
			return err
		}
		cert, key, err := p.Encode()
		if err != nil {
			return err
		}
		s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey] = cert, key
	}
	s.Data[keyCA] = pki.EncodeBundle(a.trusted...)
	return nil
}

// Delete the Secret of the certificate, and that of its authority if it was made here and no other certificate shares it.
func (e *external) Delete(ctx context.Context, mg *v1alpha1.TLSCertificate) (managed.ExternalDelete, error) {
	mg.SetConditions(xpv2.Deleting())
	if mg.Spec.ForProvider.IssuerRef != nil {
		return managed.ExternalDelete{}, e.deleteIssued(ctx, mg)
	}
	// Once the certificate is gone nobody asks again.
	if err := e.release(ctx, mg); err != nil {
		return managed.ExternalDelete{}, err
	}
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalDelete{}, nil
	}
	if err != nil {
		return managed.ExternalDelete{}, errors.Wrap(err, "cannot get Secret")
	}
	if !owned(mg, s) {
		return managed.ExternalDelete{}, nil
	}
	err = e.kube.Delete(ctx, s, client.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion})
	return managed.ExternalDelete{}, errors.Wrap(resource.IgnoreNotFound(err), "cannot delete Secret")
}

func (e *external) secret(ctx context.Context, mg *v1alpha1.TLSCertificate) (*corev1.Secret, error) {
	s := &corev1.Secret{}
	return s, e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: mg.Spec.ForProvider.SecretName}, s)
}

// patch writes what changed, unless somebody else changed the Secret meanwhile.
func (e *external) patch(ctx context.Context, s, before *corev1.Secret) error {
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return errors.Wrap(e.kube.Patch(ctx, s, p), "cannot patch Secret")
}

func owned(mg *v1alpha1.TLSCertificate, o metav1.Object) bool {
	return o.GetAnnotations()[annotationOwner] == mg.GetName()
}

// What usable speaks of: an object, and the field that names it.
const (
	ofSecret      = "the Secret of spec.forProvider.secretName"
	ofCertificate = "the Certificate of the external name"
)

// usable returns an error if an object is somebody else's, whose certificate must not be overwritten. To observe it is fine.
func usable(mg *v1alpha1.TLSCertificate, o metav1.Object, what string) error {
	if setup.OnlyObserved(mg) {
		return nil
	}
	if owned(mg, o) {
		return nil
	}
	return errors.Wrapf(errOwned, "cannot use %s, %q", what, o.GetName())
}
