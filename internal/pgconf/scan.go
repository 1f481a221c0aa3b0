package pgconf

import "strings"

// A tokenKind says what a piece of a line is.
type tokenKind int

const (
	// tokenEnd is the end of a line or the start of a comment.
	tokenEnd tokenKind = iota

	// tokenID is a word of letters, digits and underscores: a name or a value.
	tokenID

	// tokenQualifiedID is two words with a dot between: only a name.
	tokenQualifiedID

	// tokenWord is a word with dashes, dots, colons or slashes: only a value.
	tokenWord

	// tokenNumber is a number, if whole then perhaps with a unit.
	tokenNumber

	// tokenString is a value in single quotes.
	tokenString

	tokenEquals
	tokenInvalid
)

type token struct {
	kind tokenKind
	text string
}

// A scanner splits one line the way the server's scanner does: at each place
// the longest match counts.
type scanner struct {
	rest string
}

func (s *scanner) next() token {
	s.rest = strings.TrimLeft(s.rest, " \t\r")
	if s.rest == "" || s.rest[0] == '#' {
		return token{kind: tokenEnd}
	}

	switch c := s.rest[0]; {
	case c == '=':
		return s.take(tokenEquals, 1)
	case c == '\'':
		return s.quoted()
	case isLetter(c):
		return s.word()
	}
	if n := numberLength(s.rest); n > 0 {
		return s.take(tokenNumber, n)
	}
	return s.take(tokenInvalid, 1)
}

func (s *scanner) take(kind tokenKind, n int) token {
	t := token{kind: kind, text: s.rest[:n]}
	s.rest = s.rest[n:]
	return t
}

// word reads what starts with a letter.
func (s *scanner) word() token {
	n := span(s.rest, func(c byte) bool { return isLetter(c) || isDigit(c) || strings.IndexByte("-._:/", c) >= 0 })
	text := s.rest[:n]

	id := span(text, func(c byte) bool { return isLetter(c) || isDigit(c) })
	if id == n {
		return s.take(tokenID, n)
	}
	if text[id] == '.' && id+1 < n && isLetter(text[id+1]) {
		if id+1+span(text[id+1:], func(c byte) bool { return isLetter(c) || isDigit(c) }) == n {
			return s.take(tokenQualifiedID, n)
		}
	}
	return s.take(tokenWord, n)
}

// quoted reads a value in single quotes. Two quotes stand for one; a backslash
// starts an escape. A value that does not end on its line, or that holds a zero
// byte, which would end it early, is invalid.
func (s *scanner) quoted() token {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		c := s.rest[i]
		switch {
		case c == '\'' && i+1 < len(s.rest) && s.rest[i+1] == '\'':
			i++
		case c == '\'':
			s.rest = s.rest[i+1:]
			if strings.IndexByte(b.String(), 0) >= 0 {
				return token{kind: tokenInvalid}
			}
			return token{kind: tokenString, text: b.String()}
		case c == '\\' && i+1 < len(s.rest):
			var n int
			c, n = unescape(s.rest[i+1:])
			i += n
		case c == '\\':
			return token{kind: tokenInvalid}
		}
		b.WriteByte(c)
	}
	s.rest = ""
	return token{kind: tokenInvalid}
}

// unescape returns the byte an escape stands for and the length of what
// follows the backslash. Up to three octal digits are a byte's value.
func unescape(s string) (byte, int) {
	switch s[0] {
	case 'b':
		return '\b', 1
	case 'f':
		return '\f', 1
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	}

	var value byte
	n := span(s[:min(3, len(s))], func(c byte) bool { return c >= '0' && c <= '7' })
	if n == 0 {
		return s[0], 1
	}
	for i := range n {
		value = value<<3 | (s[i] - '0')
	}
	return value, n
}

// numberLength is the length of the number s starts with, or zero. A whole
// number may have letters after it, its unit; a fraction may not.
func numberLength(s string) int {
	sign := 0
	if s[0] == '+' || s[0] == '-' {
		sign = 1
	}
	digits := sign + span(s[sign:], isDigit)
	whole := 0
	if digits > sign {
		whole = digits
		if strings.HasPrefix(s[sign:], "0x") {
			if hex := span(s[sign+2:], isHex); hex > 0 {
				whole = sign + 2 + hex
			}
		}
		whole += span(s[whole:], func(c byte) bool { return isLetter(c) && c < 0x80 && c != '_' })
	}
	return max(whole, realLength(s, digits))
}

// realLength is the length of the fraction s starts with, whose digits before
// the point end at the given place, or zero.
func realLength(s string, digits int) int {
	if digits == len(s) || s[digits] != '.' {
		return 0
	}
	n := digits + 1
	n += span(s[n:], isDigit)

	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := span(s[e:], isDigit); d > 0 {
			return e + d
		}
	}
	return n
}

// span is the length of the start of s whose bytes all satisfy is.
func span(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}

// isLetter counts the underscore and every byte outside ASCII as letters, as
// the server does.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isDigit(c byte) bool {
	return c >= '0' && c <= '9'
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
