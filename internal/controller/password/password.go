// Package password keeps generated passwords in Secrets.
package password

import (
	"cmp"
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/meta"
	"github.com/crossplane/crossplane-runtime/v2/pkg/password"
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
)

const (
	// defaultKey and defaultLength are those of the API.
	defaultKey    = "password"
	defaultLength = 32
)

// errOwned is why a key cannot be used.
var errOwned = errors.New("another Password holds the key")

// SetupGated sets up the controller of Passwords once the API server serves them.
func SetupGated(mgr ctrl.Manager, o setup.Options) {
	local.SetupGated(mgr, o, local.Kind[*v1alpha1.Password]{
		GroupVersionKind: v1alpha1.PasswordGroupVersionKind,
		Managed:          &v1alpha1.Password{},
		List:             &v1alpha1.PasswordList{},
		Watched:          &corev1.Secret{},
		WatchedName:      "Secret",
		MetadataOnly:     true,
		Names:            func(mg *v1alpha1.Password) []string { return []string{mg.Spec.ForProvider.SecretName} },
		Client:           &external{kube: mgr.GetClient(), live: mgr.GetAPIReader(), generate: generate, now: time.Now},
	})
}

func generate(length int) (string, error) {
	return password.Settings{CharacterSet: password.Default.CharacterSet, Length: length}.Generate()
}

// external is the client of a key of a Secret. It reads past the cache: a Secret that is not there yet in a cache would get
// another password.
type external struct {
	kube     client.Client
	live     client.Reader
	generate func(length int) (string, error)
	now      func() time.Time
}

// Disconnect does nothing: the client of the Kubernetes API is shared.
func (e *external) Disconnect(context.Context) error { return nil }

// Observe the key. It never writes.
func (e *external) Observe(ctx context.Context, mg *v1alpha1.Password) (managed.ExternalObservation, error) {
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalObservation{}, nil
	}
	if err != nil {
		return managed.ExternalObservation{}, errors.Wrap(err, "cannot get Secret")
	}
	key := keyOf(mg)
	if len(s.Data[key]) == 0 {
		return managed.ExternalObservation{}, nil
	}
	rs, err := records(s)
	if err != nil {
		return managed.ExternalObservation{}, err
	}
	r, recorded := rs[key]
	mine := recorded && r.UID == mg.GetUID()
	// What is not ours is not ours to delete.
	if meta.WasDeleted(mg) && !mine {
		return managed.ExternalObservation{}, nil
	}
	seen := setup.OnlyObserved(mg)
	if recorded && !mine && !seen {
		if err := e.abandoned(ctx, mg, r); err != nil {
			return managed.ExternalObservation{}, err
		}
	}
	mg.Status.AtProvider = v1alpha1.PasswordObservation{SecretName: s.Name, Key: key, CreatedAt: r.CreatedAt, Rotation: r.Rotation}
	mg.SetConditions(xpv2.Available())
	return managed.ExternalObservation{
		ResourceExists:    true,
		ResourceUpToDate:  seen || mine && r.Rotation == mg.Spec.ForProvider.Rotation,
		ConnectionDetails: managed.ConnectionDetails{xpv2.CredentialsSecretPasswordKey: s.Data[key]},
	}, nil
}

// abandoned returns an error unless the Password that a key is recorded for is gone.
func (e *external) abandoned(ctx context.Context, mg *v1alpha1.Password, r record) error {
	other := &v1alpha1.Password{}
	err := e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: r.Name}, other)
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return errors.Wrap(err, "cannot get Password that holds the key")
	}
	if other.GetUID() != r.UID {
		return nil
	}
	return errors.Wrapf(errOwned, "cannot use Secret %q of spec.forProvider.secretName: Password %q", mg.Spec.ForProvider.SecretName, r.Name)
}

// Create a password, and the Secret if need be. A password that appeared meanwhile is left as it is.
func (e *external) Create(ctx context.Context, mg *v1alpha1.Password) (managed.ExternalCreation, error) {
	mg.SetConditions(xpv2.Creating())
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		s = &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name:        mg.Spec.ForProvider.SecretName,
				Namespace:   mg.GetNamespace(),
				Annotations: map[string]string{annotationCreated: "true"},
			},
			Type: corev1.SecretTypeOpaque,
		}
		if err := e.fill(s, mg); err != nil {
			return managed.ExternalCreation{}, err
		}
		return managed.ExternalCreation{}, errors.Wrap(e.kube.Create(ctx, s), "cannot create Secret")
	}
	if err != nil {
		return managed.ExternalCreation{}, errors.Wrap(err, "cannot get Secret")
	}
	if len(s.Data[keyOf(mg)]) > 0 {
		return managed.ExternalCreation{}, nil
	}
	before := s.DeepCopy()
	if err := e.fill(s, mg); err != nil {
		return managed.ExternalCreation{}, err
	}
	return managed.ExternalCreation{}, e.patch(ctx, s, before)
}

// Update adopts a key that was found, or replaces its password if a rotation was asked for since it was ours.
func (e *external) Update(ctx context.Context, mg *v1alpha1.Password) (managed.ExternalUpdate, error) {
	s, err := e.secret(ctx, mg)
	if err != nil {
		return managed.ExternalUpdate{}, errors.Wrap(err, "cannot get Secret")
	}
	rs, err := records(s)
	if err != nil {
		return managed.ExternalUpdate{}, err
	}
	key, rotation := keyOf(mg), mg.Spec.ForProvider.Rotation
	r, recorded := rs[key]
	mine := recorded && r.UID == mg.GetUID()
	if mine && r.Rotation == rotation {
		return managed.ExternalUpdate{}, nil
	}
	before := s.DeepCopy()
	if mine {
		if err := e.fill(s, mg); err != nil {
			return managed.ExternalUpdate{}, err
		}
		return managed.ExternalUpdate{}, e.patch(ctx, s, before)
	}
	if recorded {
		if err := e.abandoned(ctx, mg, r); err != nil {
			return managed.ExternalUpdate{}, err
		}
	}
	rs[key] = record{Name: mg.GetName(), UID: mg.GetUID(), Rotation: rotation, CreatedAt: r.CreatedAt}
	if err := setRecords(s, rs); err != nil {
		return managed.ExternalUpdate{}, err
	}
	return managed.ExternalUpdate{}, e.patch(ctx, s, before)
}

// Delete our key, and the Secret if a Password created it and nothing else is in it.
func (e *external) Delete(ctx context.Context, mg *v1alpha1.Password) (managed.ExternalDelete, error) {
	mg.SetConditions(xpv2.Deleting())
	s, err := e.secret(ctx, mg)
	if kerrors.IsNotFound(err) {
		return managed.ExternalDelete{}, nil
	}
	if err != nil {
		return managed.ExternalDelete{}, errors.Wrap(err, "cannot get Secret")
	}
	rs, err := records(s)
	if err != nil {
		return managed.ExternalDelete{}, err
	}
	key := keyOf(mg)
	if r, ok := rs[key]; !ok || r.UID != mg.GetUID() {
		return managed.ExternalDelete{}, nil
	}
	before := s.DeepCopy()
	delete(rs, key)
	delete(s.Data, key)
	if len(s.Data) == 0 && s.Annotations[annotationCreated] != "" {
		err := e.kube.Delete(ctx, s, client.Preconditions{UID: &s.UID, ResourceVersion: &s.ResourceVersion})
		return managed.ExternalDelete{}, errors.Wrap(resource.IgnoreNotFound(err), "cannot delete Secret")
	}
	if err := setRecords(s, rs); err != nil {
		return managed.ExternalDelete{}, err
	}
	return managed.ExternalDelete{}, e.patch(ctx, s, before)
}

// fill puts a new password and its record into a Secret.
func (e *external) fill(s *corev1.Secret, mg *v1alpha1.Password) error {
	rs, err := records(s)
	if err != nil {
		return err
	}
	pw, err := e.generate(int(cmp.Or(mg.Spec.ForProvider.Length, defaultLength)))
	if err != nil {
		return errors.Wrap(err, "cannot generate password")
	}
	if s.Data == nil {
		s.Data = map[string][]byte{}
	}
	key, now := keyOf(mg), metav1.NewTime(e.now())
	s.Data[key] = []byte(pw)
	rs[key] = record{Name: mg.GetName(), UID: mg.GetUID(), Rotation: mg.Spec.ForProvider.Rotation, CreatedAt: &now}
	return setRecords(s, rs)
}

func (e *external) secret(ctx context.Context, mg *v1alpha1.Password) (*corev1.Secret, error) {
	s := &corev1.Secret{}
	return s, e.live.Get(ctx, client.ObjectKey{Namespace: mg.GetNamespace(), Name: mg.Spec.ForProvider.SecretName}, s)
}

// patch writes what changed, unless somebody else changed the Secret meanwhile.
func (e *external) patch(ctx context.Context, s, before *corev1.Secret) error {
	p := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return errors.Wrap(e.kube.Patch(ctx, s, p), "cannot patch Secret")
}

func keyOf(mg *v1alpha1.Password) string { return cmp.Or(mg.Spec.ForProvider.Key, defaultKey) }
