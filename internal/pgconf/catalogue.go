package pgconf

import (
	_ "embed"
	"encoding/csv"
	"strconv"
	"strings"
	"sync"
)

// catalogueCSV holds one row per parameter of PostgreSQL 17: name, type,
// context, unit, minimum, maximum, enum values. It is what a server built with
// all options answers, without extensions loaded:
//
//	\copy (SELECT name, vartype, context, unit, min_val, max_val,
//	  array_to_string(enumvals, '|') FROM pg_settings WHERE name !~ '\.'
//	  ORDER BY lower(name) COLLATE "C") TO 'catalogue.csv' CSV
//
// The committed rows come from 17.11. extension_destdir is left out: only
// Debian's build knows it.
//
//go:embed catalogue.csv
var catalogueCSV string

// A Type is the type of a parameter's value.
type Type string

// The types of pg_settings.vartype.
const (
	TypeBool    Type = "bool"
	TypeInteger Type = "integer"
	TypeReal    Type = "real"
	TypeString  Type = "string"
	TypeEnum    Type = "enum"
)

// A Context says when a parameter's value may change.
type Context string

// The contexts of pg_settings.context. Internal values never change,
// postmaster values change at a restart, all others when the files are reread.
const (
	ContextInternal         Context = "internal"
	ContextPostmaster       Context = "postmaster"
	ContextSighup           Context = "sighup"
	ContextSuperuserBackend Context = "superuser-backend"
	ContextBackend          Context = "backend"
	ContextSuperuser        Context = "superuser"
	ContextUser             Context = "user"
)

// A Parameter describes one parameter of PostgreSQL.
type Parameter struct {
	// Name as PostgreSQL spells it. A few names have capitals; all are
	// compared without regard to case.
	Name    string
	Type    Type
	Context Context

	// Unit of a number that is given without one: B, kB, 8kB, MB, ms, s or
	// min. Empty for parameters that take no unit.
	Unit string

	// Min and Max of a number, in Unit.
	Min, Max float64

	// Values of an enum, as PostgreSQL lists them.
	Values []string
}

// The columns of catalogueCSV.
const (
	columnName = iota
	columnType
	columnContext
	columnUnit
	columnMin
	columnMax
	columnValues
	columns
)

// catalogue returns the parameters by lower-case name. It is read on first
// use, not at start, because most programs that link this package never ask.
var catalogue = sync.OnceValue(func() map[string]Parameter {
	// A malformed file yields a short catalogue; a test counts its rows.
	rows, _ := csv.NewReader(strings.NewReader(catalogueCSV)).ReadAll()

	all := make(map[string]Parameter, len(rows))
	for _, row := range rows {
		if len(row) != columns {
			continue
		}
		p := Parameter{
			Name:    row[columnName],
			Type:    Type(row[columnType]),
			Context: Context(row[columnContext]),
			Unit:    row[columnUnit],
		}
		p.Min, _ = strconv.ParseFloat(row[columnMin], 64)
		p.Max, _ = strconv.ParseFloat(row[columnMax], 64)
		if p.Type == TypeEnum {
			p.Values = strings.Split(row[columnValues], "|")
		}
		all[strings.ToLower(p.Name)] = p
	}
	return all
})

// Lookup returns the parameter of a name, in any case, and whether PostgreSQL
// 17 has it. Parameters of extensions, whose names hold a dot, are not known.
func Lookup(name string) (Parameter, bool) {
	p, ok := catalogue()[foldName(name)]
	return p, ok
}

// NeedsRestart says whether a change of a parameter takes effect only when the
// server restarts. Parameters nobody knows, those of extensions among them,
// count as such: a restart is right for every parameter, a reload is not.
func NeedsRestart(name string) bool {
	p, ok := Lookup(name)
	return !ok || p.Context == ContextPostmaster || p.Context == ContextInternal
}

// foldName lower-cases the ASCII letters of a name, as PostgreSQL compares
// names.
func foldName(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return foldASCII(name)
		}
	}
	return name
}

func foldASCII(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
