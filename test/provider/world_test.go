// Package provider tests the provider as a real process against a real API server and real topology servers: killed, suspended,
// cut off, with a cache that lags behind, and beside a second replica. Each test is one scenario with a namespace and a topology
// of its own.
package provider

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/crossplane-multigres/crossplane-multigres/test/controlplane"
	"github.com/crossplane-multigres/crossplane-multigres/test/etcd"
)

const (
	// envProvider is the path of the provider, built with the tag fault. `make integration` exports it.
	envProvider = "PROVIDER_FAULT_BIN"

	// roleName is the provider's ClusterRole in the manifest that users apply.
	roleName     = "multigres:provider"
	roleManifest = "../../package/install/install.yaml"
)

// auditPolicy records who asked for what. What controllers of Kubernetes itself ask for is left out.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
`

// The world that all scenarios share.
var (
	plane    *controlplane.ControlPlane
	topology *etcd.Server
	audit    string
	role     *rbacv1.ClusterRole
	scratch  string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer plane.Stop()
	defer topology.Kill()
	defer os.RemoveAll(scratch)
	return m.Run()
}

func start() error {
	// Warnings of the API server about what tests do on purpose are of no interest.
	ctrl.SetLogger(zap.New(zap.WriteTo(io.Discard)))
	if os.Getenv(envProvider) == "" {
		return errors.Errorf("environment variable %s is not set, run `make integration`", envProvider)
	}
	dir, err := os.MkdirTemp("", "provider-test-")
	if err != nil {
		return err
	}
	scratch = dir
	policy := filepath.Join(dir, "policy.yaml")
	audit = filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	if topology, err = etcd.New(dir); err != nil {
		return err
	}
	ctx := context.Background()
	plane, err = controlplane.New(ctx, controlplane.Options{
		ControllerManager: true,
		APIServerArgs: []string{
			"--audit-policy-file=" + policy, "--audit-log-path=" + audit,
			// OpenShift, for one, has it on: it checks the right to block the deletion of owners.
			"--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
		},
		CRDs: []string{"../../package/provider/crds"},
		Keep: &controlplane.Keep{Name: "provider"},
	})
	if err != nil {
		return err
	}
	if role, err = readRole(); err != nil {
		return err
	}
	return plane.Client().Create(ctx, role.DeepCopy())
}

// readRole reads the provider's rights from the manifest that users apply.
func readRole() (*rbacv1.ClusterRole, error) {
	b, err := os.ReadFile(roleManifest)
	if err != nil {
		return nil, err
	}
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(b), 4096)
	for {
		r := &rbacv1.ClusterRole{}
		// Other kinds in the file decode into one with a kind of their own.
		if err := d.Decode(r); err != nil {
			return nil, errors.Wrapf(err, "cannot find ClusterRole %s in %s", roleName, roleManifest)
		}
		if r.Kind == "ClusterRole" && r.Name == roleName {
			return r, nil
		}
	}
}

// bind grants the provider's rights to all service accounts of a namespace.
func bind(ns string) *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "provider-" + ns},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roleName},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:serviceaccounts:" + ns}},
	}
}
