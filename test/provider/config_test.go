package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
)

// TestInputConfig: a configuration that cannot be used, or is not there, is said in a condition that names the field. When it is
// mended the managed resource goes on.
func TestInputConfig(t *testing.T) {
	t.Parallel()
	s := begin(t)
	st := s.shared()
	s.provider()
	s.opaque("half", map[string]string{"username": "root"})
	s.opaque("no-ca", map[string]string{"ca.crt": "nonsense"})
	secret := func(name string) *xpv2.LocalSecretReference { return &xpv2.LocalSecretReference{Name: name} }
	cases := map[string]struct {
		reason string
		change func(pc *v1alpha1.ProviderConfig)
		want   xpv2.ConditionReason
		says   string
	}{
		"no-port": {
			reason: "An endpoint without a port cannot be connected to.",
			change: func(pc *v1alpha1.ProviderConfig) { pc.Spec.Endpoints = []string{"nonsense"} },
			want:   "ConfigInvalid", says: "endpoints",
		},
		"no-secret": {
			reason: "A Secret that is not there is named, with the field that names it.",
			change: func(pc *v1alpha1.ProviderConfig) {
				pc.Spec.Credentials = &v1alpha1.ProviderConfigCredentials{Source: v1alpha1.CredentialsSourceSecret, SecretRef: secret("missing")}
			},
			want: "SecretMissing", says: "spec.credentials.secretRef",
		},
		"no-key": {
			reason: "A key that a Secret lacks is named.",
			change: func(pc *v1alpha1.ProviderConfig) {
				pc.Spec.Credentials = &v1alpha1.ProviderConfigCredentials{Source: v1alpha1.CredentialsSourceSecret, SecretRef: secret("half")}
			},
			want: "SecretMissing", says: "password",
		},
		"no-ca": {
			reason: "A CA that holds no certificate is useless.",
			change: func(pc *v1alpha1.ProviderConfig) {
				pc.Spec.TLS = &v1alpha1.ProviderConfigTLS{CASecretRef: secret("no-ca")}
			},
			want: "ConfigInvalid", says: "spec.tls.caSecretRef",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := &scenario{TB: t, kube: s.kube, ns: s.ns, root: s.root}
			pc := &v1alpha1.ProviderConfig{ObjectMeta: named(name), Spec: v1alpha1.ProviderConfigSpec{
				Topology: v1alpha1.Topology{Endpoints: []string{st.address}, Root: s.root},
			}}
			good := pc.Spec
			tc.change(pc)
			s.create(pc)
			z := cell(name, name)
			s.create(z)
			c := s.condition(z, "Settled", corev1.ConditionFalse, tc.want)
			if !strings.Contains(c.Message, tc.says) {
				t.Errorf("%s\nwant a message with %q, got %q", tc.reason, tc.says, c.Message)
			}
			s.edit(pc, func() { pc.Spec = good })
			s.settled(z)
		})
	}

	orphan := cell("orphan", "missing")
	s.create(orphan)
	if c := s.condition(orphan, "Settled", corev1.ConditionFalse, "ConfigMissing"); !strings.Contains(c.Message, "spec.providerConfigRef") {
		t.Errorf("want a message that names the reference, got %q", c.Message)
	}
	s.remove(orphan)
	s.gone(orphan)

	ftp := &v1alpha1.ProviderConfig{ObjectMeta: metaIn(s.ns, "ftp"), Spec: v1alpha1.ProviderConfigSpec{
		Topology: v1alpha1.Topology{Endpoints: []string{"ftp://127.0.0.1:1"}, Root: s.root},
	}}
	if err := s.kube.Create(s.Context(), ftp); !kerrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.endpoints") {
		t.Errorf("want a refusal that names the endpoints, got %v", err)
	}
	s.notef("%d configurations, each mended", len(cases))
}

// TestForeground: a configuration outlives the managed resources that refer to it, also where their usages are deleted before them: in the
// foreground, as here, or with a namespace.
func TestForeground(t *testing.T) {
	t.Parallel()
	s, st, pc := ordinary(t, "")
	d, z := database("d", "pc", "z1"), cell("z1", "pc")
	s.create(d, z)
	s.settled(d, z)

	// The cell's record cannot go before the database's.
	foreground := client.PropagationPolicy(metav1.DeletePropagationForeground)
	s.must(s.kube.Delete(s.Context(), z, foreground))
	s.must(s.kube.Delete(s.Context(), pc, foreground))
	s.until("the usage of the cell's record is deleted", func(ctx context.Context) error {
		usages := &v1alpha1.ProviderConfigUsageList{}
		if err := s.kube.List(ctx, usages, client.InNamespace(s.ns)); err != nil {
			return err
		}
		for _, u := range usages.Items {
			if u.ResourceReference.Name == z.GetName() && u.GetDeletionTimestamp() == nil {
				return errors.Errorf("it is there: %v", u.GetOwnerReferences())
			}
		}
		return nil
	})
	s.must(s.kube.Delete(s.Context(), d, foreground))
	s.gone(d, z, pc)
	st.absent(cellKey("z1"))
	s.notef("the configuration went last")
}

// TestInputClaims: claims that are as large as they may be let nothing be lost, and nothing be added.
func TestInputClaims(t *testing.T) {
	t.Parallel()
	s, st, _ := ordinary(t, "")
	d := database("d", "pc", "z1")
	s.create(d)
	s.settled(d)
	small := d.Annotations[claims.Annotation]

	s.edit(d, func() {
		d.Annotations[claims.Annotation] = s.blown(d.Annotations[claims.Annotation])
		d.Spec.ForProvider.Cells = []string{"z1", strings.Repeat("z", 63)}
	})
	c := s.condition(d, "Settled", corev1.ConditionFalse, "ClaimsTooLarge")
	s.never("the record is changed", func() bool { return len(st.database(databaseKey("d")).GetCells()) != 1 })
	s.edit(d, func() { d.Annotations[claims.Annotation] = small })
	s.settled(d)
	st.cells([]string{"z1", strings.Repeat("z", 63)}, databaseKey("d"))
	s.notef("%s", c.Message)
}

// blown returns claims with so many more items in their place that hardly another one can be added.
func (s *scenario) blown(annotation string) string {
	s.Helper()
	var all map[string]any
	s.must(json.Unmarshal([]byte(annotation), &all))
	items := all["claims"].([]any)[0].(map[string]any)["items"].(map[string]any)
	var out []byte
	for i := 0; len(out) < claims.Budget-80; i++ {
		items[fmt.Sprintf("cells/%059d", i)] = strings.Repeat("0", 32)
		var err error
		// Every item is some hundred bytes; the last ones are put in one by one.
		if i > claims.Budget/110-3 || i%100 == 0 {
			out, err = json.Marshal(all)
			s.must(err)
		}
		if len(out) > claims.Budget {
			delete(items, fmt.Sprintf("cells/%059d", i))
			out, err = json.Marshal(all)
			s.must(err)
			break
		}
	}
	return string(out)
}
