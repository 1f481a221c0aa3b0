package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// TestTenancy shows for every field that refers to something that it does not
// reach into another namespace: what has that name there is neither used nor
// named in anything that is composed.
func TestTenancy(t *testing.T) {
	t.Parallel()

	const (
		name   = "theirs"
		marker = "marker-of-another-tenant"
	)

	shard := func(c *v1alpha1.MultigresCluster, s v1alpha1.ShardConfig) {
		s.Name = "0-inf"
		c.Spec.Databases = []v1alpha1.DatabaseConfig{{Name: "postgres", Default: true, TableGroups: []v1alpha1.TableGroupConfig{{
			Name: "default", Default: true, Shards: []v1alpha1.ShardConfig{s},
		}}}}
	}

	type reference struct {
		reason string
		change func(*v1alpha1.MultigresCluster)
	}

	cases := map[string]reference{
		"postgresPasswordSecretRef": {"A password is read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.PostgresPasswordSecretRef = &v1alpha1.PostgresPasswordSecretRef{Name: name, Key: "password"}
		}},
		"templateDefaults.coreTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) { c.Spec.TemplateDefaults.CoreTemplate = name }},
		"templateDefaults.cellTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) { c.Spec.TemplateDefaults.CellTemplate = name }},
		"templateDefaults.shardTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.TemplateDefaults.ShardTemplate = name
		}},
		"multiadmin.templateRef": {"So is a component's own.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{TemplateRef: name}
		}},
		"globalTopoServer.templateRef": {"So is the topology server's.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{TemplateRef: name}
		}},
		"overrides.postgresConfigRef": {"Settings are read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			shard(c, v1alpha1.ShardConfig{Overrides: &v1alpha1.ShardOverrides{PostgresConfigRef: &v1alpha1.PostgresConfigRef{Name: name, Key: "postgresql.conf"}}})
		}},
		"external.caSecret": {"An external topology's authority is read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"https://127.0.0.1:1"}, CASecret: name, ClientCertSecret: "ours",
			}}
		}},
		"external.clientCertSecret": {"So is the certificate for it.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"https://127.0.0.1:1"}, ClientCertSecret: name,
			}}
		}},
		"cells.cellTemplate": {"So is a cell's.", func(c *v1alpha1.MultigresCluster) { c.Spec.Cells[0].CellTemplate = name }},
		"shards.shardTemplate": {"So is a shard's.", func(c *v1alpha1.MultigresCluster) {
			shard(c, v1alpha1.ShardConfig{ShardTemplate: name})
		}},
		"multiadminWeb.templateRef": {"So is the web interface's.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.MultiadminWeb = &v1alpha1.MultiadminConfig{TemplateRef: name}
		}},
		"spec.postgresConfigRef": {"So are those of a shard that says everything itself.", func(c *v1alpha1.MultigresCluster) {
			shard(c, v1alpha1.ShardConfig{Spec: &v1alpha1.ShardInlineSpec{PostgresConfigRef: &v1alpha1.PostgresConfigRef{Name: name, Key: "postgresql.conf"}}})
		}},
		"images.imagePullSecrets": {"Pods name Secrets of their own namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Images.ImagePullSecrets = []corev1.LocalObjectReference{{Name: name}}
		}},
		"s3.serviceAccountName": {"Pods run as a service account of their own namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "eu-west-1", ServiceAccountName: name}}
		}},
		"connectionSecretName": {"What applications read is written into the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.ConnectionSecretName = name
		}},
		"certificateIssuerRef": {"An issuer is one of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.CertificateIssuerRef = &v1alpha1.CertificateIssuerRef{Name: name}
		}},
		"s3.credentialsSecret": {"A bucket's credentials are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "eu-west-1", CredentialsSecret: name}}
		}},
		"pgbackrestTLS.secretName": {"pgBackRest's certificates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "/backups"}, PgBackRestTLS: &v1alpha1.PgBackRestTLSConfig{SecretName: name}}
		}},
		"encryption.secretName": {"A repository's passphrases are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{
				Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "/backups"}, Encryption: &v1alpha1.BackupEncryptionConfig{SecretName: name},
			}
		}},
		"observability.samplingConfigRef": {"Tracing's sampling is that of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Observability = &v1alpha1.ObservabilityConfig{OTLPEndpoint: "http://127.0.0.1:4318", SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: name, Key: "sampling"}}
		}},
	}

	for field := range references(t) {
		if _, ok := cases[field]; !ok && unowned[field] == "" {
			t.Errorf("no case has %s, which refers to something", field)
		}
	}

	// Nothing is composed of most of the clusters, because there is no such object. Those of which all is composed have one together.
	together := []string{"connectionSecretName", "images.imagePullSecrets", "certificateIssuerRef", "observability.samplingConfigRef", "pgbackrestTLS.secretName"}
	changes := make([]func(*v1alpha1.MultigresCluster), 0, len(together))

	for _, field := range together {
		changes = append(changes, cases[field].change)
		delete(cases, field)
	}

	cases["together"] = reference{"None of " + strings.Join(together, ", ") + " is looked for elsewhere.", func(c *v1alpha1.MultigresCluster) {
		for _, change := range changes {
			change(c)
		}
	}}

	if err := installed(); err != nil {
		t.Fatal(err)
	}

	theirs := namespace(t)
	tls := map[string][]byte{"password": []byte(marker), "ca.crt": []byte(marker), "tls.crt": []byte(marker), "tls.key": []byte(marker), "AWS_ACCESS_KEY_ID": []byte(marker)}
	labels := map[string]string{marker: marker}
	stateless := &v1alpha1.StatelessSpec{PodLabels: v1alpha1.PodLabels(labels)}

	own := []client.Object{
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Data: tls},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Data: map[string]string{"postgresql.conf": "application_name = '" + marker + "'", "sampling": marker}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}},
		&v1alpha1.CoreTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.CoreTemplateSpec{Multiadmin: stateless}},
		&v1alpha1.CellTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.CellTemplateSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: *stateless}}},
		&v1alpha1.ShardTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{StatelessSpec: *stateless}}},
	}
	create(t, shared.Client(), own...)

	// The first returns when all the others have ended.
	t.Run("Of", func(t *testing.T) {
		for field, tc := range cases {
			t.Run(field, func(t *testing.T) {
				t.Parallel()

				shown := scenario(t)
				ns := namespace(t)
				mallory := team(t, ns, "mallory-"+strings.ToLower(field))

				c := minimal(ns, "tenant", tc.change)
				create(t, mallory, c)

				// Composed, or refused: whichever, it has been looked at as it is.
				eventually(t, "cluster has been looked at", func(ctx context.Context) error {
					if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(c), c); err != nil {
						return err
					}
					for _, cond := range c.Status.Conditions {
						if cond.Type == "Synced" && cond.ObservedGeneration >= c.GetGeneration() {
							return nil
						}
					}

					return errors.Wrapf(errNotYet, "%+v", c.Status.Conditions)
				})

				all := quiet(t, ns)
				for what, o := range all {
					b, err := o.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}

					for _, leaked := range []string{theirs, marker, base64.StdEncoding.EncodeToString([]byte(marker))} {
						if bytes.Contains(b, []byte(leaked)) {
							t.Errorf("%s\n%s should not hold %s", tc.reason, what, leaked)
						}
					}
				}

				shown("%d objects, none knows of the other namespace", len(all))
			})
		}
	})

	for _, o := range own {
		before := o.GetResourceVersion()
		if err := shared.Client().Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil || o.GetResourceVersion() != before {
			t.Errorf("%T %s of the other namespace should not have changed: %v", o, name, err)
		}
	}
}

// unowned are the fields that refer to what belongs to no namespace, and why it is no tenant's.
var unowned = map[string]string{
	"storage.class":           "Storage classes are the platform's.",
	"pools.priorityClassName": "Priority classes are the platform's.",
}

// refers matches the name of a field that refers to something.
var refers = regexp.MustCompile(`(?i)(ref|secret|secretname|secrets|template|serviceaccountname|class|classname)$`)

// references are the fields of a cluster that refer to something, with what they are fields of.
func references(t *testing.T) map[string]bool {
	t.Helper()

	all, err := manifest.ReadFile("../../package/configuration/xrd-multigresclusters.yaml")
	if err != nil {
		t.Fatal(err)
	}

	versions, _, _ := unstructured.NestedSlice(all[0].Object, "spec", "versions")
	version, _ := versions[0].(map[string]any)
	spec, ok, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec")

	if !ok {
		t.Fatal("cannot find the schema of a cluster's spec")
	}

	found := map[string]bool{}

	var walk func(name string, schema map[string]any)

	walk = func(name string, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for field, s := range properties {
			if refers.MatchString(field) {
				found[strings.TrimPrefix(name+"."+field, ".")] = true
			}

			s, _ := s.(map[string]any)
			walk(field, s)
		}

		for _, of := range []string{"items", "additionalProperties"} {
			if s, ok := schema[of].(map[string]any); ok {
				walk(name, s)
			}
		}
	}

	walk("", spec)

	return found
}
