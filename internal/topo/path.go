package topo

import (
	"path"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
)

// Names of the folders and files that Multigres' topology client uses.
const (
	folderCells     = "cells"
	folderDatabases = "databases"
	folderPoolers   = "poolers"
	folderOrchs     = "orchs"
	folderBackups   = "backups"

	fileCell     = "Cell"
	fileDatabase = "Database"
	filePooler   = "Pooler"
	fileOrch     = "Orch"
	fileClaim    = "ShardInitClaim"
	fileLock     = "lock"
)

// Folders of this package's own keys.
const (
	folderOwners = "crossplane/owners"
	folderFence  = "crossplane/fence"
)

// A Path is where a record is, relative to the root, without a leading slash.
type Path string

// CellPath is the path of a Cell in the global topology.
func CellPath(cell string) Path {
	return Path(folderCells + "/" + cell + "/" + fileCell)
}

// DatabasePath is the path of a Database in the global topology.
func DatabasePath(database string) Path {
	return Path(folderDatabases + "/" + database + "/" + fileDatabase)
}

// ShardInitClaimPath is the path of a shard's ShardInitClaim in the global
// topology.
func ShardInitClaimPath(database, tableGroup, shard string) Path {
	return Path(folderDatabases + "/" + database + "/" + tableGroup + "/" + shard + "/" + fileClaim)
}

// BackupLeasePath is the path of the lease, in the global topology, that a
// pooler holds while it takes or removes backups of a shard.
func BackupLeasePath(database, tableGroup, shard string) Path {
	return Path(folderBackups + "/" + database + "/" + tableGroup + "/" + shard + "/" + fileLock)
}

// MultiPoolerPath is the path of a pooler in its cell's topology, which may have
// another root and other endpoints than the global one. The name is the
// pooler's service ID.
func MultiPoolerPath(cell, name string) Path {
	return Path(folderPoolers + "/multipooler-" + cell + "-" + name + "/" + filePooler)
}

// MultiOrchPath is the path of a coordinator in its cell's topology, which may
// have another root and other endpoints than the global one. The name is the
// coordinator's service ID.
func MultiOrchPath(cell, name string) Path {
	return Path(folderOrchs + "/multiorch-" + cell + "-" + name + "/" + fileOrch)
}

// check says whether p is a path that matches a pattern of path.Match and that
// cannot leave its folder.
func (p Path) check(pattern string) error {
	ok, err := path.Match(pattern, string(p))
	if err != nil {
		return errors.Wrapf(err, "cannot match pattern %q", pattern)
	}

	if !ok || path.Clean(string(p)) != string(p) {
		return invalid(errors.Errorf("%q is no path like %q", p, pattern))
	}

	return nil
}

// recordKey is the key of the record at p.
func (s *Store) recordKey(p Path) string { return path.Join(s.root, string(p)) }

// ownerKey is the key that names the owner of the record at p.
func (s *Store) ownerKey(p Path) string { return path.Join(s.root, folderOwners, string(p)) }

// fenceKey is the key of the fence that all of the store's writes compare.
func (s *Store) fenceKey() string { return path.Join(s.root, folderFence, s.identity) }
