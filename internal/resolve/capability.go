package resolve

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A capability says what one version of Multigres can do. What it cannot is no property of our API, so the schema allows it and
// this table is the one place that refuses it.
type capability struct {
	// version of Multigres.
	version string

	// databases, tableGroups and shards are the names that it serves.
	databases, tableGroups, shards []string

	// implementations of a topology server that it has.
	implementations []string

	// encryption says whether backups can be encrypted.
	encryption bool

	// minPoolers is the smallest shard that accepts writes.
	minPoolers int32

	// idSeparator stands between the cell and the id of a component in the id that PostgreSQL knows it by, and so in neither.
	idSeparator string

	// maxID is the length of that id, serviceID that of the component's part.
	maxID, serviceID int
}

// capabilities are those of Multigres v0.1.0. Its gateway routes to one database and one table group whatever a client asks
// for, its multipooler has no flag for the keys of encrypted backups, its poolers refuse to start for other table groups and shards, and its leader accepts no policy that one pooler fulfils.
// An id is an application_name of PostgreSQL, which cuts it at 63 characters.
var capabilities = capability{
	version:         "v0.1.0",
	databases:       []string{"postgres"},
	tableGroups:     []string{"default"},
	shards:          []string{"0-inf"},
	implementations: []string{"etcd"},
	encryption:      false,
	minPoolers:      2,
	idSeparator:     "_",
	maxID:           63,
	serviceID:       10,
}

// says starts a sentence about what this version does.
func (c capability) says(sentence string) string {
	return "Multigres " + c.version + " " + sentence
}

func (c capability) checkDatabase(name string, path *field.Path) *field.Error {
	return c.checkName(name, "database", c.databases, path)
}

func (c capability) checkTableGroup(name string, path *field.Path) *field.Error {
	return c.checkName(name, "table group", c.tableGroups, path)
}

func (c capability) checkShard(name string, path *field.Path) *field.Error {
	return c.checkName(name, "shard", c.shards, path)
}

func (c capability) checkImplementation(name string, path *field.Path) *field.Error {
	return c.checkName(name, "topology server", c.implementations, path)
}

func (c capability) checkName(name, kind string, served []string, path *field.Path) *field.Error {
	if slices.Contains(served, name) {
		return nil
	}
	return field.Invalid(path, name, c.says(fmt.Sprintf("serves only the %s %q", kind, strings.Join(served, `", "`))))
}

// checkEncryption refuses a wish that would be ignored: backups that everybody takes for encrypted and that are not.
func (c capability) checkEncryption(wanted bool, path *field.Path) *field.Error {
	if !wanted || c.encryption {
		return nil
	}
	return field.Forbidden(path, c.says("cannot encrypt backups"))
}

// checkCell refuses the name of a cell that leaves no room for, or cannot be told from, the id of a component.
func (c capability) checkCell(name string, path *field.Path) *field.Error {
	if strings.Contains(name, c.idSeparator) {
		return field.Invalid(path, name, c.says(fmt.Sprintf("does not allow %q in the name of a cell", c.idSeparator)))
	}
	if longest := c.maxID - c.serviceID - len(c.idSeparator); len(name) > longest {
		return field.TooLong(path, name, longest)
	}
	return nil
}

func (c capability) checkPoolers(n int32, path *field.Path) *field.Error {
	if n >= c.minPoolers {
		return nil
	}
	return field.Invalid(path, n, c.says(fmt.Sprintf("needs at least %d poolers in all pools and cells of a shard", c.minPoolers)))
}
