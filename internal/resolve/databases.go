package resolve

import (
	"cmp"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
)

// Names of the system catalogue, which a cluster has if its spec names nothing else.
const (
	systemDatabase   v1alpha1.DatabaseName   = "postgres"
	systemTableGroup v1alpha1.TableGroupName = "default"
	systemShard      v1alpha1.ShardName      = "0-inf"
)

// A databaseEntry is a database of the spec, or one of the system catalogue. The path of an entry that is not in the spec is
// that of the list that lacks it.
type databaseEntry struct {
	config      v1alpha1.DatabaseConfig
	path        *field.Path
	tableGroups []tableGroupEntry
}

type tableGroupEntry struct {
	config v1alpha1.TableGroupConfig
	path   *field.Path
	shards []shardEntry
}

type shardEntry struct {
	config v1alpha1.ShardConfig
	path   *field.Path
}

// catalogue returns the databases of the spec with what it leaves out: a database, its table group, its shard.
func (r *resolver) catalogue() []databaseEntry {
	path := r.root.Child("databases")
	if len(r.spec.Databases) == 0 {
		db := v1alpha1.DatabaseConfig{Name: systemDatabase, Default: true}
		return []databaseEntry{{config: db, path: path, tableGroups: tableGroups(db, path)}}
	}
	var out []databaseEntry
	for i, db := range r.spec.Databases {
		out = append(out, databaseEntry{config: db, path: path.Index(i), tableGroups: tableGroups(db, path.Index(i))})
	}
	return out
}

func tableGroups(db v1alpha1.DatabaseConfig, path *field.Path) []tableGroupEntry {
	path = path.Child("tablegroups")
	if len(db.TableGroups) == 0 {
		tg := v1alpha1.TableGroupConfig{Name: systemTableGroup, Default: true}
		return []tableGroupEntry{{config: tg, path: path, shards: shards(tg, path)}}
	}
	var out []tableGroupEntry
	for i, tg := range db.TableGroups {
		out = append(out, tableGroupEntry{config: tg, path: path.Index(i), shards: shards(tg, path.Index(i))})
	}
	return out
}

func shards(tg v1alpha1.TableGroupConfig, path *field.Path) []shardEntry {
	path = path.Child("shards")
	if len(tg.Shards) == 0 {
		return []shardEntry{{config: v1alpha1.ShardConfig{Name: systemShard}, path: path}}
	}
	var out []shardEntry
	for i, sh := range tg.Shards {
		out = append(out, shardEntry{config: sh, path: path.Index(i)})
	}
	return out
}

// resolveDatabases resolves the databases of the cluster down to their shards.
func (r *resolver) resolveDatabases() {
	for _, e := range r.catalogue() {
		r.fail(capabilities.checkDatabase(string(e.config.Name), e.path.Child("name")))
		r.checkDurabilityName(e.config.DurabilityPolicy, e.path.Child("durabilityPolicy"))

		db := Database{
			Name:       string(e.config.Name),
			Backup:     inheritBackup(e.config.Backup, r.out.Backup),
			Durability: cmp.Or(e.config.DurabilityPolicy, r.out.Durability),
		}
		for _, tg := range e.tableGroups {
			db.TableGroups = append(db.TableGroups, r.tableGroup(db, e, tg))
		}
		r.out.Databases = append(r.out.Databases, db)
	}
}

func (r *resolver) tableGroup(db Database, de databaseEntry, e tableGroupEntry) TableGroup {
	r.fail(capabilities.checkTableGroup(string(e.config.Name), e.path.Child("name")))
	out := TableGroup{
		Name:              string(e.config.Name),
		Default:           e.config.Default,
		PVCDeletionPolicy: inheritPVC(e.config.PVCDeletionPolicy, r.out.PVCDeletionPolicy),
		Backup:            inheritBackup(e.config.Backup, db.Backup),
	}
	levels := []backupLevel{
		{config: r.spec.Backup, path: r.root.Child("backup")},
		{config: de.config.Backup, path: de.path.Child("backup")},
		{config: e.config.Backup, path: e.path.Child("backup")},
	}
	r.checkBackupSource(db.Name, db.Backup, levels[2], out.Backup)

	durabilityPath := r.root.Child("durabilityPolicy")
	if de.config.DurabilityPolicy != "" {
		durabilityPath = de.path.Child("durabilityPolicy")
	}
	for _, sh := range e.shards {
		resolved := r.shard(out, sh)
		level := backupLevel{config: sh.config.Backup, path: sh.path.Child("backup")}
		r.checkBackupSource(db.Name, db.Backup, level, *resolved.Backup)
		r.checkBackup(*resolved.Backup, append(levels[:3:3], level))
		r.checkDurability(db, out, resolved, durabilityPath, sh.path)
		out.Shards = append(out.Shards, resolved)
	}
	return out
}
