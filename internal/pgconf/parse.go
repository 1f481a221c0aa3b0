package pgconf

import (
	"cmp"
	"slices"
	"strings"
)

// A Setting is a parameter's name, in lower case, and its value without quotes.
type Setting struct {
	Name  string
	Value string

	// Line of the text the setting was read from, starting at 1. Zero for a
	// setting that was not read.
	Line int
}

// An Include is a directive that makes the server read another file.
type Include struct {
	// Directive is include, include_if_exists or include_dir.
	Directive string
	Path      string
	Line      int
}

// A SyntaxError is a line the server would refuse to start with.
type SyntaxError struct {
	Line   int
	Detail string
}

// A Document is what the text of a postgresql.conf says.
type Document struct {
	// Settings that take effect, in the order of the text. Of several settings
	// of one name the last one takes effect.
	Settings []Setting
	Includes []Include
	Errors   []SyntaxError
}

// Get returns the value of a setting and whether there is one.
func (d Document) Get(name string) (string, bool) {
	name = foldName(name)
	for _, s := range d.Settings {
		if s.Name == name {
			return s.Value, true
		}
	}
	return "", false
}

// Parse reads the text of a postgresql.conf by the rules of the server's own
// scanner: one setting per line, the equals sign is optional, values that are
// no plain word or number stand in single quotes, a hash starts a comment. A
// line that breaks the rules becomes a SyntaxError and is skipped.
func Parse(text string) Document {
	var d Document
	n := 0
	for line := range strings.Lines(text) {
		n++
		d.parseLine(n, strings.TrimSuffix(line, "\n"))
	}
	d.Settings = lastWins(d.Settings)
	return d
}

func (d *Document) parseLine(n int, line string) {
	s := scanner{rest: line}
	name := s.next()
	if name.kind == tokenEnd {
		return
	}
	if name.kind != tokenID && name.kind != tokenQualifiedID {
		d.fail(n, "does not start with the name of a parameter")
		return
	}

	value := s.next()
	if value.kind == tokenEquals {
		value = s.next()
	}
	switch value.kind {
	case tokenID, tokenWord, tokenNumber, tokenString:
	case tokenEnd:
		d.fail(n, "has no value")
		return
	default:
		d.fail(n, "has a value that must stand in single quotes")
		return
	}
	if s.next().kind != tokenEnd {
		d.fail(n, "has more than one value; a value with other characters than letters and digits must stand in single quotes")
		return
	}

	folded := foldName(name.text)
	switch folded {
	case "include", "include_if_exists", "include_dir":
		d.Includes = append(d.Includes, Include{Directive: folded, Path: value.text, Line: n})
		return
	}
	d.Settings = append(d.Settings, Setting{Name: folded, Value: value.text, Line: n})
}

func (d *Document) fail(line int, detail string) {
	d.Errors = append(d.Errors, SyntaxError{Line: line, Detail: detail})
}

// Format writes settings as the text of a postgresql.conf. Parse reads the
// same settings back.
func Format(settings []Setting) string {
	var b strings.Builder
	for _, s := range settings {
		writeSetting(&b, s.Name, s.Value)
	}
	return b.String()
}

func writeSetting(b *strings.Builder, name, value string) {
	b.WriteString(name)
	b.WriteString(" = ")
	b.WriteString(Quote(value))
	b.WriteByte('\n')
}

// Quote writes a value in single quotes. Quotes are doubled. Backslashes are
// doubled too, because the server reads an escape after them, and line breaks
// become escapes, because a quoted value cannot span lines.
func Quote(value string) string {
	var b strings.Builder
	b.Grow(len(value) + 2)
	b.WriteByte('\'')
	for i := range len(value) {
		switch c := value[i]; c {
		case '\'', '\\':
			b.WriteByte(c)
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// lastWins keeps the last setting of each name. It reuses the slice.
func lastWins(settings []Setting) []Setting {
	seen := make(map[string]bool, len(settings))
	kept := len(settings)
	for _, s := range slices.Backward(settings) {
		if seen[s.Name] {
			continue
		}
		seen[s.Name] = true
		kept--
		settings[kept] = s
	}
	return settings[kept:]
}

func byName(a, b Setting) int {
	return cmp.Compare(a.Name, b.Name)
}

// sorted returns a copy of settings in the order of their names.
func sorted(settings []Setting) []Setting {
	return slices.SortedStableFunc(slices.Values(settings), byName)
}
