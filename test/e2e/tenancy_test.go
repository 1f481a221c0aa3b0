package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// TestTenancy shows for every field that refers to something that it does not
// reach into another namespace: what has that name there is neither used nor
// named in anything that is composed.
func TestTenancy(t *testing.T) {
	const (
		name   = "theirs"
		marker = "marker-of-another-tenant"
	)

	pool := func(c *v1alpha1.MultigresCluster, change func(*v1alpha1.ShardOverrides)) {
		o := &v1alpha1.ShardOverrides{}
		change(o)
		c.Spec.Databases = []v1alpha1.DatabaseConfig{{Name: "postgres", Default: true, TableGroups: []v1alpha1.TableGroupConfig{{
			Name: "default", Default: true, Shards: []v1alpha1.ShardConfig{{Name: "0-inf", Overrides: o}},
		}}}}
	}

	cases := map[string]struct {
		reason string
		change func(*v1alpha1.MultigresCluster)
	}{
		"PostgresPasswordSecretRef": {"A password is read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.PostgresPasswordSecretRef = &v1alpha1.PostgresPasswordSecretRef{Name: name, Key: "password"}
		}},
		"CoreTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) { c.Spec.TemplateDefaults.CoreTemplate = name }},
		"CellTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) { c.Spec.TemplateDefaults.CellTemplate = name }},
		"ShardTemplate": {"Templates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.TemplateDefaults.ShardTemplate = name
		}},
		"MultiadminTemplateRef": {"So is a component's own.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Multiadmin = &v1alpha1.MultiadminConfig{TemplateRef: name}
		}},
		"GlobalTopoServerTemplateRef": {"So is the topology server's.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{TemplateRef: name}
		}},
		"PostgresConfigRef": {"Settings are read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			pool(c, func(o *v1alpha1.ShardOverrides) {
				o.PostgresConfigRef = &v1alpha1.PostgresConfigRef{Name: name, Key: "postgresql.conf"}
			})
		}},
		"ExternalCASecret": {"An external topology's certificates are read from the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.GlobalTopoServer = &v1alpha1.GlobalTopoServerSpec{External: &v1alpha1.ExternalTopoServerSpec{
				Endpoints: []v1alpha1.EndpointURL{"https://127.0.0.1:1"}, CASecret: name, ClientCertSecret: name,
			}}
		}},
		"BackupCredentials": {"A bucket's credentials are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupS3, S3: &v1alpha1.S3BackupConfig{Bucket: "b", Region: "eu-west-1", CredentialsSecret: name}}
		}},
		"PgBackRestTLSSecret": {"pgBackRest's certificates are those of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Backup = &v1alpha1.BackupConfig{Type: v1alpha1.BackupFilesystem, Filesystem: &v1alpha1.FilesystemBackupConfig{Path: "/backups"}, PgBackRestTLS: &v1alpha1.PgBackRestTLSConfig{SecretName: name}}
		}},
		"SamplingConfigRef": {"Tracing's sampling is that of the cluster's namespace.", func(c *v1alpha1.MultigresCluster) {
			c.Spec.Observability = &v1alpha1.ObservabilityConfig{OTLPEndpoint: "http://127.0.0.1:4318", SamplingConfigRef: &v1alpha1.SamplingConfigRef{Name: name, Key: "sampling"}}
		}},
	}

	theirs := namespace(t)
	tls := map[string][]byte{"password": []byte(marker), "ca.crt": []byte(marker), "tls.crt": []byte(marker), "tls.key": []byte(marker), "AWS_ACCESS_KEY_ID": []byte(marker)}
	labels := map[string]string{marker: marker}
	stateless := &v1alpha1.StatelessSpec{PodLabels: v1alpha1.PodLabels(labels)}

	create(t, shared.Client(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Data: tls},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Data: map[string]string{"postgresql.conf": "application_name = '" + marker + "'", "sampling": marker}},
		&v1alpha1.CoreTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.CoreTemplateSpec{Multiadmin: stateless}},
		&v1alpha1.CellTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.CellTemplateSpec{Multigateway: &v1alpha1.MultigatewaySpec{StatelessSpec: *stateless}}},
		&v1alpha1.ShardTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: theirs, Name: name}, Spec: v1alpha1.ShardTemplateSpec{Multiorch: &v1alpha1.MultiorchSpec{StatelessSpec: *stateless}}},
	)

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
}
