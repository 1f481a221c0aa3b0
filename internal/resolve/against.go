package resolve

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// Shrunk returns a problem if a volume would become smaller. Sizes are Kubernetes quantities; one that is none is no problem
// here.
func Shrunk(path *field.Path, from, to string) *field.Error {
	a, ok := parseSize(from)
	if !ok {
		return nil
	}
	b, ok := parseSize(to)
	if !ok || b.Cmp(a) >= 0 {
		return nil
	}
	return field.Forbidden(path, fmt.Sprintf("a volume cannot shrink from %s to %s", from, to))
}

// CheckAgainst returns what cannot be changed in the life of a cluster, but has been since prev, the effective configuration in
// its status. The schema refuses such changes within one object; this finds those that come from a template, from choosing
// another one, and from dropping a block. A nil prev, that of a new cluster, allows everything.
func (c *Cluster) CheckAgainst(prev *v1alpha1.EffectiveConfig) field.ErrorList {
	if prev == nil {
		return nil
	}
	root := field.NewPath("spec")
	errs := c.GlobalTopo.checkAgainst(prev.GlobalTopoServer, c.Templates.GlobalTopoServer, root.Child("globalTopoServer", "etcd"))
	if prev.Superuser != "" && prev.Superuser != c.Superuser {
		errs = append(errs, field.Forbidden(root.Child("postgresSuperuser"), fmt.Sprintf("cannot change from %q: a database is created with its superuser", prev.Superuser)))
	}

	sizes := make(map[string]string)
	for _, sh := range prev.Shards {
		for _, p := range sh.Pools {
			sizes[poolID(sh.Database, sh.TableGroup, sh.Name, p.Name)] = p.Size
		}
	}
	for i, db := range c.Databases {
		for j, tg := range db.TableGroups {
			for k, sh := range tg.Shards {
				path := root.Child("databases").Index(i).Child("tablegroups").Index(j).Child("shards").Index(k)
				errs = append(errs, fromTemplate("ShardTemplate", sh.Template, sh.checkAgainst(sizes, db.Name, tg.Name, path))...)
			}
		}
	}
	return errs
}

func (g GlobalTopo) checkAgainst(prev *v1alpha1.EffectiveTopoServer, template string, path *field.Path) field.ErrorList {
	if g.Managed == nil || g.Managed.Etcd == nil || prev == nil || prev.Replicas == nil {
		return nil
	}
	var errs field.ErrorList
	if now := ptr.Deref(g.Managed.Etcd.Replicas, 0); now != *prev.Replicas {
		errs = append(errs, field.Forbidden(path.Child("replicas"), fmt.Sprintf("cannot change from %d to %d: the members of an etcd are decided once", *prev.Replicas, now)))
	}
	if err := Shrunk(path.Child("storage", "size"), prev.Size, g.Managed.Etcd.Storage.Size); err != nil {
		errs = append(errs, err)
	}
	return fromTemplate("CoreTemplate", template, errs)
}

func (s Shard) checkAgainst(sizes map[string]string, database, tableGroup string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, p := range s.effective(database, tableGroup).Pools {
		at := path.Child("pools").Key(p.Name).Child("storage", "size")
		if err := Shrunk(at, sizes[poolID(database, tableGroup, s.Name, p.Name)], p.Size); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// poolID tells pools apart. None of the names holds a slash.
func poolID(database, tableGroup, shard, pool string) string {
	return database + "/" + tableGroup + "/" + shard + "/" + pool
}
