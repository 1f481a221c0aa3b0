package topology

import (
	"context"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

// InUse reports whether a managed resource refers to a configuration. It reads the managed resources themselves, past any cache:
// usages are deleted before what they stand for where a namespace is deleted, or an owner in the foreground.
func InUse(ctx context.Context, live client.Reader, pc resource.ProviderConfig) (bool, error) {
	kind := v1alpha1.ProviderConfigKind
	if _, ok := pc.(*v1alpha1.ClusterProviderConfig); ok {
		kind = v1alpha1.ClusterProviderConfigKind
	}
	wanted := configName(kind, pc.GetName())
	for _, list := range []resource.ManagedList{&v1alpha1.CellRecordList{}, &v1alpha1.DatabaseRecordList{}, &v1alpha1.ShardRecordList{}} {
		// No namespace is all of them.
		err := live.List(ctx, list, client.InNamespace(pc.GetNamespace()))
		if meta.IsNoMatchError(err) || kerrors.IsNotFound(err) {
			// Of a kind that is not served there are none.
			continue
		}
		if err != nil {
			return false, errors.Wrap(err, "cannot list managed resources")
		}
		if slices.ContainsFunc(list.GetItems(), func(mg resource.Managed) bool { return slices.Contains(indexByConfig(mg), wanted) }) {
			return true, nil
		}
	}
	return false, nil
}
