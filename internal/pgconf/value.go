package pgconf

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A unit of memory or time, by its size in bytes or microseconds.
type unit struct {
	name string
	size float64
}

// The units PostgreSQL understands, in the order its own hints list them. They
// are case sensitive there.
var (
	memoryUnits = []unit{{"B", 1}, {"kB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"TB", 1 << 40}}
	timeUnits   = []unit{{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"min", 60e6}, {"h", 3600e6}, {"d", 86400e6}}
)

// blockUnit is the unit of parameters counted in blocks of 8 kB.
const blockUnit = "8kB"

var (
	plainInteger = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)
	plainNumber  = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)

	// quantity is a number and perhaps a unit. A leading zero is left to the
	// rule for integers: PostgreSQL reads 010 as 8, which nobody means.
	quantity = regexp.MustCompile(`^\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)\s*$`)
	octal    = regexp.MustCompile(`^[+-]?0[0-9]`)
)

// booleans are the words PostgreSQL reads as true or false. It accepts their
// beginnings too, as long as they are unambiguous.
var booleans = []string{"true", "false", "yes", "no", "on", "off"}

// Check returns what is wrong with a value's form or range, or nothing. It
// accepts what PostgreSQL 17 accepts, except for numbers no one means or pgctld
// cannot read: hexadecimal and octal ones, and for parameters without a unit
// fractions of integers and spaces. The few parameters with rules of their own,
// such as buffers that come in multiples of 16, are left to the server.
func (p Parameter) Check(value string) string {
	switch p.Type {
	case TypeBool:
		return checkBool(value)
	case TypeInteger, TypeReal:
		return p.checkNumber(value)
	case TypeEnum:
		return p.checkEnum(value)
	}
	return ""
}

func checkBool(value string) string {
	if isBool(value) {
		return ""
	}
	return "must be on or off"
}

func isBool(value string) bool {
	value = strings.ToLower(value)
	switch value {
	case "", "o":
		return false
	case "0", "1":
		return true
	}
	for _, b := range booleans {
		if strings.HasPrefix(b, value) {
			return true
		}
	}
	return false
}

// checkEnum accepts the listed values and the aliases PostgreSQL accepts and
// does not list: the words for on and off, and debug for a level of messages.
func (p Parameter) checkEnum(value string) string {
	var levels, switches bool
	for _, v := range p.Values {
		if strings.EqualFold(v, value) {
			return ""
		}
		levels = levels || v == "debug5"
		switches = switches || v == "on"
	}

	value = strings.ToLower(value)
	switch value {
	case "debug", "info":
		if levels {
			return ""
		}
	case "true", "false", "yes", "no", "1", "0":
		if switches {
			return ""
		}
	}

	quoted := make([]string, len(p.Values))
	for i, v := range p.Values {
		quoted[i] = strconv.Quote(v)
	}
	return "must be one of " + strings.Join(quoted, ", ")
}

// checkNumber checks a number's form, unit and range.
func (p Parameter) checkNumber(value string) string {
	if p.Unit == "" {
		return p.checkPlain(value)
	}

	m := quantity.FindStringSubmatch(value)
	if m == nil || p.Type == TypeInteger && octal.MatchString(m[1]) {
		return "must be a number, optionally with one of the units " + p.units()
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return p.outOfRange()
	}
	if m[2] != "" {
		factor, ok := p.factor(m[2])
		if !ok {
			return fmt.Sprintf("must have one of the units %s, or none for %s", p.units(), p.Unit)
		}
		n *= factor
	}
	return p.checkRange(n)
}

// checkPlain checks a number of a parameter that has no unit. pgctld reads
// several of these itself, with less tolerance than PostgreSQL.
func (p Parameter) checkPlain(value string) string {
	if p.Type == TypeInteger && !plainInteger.MatchString(value) {
		return "must be a whole decimal number"
	}
	if !plainNumber.MatchString(value) {
		return "must be a decimal number"
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return p.outOfRange()
	}
	return p.checkRange(n)
}

func (p Parameter) checkRange(n float64) string {
	if p.Type == TypeInteger {
		n = math.RoundToEven(n)
	}
	if n < p.Min || n > p.Max {
		return p.outOfRange()
	}
	return ""
}

func (p Parameter) outOfRange() string {
	low, high := strconv.FormatFloat(p.Min, 'g', 15, 64), strconv.FormatFloat(p.Max, 'g', 15, 64)
	if p.Unit == "" {
		return fmt.Sprintf("must be between %s and %s", low, high)
	}
	return fmt.Sprintf("must be between %s and %s, in units of %s", low, high, p.Unit)
}

// units lists the units a parameter accepts, for messages.
func (p Parameter) units() string {
	var names []string
	for _, u := range p.accepted() {
		names = append(names, u.name)
	}
	return strings.Join(names, ", ")
}

func (p Parameter) accepted() []unit {
	if strings.HasSuffix(p.Unit, "B") {
		return memoryUnits
	}
	return timeUnits
}

// factor converts a number in the named unit to one in the parameter's own.
func (p Parameter) factor(name string) (float64, bool) {
	from, own := 0.0, 0.0
	if p.Unit == blockUnit {
		own = 8 << 10
	}
	for _, u := range p.accepted() {
		if u.name == name {
			from = u.size
		}
		if u.name == p.Unit {
			own = u.size
		}
	}
	if from == 0 || own == 0 {
		return 0, false
	}
	return from / own, true
}
