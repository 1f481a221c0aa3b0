package tlscertificate

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

var (
	errBoom = errors.New("boom")
	start   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

const (
	leafDuration = 30 * time.Hour
	caDuration   = 300 * time.Hour
	renewBefore  = 6 * time.Hour
)

// A bench is a client with a clock that stands still, and a store behind it.
type bench struct {
	*external

	t    *testing.T
	time time.Time
}

func newBench(t *testing.T, objs ...client.Object) *bench {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	kube := fake.NewClientBuilder().WithScheme(s).WithObjects(objs...).Build()
	b := &bench{t: t, time: start}
	b.external = &external{kube: kube, live: kube, random: rand.Reader, now: func() time.Time { return b.time }}
	return b
}

type modifier func(*v1alpha1.TLSCertificate)

func deleted(c *v1alpha1.TLSCertificate) { c.DeletionTimestamp = &metav1.Time{Time: start} }

func named(n string) modifier {
	return func(c *v1alpha1.TLSCertificate) { c.Name, c.Spec.ForProvider.SecretName = n, n }
}

func hosts(h ...string) modifier {
	return func(c *v1alpha1.TLSCertificate) { c.Spec.ForProvider.DNSNames = h }
}

func mr(m ...modifier) *v1alpha1.TLSCertificate {
	c := &v1alpha1.TLSCertificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "leaf"},
		Spec: v1alpha1.TLSCertificateSpec{ForProvider: v1alpha1.TLSCertificateParameters{
			SecretName: "leaf", CASecretName: "ca", CommonName: "a.example", DNSNames: []string{"a.example"},
			Duration: &metav1.Duration{Duration: leafDuration}, RenewBefore: &metav1.Duration{Duration: renewBefore}, CADuration: &metav1.Duration{Duration: caDuration},
		}},
	}
	for _, f := range m {
		f(c)
	}
	return c
}

// reconcile does what the managed reconciler does, until there is nothing left, and returns how often it wrote.
func (b *bench) reconcile(mg *v1alpha1.TLSCertificate) int {
	b.t.Helper()
	ctx := context.Background()
	for i := range 5 {
		kube := b.kube
		b.kube = nil // A write while observing would panic.
		o, err := b.Observe(ctx, mg)
		b.kube = kube
		if err != nil {
			b.t.Fatal(err)
		}
		if o.ResourceExists && o.ResourceUpToDate {
			return i
		}
		if o.ResourceExists {
			_, err = b.Update(ctx, mg)
		}
		if !o.ResourceExists {
			_, err = b.Create(ctx, mg)
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Fatal("reconcile(): it never ends")
	return 0
}

func (b *bench) get(name string) *corev1.Secret {
	b.t.Helper()
	s := &corev1.Secret{}
	if err := b.kube.Get(context.Background(), client.ObjectKey{Namespace: "ns", Name: name}, s); err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) put(s *corev1.Secret) {
	b.t.Helper()
	if err := b.kube.Update(context.Background(), s); err != nil {
		b.t.Fatal(err)
	}
}

// verify checks that a peer that trusts one Secret believes the certificate in another.
func (b *bench) verify(truster, shower, host string) *x509.Certificate {
	b.t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b.get(truster).Data[keyCA]) {
		b.t.Fatalf("Secret %s trusts nobody", truster)
	}
	s := b.get(shower)
	p, err := pki.ParsePair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		b.t.Fatal(err)
	}
	for _, u := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := p.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: b.time, KeyUsages: []x509.ExtKeyUsage{u}}); err != nil {
			b.t.Fatalf("%s does not believe %s after %s: %v", truster, shower, b.time.Sub(start), err)
		}
	}
	return p.Certificate
}

func TestLifecycle(t *testing.T) {
	b, mg := newBench(t), mr()
	b.reconcile(mg)
	first := b.verify("leaf", "leaf", "a.example")
	if got := b.get("leaf").Type; got != corev1.SecretTypeTLS {
		t.Errorf("Create(): want a Secret of type %s, got %s", corev1.SecretTypeTLS, got)
	}
	want := v1alpha1.TLSCertificateObservation{
		NotBefore: moment(first.NotBefore), NotAfter: moment(start.Add(leafDuration)), Serial: first.SerialNumber.Text(16),
		RenewalTime: moment(start.Add(leafDuration - renewBefore)), CANotAfter: moment(start.Add(caDuration)),
		Revision: 1,
	}
	if diff := cmp.Diff(want, mg.Status.AtProvider); diff != "" {
		t.Errorf("Observe(): -want status, +got:\n%s", diff)
	}
	if !mg.GetCondition(xpv2.TypeReady).Equal(xpv2.Available()) {
		t.Errorf("Observe(): a valid certificate should be ready")
	}

	b.time = start.Add(leafDuration - renewBefore - time.Second)
	if got := b.reconcile(mg); got != 0 {
		t.Errorf("Update(): a certificate should not be renewed before it is due")
	}
	if got := b.poll(mg, time.Minute); got != 2*time.Second {
		t.Errorf("poll(): want to look again when the certificate is due, got %s", got)
	}
	b.time = start.Add(leafDuration - renewBefore)
	b.reconcile(mg)
	second := b.verify("leaf", "leaf", "a.example")
	if second.SerialNumber.Cmp(first.SerialNumber) == 0 {
		t.Errorf("Update(): a certificate that is due should be renewed")
	}
	if got := b.poll(mg, time.Minute); got != time.Minute {
		t.Errorf("poll(): want the usual interval, got %s", got)
	}
}

// TestRotation lets two certificates that share an authority live through several of them. Each must believe the other in
// every hour, whoever comes first.
func TestRotation(t *testing.T) {
	b, one, two := newBench(t), mr(named("one")), mr(named("two"), hosts("b.example"))
	authorities := map[string]bool{}
	for hour := range 1000 {
		b.time = start.Add(time.Duration(hour) * time.Hour)
		b.reconcile(one)
		if hour > 0 {
			// Before the other one has heard of a new authority.
			b.verify("one", "two", "b.example")
			b.verify("two", "one", "a.example")
		}
		b.reconcile(two)
		b.reconcile(one)
		b.verify("one", "two", "b.example")
		b.verify("two", "one", "a.example")
		ca := b.get("ca")
		authorities[string(ca.Data[corev1.TLSCertKey])] = true
		bundle, err := pki.ParseBundle(ca.Data[keyCA])
		if err != nil {
			t.Fatal(err)
		}
		if len(bundle) > 2 {
			t.Fatalf("ensure(): an authority that has ended should not be trusted for ever, got %d in hour %d", len(bundle), hour)
		}
	}
	if len(authorities) < 3 {
		t.Errorf("ensure(): the authority should have been replaced, got %d in all", len(authorities))
	}
}

func TestRepair(t *testing.T) {
	cases := map[string]struct {
		reason   string
		mg       *v1alpha1.TLSCertificate
		breaks   func(s *corev1.Secret)
		host     string
		reissued bool
	}{
		"CorruptCertificate": {
			reason: "A corrupt certificate should be replaced.", mg: mr(), host: "a.example", reissued: true,
			breaks: func(s *corev1.Secret) { s.Data[corev1.TLSCertKey] = []byte("x") },
		},
		"NoKey": {
			reason: "A certificate without a key should be replaced.", mg: mr(), host: "a.example", reissued: true,
			breaks: func(s *corev1.Secret) { s.Data[corev1.TLSPrivateKeyKey] = nil },
		},
		"Emptied": {
			reason: "An empty Secret should be filled.", mg: mr(), host: "a.example", reissued: true,
			breaks: func(s *corev1.Secret) { s.Data = nil },
		},
		"CorruptTrust": {
			reason: "Whom to trust should be repaired, and the certificate kept.", mg: mr(), host: "a.example",
			breaks: func(s *corev1.Secret) { s.Data[keyCA] = []byte("x") },
		},
		"OtherNames": {
			reason: "A certificate for other names should be replaced.", mg: mr(hosts("c.example")), host: "c.example", reissued: true,
			breaks: func(*corev1.Secret) {},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.reconcile(mr())
			before := b.verify("leaf", "leaf", "a.example")
			s := b.get("leaf")
			tc.breaks(s)
			b.put(s)
			if got := b.reconcile(tc.mg); got != 1 {
				t.Errorf("%s\nwant one update, got %d", tc.reason, got)
			}
			after := b.verify("leaf", "leaf", tc.host)
			if diff := cmp.Diff(tc.reissued, !before.Equal(after)); diff != "" {
				t.Errorf("%s\n-want reissued, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestAuthorityGone(t *testing.T) {
	b := newBench(t)
	b.reconcile(mr())
	if err := b.kube.Delete(context.Background(), b.get("ca")); err != nil {
		t.Fatal(err)
	}
	b.reconcile(mr())
	b.verify("ca", "leaf", "a.example")
}

func TestCorruptAuthority(t *testing.T) {
	cases := map[string]struct {
		reason string
		breaks func(s *corev1.Secret)
	}{
		"NoCertificate": {reason: "An authority without a certificate should not be replaced.", breaks: func(s *corev1.Secret) { s.Data[corev1.TLSCertKey] = nil }},
		"CorruptKey":    {reason: "An authority with a corrupt key should not be replaced.", breaks: func(s *corev1.Secret) { s.Data[corev1.TLSPrivateKeyKey] = []byte("x") }},
		"CorruptTrust": {reason: "Authorities that cannot be read should not be dropped.", breaks: func(s *corev1.Secret) {
			s.Data[keyCA] = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.reconcile(mr())
			s := b.get("ca")
			tc.breaks(s)
			b.put(s)
			_, observe := b.Observe(context.Background(), mr())
			_, update := b.Update(context.Background(), mr())
			_, create := b.Create(context.Background(), mr(named("third")))
			for _, err := range []error{observe, update, create} {
				if diff := cmp.Diff(pki.ErrInvalid, err, cmpopts.EquateErrors()); diff != "" {
					t.Errorf("%s\n-want error, +got error:\n%s", tc.reason, diff)
				}
			}
			if diff := cmp.Diff(s.Data, b.get("ca").Data); diff != "" {
				t.Errorf("%s\n-want data, +got data:\n%s", tc.reason, diff)
			}
			// It must not hold up a deletion either.
			if _, err := b.Observe(context.Background(), mr(deleted)); err != nil {
				t.Errorf("%s\nObserve(): %v", tc.reason, err)
			}
		})
	}
}

func TestForeignAuthority(t *testing.T) {
	b := newBench(t)
	p, err := pki.NewAuthority(rand.Reader, start, "theirs", caDuration)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"}, Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key}}
	if err := b.kube.Create(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	b.reconcile(mr())
	b.verify("leaf", "leaf", "a.example")
	b.time = start.Add(caDuration - time.Hour)
	b.reconcile(mr())
	if diff := cmp.Diff(s.Data, b.get("ca").Data); diff != "" {
		t.Errorf("ensure(): an authority that somebody brought is not ours to replace: -want, +got:\n%s", diff)
	}
}

func TestForeignSecret(t *testing.T) {
	ctx := context.Background()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "leaf"}, Data: map[string][]byte{"theirs": []byte("x")}}
	b := newBench(t, s)
	_, observe := b.Observe(ctx, mr())
	_, create := b.Create(ctx, mr())
	for _, err := range []error{observe, create} {
		if diff := cmp.Diff(errOwned, err, cmpopts.EquateErrors()); diff != "" {
			t.Errorf("A Secret that somebody else made should not be overwritten: -want error, +got error:\n%s", diff)
		}
	}
	o, err := b.Observe(ctx, mr(deleted))
	if err != nil || o.ResourceExists {
		t.Errorf("Observe(): a Secret that somebody else made should not hold up a deletion, got %v, %v", o, err)
	}
	if _, err := b.Delete(ctx, mr(deleted)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(s.Data, b.get("leaf").Data); diff != "" {
		t.Errorf("Delete(): -want, +got:\n%s", diff)
	}
}

func TestDelete(t *testing.T) {
	ctx := context.Background()
	b := newBench(t)
	b.reconcile(mr())
	for range 2 {
		if _, err := b.Delete(ctx, mr(deleted)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.secret(ctx, mr()); !kerrors.IsNotFound(err) {
		t.Errorf("Delete(): the certificate should be gone, got %v", err)
	}
}

func TestDeleteAuthority(t *testing.T) {
	other := func(c ...modifier) *v1alpha1.TLSCertificate {
		mg := mr(c...)
		mg.SetName("other")
		mg.SetUID("other")
		return mg
	}
	cases := map[string]struct {
		reason string
		others []client.Object
		change func(*corev1.Secret)
		kept   bool
	}{
		"Last": {
			reason: "An authority that was made for the certificate should go with it.",
		},
		"Shared": {
			reason: "An authority that another certificate names should stay.",
			others: []client.Object{other()},
			kept:   true,
		},
		"SharedNoMore": {
			reason: "A certificate that is being deleted, too, should not keep it.",
			others: []client.Object{other(deleted, func(mg *v1alpha1.TLSCertificate) { mg.SetFinalizers([]string{"x"}) })},
		},
		"OtherAuthority": {
			reason: "A certificate that names another authority should not keep it.",
			others: []client.Object{other(func(mg *v1alpha1.TLSCertificate) { mg.Spec.ForProvider.CASecretName = "another" })},
		},
		"Given": {
			reason: "An authority that a user gave should stay.",
			change: func(s *corev1.Secret) { s.Annotations = nil },
			kept:   true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			b := newBench(t, tc.others...)
			b.reconcile(mr())
			ca := b.get("ca")
			if tc.change != nil {
				tc.change(ca)
				if err := b.kube.Update(ctx, ca); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.Delete(ctx, mr(deleted)); err != nil {
				t.Fatal(err)
			}
			err := b.live.Get(ctx, client.ObjectKeyFromObject(ca), &corev1.Secret{})
			if (err == nil) != tc.kept {
				t.Errorf("%s\nDelete(): -want kept %t, +got %v", tc.reason, tc.kept, err)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	ctx := context.Background()
	broken := &test.MockClient{MockGet: test.NewMockGetFn(errBoom)}
	e := &external{kube: broken, live: broken, random: rand.Reader, now: time.Now}
	for kind, mg := range map[string]*v1alpha1.TLSCertificate{"Own": mr(), "Issued": mr(issued)} {
		calls := map[string]func() error{
			"Observe": func() error { _, err := e.Observe(ctx, mg); return err },
			"Create":  func() error { _, err := e.Create(ctx, mg); return err },
			"Update":  func() error { _, err := e.Update(ctx, mg); return err },
			"Delete":  func() error { _, err := e.Delete(ctx, mg); return err },
		}
		for name, call := range calls {
			t.Run(kind+name, func(t *testing.T) {
				if diff := cmp.Diff(errBoom, call(), cmpopts.EquateErrors()); diff != "" {
					t.Errorf("An API server that does not answer says nothing about the certificate: -want error, +got error:\n%s", diff)
				}
			})
		}
	}
}
