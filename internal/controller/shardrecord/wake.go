package shardrecord

import (
	"context"
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// globalPaths are the paths in the global topology whose changes concern a shard: where its cells are, and who claimed it.
func globalPaths(mg *v1alpha1.ShardRecord) []topo.Path {
	p := mg.Spec.ForProvider
	out := []topo.Path{topo.ShardInitClaimPath(p.Database, p.TableGroup, p.Shard)}
	for _, c := range p.Cells {
		out = append(out, topo.CellPath(c))
	}
	return out
}

// wokenBy returns the ShardRecords of an object's namespace that it concerns.
func wokenBy(kube client.Reader, concerns func(p v1alpha1.ShardRecordParameters, name string) bool) func(context.Context, client.Object) ([]reconcile.Request, error) {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		l := &v1alpha1.ShardRecordList{}
		if err := kube.List(ctx, l, client.InNamespace(obj.GetNamespace())); err != nil {
			return nil, errors.Wrap(err, "cannot list ShardRecords")
		}
		var out []reconcile.Request
		for i := range l.Items {
			if concerns(l.Items[i].Spec.ForProvider, obj.GetName()) {
				out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&l.Items[i])})
			}
		}
		return out, nil
	}
}

// hasPod is true if a pod is one of a shard's poolers or orchestrators.
func hasPod(p v1alpha1.ShardRecordParameters, name string) bool {
	is := func(m v1alpha1.ShardPooler) bool { return m.Pod == name }
	if slices.ContainsFunc(p.Poolers, is) || slices.ContainsFunc(p.Removed, is) {
		return true
	}
	i := strings.LastIndexByte(name, '-')
	return i > 0 && slices.ContainsFunc(p.Orchestrators, func(o v1alpha1.ShardOrchestrators) bool { return o.StatefulSet == name[:i] })
}

// hasSecret is true if a Secret is one of a shard's TLS.
func hasSecret(p v1alpha1.ShardRecordParameters, name string) bool {
	return p.TLS != nil && (p.TLS.CASecretName == name || p.TLS.CertSecretName == name)
}
