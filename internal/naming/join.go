package naming

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// hashLength is the length of a hash suffix: 32 bits in hexadecimal.
	hashLength = 8

	// truncationMark stands between a shortened name and its hash. Names that
	// fit use a single dash, so a reader sees that something is missing.
	truncationMark = "---"

	// firstCharPrefix is put before a name whose first character the
	// constraint does not allow.
	firstCharPrefix = "x"
)

// The FNV-1a parameters for 32 bits, from the FNV specification. The sum is
// computed here and not by hash/fnv because names are made in hot loops and
// hash/fnv allocates and copies strings to bytes.
const (
	fnvOffset uint32 = 2166136261
	fnvPrime  uint32 = 16777619
)

// A Constraint says which names a kind of object accepts. Only the constraints
// of this package exist; the zero value is as permissive as Default.
type Constraint struct {
	maxLength   int
	letterFirst bool
}

// The constraints Kubernetes and Crossplane put on the names we make.
var (
	// Default allows 253 characters, the limit of a DNS subdomain, which is
	// what most kinds accept.
	Default = Constraint{maxLength: 253}

	// XR is for composite resources. Crossplane copies their names into label
	// values and refuses more than 63 characters. Any name that fits is
	// identical to the one made with Default.
	XR = Constraint{maxLength: 63}

	// Service is for everything that must be a DNS label (RFC 1035): at most
	// 63 characters, the first one a letter.
	Service = Constraint{maxLength: 63, letterFirst: true}

	// StatefulSet leaves 11 of 63 characters for the revision hash that the
	// StatefulSet controller appends to form a label value.
	StatefulSet = Constraint{maxLength: 52, letterFirst: true}

	// Pod leaves 3 of 63 characters for a dash and an index of two digits; the
	// whole must fit a host name.
	Pod = Constraint{maxLength: 60, letterFirst: true}
)

// MaxLength is the longest name the constraint allows, in characters.
func (c Constraint) MaxLength() int {
	if c.maxLength == 0 {
		return Default.maxLength
	}
	return c.maxLength
}

// allows says whether a name may start with the supplied character.
func (c Constraint) allows(first byte) bool {
	if first >= 'a' && first <= 'z' {
		return true
	}
	return !c.letterFirst && first >= '0' && first <= '9'
}

// Hash returns the 32-bit FNV-1a sum of the parts, each followed by a zero
// byte, as 8 lower-case hexadecimal digits. The zero byte keeps ("a", "bc")
// and ("ab", "c") apart.
func Hash(parts ...string) string {
	var out [hashLength]byte
	putHash(out[:], parts)
	return string(out[:])
}

// Join makes a name of the parts: lower-cased, every character outside
// [a-z0-9-] replaced by a dash, joined by dashes and followed by a hash of the
// original parts. A name that would be too long is cut and marked by three
// dashes before the hash. Equal parts always give equal names; parts that
// differ, even only in a character that was replaced, give different hashes.
// Without parts the name is empty. Parts must not contain a zero byte, which
// no Kubernetes name can.
func Join(c Constraint, parts ...string) string {
	if len(parts) == 0 {
		return ""
	}

	size := len(firstCharPrefix) + len(parts) + hashLength
	for _, p := range parts {
		size += len(p)
	}
	name := make([]byte, 0, size)

	for i, p := range parts {
		if i > 0 {
			name = append(name, '-')
		}
		if i == 0 && (p == "" || !c.allows(sanitize(rune(p[0])))) {
			name = append(name, firstCharPrefix...)
		}
		name = appendSanitized(name, p)
	}

	if excess := len(name) + 1 + hashLength - c.MaxLength(); excess > 0 {
		// Two more characters go because the mark is two longer than the dash.
		name = append(name[:len(name)-excess-2], truncationMark...)
		return string(appendHash(name, parts))
	}

	name = append(name, '-')
	return string(appendHash(name, parts))
}

// plain joins the parts by dashes without a hash. Singletons of a cluster are
// named this way, so that a person can guess them. Parts that would not give a
// valid name are joined with a hash instead.
func plain(c Constraint, parts ...string) string {
	name := strings.Join(parts, "-")
	if len(name) > c.MaxLength() || name == "" || !c.allows(name[0]) || name[len(name)-1] == '-' {
		return Join(c, parts...)
	}
	for i := range len(name) {
		if sanitize(rune(name[i])) != name[i] {
			return Join(c, parts...)
		}
	}
	return name
}

// appendSanitized appends one character of [a-z0-9-] per rune of s.
func appendSanitized(b []byte, s string) []byte {
	for _, r := range s {
		b = append(b, sanitize(r))
	}
	return b
}

// sanitize maps a rune to the character that stands for it in a name.
func sanitize(r rune) byte {
	switch {
	case r >= utf8.RuneSelf:
		return '-'
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
		return byte(r)
	case r >= 'A' && r <= 'Z':
		return byte(r) + 'a' - 'A'
	}
	return '-'
}

func appendHash(b []byte, parts []string) []byte {
	var out [hashLength]byte
	putHash(out[:], parts)
	return append(b, out[:]...)
}

func putHash(out []byte, parts []string) {
	sum := fnvOffset
	for _, p := range parts {
		for i := range len(p) {
			sum = (sum ^ uint32(p[i])) * fnvPrime
		}
		// The zero byte after each part leaves only the multiplication.
		sum *= fnvPrime
	}

	const digits = "0123456789abcdef"
	for i := range slices.Backward(out) {
		out[i] = digits[sum&0xf]
		sum >>= 4
	}
}
