package topology

import (
	"context"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/test"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

var errBoom = errors.New("boom")

func scheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func secret(ns, name string, data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Data: map[string][]byte{}}
	for k, v := range data {
		s.Data[k] = []byte(v)
	}
	return s
}

func localRef(name string) *xpv2.LocalSecretReference { return &xpv2.LocalSecretReference{Name: name} }

// providerConfig is ns/pc with changes.
func providerConfig(change ...func(*v1alpha1.ProviderConfig)) *v1alpha1.ProviderConfig {
	pc := &v1alpha1.ProviderConfig{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "pc"},
		Spec:       v1alpha1.ProviderConfigSpec{Topology: v1alpha1.Topology{Endpoints: []string{"etcd:2379"}, Root: "/r"}},
	}
	for _, f := range change {
		f(pc)
	}
	return pc
}

// cellRecord is ns/cell, which uses ns/pc, with changes.
func cellRecord(change ...func(*v1alpha1.CellRecord)) *v1alpha1.CellRecord {
	cr := &v1alpha1.CellRecord{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cell", UID: "uid"}}
	cr.Spec.ProviderConfigReference = &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: "pc"}
	for _, f := range change {
		f(cr)
	}
	return cr
}

func TestReference(t *testing.T) {
	type want struct {
		Kind, Name string
		Err        error
	}
	cases := map[string]struct {
		reason string
		ref    *xpv2.ProviderConfigReference
		want   want
	}{
		"Local":   {"A ProviderConfig is one.", &xpv2.ProviderConfigReference{Kind: "ProviderConfig", Name: "a"}, want{Kind: "ProviderConfig", Name: "a"}},
		"Cluster": {"A ClusterProviderConfig is one.", &xpv2.ProviderConfigReference{Kind: "ClusterProviderConfig", Name: "a"}, want{Kind: "ClusterProviderConfig", Name: "a"}},
		"Other":   {"Another kind is none.", &xpv2.ProviderConfigReference{Kind: "Secret", Name: "a"}, want{Err: ErrConfigInvalid}},
		"Missing": {"There must be one.", nil, want{Err: ErrConfigInvalid}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			kind, n, err := reference(cellRecord(func(c *v1alpha1.CellRecord) { c.Spec.ProviderConfigReference = tc.ref }))
			if diff := cmp.Diff(tc.want, want{Kind: kind, Name: n, Err: err}, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nreference(): -want, +got:\n%s", tc.reason, diff)
			}
			if err != nil && !strings.Contains(err.Error(), "spec.providerConfigRef") {
				t.Errorf("%s\nreference(): the error should name the field: %v", tc.reason, err)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	full := func(pc *v1alpha1.ProviderConfig) {
		pc.Spec.TLS = &v1alpha1.ProviderConfigTLS{CASecretRef: localRef("ca"), ClientCertSecretRef: localRef("cert"), ServerName: "name"}
		pc.Spec.Credentials = &v1alpha1.ProviderConfigCredentials{Source: v1alpha1.CredentialsSourceSecret, SecretRef: localRef("user")}
	}
	secrets := func() []client.Object {
		return []client.Object{
			secret("ns", "ca", map[string]string{"ca.crt": "CA"}),
			secret("ns", "cert", map[string]string{"tls.crt": "CERT", "tls.key": "KEY"}),
			secret("ns", "user", map[string]string{"username": "USER", "password": "PASSWORD"}),
		}
	}
	type want struct {
		cfg topo.Config
		err error
		// says are parts of the error's text: it names what a person has to mend.
		says []string
	}
	cases := map[string]struct {
		reason  string
		kind    string
		objects []client.Object
		want    want
	}{
		"Plain": {
			reason:  "A configuration without TLS and credentials needs no Secret.",
			objects: []client.Object{providerConfig()},
			want:    want{cfg: topo.Config{Endpoints: []string{"etcd:2379"}, Root: "/r"}},
		},
		"Full": {
			reason:  "All Secrets should be read from the namespace of the ProviderConfig.",
			objects: append(secrets(), providerConfig(full)),
			want: want{cfg: topo.Config{
				Endpoints: []string{"etcd:2379"}, Root: "/r", Username: "USER", Password: "PASSWORD",
				TLS: &topo.TLS{CA: []byte("CA"), Cert: []byte("CERT"), Key: []byte("KEY"), ServerName: "name"},
			}},
		},
		"Cluster": {
			reason: "A ClusterProviderConfig should find Secrets in their own namespaces.",
			kind:   v1alpha1.ClusterProviderConfigKind,
			objects: []client.Object{
				secret("a", "ca", map[string]string{"ca.crt": "CA"}), secret("b", "user", map[string]string{"username": "USER", "password": "PASSWORD"}),
				&v1alpha1.ClusterProviderConfig{ObjectMeta: metav1.ObjectMeta{Name: "pc"}, Spec: v1alpha1.ClusterProviderConfigSpec{
					Topology: v1alpha1.Topology{Endpoints: []string{"etcd:2379"}, Root: "/r"},
					TLS:      &v1alpha1.ClusterProviderConfigTLS{CASecretRef: &xpv2.SecretReference{Namespace: "a", Name: "ca"}},
					Credentials: &v1alpha1.ClusterProviderConfigCredentials{
						Source: v1alpha1.CredentialsSourceSecret, SecretRef: &xpv2.SecretReference{Namespace: "b", Name: "user"},
					},
				}},
			},
			want: want{cfg: topo.Config{
				Endpoints: []string{"etcd:2379"}, Root: "/r", Username: "USER", Password: "PASSWORD", TLS: &topo.TLS{CA: []byte("CA")},
			}},
		},
		"NoConfig": {
			reason: "A configuration that is not there should be named.",
			want:   want{err: ErrConfigMissing, says: []string{"spec.providerConfigRef", `ProviderConfig "pc"`}},
		},
		"OtherNamespace": {
			reason:  "The ProviderConfig of another namespace should be out of reach.",
			objects: []client.Object{providerConfig(func(pc *v1alpha1.ProviderConfig) { pc.Namespace = "other" })},
			want:    want{err: ErrConfigMissing},
		},
		"NoSecret": {
			reason:  "A Secret that is not there should be named, and what names it.",
			objects: append(secrets()[1:], providerConfig(full)),
			want:    want{err: ErrSecretMissing, says: []string{"spec.tls.caSecretRef", `"ns/ca"`}},
		},
		"NoKey": {
			reason:  "A key that is not there should be named.",
			objects: append(secrets()[:2], secret("ns", "user", map[string]string{"username": "USER"}), providerConfig(full)),
			want:    want{err: ErrSecretMissing, says: []string{"spec.credentials.secretRef", `"ns/user"`, `"password"`}},
		},
		"EmptyKey": {
			reason:  "A key without a value is of no use.",
			objects: append([]client.Object{secret("ns", "cert", map[string]string{"tls.crt": "CERT", "tls.key": ""})}, append(secrets()[:1], secrets()[2], providerConfig(full))...),
			want:    want{err: ErrSecretMissing, says: []string{"spec.tls.clientCertSecretRef", `"tls.key"`}},
		},
		"UnknownImplementation": {
			reason:  "An implementation that is not known should be refused, should the schema let it through.",
			objects: []client.Object{providerConfig(func(pc *v1alpha1.ProviderConfig) { pc.Spec.Implementation = "memory" })},
			want:    want{err: ErrConfigInvalid, says: []string{"spec.implementation", "memory"}},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientBuilder().WithScheme(scheme(t)).WithObjects(tc.objects...).Build()
			r := &resolver{configs: kube, secrets: kube}
			kind := tc.kind
			if kind == "" {
				kind = v1alpha1.ProviderConfigKind
			}
			var got topo.Config
			c, err := r.get(context.Background(), "ns", kind, "pc")
			if err == nil {
				got, err = r.topology(context.Background(), c)
			}
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("%s\n-want error, +got error:\n%s", tc.reason, diff)
			}
			if err != nil {
				for _, s := range tc.want.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("%s\nthe error should say %s: %v", tc.reason, s, err)
					}
				}
				return
			}
			if diff := cmp.Diff(tc.want.cfg, got, cmpopts.IgnoreFields(topo.Config{}, "Observe")); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestResolveUnavailable(t *testing.T) {
	broken := &test.MockClient{MockGet: test.NewMockGetFn(errBoom)}
	r := &resolver{configs: broken, secrets: broken}
	if _, err := r.get(context.Background(), "ns", v1alpha1.ProviderConfigKind, "pc"); !errors.Is(err, errBoom) || errors.Is(err, ErrConfigMissing) {
		t.Errorf("get(): an API server that does not answer says nothing about a ProviderConfig, got %v", err)
	}
	c := fromConfig(providerConfig(func(pc *v1alpha1.ProviderConfig) {
		pc.Spec.TLS = &v1alpha1.ProviderConfigTLS{CASecretRef: localRef("ca")}
	}))
	if _, err := r.topology(context.Background(), c); !errors.Is(err, errBoom) || errors.Is(err, ErrSecretMissing) {
		t.Errorf("topology(): an API server that does not answer says nothing about a Secret, got %v", err)
	}
}

func TestUsable(t *testing.T) {
	cases := map[string]struct {
		reason string
		cfg    topo.Config
		err    error
		says   string
	}{
		"Fine":     {"What can be used is no error.", topo.Config{Endpoints: []string{"https://etcd:2379"}, Root: "/r", Identity: "i"}, nil, ""},
		"Endpoint": {"An endpoint that is no URL should be named.", topo.Config{Endpoints: []string{"etcd:2379", "::"}, Root: "/r", Identity: "i"}, ErrConfigInvalid, `endpoints: "::"`},
		"Root":     {"A root that is no path should be named.", topo.Config{Endpoints: []string{"etcd:2379"}, Root: "r", Identity: "i"}, ErrConfigInvalid, `root: "r"`},
		"CA":       {"A CA without certificates should be named.", topo.Config{Endpoints: []string{"etcd:2379"}, Root: "/r", Identity: "i", TLS: &topo.TLS{CA: []byte("no")}}, ErrConfigInvalid, "CA"},
		"Key":      {"A key that does not fit should be named.", topo.Config{Endpoints: []string{"etcd:2379"}, Root: "/r", Identity: "i", TLS: &topo.TLS{Cert: []byte("a"), Key: []byte("b")}}, ErrConfigInvalid, "client certificate"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			err := usable(fromConfig(providerConfig()), tc.cfg)
			if diff := cmp.Diff(tc.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Fatalf("%s\nusable(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if err != nil && (!strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), `ProviderConfig "pc"`)) {
				t.Errorf("%s\nusable(): the error should say %s: %v", tc.reason, tc.says, err)
			}
		})
	}
}
