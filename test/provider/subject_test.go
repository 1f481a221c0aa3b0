package provider

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// recordKinds stands for CellRecord and DatabaseRecord, which a crash sweep changes together.
const recordKinds = "records"

// locals are the kinds whose external resources are in Kubernetes.
var locals = []string{v1alpha1.PasswordKind, v1alpha1.VolumeClaimKind, v1alpha1.TLSCertificateKind}

// A subject of a crash sweep is a managed resource of a local kind, which comes, changes and goes, and what is expected of it.
type subject struct {
	s *scenario
	// mg is nil while there should be none.
	mg resource.Managed
	// turn of its life.
	turn int
	// seen are what must never change once it was seen, by what it belongs to.
	seen map[string]string

	make func() resource.Managed
	edit func(mg resource.Managed, value string)
	// holds returns what must not change by itself, and what it belongs to, or says why it is not as it should be.
	holds func(ctx context.Context, mg resource.Managed) (of, fact string, err error)
	// leaves are the objects that go with it.
	leaves func() []client.Object
}

// subjects returns one of each local kind.
func subjects(s *scenario) map[string]*subject {
	s.Helper()
	class := s.class("sweep", false)
	read := func(ctx context.Context, o client.Object) error {
		return s.kube.Get(ctx, client.ObjectKeyFromObject(o), o)
	}
	out := map[string]*subject{
		v1alpha1.PasswordKind: {
			make: func() resource.Managed { return password("sweep-pw", "sweep-pw") },
			edit: func(mg resource.Managed, v string) { mg.(*v1alpha1.Password).Spec.ForProvider.Rotation = v },
			holds: func(ctx context.Context, mg resource.Managed) (string, string, error) {
				want, o := mg.(*v1alpha1.Password).Spec.ForProvider.Rotation, &corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-pw")}
				if err := read(ctx, o); err != nil {
					return "", "", err
				}
				if got := mg.(*v1alpha1.Password).Status.AtProvider.Rotation; got != want {
					return "", "", errors.Errorf("rotation %q, want %q", got, want)
				}
				return want, string(o.Data["password"]), nil
			},
			leaves: func() []client.Object { return []client.Object{&corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-pw")}} },
		},
		v1alpha1.VolumeClaimKind: {
			make: func() resource.Managed { return claim("sweep-vc", class, "1Gi") },
			edit: func(mg resource.Managed, v string) { mg.(*v1alpha1.VolumeClaim).Spec.ForProvider.Labels["a"] = v },
			holds: func(ctx context.Context, mg resource.Managed) (string, string, error) {
				o := &corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, "sweep-vc")}
				if err := read(ctx, o); err != nil {
					return "", "", err
				}
				if got, want := o.Labels["a"], mg.(*v1alpha1.VolumeClaim).Spec.ForProvider.Labels["a"]; got != want {
					return "", "", errors.Errorf("label %q, want %q", got, want)
				}
				return "", string(o.UID), nil
			},
			leaves: func() []client.Object {
				return []client.Object{&corev1.PersistentVolumeClaim{ObjectMeta: metaIn(s.ns, "sweep-vc")}}
			},
		},
		v1alpha1.TLSCertificateKind: {
			make: func() resource.Managed { return certificate("sweep-cert", "sweep-ca") },
			edit: func(mg resource.Managed, v string) { mg.(*v1alpha1.TLSCertificate).Spec.ForProvider.CommonName = v },
			holds: func(ctx context.Context, mg resource.Managed) (string, string, error) {
				leaf, ca := &corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-cert-tls")}, &corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-ca")}
				if err := errors.Join(read(ctx, leaf), read(ctx, ca)); err != nil {
					return "", "", err
				}
				c, err := verify(leaf, ca.Data["ca.crt"], "sweep-cert.example.org", x509.ExtKeyUsageServerAuth)
				if err != nil {
					return "", "", err
				}
				if want := mg.(*v1alpha1.TLSCertificate).Spec.ForProvider.CommonName; c.Subject.CommonName != want {
					return "", "", errors.Errorf("common name %q, want %q", c.Subject.CommonName, want)
				}
				return "", string(ca.Data["tls.crt"]), nil
			},
			leaves: func() []client.Object {
				return []client.Object{&corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-cert-tls")}, &corev1.Secret{ObjectMeta: metaIn(s.ns, "sweep-ca")}}
			},
		},
	}
	for _, l := range out {
		l.s, l.seen = s, map[string]string{}
	}
	return out
}

// change it: it comes, changes twice, and goes.
func (l *subject) change(rng *rand.Rand) {
	l.s.Helper()
	if l.mg == nil {
		mg := l.make()
		mg.SetNamespace(l.s.ns)
		err := l.s.kube.Create(l.s.Context(), mg)
		if kerrors.IsAlreadyExists(err) {
			return // The one before is not gone yet.
		}
		l.s.must(err)
		l.mg, l.turn = mg, 0
		return
	}
	l.turn++
	if l.turn > 2 {
		l.s.remove(l.mg)
		l.mg = nil
		return
	}
	value := fmt.Sprint("v", rng.IntN(1000))
	l.s.edit(l.mg, func() { l.edit(l.mg, value) })
}

// check says why it is not as it should be.
func (l *subject) check(ctx context.Context) error {
	if l.mg == nil {
		return l.gone(ctx)
	}
	if err := l.s.is(ctx, l.mg, xpv2.TypeReady); err != nil {
		return err
	}
	of, fact, err := l.holds(ctx, l.mg)
	if err != nil {
		return errors.Wrap(err, l.mg.GetName())
	}
	of = string(l.mg.GetUID()) + of
	if known, ok := l.seen[of]; ok && known != fact {
		return errors.Errorf("%s: what was there has been made again", l.mg.GetName())
	}
	l.seen[of] = fact
	return nil
}

// gone says what is left.
func (l *subject) gone(ctx context.Context) error {
	for _, o := range append(l.leaves(), l.make()) {
		o.SetNamespace(l.s.ns)
		if err := l.s.kube.Get(ctx, client.ObjectKeyFromObject(o), o); !kerrors.IsNotFound(err) {
			return errors.Errorf("%s is left, error %v", o.GetName(), err)
		}
	}
	return nil
}

// end its life.
func (l *subject) end() {
	l.s.Helper()
	if l.mg != nil {
		l.s.remove(l.mg)
	}
	l.s.until("nothing is left", l.gone)
}
