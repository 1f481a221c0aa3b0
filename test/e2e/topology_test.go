package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

// topologyKeys are the topology's records of a cluster, without those of fencing.
func topologyKeys(ctx context.Context, ns, cluster string) ([]string, error) {
	s := shared.DataPlane.Topology(ns, cluster+"-global-topo")
	if s == nil {
		return nil, errors.Wrap(errNotYet, "topology server does not run")
	}

	return topologyKeysAt(ctx, s.Address)
}

// topologyKeysAt are the same of a topology server at an address.
func topologyKeysAt(ctx context.Context, address string) ([]string, error) {
	e, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, DialTimeout: converge, Logger: zap.NewNop()})
	if err != nil {
		return nil, errors.Wrap(err, "cannot make client")
	}
	defer e.Close()

	res, err := e.Get(ctx, "/multigres/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, errors.Wrap(err, "cannot read keys")
	}

	var all []string
	for _, kv := range res.Kvs {
		if !strings.Contains(string(kv.Key), "/crossplane/") {
			all = append(all, string(kv.Key))
		}
	}

	return all, nil
}

// keys are the same, for a server that answers.
func keys(t *testing.T, ns, cluster string) []string {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), converge)
	defer cancel()

	all, err := topologyKeys(ctx, ns, cluster)
	if err != nil {
		t.Fatal(err)
	}

	return all
}

// keysAt are the same of a topology server at an address.
func keysAt(t *testing.T, address string) []string {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), converge)
	defer cancel()

	all, err := topologyKeysAt(ctx, address)
	if err != nil {
		t.Fatal(err)
	}

	return all
}

// poolersOf are those keys that are records of poolers.
func poolersOf(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !strings.Contains(key, "/poolers/") })
}

// lasting are those keys that are the same after a cluster is deleted and made
// again on its volumes: a shard that has data is not initialized again, so
// nobody claims to do that.
func lasting(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return strings.HasSuffix(key, "/ShardInitClaim") })
}

// poolers are the UIDs of a cluster's pool pods.
func poolers(t *testing.T, ns, cluster string) map[string]types.UID {
	t.Helper()

	pods := &corev1.PodList{}
	component(t, pods, ns, cluster, naming.ComponentShardPool)

	m := map[string]types.UID{}
	for _, p := range pods.Items {
		m[p.GetName()] = p.GetUID()
	}

	return m
}
