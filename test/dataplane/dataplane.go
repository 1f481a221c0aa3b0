// Package dataplane plays what runs in the pods of clusters, for tests: a
// topology server is one real etcd whose data is its volume's, and poolers are
// simulated (package pooler), with the records that they leave in it. Data stays
// as long as the volume does, as on a disk.
package dataplane

import (
	"context"
	"sync"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/test/kubelet"
)

// errNotYet is why a program is not ready that is on its way.
var errNotYet = errors.New("not yet")

// DataPlane holds what runs. Its methods may be called by several goroutines.
type DataPlane struct {
	ctx    context.Context //nolint:containedctx // What runs here ends with it.
	dir    string
	client client.Client

	mu    sync.Mutex
	topos map[string]*topology

	// Shards look up topologies while they are locked.
	shardsMu sync.Mutex
	shards   map[string]*shard
	starting map[string]*sync.Mutex
}

// New returns an empty data plane that keeps its data in a folder, looks at
// volumes with a client, and ends with the context.
func New(ctx context.Context, dir string, c client.Client) *DataPlane {
	return &DataPlane{ctx: ctx, dir: dir, client: c, topos: map[string]*topology{}, shards: map[string]*shard{}, starting: map[string]*sync.Mutex{}}
}

// Run runs what is in the pods of topology servers and pools.
func (d *DataPlane) Run(_ context.Context, k *kubelet.Kubelet, pod *corev1.Pod) (*kubelet.Container, error) {
	switch pod.GetLabels()[labelComponent] {
	case componentGlobalTopo, componentLocalTopo:
		return d.member(pod), nil
	case componentPool:
		return d.pooler(k, pod)
	default:
		return nil, nil
	}
}

// volume returns the name of the volume behind a claim.
func (d *DataPlane) volume(ctx context.Context, namespace, claim string) (string, error) {
	pvc := &corev1.PersistentVolumeClaim{}
	if err := d.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: claim}, pvc); err != nil {
		return "", errors.Wrap(err, "cannot get claim")
	}

	if pvc.Spec.VolumeName == "" {
		return "", errors.Wrapf(errNotYet, "claim %s is not bound", claim)
	}

	return pvc.Spec.VolumeName, nil
}
