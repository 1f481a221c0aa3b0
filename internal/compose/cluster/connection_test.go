package cluster

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

func TestBuildConnection(t *testing.T) {
	want := &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: "orders-connection", Labels: map[string]string{
			"app.kubernetes.io/name": "multigres", "app.kubernetes.io/instance": "orders", "app.kubernetes.io/component": "connection",
			"app.kubernetes.io/part-of": "multigres", "app.kubernetes.io/managed-by": "crossplane-multigres", "multigres.com/cluster": "orders",
		}},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			"host":        []byte("orders-multigateway.app.svc"),
			"port":        []byte("5432"),
			"endpoint":    []byte("orders-multigateway.app.svc"),
			"username":    []byte("postgres"),
			"password":    []byte("s3cret/pass"),
			"database":    []byte("postgres"),
			"uri":         []byte("postgresql://postgres:s3cret%2Fpass@orders-multigateway.app.svc:5432/postgres"),
			"replicaHost": []byte("orders-multigateway-replica.app.svc"),
			"replicaPort": []byte("5433"),
		},
	}
	got := buildConnection(resolved(t, minimal, generatedSecret))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	u, err := url.Parse(string(got.Data["uri"]))
	if err != nil {
		t.Fatal(err)
	}
	if p, _ := u.User.Password(); p != "s3cret/pass" {
		t.Errorf("whoever reads the URI finds the password, got %q", p)
	}
}

func TestConnectionSecret(t *testing.T) {
	key := naming.KeyConnectionSecret
	live := `{apiVersion: v1, kind: Secret, metadata: {name: orders-connection}, data: {password: b2xk}}`
	cases := map[string]struct {
		reason   string
		observed string
		given    []string
		want     string
		kept     bool
		waits    bool
	}{
		"Unknown":  {reason: "Without a password there is nothing to tell.", waits: true},
		"Damaged":  {reason: "A password that is no base64 is none.", given: []string{`{apiVersion: v1, kind: Secret, metadata: {name: orders-postgres-password, namespace: app}, data: {password: "%"}}`}, waits: true},
		"Known":    {reason: "With the password the Secret is made.", given: []string{generatedSecret}, want: "orders-connection"},
		"Lost":     {reason: "Where the password has gone the Secret keeps it.", observed: live, want: "orders-connection", kept: true, waits: true},
		"Renaming": {reason: "A Secret of another name goes first.", observed: `{apiVersion: v1, kind: Secret, metadata: {name: old}}`, given: []string{generatedSecret}, waits: true},
	}
	base := grow(t, minimal, generatedSecret)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out := mustRun(t, compose.Input{XR: composetest.Object(t, minimal), Observed: with(t, base, key, tc.observed)}, tc.given...)
			r, ok := out.Resources[key]
			if ok != (tc.want != "") {
				t.Fatalf("%s wanted: %v", tc.reason, ok)
			}
			if ok && composetest.Get(t, out, key).Name() != tc.want {
				t.Errorf("%s got %s", tc.reason, composetest.Get(t, out, key).Name())
			}
			if kept := r.Kept.Exists(); kept != tc.kept {
				t.Errorf("%s kept: %v", tc.reason, kept)
			}
			if waits := statusOf(t, out).Phase != "Healthy"; tc.waits && (!waits || !out.InProgress) {
				t.Errorf("%s The cluster should say that it waits: %+v", tc.reason, out.Conditions)
			}
			if !out.Ready {
				t.Error("the cluster serves with or without the Secret")
			}
		})
	}
}
