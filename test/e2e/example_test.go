package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
	"github.com/crossplane-multigres/crossplane-multigres/test/certificate"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
)

// others are the stories of examples that this test has no place for, and why.
var others = map[string]string{
	"running-cluster": "It is a Shard alone, among objects that are observed.",
	"scale-down":      "It is a Shard at one moment of a change.",
	"cell-removed":    "It is a Shard at one moment of a change.",
	"invalid":         "Nothing is composed of it: TestInvalid.",
}

// beside is what some examples expect of others, and is no manifest.
var beside = map[string]func(*testing.T, string){
	"s3-backup":     serviceAccount,
	"external-etcd": externalEtcd,
}

// examples are the names of all.
func examples(t *testing.T) []string {
	t.Helper()

	files, err := filepath.Glob("../../examples/*/xr.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("cannot find examples: %v", err)
	}

	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}

	return names
}

// serviceAccount makes the one that example s3-backup tells its user to make.
func serviceAccount(t *testing.T, ns string) {
	t.Helper()
	create(t, shared.Client(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "postgres-backup"}})
}

// lastingDir is a folder that stays until the platform ends, as clusters do not
// end with their tests.
func lastingDir(t *testing.T) string {
	t.Helper()

	dir, err := os.MkdirTemp(shared.Dir(), "lasting-") //nolint:usetesting // The reason is above.
	if err != nil {
		t.Fatal(err)
	}

	return dir
}

// lastingEtcd is an etcd that runs for as long.
func lastingEtcd(t *testing.T, dir string, args ...string) *etcd.Server {
	t.Helper()

	e, err := etcd.New(dir, args...)
	if err != nil {
		t.Fatal(err)
	}

	return e
}

// externalEtcd runs the one that example external-etcd names, which lets in who
// shows a certificate, and makes the Secrets by which the cluster does.
func externalEtcd(t *testing.T, ns string) {
	t.Helper()

	hosts := []string{"etcd-0.etcd.infra.svc", "etcd-1.etcd.infra.svc"}

	a, err := certificate.NewAuthority("etcd")
	if err != nil {
		t.Fatal(err)
	}

	server, err := a.Issue(certificate.Subject{User: "etcd", Names: hosts})
	if err != nil {
		t.Fatal(err)
	}

	user, err := a.Issue(certificate.Subject{User: "multigres"})
	if err != nil {
		t.Fatal(err)
	}

	dir := lastingDir(t)
	base := filepath.Join(dir, "etcd")
	if err := errors.Join(server.Write(base), os.WriteFile(base+".ca", a.Cert, 0o600)); err != nil {
		t.Fatal(err)
	}

	e := lastingEtcd(t, dir, "--client-cert-auth", "--trusted-ca-file="+base+".ca", "--cert-file="+base+".crt", "--key-file="+base+".key")

	for _, host := range hosts {
		shared.Kubelet.Network.Host(host, e.Address)
	}

	create(t, shared.Client(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "etcd-ca"}, Data: map[string][]byte{"ca.crt": a.Cert}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "etcd-client"}, Data: map[string][]byte{"tls.crt": user.Cert, "tls.key": user.Key}},
	)
}

// readExample returns an example's cluster, and what it needs beside it, in a namespace.
func readExample(t *testing.T, name, ns string) (root *unstructured.Unstructured, required []*unstructured.Unstructured) {
	t.Helper()

	dir := filepath.Join("..", "..", "examples", name)

	for _, file := range []string{"xr.yaml", "templates.yaml", "required.yaml"} {
		all, err := manifest.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}

		for _, o := range all {
			o.SetNamespace(ns)

			if render.IsRoot(o) {
				root = o
			} else {
				required = append(required, o)
			}
		}
	}

	if root == nil {
		t.Fatalf("example %s has no cluster", name)
	}

	return root, required
}

// TestInvalid shows that nothing is made of a cluster that cannot work, and that
// it says why.
func TestInvalid(t *testing.T) {
	t.Parallel()

	shown := scenario(t)
	ns := namespace(t)
	root, _ := readExample(t, "invalid", ns)
	create(t, shared.Client(), root)

	var message string

	eventually(t, "cluster is refused", func(ctx context.Context) error {
		if err := shared.Client().Get(ctx, client.ObjectKeyFromObject(root), root); err != nil {
			return err
		}

		conditions, _, _ := unstructured.NestedSlice(root.Object, "status", "conditions")

		i := slices.IndexFunc(conditions, func(c any) bool {
			m, _ := c.(map[string]any)

			return m["type"] == compose.TypeValid && m["reason"] == compose.ReasonSpecInvalid
		})
		if i < 0 {
			return errors.Wrapf(errNotYet, "%v", conditions)
		}

		m, _ := conditions[i].(map[string]any)
		message, _ = m["message"].(string)

		return nil
	})

	if all := quiet(t, ns); len(all) != 1 {
		t.Errorf("there should be the cluster alone, not %d objects", len(all))
	}

	shown("nothing composed: %s", message)
}
