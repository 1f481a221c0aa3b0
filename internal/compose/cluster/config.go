package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pgconf"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

// A configRef is a reference of one shard to lines of postgresql.conf in a ConfigMap.
type configRef struct {
	v1alpha1.PostgresConfigRef

	// path of the field that refers, or would if the template did not.
	path *field.Path

	// template is the name of the ShardTemplate that refers. Empty if the cluster itself does.
	template string
}

// configRefs returns the references of all shards, in the order of the spec. The cluster is the one that the spec resolves to.
func configRefs(spec *v1alpha1.MultigresClusterSpec, c *resolve.Cluster) []configRef {
	var out []configRef
	for i, db := range c.Databases {
		for j, tg := range db.TableGroups {
			for k, sh := range tg.Shards {
				if sh.PostgresConfigRef == nil {
					continue
				}
				ref := configRef{PostgresConfigRef: *sh.PostgresConfigRef}
				config, path := shardConfig(spec, i, j, k)
				ref.path, ref.template = refPath(config, path, sh.Template)
				out = append(out, ref)
			}
		}
	}
	return out
}

// shardConfig returns what the spec says of a shard and where. Of a shard that is there by default it says nothing.
func shardConfig(spec *v1alpha1.MultigresClusterSpec, i, j, k int) (v1alpha1.ShardConfig, *field.Path) {
	path := field.NewPath("spec", "databases")
	if i >= len(spec.Databases) {
		return v1alpha1.ShardConfig{}, path
	}
	path = path.Index(i).Child("tablegroups")
	if j >= len(spec.Databases[i].TableGroups) {
		return v1alpha1.ShardConfig{}, path
	}
	path = path.Index(j).Child("shards")
	if k >= len(spec.Databases[i].TableGroups[j].Shards) {
		return v1alpha1.ShardConfig{}, path
	}
	return spec.Databases[i].TableGroups[j].Shards[k], path.Index(k)
}

// refPath returns where a shard refers to its lines, and the template that does so if the shard itself does not.
func refPath(sh v1alpha1.ShardConfig, path *field.Path, template string) (*field.Path, string) {
	if sh.Spec != nil && sh.Spec.PostgresConfigRef != nil {
		return path.Child("spec", "postgresConfigRef"), ""
	}
	if sh.Overrides != nil && sh.Overrides.PostgresConfigRef != nil {
		return path.Child("overrides", "postgresConfigRef"), ""
	}
	return path.Child("postgresConfigRef"), template
}

// requireConfigs adds the ConfigMaps of the references to the requirements.
func requireConfigs(rs map[string]compose.Requirement, refs []configRef, namespace string) {
	for _, ref := range refs {
		rs[requireConfigMap+ref.Name] = compose.Requirement{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: ref.Name}
	}
}

// checkConfigs returns what is wrong with the ConfigMaps of the references: those that do not exist, keys that they lack, and
// lines that PostgreSQL would refuse. A shard would say so too, but only once there is one.
func checkConfigs(in compose.Input, refs []configRef) field.ErrorList {
	var errs field.ErrorList
	for _, ref := range refs {
		for _, err := range checkConfig(in, ref) {
			if ref.template != "" {
				err.Detail = fmt.Sprintf("%s (in ShardTemplate %q)", err.Detail, ref.template)
			}
			errs = append(errs, err)
		}
	}
	return errs
}

func checkConfig(in compose.Input, ref configRef) field.ErrorList {
	cm := in.Find(requireConfigMap + ref.Name)
	if !cm.Exists() {
		err := field.NotFound(ref.path.Child("name"), ref.Name)
		err.Detail = "there is no ConfigMap of this name in namespace " + in.XR.Namespace()
		return field.ErrorList{err}
	}
	if !cm.Has("data", ref.Key) {
		err := field.NotFound(ref.path.Child("key"), ref.Key)
		err.Detail = "ConfigMap " + ref.Name + " has no such key"
		return field.ErrorList{err}
	}
	return pgconf.ValidateText(cm.String("data", ref.Key), ref.path)
}
