package pgconf

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const (
	noName  = "does not start with the name of a parameter"
	noValue = "has no value"
	quote   = "has a value that must stand in single quotes"
	many    = "has more than one value; a value with other characters than letters and digits must stand in single quotes"
)

func TestParse(t *testing.T) {
	settings := func(s ...Setting) Document { return Document{Settings: s} }
	failure := func(detail string) Document { return Document{Errors: []SyntaxError{{Line: 1, Detail: detail}}} }

	cases := map[string]struct {
		reason string
		text   string
		want   Document
	}{
		"Empty":           {"There is nothing.", "", Document{}},
		"Blank":           {"Blank lines and comments say nothing.", "\n \t\r\n# work_mem = 1\n", Document{}},
		"Equals":          {"The usual form.", "work_mem = 4MB", settings(Setting{"work_mem", "4MB", 1})},
		"NoEquals":        {"The equals sign is optional.", "work_mem 4MB", settings(Setting{"work_mem", "4MB", 1})},
		"NoSpace":         {"Spaces are optional.", "work_mem=4MB", settings(Setting{"work_mem", "4MB", 1})},
		"ManySpaces":      {"More space changes nothing.", "\t work_mem\t =\r 4MB \r\n", settings(Setting{"work_mem", "4MB", 1})},
		"Case":            {"Names are lower-cased, values are not.", "Work_MEM = 4MB", settings(Setting{"work_mem", "4MB", 1})},
		"Comment":         {"A hash ends a line.", "work_mem = 4MB# more", settings(Setting{"work_mem", "4MB", 1})},
		"HashInQuotes":    {"A hash in quotes is one.", "search_path = 'a#b' # c", settings(Setting{"search_path", "a#b", 1})},
		"LastWins":        {"Of one name the last setting takes effect.", "a = 1\nb = 2\nA = 3\n", settings(Setting{"b", "2", 2}, Setting{"a", "3", 3})},
		"Extension":       {"Two words are a name of an extension's parameter.", "Cron.Database_name = postgres", settings(Setting{"cron.database_name", "postgres", 1})},
		"Negative":        {"A number may have a sign.", "a = -1", settings(Setting{"a", "-1", 1})},
		"Hex":             {"A number may be hexadecimal.", "a = 0x1FMB", settings(Setting{"a", "0x1FMB", 1})},
		"Real":            {"A number may be a fraction.", "a = -.5e-3", settings(Setting{"a", "-.5e-3", 1})},
		"RealNoExponent":  {"An e without digits is another value.", "a = 1.5e", failure(many)},
		"RealUnit":        {"A fraction with a unit must be quoted.", "a = 1.5GB", failure(many)},
		"Word":            {"A word may have dashes, dots, colons and slashes inside.", "a = b-c.d:/e", settings(Setting{"a", "b-c.d:/e", 1})},
		"QualifiedValue":  {"Two words with a dot are a name, not a value.", "a = pg_catalog.english", failure(quote)},
		"ThreeWords":      {"Three words with dots are no name.", "a.b.c = 1", failure(noName)},
		"Path":            {"A path must be quoted.", "a = /tmp", failure(quote)},
		"Quotes":          {"Quotes are removed, doubled ones are one.", "a = 'it''s'", settings(Setting{"a", "it's", 1})},
		"EmptyQuotes":     {"A value may be empty.", "a = ''", settings(Setting{"a", "", 1})},
		"Escapes":         {"A backslash escapes.", `a = '\b\f\n\r\t\\\'\x\101\0411'`, settings(Setting{"a", "\b\f\n\r\t\\'xA!1", 1})},
		"Unicode":         {"Bytes outside ASCII are letters.", "ä = ö", settings(Setting{"ä", "ö", 1})},
		"NoValue":         {"A name alone says nothing.", "work_mem", failure(noValue)},
		"NoValueEquals":   {"A name and an equals sign say nothing.", "work_mem = # 1", failure(noValue)},
		"TwoValues":       {"A list must be quoted.", "a = b, c", failure(many)},
		"TwoEquals":       {"One equals sign at most.", "a = = 1", failure(quote)},
		"QuotedName":      {"A name cannot be quoted.", "'a' = 1", failure(noName)},
		"NumberAsName":    {"A name starts with a letter.", "1a = 1", failure(noName)},
		"DashInName":      {"A name has no dashes.", "a-b = 1", failure(noName)},
		"NotClosed":       {"A quoted value ends on its line.", "a = 'b", failure(quote)},
		"NotClosedEscape": {"An escaped quote does not close.", `a = 'b\'`, failure(quote)},
		"LoneBackslash":   {"A backslash at the end escapes nothing.", `a = 'b\`, failure(quote)},
		"ZeroByte":        {"A zero byte would end the value early.", `a = 'b\0'`, failure(quote)},
		"Semicolon":       {"Other characters are nothing.", "a = 1;", failure(many)},
		"AfterAnError": {
			"A wrong line does not hide the next.",
			"a = 'b\nc = 1",
			Document{Settings: []Setting{{"c", "1", 2}}, Errors: []SyntaxError{{1, quote}}},
		},
		"Includes": {
			"Includes are no settings.",
			"include 'a.conf'\nInclude_If_Exists = '/b.conf'\ninclude_dir 'c'",
			Document{Includes: []Include{{"include", "a.conf", 1}, {"include_if_exists", "/b.conf", 2}, {"include_dir", "c", 3}}},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Parse(tc.text), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("\n%s\nParse(%q): -want, +got:\n%s", tc.reason, tc.text, diff)
			}
		})
	}
}

func TestDocumentGet(t *testing.T) {
	d := Parse("work_mem = 4MB\nsearch_path = ''")

	cases := map[string]struct {
		reason string
		name   string
		want   []any
	}{
		"Found":   {"Names are compared without regard to case.", "Work_Mem", []any{"4MB", true}},
		"Empty":   {"An empty value is a value.", "search_path", []any{"", true}},
		"Missing": {"Nothing is said about others.", "fsync", []any{"", false}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			value, ok := d.Get(tc.name)
			if diff := cmp.Diff(tc.want, []any{value, ok}); diff != "" {
				t.Errorf("\n%s\nGet(%q): -want, +got:\n%s", tc.reason, tc.name, diff)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	cases := map[string]struct {
		reason string
		value  string
		want   string
	}{
		"Plain":     {"Every value is quoted.", "4MB", "'4MB'"},
		"Empty":     {"Nothing is quoted too.", "", "''"},
		"Quote":     {"Quotes are doubled.", "it's", "'it''s'"},
		"Backslash": {"Backslashes are doubled, or the server would read an escape.", `a\n`, `'a\\n'`},
		"Lines":     {"A quoted value cannot span lines.", "a\r\nb", `'a\r\nb'`},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Quote(tc.value)); diff != "" {
				t.Errorf("\n%s\nQuote(%q): -want, +got:\n%s", tc.reason, tc.value, diff)
			}
		})
	}
}

// checkStable fails t unless what Parse finds in a text survives Format.
func checkStable(t interface{ Errorf(string, ...any) }, text string) {
	first := Parse(text)
	lines := strings.Count(text, "\n") + 1

	seen := map[string]bool{}
	for _, s := range first.Settings {
		if seen[s.Name] {
			t.Errorf("Parse(%q): two settings of %q", text, s.Name)
		}
		seen[s.Name] = true
		if s.Name != foldName(s.Name) || s.Line < 1 || s.Line > lines {
			t.Errorf("Parse(%q): unexpected setting %+v", text, s)
		}
	}

	second := Parse(Format(first.Settings))
	if len(second.Errors) != 0 || len(second.Includes) != 0 {
		t.Errorf("Parse(Format(%+v)): errors %+v, includes %+v", first.Settings, second.Errors, second.Includes)
	}
	if diff := cmp.Diff(first.Settings, second.Settings, cmpopts.IgnoreFields(Setting{}, "Line"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Parse(Format(Parse(%q))): -first, +second:\n%s", text, diff)
	}
}

func TestParseIsStable(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b.c", "=", "'", "''", `\`, `\1`, "#", " ", "\n", "1", "0x", "-", ".", "e5", "MB", "include", "é", "\r", "\x00", "\xff"}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		checkStable(t, strings.Join(rapid.SliceOfN(piece, 0, 30).Draw(t, "pieces"), ""))
	})
}

func FuzzParse(f *testing.F) {
	f.Add("work_mem = 4MB\nsearch_path '\"$user\", public' # comment\n")
	f.Add(`a = '\b\101it''s'` + "\ninclude_dir 'x'\na.b=-1.5e3")
	f.Add("a = 'b\n\x00\xff = \\")

	f.Fuzz(func(t *testing.T, text string) {
		checkStable(t, text)
	})
}
