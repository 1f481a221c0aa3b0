package shardrecord

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/reconciler/managed"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
)

// SetupGated sets up the controller of ShardRecords once the API server serves them. Pods, Secrets and the topology's records of
// a shard wake it.
func SetupGated(mgr ctrl.Manager, o setup.Options, l *topology.Layer) {
	kube := mgr.GetClient()
	clients := NewClients(kube, mgr.GetAPIReader(), time.Now)
	topology.SetupGated(mgr, o, l, topology.Kind[*v1alpha1.ShardRecord]{
		GroupVersionKind: v1alpha1.ShardRecordGroupVersionKind,
		Managed:          &v1alpha1.ShardRecord{},
		List:             &v1alpha1.ShardRecordList{},
		Wakes:            globalPaths,
		Client: func(c *topology.Connection) managed.TypedExternalClient[*v1alpha1.ShardRecord] {
			return clients.For(connection{c})
		},
		Watches: []setup.Watch{
			{Name: "Pod", Object: &corev1.Pod{}, MetadataOnly: true, Map: wokenBy(kube, hasPod)},
			{Name: "Secret", Object: &corev1.Secret{}, MetadataOnly: true, Map: wokenBy(kube, hasSecret)},
		},
	})
}

// connection is a Connection of the layer below.
type connection struct {
	*topology.Connection
}

// LetGo says whether nobody needs what is left at places that do not answer.
func (c connection) LetGo(ctx context.Context, places ...Place) bool {
	out := make([]topology.Place, 0, len(places))
	for _, p := range places {
		out = append(out, c.PlaceAt(p.Endpoints, p.Root))
	}
	return c.Connection.LetGo(ctx, out...)
}
