package parity

import (
	"strings"
)

// A table is a Markdown table together with the heading above it.
type table struct {
	heading string
	columns []string
	rows    []row
}

// A row is one line of a table.
type row struct {
	// line is the number of the line in the document, from 1.
	line  int
	cells []string
}

// parse returns the tables of a Markdown document. A table is a line of columns, a line that underlines them, and rows.
func parse(text string) []table {
	var out []table
	heading, open := "", false
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "#"):
			heading, open = strings.TrimSpace(strings.TrimLeft(l, "#")), false
		case !strings.HasPrefix(l, "|"):
			open = false
		case !open:
			out = append(out, table{heading: heading, columns: cells(l)})
			open = true
		case underline(l):
		default:
			t := &out[len(out)-1]
			t.rows = append(t.rows, row{line: i + 1, cells: cells(l)})
		}
	}
	return out
}

// underline is true for the line between the columns of a table and its rows.
func underline(line string) bool {
	return strings.Trim(line, "|-: ") == "" && strings.Contains(line, "---")
}

// cells returns the cells of a line. A bar inside a cell is written with a backslash before it.
func cells(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, bar)
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	var out []string
	for c := range strings.SplitSeq(line, "|") {
		out = append(out, strings.TrimSpace(strings.ReplaceAll(c, bar, "|")))
	}
	return out
}

// spans returns what a cell has between backquotes.
func spans(cell string) []string {
	var out []string
	for i, s := range strings.Split(cell, "`") {
		if i%2 == 1 {
			out = append(out, s)
		}
	}
	return out
}
