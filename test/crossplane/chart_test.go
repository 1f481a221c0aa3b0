package crossplane

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestChart shows that the chart's rights are rendered as Helm does.
func TestChart(t *testing.T) {
	cluster := os.Getenv(EnvCluster)
	if cluster == "" {
		t.Fatalf("environment variable %s is not set, run `make integration`", EnvCluster)
	}

	objects, err := chartObjects(filepath.Join(cluster, "charts", "crossplane"), rights...)
	if err != nil {
		t.Fatal(err)
	}

	got := make([]string, 0, len(objects))
	for _, o := range objects {
		got = append(got, o.GetKind()+" "+o.GetName())
	}
	slices.Sort(got)

	want := []string{
		"ClusterRole crossplane", "ClusterRole crossplane-admin", "ClusterRole crossplane-browse", "ClusterRole crossplane-edit",
		"ClusterRole crossplane-rbac-manager", "ClusterRole crossplane-view", "ClusterRole crossplane:aggregate-to-admin",
		"ClusterRole crossplane:aggregate-to-browse", "ClusterRole crossplane:aggregate-to-edit", "ClusterRole crossplane:aggregate-to-view",
		"ClusterRole crossplane:allowed-provider-permissions", "ClusterRole crossplane:system:aggregate-to-crossplane",
		"ClusterRoleBinding crossplane", "ClusterRoleBinding crossplane-admin", "ClusterRoleBinding crossplane-rbac-manager",
		"ServiceAccount crossplane", "ServiceAccount rbac-manager",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("chartObjects(): -want, +got:\n%s", diff)
	}

	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "ServiceAccount" && o.GetName() == release
	})
	labels := map[string]string{
		"app": "crossplane", "helm.sh/chart": "crossplane-0.0.1", "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/component": "cloud-infrastructure-controller",
		"app.kubernetes.io/part-of": "crossplane", "app.kubernetes.io/name": "crossplane", "app.kubernetes.io/instance": "crossplane", "app.kubernetes.io/version": "0.0.1",
	}
	if diff := cmp.Diff(labels, objects[i].GetLabels()); diff != "" {
		t.Errorf("labels: -want, +got:\n%s", diff)
	}

	if _, err := chartObjects(filepath.Join(cluster, "charts", "crossplane"), "no-such-template"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a template that does not exist: got %v", err)
	}
}
