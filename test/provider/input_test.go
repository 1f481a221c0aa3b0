package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// A step is the name of a field, or an index of a list.
type step any

// required returns the paths of all fields that a schema requires and that are in an object, as far as it has what they are below of.
// Places of the schema that require fields are noted, with whether the object has them.
func required(schema apiextensionsv1.JSONSchemaProps, value any, place string, places map[string]bool, path ...step) [][]step {
	if len(schema.Required) > 0 {
		places[place] = places[place] || value != nil
	}
	fields, _ := value.(map[string]any)
	var out [][]step
	for _, name := range schema.Required {
		if fields != nil {
			out = append(out, append(slices.Clone(path), name))
		}
	}
	for name, p := range schema.Properties {
		if name == "status" && place == "" {
			continue // Nobody but the provider writes it.
		}
		out = append(out, required(p, fields[name], place+"."+name, places, append(slices.Clone(path), name)...)...)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		var first any
		if list, _ := value.([]any); len(list) > 0 {
			first = list[0]
		}
		out = append(out, required(*schema.Items.Schema, first, place+"[]", places, append(slices.Clone(path), 0)...)...)
	}
	return out
}

// without removes a field, and returns the path as the API server writes it.
func without(t *testing.T, object map[string]any, path []step) string {
	t.Helper()
	var at any = object
	name := ""
	for i, s := range path {
		last := i == len(path)-1
		switch s := s.(type) {
		case string:
			name += "." + s
			fields, ok := at.(map[string]any)
			if !ok {
				t.Fatalf("%s has no fields", name)
			}
			at = fields[s]
			if last {
				delete(fields, s)
			}
		case int:
			name += fmt.Sprintf("[%d]", s)
			at = at.([]any)[s]
		}
	}
	return strings.TrimPrefix(name, ".")
}

// complete returns valid objects of each kind, which have between them all fields that the schemas have.
func complete() []client.Object {
	managed := xpv2.ManagedResourceSpec{
		WriteConnectionSecretToReference: &xpv2.LocalSecretReference{Name: "connection"},
		ProviderConfigReference:          &xpv2.ProviderConfigReference{Kind: v1alpha1.ProviderConfigKind, Name: "pc"},
	}
	db := func(name string, l v1alpha1.BackupLocation) client.Object {
		return &v1alpha1.DatabaseRecord{ObjectMeta: named(name), Spec: v1alpha1.DatabaseRecordSpec{
			ManagedResourceSpec: managed,
			ForProvider:         v1alpha1.DatabaseRecordParameters{Database: "postgres", Cells: []string{"z1"}, BackupLocation: l},
		}}
	}
	pooler := func(id string) []v1alpha1.ShardPooler {
		return []v1alpha1.ShardPooler{{Pod: id, ServiceID: id, Cell: "z1", Hostname: id, Pool: "main"}}
	}
	shard := &v1alpha1.ShardRecord{ObjectMeta: named("shard"), Spec: v1alpha1.ShardRecordSpec{
		ManagedResourceSpec: managed,
		ForProvider: v1alpha1.ShardRecordParameters{
			Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"z1"}, Poolers: pooler("a"), Removed: pooler("b"),
			Orchestrators: []v1alpha1.ShardOrchestrators{{Cell: "z1", StatefulSet: "orch", ServiceIDPrefix: "orch"}},
			Settings:      &v1alpha1.ShardSettings{Hash: "h", ReloadPort: 1}, TLS: &v1alpha1.ShardTLS{CASecretName: "ca"},
		},
	}}
	pw, vc, own, issued := password("pw", "pw"), claim("vc", "class", "1Gi"), certificate("own", "ca"), certificate("issued", "")
	pw.Spec.ManagedResourceSpec, vc.Spec.ManagedResourceSpec, own.Spec.ManagedResourceSpec = managed, managed, managed
	issued.Spec.ForProvider.IssuerRef = &v1alpha1.IssuerReference{Name: "issuer"}
	topology := v1alpha1.Topology{Endpoints: []string{"127.0.0.1:1"}, Root: "/r"}
	near, far := &xpv2.LocalSecretReference{Name: "s"}, &xpv2.SecretReference{Name: "s", Namespace: "ns"}
	usage := &v1alpha1.ProviderConfigUsage{ObjectMeta: named("usage")}
	usage.SetProviderConfigReference(*managed.ProviderConfigReference)
	usage.SetResourceReference(xpv2.TypedReference{APIVersion: "v1", Kind: "Nothing", Name: "nobody"})
	return []client.Object{
		pw, vc, own, issued, shard, usage,
		db("s3", v1alpha1.BackupLocation{S3: &v1alpha1.S3Backup{Bucket: "b", Region: "r"}}),
		db("filesystem", v1alpha1.BackupLocation{Filesystem: &v1alpha1.FilesystemBackup{Path: "/b"}}),
		&v1alpha1.CellRecord{ObjectMeta: named("cell"), Spec: v1alpha1.CellRecordSpec{
			ManagedResourceSpec: managed,
			ForProvider:         v1alpha1.CellRecordParameters{Cell: "z1", ServerAddresses: []string{"127.0.0.1:1"}, Root: "/r"},
		}},
		&v1alpha1.ProviderConfig{ObjectMeta: named("pc"), Spec: v1alpha1.ProviderConfigSpec{
			Topology: topology, TLS: &v1alpha1.ProviderConfigTLS{CASecretRef: near, ClientCertSecretRef: near},
			Credentials: &v1alpha1.ProviderConfigCredentials{Source: v1alpha1.CredentialsSourceSecret, SecretRef: near},
		}},
		&v1alpha1.ClusterProviderConfig{ObjectMeta: named("cpc"), Spec: v1alpha1.ClusterProviderConfigSpec{
			Topology: topology, TLS: &v1alpha1.ClusterProviderConfigTLS{CASecretRef: far, ClientCertSecretRef: far},
			Credentials: &v1alpha1.ClusterProviderConfigCredentials{Source: v1alpha1.CredentialsSourceSecret, SecretRef: far},
		}},
	}
}

// TestInputMissing: without a field that is required nothing is stored, and the refusal names the field.
func TestInputMissing(t *testing.T) {
	t.Parallel()
	s := begin(t)
	schemas, places := definitions(s), map[string]map[string]bool{}
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

		if places[gvk.Kind] == nil {
			places[gvk.Kind] = map[string]bool{}
		}
		for _, path := range required(schemas[gvk.Kind], whole.Object, "", places[gvk.Kind]) {
			part := whole.DeepCopy()
			name := without(t, part.Object, path)
			err := s.kube.Create(s.Context(), part, client.DryRunAll)
			if !kerrors.IsInvalid(err) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s without %s: want a refusal that names it, got %v", gvk.Kind, name, err)
			}
			n++
		}
	}
	for kind := range schemas {
		if len(places[kind]) == 0 {
			t.Errorf("%s: nothing was tried", kind)
		}
		for place, tried := range places[kind] {
			if !tried {
				t.Errorf("%s: %s requires fields, and no object has it", kind, place)
			}
		}
	}
	s.notef("%d fields of %d kinds", n, len(schemas))
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

// TestInputReferences: what a managed resource refers to and cannot use is said in a condition that names the field, and is left as it
// is.
func TestInputReferences(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.provider()
	foreign := s.opaque("foreign-tls", map[string]string{"other": "kept"})
	damaged := s.opaque("damaged", map[string]string{"password": "kept"})
	damaged.Annotations = map[string]string{"m.multigres.com/passwords": "{"}
	s.must(s.kube.Update(s.Context(), damaged))
	noCA := s.opaque("no-ca", map[string]string{"tls.crt": "nonsense"})
	first := password("first", "taken")
	s.create(first)
	s.ready(first)
	kept := map[string]string{}
	for _, o := range []*corev1.Secret{foreign, damaged, noCA, s.secret("taken")} {
		kept[o.Name] = o.ResourceVersion
	}
	strange := cell("strange", "pc")
	strange.Spec.ProviderConfigReference.Kind = "Nonsense"

	cases := map[string]struct {
		reason string
		mg     resource.Managed
		where  xpv2.ConditionType
		says   []string
	}{
		"DamagedRecords": {
			reason: "Records of passwords that cannot be read name their annotation.", mg: password("damaged", "damaged"),
			where: xpv2.TypeSynced, says: []string{"spec.forProvider.secretName", "m.multigres.com/passwords"},
		},
		"TakenKey": {
			reason: "A key that another Password holds is not taken from it.", mg: password("second", "taken"),
			where: xpv2.TypeSynced, says: []string{"spec.forProvider.secretName", "first"},
		},
		"ForeignSecret": {
			reason: "A Secret that others made is not overwritten with a certificate.", mg: certificate("foreign", "fresh-ca"),
			where: xpv2.TypeSynced, says: []string{"spec.forProvider.secretName", "foreign-tls"},
		},
		"DamagedAuthority": {
			reason: "A Secret without a key is no authority.", mg: certificate("leaf", "no-ca"),
			where: xpv2.TypeSynced, says: []string{"spec.forProvider.caSecretName", "no-ca"},
		},
		"MissingClass": {
			reason: "A claim waits for ever for a class that does not exist.", mg: claim("vc", "missing", "1Gi"),
			where: xpv2.TypeReady, says: []string{"spec.forProvider.storageClassName", "missing"},
		},
		"StrangeConfig": {
			reason: "There are two kinds of configurations.", mg: strange,
			where: "Settled", says: []string{"spec.providerConfigRef.kind", "Nonsense"},
		},
		"NoConfigOfDatabase": {
			reason: "A database needs a configuration.", mg: database("db", "missing", "z1"),
			where: "Settled", says: []string{"spec.providerConfigRef", "missing"},
		},
		"NoConfigOfShard": {
			reason: "A shard needs a configuration.", mg: &v1alpha1.ShardRecord{ObjectMeta: named("shard"), Spec: v1alpha1.ShardRecordSpec{
				ManagedResourceSpec: spec("missing"),
				ForProvider:         v1alpha1.ShardRecordParameters{Database: "postgres", TableGroup: "default", Shard: "0-inf", Cells: []string{"z1"}},
			}},
			where: "Settled", says: []string{"spec.providerConfigRef", "missing"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := &scenario{TB: t, kube: s.kube, ns: s.ns}
			s.create(tc.mg)
			s.until(tc.mg.GetName()+" says so", func(ctx context.Context) error {
				if err := s.kube.Get(ctx, client.ObjectKeyFromObject(tc.mg), tc.mg); err != nil {
					return err
				}
				c := tc.mg.GetCondition(tc.where)
				for _, text := range tc.says {
					if c.Status != corev1.ConditionFalse || !strings.Contains(c.Message, text) {
						return errors.Errorf("%s\nwant %s=False with %q, got %s", tc.reason, tc.where, text, describe(tc.mg))
					}
				}
				return nil
			})
			// What cannot be made leaves nothing that holds it up.
			if tc.where != xpv2.TypeReady {
				s.remove(tc.mg)
				s.gone(tc.mg)
			}
		})
	}
	for name, version := range kept {
		if got := s.secret(name).ResourceVersion; got != version {
			t.Errorf("Secret %s should stay as it is", name)
		}
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
