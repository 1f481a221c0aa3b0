package pgconf

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// MarkerName is the parameter that carries the hash of the settings a reload
// applies. A server that shows the wanted value has read the wanted file.
const MarkerName = "multigres.config_reload_marker"

// Reasons why a parameter is managed.
const (
	// pgctld starts the server with these as arguments, which win over files.
	managedByStart = "is set on the server's command line"

	// The data directory belongs to a volume, so its files do too.
	managedByLayout = "is fixed by the layout of the data volume"

	// multipooler writes these with ALTER SYSTEM, which wins over files,
	// whenever the leader or the cohort of the shard changes.
	managedByConsensus = "is written by Multigres whenever the leader or the cohort changes"

	// multipooler writes these into postgresql.auto.conf for pgBackRest.
	managedByBackup = "is written by Multigres to archive and restore with pgBackRest"
)

// managed names the parameters that are not the user's to set, and why.
var managed = map[string]string{
	"port":                    managedByStart,
	"listen_addresses":        managedByStart,
	"unix_socket_directories": managedByStart,
	"config_file":             managedByStart,

	"data_directory":    managedByLayout,
	"hba_file":          managedByLayout,
	"ident_file":        managedByLayout,
	"external_pid_file": managedByLayout,

	"synchronous_standby_names": managedByConsensus,
	"synchronous_commit":        managedByConsensus,
	"primary_conninfo":          managedByConsensus,

	"archive_command": managedByBackup,
	"archive_mode":    managedByBackup,
	"restore_command": managedByBackup,

	// The server refuses to archive with a library and a command at once.
	"archive_library": managedByBackup,

	// Multigres replicates by physical streaming and offers logical decoding
	// on top, which needs the highest level.
	"wal_level": "must be logical",

	// Without ALTER SYSTEM no failover is possible.
	"allow_alter_system": "must stay on, because Multigres sets replication with ALTER SYSTEM",

	MarkerName: "is how a change of the configuration is recognised",
}

// sessionOnly names the parameters that exist in a session and have no place
// in a file.
var sessionOnly = map[string]bool{
	"transaction_deferrable": true,
	"transaction_isolation":  true,
	"transaction_read_only":  true,
}

// extensionName is the form of names that belong to extensions. The server's
// scanner reads exactly one dot.
var extensionName = regexp.MustCompile(`^[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_\x{80}-\x{10FFFF}]*\.[A-Za-z_\x{80}-\x{10FFFF}][A-Za-z0-9_\x{80}-\x{10FFFF}]*$`)

// Validate returns everything that is wrong with settings a user wrote, in the
// order of their names: names PostgreSQL 17 does not have, parameters Multigres
// manages, and values the server would refuse. Parameters of extensions, whose
// names hold a dot, are accepted whatever their value.
func Validate(settings map[string]string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	folded := make(map[string]string, len(settings))
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		at := path.Key(name)
		if first, ok := folded[foldName(name)]; ok {
			errs = append(errs, field.Invalid(at, name, fmt.Sprintf("names the same parameter as %q", first)))
			continue
		}
		folded[foldName(name)] = name

		p := check(name, settings[name])
		switch {
		case p.detail == "":
		case p.forbidden:
			errs = append(errs, field.Forbidden(at, p.detail))
		case p.unknown:
			errs = append(errs, field.Invalid(at, name, p.detail))
		default:
			errs = append(errs, field.Invalid(at, settings[name], p.detail))
		}
	}
	return errs
}

// ValidateText returns everything that is wrong with the text of a
// postgresql.conf a user wrote, in the order of its lines: what Validate finds
// in its settings, lines the server could not read, and includes, because a
// change of an included file would go unnoticed.
func ValidateText(text string, path *field.Path) field.ErrorList {
	d := Parse(text)

	type finding struct {
		line int
		err  *field.Error
	}
	var found []finding
	for _, e := range d.Errors {
		found = append(found, finding{e.Line, field.Invalid(path, fmt.Sprintf("line %d", e.Line), e.Detail)})
	}
	for _, i := range d.Includes {
		found = append(found, finding{i.Line, field.Forbidden(path, fmt.Sprintf("line %d: %s is not supported", i.Line, i.Directive))})
	}
	for _, s := range d.Settings {
		p := check(s.Name, s.Value)
		if p.detail == "" {
			continue
		}
		detail := fmt.Sprintf("line %d: %s: %s", s.Line, s.Name, p.detail)
		err := field.Invalid(path, s.Value, detail)
		if p.forbidden {
			err = field.Forbidden(path, detail)
		}
		found = append(found, finding{s.Line, err})
	}

	// A line has at most one finding.
	slices.SortFunc(found, func(a, b finding) int { return a.line - b.line })
	var errs field.ErrorList
	for _, f := range found {
		errs = append(errs, f.err)
	}
	return errs
}

// A problem is what is wrong with one setting; nothing if its detail is empty.
type problem struct {
	detail    string
	forbidden bool
	unknown   bool
}

func check(name, value string) problem {
	folded := foldName(name)
	if reason, ok := managed[folded]; ok {
		return problem{detail: reason, forbidden: true}
	}
	if strings.IndexByte(value, 0) >= 0 {
		return problem{detail: "must not contain a zero byte"}
	}
	if extensionName.MatchString(name) {
		return problem{}
	}

	p, ok := Lookup(folded)
	if !ok {
		return problem{detail: "is no parameter of PostgreSQL 17; names of extension parameters have the form extension.parameter", unknown: true}
	}
	if p.Context == ContextInternal {
		return problem{detail: "is reported by the server and cannot be set", forbidden: true}
	}
	if sessionOnly[folded] {
		return problem{detail: "can be set in a session only", forbidden: true}
	}
	return problem{detail: p.Check(value)}
}
