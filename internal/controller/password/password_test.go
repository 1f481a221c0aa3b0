package password

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	rfake "github.com/crossplane/crossplane-runtime/v2/pkg/resource/fake"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/guard"
)

var (
	errBoom = errors.New("boom")
	now     = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
)

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return s
}

type modifier func(*v1alpha1.Password)

func rotation(r string) modifier {
	return func(p *v1alpha1.Password) { p.Spec.ForProvider.Rotation = r }
}

func uid(u types.UID) modifier {
	return func(p *v1alpha1.Password) { p.UID = u }
}

func named(n string) modifier { return func(p *v1alpha1.Password) { p.Name = n } }

func deleted(p *v1alpha1.Password) {
	p.DeletionTimestamp = &metav1.Time{Time: now}
	p.Finalizers = []string{managed.FinalizerName}
}

func mr(m ...modifier) *v1alpha1.Password {
	p := &v1alpha1.Password{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pw", UID: "one"},
		Spec:       v1alpha1.PasswordSpec{ForProvider: v1alpha1.PasswordParameters{SecretName: "secret", Key: "key", Length: 20}},
	}
	for _, f := range m {
		f(p)
	}
	return p
}

func observed(p *v1alpha1.Password) {
	p.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionObserve}
}

type secretModifier func(*corev1.Secret)

func held(name string, u types.UID, rotation string) secretModifier {
	return func(s *corev1.Secret) {
		if err := setRecords(s, map[string]record{"key": {Name: name, UID: u, Rotation: rotation}}); err != nil {
			panic(err)
		}
	}
}

func created(s *corev1.Secret) {
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, annotationCreated, "true")
}

func other(s *corev1.Secret) { s.Data["other"] = []byte("theirs") }

func secret(m ...secretModifier) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "secret"}, Data: map[string][]byte{"key": []byte("old")}}
	for _, f := range m {
		f(s)
	}
	return s
}

// arrange returns a client that numbers the passwords it generates.
func arrange(t *testing.T, objs ...client.Object) *external {
	t.Helper()
	kube := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(objs...).WithStatusSubresource(&v1alpha1.Password{}).Build()
	n := 0
	return &external{kube: kube, live: kube, now: func() time.Time { return now }, generate: func(length int) (string, error) {
		n++
		return "new" + strconv.Itoa(n) + "/" + strconv.Itoa(length), nil
	}}
}

// data returns what is in the Secret, or nil if there is none.
func data(t *testing.T, e *external) map[string]string {
	t.Helper()
	s, err := e.secret(context.Background(), mr())
	if kerrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for k, v := range s.Data {
		out[k] = string(v)
	}
	return out
}

func TestObserve(t *testing.T) {
	ready := managed.ExternalObservation{ResourceExists: true, ResourceUpToDate: true, ConnectionDetails: managed.ConnectionDetails{"password": []byte("old")}}
	behind := ready
	behind.ResourceUpToDate = false
	type want struct {
		o   managed.ExternalObservation
		err error
	}
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.Password
		objs   []client.Object
		want   want
	}{
		"NoSecret":        {reason: "Without a Secret there is no password.", mg: mr()},
		"NoKey":           {reason: "Without the key there is no password.", mg: mr(), objs: []client.Object{&corev1.Secret{ObjectMeta: secret().ObjectMeta}}},
		"Held":            {reason: "A password of ours is up to date.", mg: mr(), objs: []client.Object{secret(held("pw", "one", ""))}, want: want{o: ready}},
		"Found":           {reason: "A key that nobody holds is to be adopted.", mg: mr(), objs: []client.Object{secret()}, want: want{o: behind}},
		"RotationAsked":   {reason: "A change of the rotation asks for a new password.", mg: mr(rotation("b")), objs: []client.Object{secret(held("pw", "one", "a"))}, want: want{o: behind}},
		"Retained":        {reason: "The key of a Password that is gone is to be adopted.", mg: mr(), objs: []client.Object{secret(held("pw", "gone", ""))}, want: want{o: behind}},
		"HeldByOther":     {reason: "The key of another Password is not to be used.", mg: mr(), objs: []client.Object{secret(held("pw2", "two", "")), mr(named("pw2"), uid("two"))}, want: want{err: errOwned}},
		"OnlyObserved":    {reason: "Anybody's key may be observed.", mg: mr(observed, rotation("b")), objs: []client.Object{secret(held("pw2", "two", "")), mr(named("pw2"), uid("two"))}, want: want{o: ready}},
		"DeletedHeld":     {reason: "Our password is there until it is deleted.", mg: mr(deleted), objs: []client.Object{secret(held("pw", "one", ""))}, want: want{o: ready}},
		"DeletedNotOurs":  {reason: "What is not ours does not hold up a deletion.", mg: mr(deleted), objs: []client.Object{secret(held("pw2", "two", ""))}},
		"DeletedNotTaken": {reason: "A key that was never adopted is not ours to delete.", mg: mr(deleted), objs: []client.Object{secret()}},
		"CorruptRecord": {
			reason: "Doubt about who holds a key is an error.", mg: mr(),
			objs: []client.Object{secret(func(s *corev1.Secret) { s.Annotations = map[string]string{annotationPasswords: "{"} })},
			want: want{err: cmpopts.AnyError},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := arrange(t, tc.objs...)
			e.kube = nil // Only the reader is left, so that a write would panic.
			got, err := e.Observe(context.Background(), tc.mg)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("%s\nObserve(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.o, got); diff != "" {
				t.Errorf("%s\nObserve(): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestObservation(t *testing.T) {
	e := arrange(t)
	mg := mr(rotation("a"))
	if _, err := e.Create(context.Background(), mg); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Observe(context.Background(), mg); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.PasswordObservation{SecretName: "secret", Key: "key", Rotation: "a", CreatedAt: &metav1.Time{Time: now}}
	if diff := cmp.Diff(want, mg.Status.AtProvider); diff != "" {
		t.Errorf("Observe(): -want status, +got:\n%s", diff)
	}
	if !mg.GetCondition(xpv2.TypeReady).Equal(xpv2.Available()) {
		t.Errorf("Observe(): a password that exists should be ready")
	}
}

func TestWrite(t *testing.T) {
	ctx := context.Background()
	create := func(e *external, mg *v1alpha1.Password) error { _, err := e.Create(ctx, mg); return err }
	update := func(e *external, mg *v1alpha1.Password) error { _, err := e.Update(ctx, mg); return err }
	remove := func(e *external, mg *v1alpha1.Password) error { _, err := e.Delete(ctx, mg); return err }
	type call = func(*external, *v1alpha1.Password) error
	type want struct {
		data map[string]string
		err  error
	}
	cases := map[string]struct {
		reason string
		mg     *v1alpha1.Password
		objs   []client.Object
		calls  []call
		want   want
	}{
		"CreateTwice": {
			reason: "A second creation should not make a second password.", mg: mr(),
			calls: []call{create, create}, want: want{data: map[string]string{"key": "new1/20"}},
		},
		"CreateBesideOthers": {
			reason: "Other keys should be kept.", mg: mr(), objs: []client.Object{secret(other, func(s *corev1.Secret) { delete(s.Data, "key") })},
			calls: []call{create}, want: want{data: map[string]string{"key": "new1/20", "other": "theirs"}},
		},
		"DefaultLength": {
			reason: "Without a length it is the API's default.", mg: mr(func(p *v1alpha1.Password) { p.Spec.ForProvider.Length = 0 }),
			calls: []call{create}, want: want{data: map[string]string{"key": "new1/32"}},
		},
		"CreateFound": {
			reason: "A password that appeared meanwhile should be left.", mg: mr(), objs: []client.Object{secret()},
			calls: []call{create}, want: want{data: map[string]string{"key": "old"}},
		},
		"Adopt": {
			reason: "Adoption should not change a password, whatever the rotation.", mg: mr(rotation("a")), objs: []client.Object{secret()},
			calls: []call{update, update}, want: want{data: map[string]string{"key": "old"}},
		},
		"AdoptRetained": {
			reason: "A retained password should be kept by a Password with another rotation.", mg: mr(rotation("b")), objs: []client.Object{secret(held("pw", "gone", "a"))},
			calls: []call{update, update}, want: want{data: map[string]string{"key": "old"}},
		},
		"AdoptOthers": {
			reason: "The password of another Password should not be taken.", mg: mr(), objs: []client.Object{secret(held("pw2", "two", "")), mr(named("pw2"), uid("two"))},
			calls: []call{update}, want: want{data: map[string]string{"key": "old"}, err: errOwned},
		},
		"RotateTwice": {
			reason: "A rotation should make one new password.", mg: mr(rotation("b")), objs: []client.Object{secret(other, held("pw", "one", "a"))},
			calls: []call{update, update}, want: want{data: map[string]string{"key": "new1/20", "other": "theirs"}},
		},
		"UpdateGone": {
			reason: "A Secret that went meanwhile is an error.", mg: mr(), calls: []call{update}, want: want{err: cmpopts.AnyError},
		},
		"DeleteTwice": {
			reason: "Deletion should remove the Secret that we made, and be repeatable.", mg: mr(),
			calls: []call{create, remove, remove},
		},
		"DeleteBesideOthers": {
			reason: "Deletion should remove our key alone.", mg: mr(), objs: []client.Object{secret(created, other, held("pw", "one", ""))},
			calls: []call{remove, remove}, want: want{data: map[string]string{"other": "theirs"}},
		},
		"DeleteFromForeign": {
			reason: "A Secret that we did not make should stay, empty.", mg: mr(), objs: []client.Object{secret(held("pw", "one", ""))},
			calls: []call{remove}, want: want{data: map[string]string{}},
		},
		"DeleteNotOurs": {
			reason: "A key that another Password holds should stay.", mg: mr(), objs: []client.Object{secret(held("pw2", "two", ""))},
			calls: []call{remove}, want: want{data: map[string]string{"key": "old"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			e := arrange(t, tc.objs...)
			var err error
			for _, f := range tc.calls {
				err = f(e, tc.mg)
			}
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\n-want error, +got error:\n%s", tc.reason, diff)
			}
			if diff := cmp.Diff(tc.want.data, data(t, e)); diff != "" {
				t.Errorf("%s\n-want data, +got data:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	ctx := context.Background()
	broken := &test.MockClient{MockGet: test.NewMockGetFn(errBoom)}
	e := &external{kube: broken, live: broken, generate: generate, now: time.Now}
	calls := map[string]func() error{
		"Observe": func() error { _, err := e.Observe(ctx, mr()); return err },
		"Create":  func() error { _, err := e.Create(ctx, mr()); return err },
		"Update":  func() error { _, err := e.Update(ctx, mr()); return err },
		"Delete":  func() error { _, err := e.Delete(ctx, mr()); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(errBoom, call(), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("An API server that does not answer says nothing about the password: -want error, +got error:\n%s", diff)
			}
		})
	}
}

// TestNeverRewritten runs the whole reconciler, and a new one in place of a restart.
func TestNeverRewritten(t *testing.T) {
	ctx := context.Background()
	mg := mr(func(p *v1alpha1.Password) {
		p.Spec.ManagementPolicies = xpv2.ManagementPolicies{xpv2.ManagementActionAll}
	})
	e := arrange(t, mg)
	connect := managed.TypedExternalConnectorFn[*v1alpha1.Password](func(context.Context, *v1alpha1.Password) (managed.TypedExternalClient[*v1alpha1.Password], error) {
		return guard.Wrap[*v1alpha1.Password](e, guard.Options{Kube: e.kube, Identity: func() guard.Identity { return guard.Identity{Holder: "test", Token: 1} }}), nil
	})
	var first map[string]string
	for i := range 1000 {
		r := managed.NewReconciler(&rfake.Manager{Client: e.kube, Scheme: e.kube.Scheme()}, resource.ManagedKind(v1alpha1.PasswordGroupVersionKind),
			managed.WithTypedExternalConnector(connect), managed.WithManagementPolicies(), managed.WithDeterministicExternalName(true), managed.WithCreationGracePeriod(0))
		if _, err := r.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(mg)}); err != nil {
			t.Fatal(err)
		}
		got := data(t, e)
		if i == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatalf("Reconcile(): the password should never be rewritten, pass %d: -want, +got:\n%s", i, diff)
		}
	}
	if diff := cmp.Diff(map[string]string{"key": "new1/20"}, first); diff != "" {
		t.Errorf("Reconcile(): -want, +got:\n%s", diff)
	}
	if err := e.kube.Get(ctx, client.ObjectKeyFromObject(mg), mg); err != nil {
		t.Fatal(err)
	}
	if !mg.GetCondition(xpv2.TypeSynced).Equal(xpv2.ReconcileSuccess()) {
		t.Errorf("Reconcile(): the Password should be synced, got %v", mg.GetCondition(xpv2.TypeSynced))
	}
}

func TestGenerate(t *testing.T) {
	a, err := generate(40)
	if err != nil {
		t.Fatal(err)
	}
	b, err := generate(40)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != 40 || a == b {
		t.Errorf("generate(): passwords should be as long as asked for, and each another")
	}
}
