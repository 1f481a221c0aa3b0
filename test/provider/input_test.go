package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// required returns the paths of all required fields below a schema that are in an object, and those below optional fields that
// the object has.
func required(schema apiextensionsv1.JSONSchemaProps, value any, path ...string) [][]string {
	var out [][]string
	fields, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for _, name := range schema.Required {
		out = append(out, append(append([]string{}, path...), name))
	}
	for name, p := range schema.Properties {
		if v, ok := fields[name]; ok {
			out = append(out, required(p, v, append(path, name)...)...)
		}
	}
	return out
}

// complete returns a valid object of each kind of managed resource and configuration.
func complete() []client.Object {
	db := &v1alpha1.DatabaseRecord{ObjectMeta: named("db"), Spec: v1alpha1.DatabaseRecordSpec{ForProvider: v1alpha1.DatabaseRecordParameters{
		Database: "postgres", Cells: []string{"z1"}, BackupLocation: v1alpha1.BackupLocation{S3: &v1alpha1.S3Backup{Bucket: "b", Region: "r"}},
	}}}
	shard := &v1alpha1.ShardRecord{ObjectMeta: named("shard"), Spec: v1alpha1.ShardRecordSpec{ForProvider: v1alpha1.ShardRecordParameters{
		Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"z1"},
		TLS: &v1alpha1.ShardTLS{CASecretName: "ca"},
	}}}
	issued := certificate("issued", "")
	issued.Spec.ForProvider.IssuerRef = &v1alpha1.IssuerReference{Name: "issuer"}
	topology := v1alpha1.Topology{Endpoints: []string{"127.0.0.1:1"}, Root: "/r"}
	return []client.Object{
		password("pw", "pw"), claim("vc", "class", "1Gi"), issued, shard, db,
		&v1alpha1.CellRecord{ObjectMeta: named("cell"), Spec: v1alpha1.CellRecordSpec{ForProvider: v1alpha1.CellRecordParameters{
			Cell: "z1", ServerAddresses: []string{"127.0.0.1:1"}, Root: "/r",
		}}},
		&v1alpha1.ProviderConfig{ObjectMeta: named("pc"), Spec: v1alpha1.ProviderConfigSpec{
			Topology: topology, Credentials: &v1alpha1.ProviderConfigCredentials{Source: v1alpha1.CredentialsSourceNone},
		}},
	}
}

// TestInputMissing: without a field that is required nothing is stored, and the refusal names the field.
func TestInputMissing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	schemas := definitions(s)
	n := 0
	for _, o := range complete() {
		gvk, err := s.kube.GroupVersionKindFor(o)
		s.must(err)
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		s.must(err)
		whole := &unstructured.Unstructured{Object: content}
		whole.SetGroupVersionKind(gvk)
		whole.SetNamespace(s.ns)
		s.must(s.kube.Create(s.Context(), whole.DeepCopy(), client.DryRunAll))

		paths := required(schemas[gvk.Kind], whole.Object)
		if len(paths) < 2 {
			t.Errorf("%s: want required fields, got %v", gvk.Kind, paths)
		}
		for _, path := range paths {
			part := whole.DeepCopy()
			unstructured.RemoveNestedField(part.Object, path...)
			err := s.kube.Create(s.Context(), part, client.DryRunAll)
			if !kerrors.IsInvalid(err) || !strings.Contains(err.Error(), strings.Join(path, ".")) {
				t.Errorf("%s without %s: want a refusal that names it, got %v", gvk.Kind, strings.Join(path, "."), err)
			}
			n++
		}
	}
	s.notef("%d fields of %d kinds", n, len(complete()))
}

// definitions returns the schemas of the provider's kinds.
func definitions(s *scenario) map[string]apiextensionsv1.JSONSchemaProps {
	s.Helper()
	files, err := filepath.Glob("../../package/provider/crds/m.*.yaml")
	s.must(err)
	out := map[string]apiextensionsv1.JSONSchemaProps{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		s.must(err)
		crd := &apiextensionsv1.CustomResourceDefinition{}
		s.must(yaml.Unmarshal(b, crd))
		out[crd.Spec.Names.Kind] = *crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	}
	return out
}

// TestInputReferences: what a managed resource refers to and cannot use is said in a condition, and is left as it is.
func TestInputReferences(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	foreign := s.opaque("foreign-tls", map[string]string{"other": "kept"})
	damaged := s.opaque("damaged", map[string]string{"password": "kept"})
	damaged.Annotations = map[string]string{"m.multigres.com/passwords": "{"}
	s.must(s.kube.Update(s.Context(), damaged))
	s.opaque("no-ca", map[string]string{"tls.crt": "nonsense"})

	cases := map[string]struct {
		reason string
		mg     resource.Managed
		says   string
	}{
		"DamagedRecords":   {reason: "Records of passwords that cannot be read name their annotation.", mg: password("damaged", "damaged"), says: "m.multigres.com/passwords"},
		"ForeignSecret":    {reason: "A Secret that others made is not overwritten with a certificate.", mg: certificate("foreign", "fresh-ca"), says: "foreign"},
		"DamagedAuthority": {reason: "A Secret without a key is no authority.", mg: certificate("leaf", "no-ca"), says: "no-ca"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := &scenario{TB: t, kube: s.kube, ns: s.ns}
			s.create(tc.mg)
			c := s.condition(tc.mg, xpv2.TypeSynced, corev1.ConditionFalse, "")
			if !strings.Contains(c.Message, tc.says) {
				t.Errorf("%s\nwant a message with %q, got %q", tc.reason, tc.says, c.Message)
			}
		})
	}
	if diff := cmp.Diff(map[string][]byte{"other": []byte("kept")}, s.secret(foreign.Name).Data); diff != "" {
		t.Errorf("a foreign Secret should stay: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{"password": []byte("kept")}, s.secret(damaged.Name).Data); diff != "" {
		t.Errorf("a password should stay: -want, +got:\n%s", diff)
	}
	s.notef("%d references", len(cases))
}

// opaque makes a Secret that the provider did not make.
func (s *scenario) opaque(name string, data map[string]string) *corev1.Secret {
	s.Helper()
	o := &corev1.Secret{ObjectMeta: named(name), StringData: data}
	s.create(o)
	return o
}
