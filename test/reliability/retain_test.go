package reliability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// TestRetain deletes a cluster, follows the deletion to its end, and creates the cluster again: of everything that it was made of nothing is left
// but what Retain says, the volumes and the password, and with them all rows come back.
func TestRetain(t *testing.T) {
	c := the(t)
	s := watch(t, c)
	mgc, err := c.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	password := c.password(t)
	eventually(t, "there is something to lose", func(context.Context) error {
		if s.writer.Rows() < 100 {
			return errNotYet
		}
		return nil
	})
	s.writer.Stop()

	s.strike("deleted with Retain, created again", func() {
		if err := shared.client.Delete(t.Context(), mgc); err != nil {
			t.Fatalf("cannot delete cluster: %v", err)
		}
		want := []string{"Secret " + naming.PostgresPasswordSecret(c.name)}
		for name := range s.everyVolume() {
			want = append(want, "PersistentVolumeClaim "+name)
		}
		slices.Sort(want)
		eventually(t, "only what is retained is left", func(ctx context.Context) error {
			left, err := everything(ctx, c.namespace)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(want, left); diff != "" {
				return errors.Wrap(errNotYet, diff)
			}
			return nil
		})
		again := &v1alpha1.MultigresCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: c.name}, Spec: mgc.Spec}
		if err := shared.client.Create(t.Context(), again); err != nil {
			t.Fatalf("cannot create cluster again: %v", err)
		}
	})
	s.silent()
	if now := c.password(t); now != password {
		t.Error("the password is another one")
	}
	s.end()
}

func (c *cluster) password(t *testing.T) string {
	t.Helper()
	u := &unstructured.Unstructured{}
	u.SetAPIVersion("v1")
	u.SetKind("Secret")
	if err := shared.client.Get(t.Context(), client.ObjectKey{Namespace: c.namespace, Name: naming.ConnectionSecret(c.name)}, u); err != nil {
		t.Fatalf("cannot read connection: %v", err)
	}
	data, _, _ := unstructured.NestedString(u.Object, "data", "password")
	return data
}

// everyVolume are the volume claims of a namespace, those of the topology server and the backups included.
func (s *scenario) everyVolume() map[string]bool {
	s.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("PersistentVolumeClaimList")
	if err := shared.client.List(s.Context(), list, client.InNamespace(s.cluster.namespace)); err != nil {
		s.Fatalf("cannot list volumes: %v", err)
	}
	out := map[string]bool{}
	for _, v := range list.Items {
		out[v.GetName()] = true
	}
	return out
}

// everything is all that there is in a namespace and that Kubernetes does not put into each, by kind and name, sorted: whatever kind it may be of.
func everything(ctx context.Context, namespace string) ([]string, error) {
	api, err := discovery.NewDiscoveryClientForConfig(shared.rest)
	if err != nil {
		return nil, err
	}
	lists, err := api.ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, l := range lists {
		for _, r := range l.APIResources {
			// Events are told, not made. The API server makes slices of the endpoints.
			if !slices.Contains(r.Verbs, "list") || r.Kind == "Event" || r.Kind == "PodMetrics" {
				continue
			}
			found := &unstructured.UnstructuredList{}
			found.SetAPIVersion(l.GroupVersion)
			found.SetKind(r.Kind + "List")
			if err := shared.client.List(ctx, found, client.InNamespace(namespace)); err != nil {
				return nil, errors.Wrapf(err, "cannot list %s", r.Kind)
			}
			for _, o := range found.Items {
				name := fmt.Sprintf("%s %s", r.Kind, o.GetName())
				if !strings.HasSuffix(name, " kube-root-ca.crt") && name != "ServiceAccount default" {
					all = append(all, name)
				}
			}
		}
	}
	slices.Sort(all)
	return all, nil
}
