package v1alpha1

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/schematest"
)

const crds = "../../../package/provider/crds"

func load(t *testing.T, plural string) *schematest.Schema {
	t.Helper()

	s, err := schematest.LoadCRD(filepath.Join(crds, Group+"_"+plural+".yaml"))
	if err != nil {
		t.Fatalf("LoadCRD(...): %v", err)
	}

	return s
}

// valid returns an object of each kind, as a person would write it, and the plural of the kind's name.
func valid(t *testing.T) map[string]map[string]any {
	t.Helper()

	documents := map[string]string{
		"cellrecords": `
apiVersion: m.multigres.com/v1alpha1
kind: CellRecord
metadata: {name: a, namespace: app}
spec:
  providerConfigRef: {kind: ProviderConfig, name: a}
  forProvider:
    cell: zone-a
    serverAddresses: ["etcd:2379"]
    root: /multigres/app/a/zone-a
`,
		"databaserecords": `
apiVersion: m.multigres.com/v1alpha1
kind: DatabaseRecord
metadata: {name: a, namespace: app}
spec:
  forProvider:
    database: postgres
    cells: [zone-a, zone-b]
    backupLocation:
      s3: {bucket: backups, region: eu-west-1, keyPrefix: app/a, useEnvCredentials: true}
    durabilityPolicy: MULTI_CELL_AT_LEAST_2
`,
		"shardrecords": `
apiVersion: m.multigres.com/v1alpha1
kind: ShardRecord
metadata: {name: a, namespace: app}
spec:
  forProvider:
    database: postgres
    tableGroup: default
    shard: 0-inf
    cells: [zone-a, zone-b]
    poolers:
    - {pod: a-0, serviceID: p-0, cell: zone-a, hostname: a-0.a.app.svc, pool: main}
    - {pod: b-0, serviceID: p-0, cell: zone-b, hostname: b-0.b.app.svc, pool: main}
    removed:
    - {pod: a-1, serviceID: p-1, cell: zone-a, hostname: a-1.a.app.svc, pool: main}
    backups: {schedule: {full: 24h, differential: 6h, incremental: 1h}, retainedFull: 7}
    tls: {caSecretName: ca, certSecretName: cert, serverName: pooler}
`,
		"volumeclaims": `
apiVersion: m.multigres.com/v1alpha1
kind: VolumeClaim
metadata: {name: a, namespace: app}
spec:
  managementPolicies: [Observe, Create, Update]
  forProvider:
    accessModes: [ReadWriteOnce]
    storageClassName: fast
    size: 10Gi
    labels: {app: a}
`,
		"passwords": `
apiVersion: m.multigres.com/v1alpha1
kind: Password
metadata: {name: a, namespace: app}
spec:
  forProvider:
    secretName: superuser
`,
		"tlscertificates": `
apiVersion: m.multigres.com/v1alpha1
kind: TLSCertificate
metadata: {name: a, namespace: app}
spec:
  forProvider:
    secretName: cert
    caSecretName: ca
    commonName: pgbackrest
    dnsNames: ["*.a.app.svc", pgbackrest]
`,
		"providerconfigs": `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfig
metadata: {name: a, namespace: app}
spec:
  endpoints: ["https://etcd-0.etcd:2379", "etcd-1.etcd:2379"]
  root: /multigres/app/a/global
  tls:
    caSecretRef: {name: ca}
    clientCertSecretRef: {name: cert}
    serverName: etcd
  credentials:
    source: Secret
    secretRef: {name: user}
`,
		"clusterproviderconfigs": `
apiVersion: m.multigres.com/v1alpha1
kind: ClusterProviderConfig
metadata: {name: a}
spec:
  endpoints: ["https://etcd-0.etcd:2379"]
  root: /multigres/app/a/global
  tls:
    caSecretRef: {name: ca, namespace: etcd}
    clientCertSecretRef: {name: cert, namespace: etcd}
  credentials:
    source: Secret
    secretRef: {name: user, namespace: etcd}
`,
		"providerconfigusages": `
apiVersion: m.multigres.com/v1alpha1
kind: ProviderConfigUsage
metadata: {name: a, namespace: app}
providerConfigRef: {kind: ProviderConfig, name: a}
resourceRef: {apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, name: a}
`,
	}

	objs := map[string]map[string]any{}
	for plural, document := range documents {
		objs[plural] = schematest.Decode(t, document)
	}

	return objs
}

func TestDefinitions(t *testing.T) {
	for plural, obj := range valid(t) {
		t.Run(plural, func(t *testing.T) {
			s := load(t, plural)

			if errs := s.CheckDefinition(); len(errs) > 0 {
				t.Errorf("CheckDefinition(): want no errors, got: %v", errs.ToAggregate())
			}

			if diff := cmp.Diff([]string(nil), s.PruneUnknown(obj)); diff != "" {
				t.Errorf("PruneUnknown(valid): -want, +got:\n%s", diff)
			}

			s.Default(obj)

			if errs := s.Validate(obj, nil); len(errs) > 0 {
				t.Errorf("Validate(valid): want no errors, got: %v", errs.ToAggregate())
			}

			crd := s.Definition()
			if diff := cmp.Diff([]string(nil), undocumented(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, "")); diff != "" {
				t.Errorf("fields without a description: -want, +got:\n%s", diff)
			}

			wantScope := extv1.NamespaceScoped
			if strings.HasPrefix(plural, "cluster") {
				wantScope = extv1.ClusterScoped
			}

			if diff := cmp.Diff(wantScope, crd.Spec.Scope); diff != "" {
				t.Errorf("scope: -want, +got:\n%s", diff)
			}
		})
	}

	files, err := filepath.Glob(filepath.Join(crds, Group+"_*.yaml"))
	if err != nil {
		t.Fatalf("Glob(...): %v", err)
	}

	if diff := cmp.Diff(len(valid(t)), len(files)); diff != "" {
		t.Errorf("number of CRDs with an example: -want, +got:\n%s", diff)
	}
}

// A person finds a managed resource by what kubectl prints, and all of them in one way.
func TestManagedResources(t *testing.T) {
	for plural, want := range map[string][]string{
		"cellrecords":     {"READY", "SYNCED", "EXTERNAL-NAME", "CELL", "ROOT", "AGE"},
		"databaserecords": {"READY", "SYNCED", "EXTERNAL-NAME", "DATABASE", "DURABILITY", "AGE"},
		"shardrecords":    {"READY", "SYNCED", "EXTERNAL-NAME", "SHARD", "LEADER", "TERM", "DATABASE", "TABLE-GROUP", "LAST-BACKUP", "AGE"},
		"volumeclaims":    {"READY", "SYNCED", "EXTERNAL-NAME", "PHASE", "SIZE", "CAPACITY", "STORAGECLASS", "AGE"},
		"passwords":       {"READY", "SYNCED", "EXTERNAL-NAME", "SECRET", "CREATED", "AGE"},
		"tlscertificates": {"READY", "SYNCED", "EXTERNAL-NAME", "SECRET", "NOT-AFTER", "RENEWAL", "AGE"},
	} {
		t.Run(plural, func(t *testing.T) {
			crd := load(t, plural).Definition()

			if diff := cmp.Diff([]string{"crossplane", "managed", "multigres"}, crd.Spec.Names.Categories); diff != "" {
				t.Errorf("categories: -want, +got:\n%s", diff)
			}

			got := []string{}
			for _, c := range crd.Spec.Versions[0].AdditionalPrinterColumns {
				got = append(got, c.Name)
			}

			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("printer columns: -want, +got:\n%s", diff)
			}

			if crd.Spec.Versions[0].Subresources == nil || crd.Spec.Versions[0].Subresources.Status == nil {
				t.Error("status is not a subresource")
			}
		})
	}
}

// undocumented returns the paths of all fields that say nothing about themselves.
func undocumented(node *extv1.JSONSchemaProps, path string) []string {
	var paths []string

	for name, child := range node.Properties {
		at := path + "." + name
		if child.Description == "" && at != ".metadata" {
			paths = append(paths, at)
		}

		paths = append(paths, undocumented(&child, at)...)
	}

	if node.Items != nil && node.Items.Schema != nil {
		paths = append(paths, undocumented(node.Items.Schema, path+"[*]")...)
	}

	return paths
}
