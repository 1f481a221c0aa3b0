package topology

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/resource"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/mapper"
)

// indexConfig is the field index from configurations, by kind and name, to the managed resources that refer to them.
const indexConfig = "providerConfig"

func indexByConfig(obj client.Object) []string {
	mg, ok := obj.(resource.ModernManaged)
	if !ok {
		return nil
	}
	kind, name, err := reference(mg)
	if err != nil {
		return nil
	}
	return []string{configName(kind, name)}
}

// configWatches wake the managed resources of a list when their configuration changes, or a Secret that it names.
func configWatches(kube client.Reader, list client.ObjectList) []setup.Watch {
	// The status, which counts who uses a configuration, changes nothing for them.
	spec := []predicate.Predicate{predicate.GenerationChangedPredicate{}}
	return []setup.Watch{
		{
			Name: v1alpha1.ProviderConfigKind, Object: &v1alpha1.ProviderConfig{}, Predicates: spec,
			Map: func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
				return usersOf(ctx, kube, list, obj.GetNamespace(), v1alpha1.ProviderConfigKind, obj.GetName())
			},
		},
		{
			Name: v1alpha1.ClusterProviderConfigKind, Object: &v1alpha1.ClusterProviderConfig{}, Predicates: spec,
			Map: func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
				return usersOf(ctx, kube, list, "", v1alpha1.ClusterProviderConfigKind, obj.GetName())
			},
		},
		{Name: "Secret", Object: &corev1.Secret{}, MetadataOnly: true, Map: usersOfSecret(kube, list)},
	}
}

// usersOf returns the managed resources that refer to a configuration, in one namespace or in all.
func usersOf(ctx context.Context, kube client.Reader, list client.ObjectList, namespace, kind, name string) ([]reconcile.Request, error) {
	found, ok := list.DeepCopyObject().(resource.ManagedList)
	if !ok {
		return nil, errors.Errorf("%T is no list of managed resources", list)
	}
	// No namespace is all of them.
	err := kube.List(ctx, found, client.InNamespace(namespace), client.MatchingFields{indexConfig: configName(kind, name)})
	return setup.Requests(found.GetItems()), errors.Wrapf(err, "cannot list managed resources of %s %q", kind, name)
}

// usersOfSecret maps a Secret to the managed resources whose configuration names it.
func usersOfSecret(kube client.Reader, list client.ObjectList) mapper.Func {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		configs, err := configsOfSecret(ctx, kube, client.ObjectKeyFromObject(obj))
		if err != nil {
			return nil, err
		}
		var out []reconcile.Request
		for _, c := range configs {
			reqs, err := usersOf(ctx, kube, list, c.object.GetNamespace(), c.kind, c.object.GetName())
			if err != nil {
				return out, err
			}
			out = append(out, reqs...)
		}
		return out, nil
	}
}

// configsOfSecret returns the configurations that name a Secret.
func configsOfSecret(ctx context.Context, kube client.Reader, secret client.ObjectKey) ([]*config, error) {
	local, global := &v1alpha1.ProviderConfigList{}, &v1alpha1.ClusterProviderConfigList{}
	if err := kube.List(ctx, local, client.InNamespace(secret.Namespace)); err != nil {
		return nil, errors.Wrap(err, "cannot list ProviderConfigs")
	}
	if err := kube.List(ctx, global); err != nil {
		return nil, errors.Wrap(err, "cannot list ClusterProviderConfigs")
	}
	var out []*config
	for i := range local.Items {
		out = named(out, fromConfig(&local.Items[i]), secret)
	}
	for i := range global.Items {
		out = named(out, fromClusterConfig(&global.Items[i]), secret)
	}
	return out, nil
}

// named returns configs with c, if that names a Secret.
func named(configs []*config, c *config, secret client.ObjectKey) []*config {
	for _, r := range c.secrets() {
		if r.key == secret {
			return append(configs, c)
		}
	}
	return configs
}

// ConfigsOfSecret maps a Secret to the configurations of a kind that name it.
func ConfigsOfSecret(kube client.Reader, kind string) mapper.Func {
	return func(ctx context.Context, obj client.Object) ([]reconcile.Request, error) {
		configs, err := configsOfSecret(ctx, kube, client.ObjectKeyFromObject(obj))
		var out []reconcile.Request
		for _, c := range configs {
			if c.kind == kind {
				out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(c.object)})
			}
		}
		return out, err
	}
}
