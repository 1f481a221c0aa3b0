package parity

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Statuses of rows.
const (
	// statusHere means that we have an equivalent.
	statusHere = "here"
	// statusFixed means that we do not have the defect.
	statusFixed = "fixed"
	// statusNone means that the thing makes no sense with us.
	statusNone = "not applicable"
	// statusOpen, followed by a part of the project, means that something is missing there.
	statusOpen = "open: "
)

// parts of the project to which something that is missing can belong.
var parts = []string{"function", "rollout", "provider", "packaging", "bed"}

// Names of the columns that are checked.
const (
	columnStatus = "Status"
	columnTests  = "Pinned by"
)

// A shape is what a table must look like.
type shape struct {
	columns []string
	// done is the status of a row about which nothing is left to do. It needs a test.
	done string
	// symbol is the column in which such a row names something of ours.
	symbol string
	// names are the first cells that the table must have, in any order. Others may follow.
	names []string
}

// A checker compares a document with what it talks about.
type checker struct {
	module   *module
	problems []string
}

func (c *checker) failf(line int, format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

// check returns what is wrong with a document whose headings have tables of the given shapes.
func check(m *module, document string, shapes map[string]shape) []string {
	c := &checker{module: m}
	found := map[string]bool{}
	for _, t := range parse(document) {
		s, ok := shapes[t.heading]
		if !ok {
			continue
		}
		found[t.heading] = true
		if !slices.Equal(t.columns, s.columns) {
			c.problems = append(c.problems, fmt.Sprintf("%s: columns are %q, not %q", t.heading, t.columns, s.columns))
			continue
		}
		c.table(t, s)
	}
	for heading := range shapes {
		if !found[heading] {
			c.problems = append(c.problems, heading+": there is no such table")
		}
	}
	slices.Sort(c.problems)
	return c.problems
}

func (c *checker) table(t table, s shape) {
	seen := map[string]bool{}
	for _, r := range t.rows {
		if len(r.cells) != len(s.columns) || slices.Contains(r.cells, "") {
			c.failf(r.line, "each of the %d columns needs something", len(s.columns))
			continue
		}
		name := strings.Trim(r.cells[0], "`")
		if seen[name] {
			c.failf(r.line, "there is another row %s", name)
		}
		seen[name] = true
		c.row(r, s)
	}
	for _, n := range s.names {
		if !seen[n] {
			c.problems = append(c.problems, fmt.Sprintf("%s: row %s is missing", t.heading, n))
		}
	}
}

func (c *checker) row(r row, s shape) {
	status := r.cells[slices.Index(s.columns, columnStatus)]
	tests := c.tests(r.line, r.cells[slices.Index(s.columns, columnTests)])
	part, open := strings.CutPrefix(status, statusOpen)
	switch {
	case status == s.done:
		if tests == 0 {
			c.failf(r.line, "%s needs a test", status)
		}
	case open && !slices.Contains(parts, part):
		c.failf(r.line, "the project has no part %q", part)
	case !open && status != statusNone:
		c.failf(r.line, "there is no status %q", status)
	}
	symbols := map[string]int{}
	for i, column := range s.columns {
		if i > 0 && column != columnTests {
			symbols[column] = c.references(r.line, r.cells[i])
		}
	}
	if s.symbol != "" && status == s.done && symbols[s.symbol] == 0 {
		c.failf(r.line, "%s needs the name of something of ours", status)
	}
}

// none is what a cell has that names no test.
const none = "-"

// tests checks the tests that a cell names, and returns their number.
func (c *checker) tests(line int, cell string) int {
	if cell == none {
		return 0
	}
	n := 0
	for ref := range strings.SplitSeq(cell, ", ") {
		bare := strings.Trim(ref, "`")
		path, name, ok := strings.Cut(bare, " ")
		if ref != "`"+bare+"`" || !ok {
			c.failf(line, "%s is no reference to a test, as `internal/naming TestJoin/Unicode` is", ref)
			continue
		}
		c.test(line, path, name)
		n++
	}
	return n
}

// test checks that a test and its cases exist.
func (c *checker) test(line int, path, name string) {
	f, err := c.module.folder(path)
	if err != nil {
		c.failf(line, "%s: %v", path, err)
		return
	}
	steps := strings.Split(name, "/")
	cases, ok := f.tests[steps[0]]
	if !ok {
		c.failf(line, "there is no test %s in %s", steps[0], path)
		return
	}
	for _, s := range steps[1:] {
		if !cases[s] {
			c.failf(line, "test %s in %s has no case %s", steps[0], path, s)
		}
	}
}

var (
	// symbolPattern matches a folder, a dot, and a symbol declared there: internal/naming.ShardID.PodName.
	symbolPattern = regexp.MustCompile(`^([a-z0-9_/]*[a-z0-9_])\.([A-Za-z]\w*(?:\.[A-Za-z]\w*)?)$`)
	// ourPattern matches what can only be meant as something of the project.
	ourPattern = regexp.MustCompile(`^(apis|cmd|docs|examples|fn|internal|package|test|tools)[/.]`)
)

// references checks the files and symbols that a cell names, and returns the number of symbols. Anything else between
// backquotes, as the name of a flag, is not ours to check.
func (c *checker) references(line int, cell string) int {
	n := 0
	for _, span := range spans(cell) {
		m := symbolPattern.FindStringSubmatch(span)
		switch {
		case !ourPattern.MatchString(span), c.module.has(span):
		case m == nil:
			c.failf(line, "there is no file %s", span)
		default:
			c.symbol(line, m[1], m[2])
			n++
		}
	}
	return n
}

// symbol checks that a symbol is declared in a folder.
func (c *checker) symbol(line int, path, name string) {
	f, err := c.module.folder(path)
	if err != nil {
		c.failf(line, "%s: %v", path, err)
		return
	}
	if !f.symbols[name] {
		c.failf(line, "there is no %s in %s", name, path)
	}
}
