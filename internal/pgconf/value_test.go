package pgconf

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheck(t *testing.T) {
	const (
		whole   = "must be a whole decimal number"
		decimal = "must be a decimal number"
		boolean = "must be on or off"
		memory  = "must be a number, optionally with one of the units B, kB, MB, GB, TB"
		time    = "must be a number, optionally with one of the units us, ms, s, min, h, d"
	)

	cases := map[string]struct {
		reason    string
		parameter string
		value     string
		want      string
	}{
		"BoolOn":        {"The usual word.", "fsync", "on", ""},
		"BoolCase":      {"Case does not matter.", "fsync", "FALSE", ""},
		"BoolNumber":    {"One and zero are booleans.", "fsync", "0", ""},
		"BoolBeginning": {"An unambiguous beginning is enough.", "fsync", "ye", ""},
		"BoolAmbiguous": {"The letter o begins on and off.", "fsync", "o", boolean},
		"BoolEmpty":     {"Nothing is no boolean.", "fsync", "", boolean},
		"BoolOther":     {"Other numbers are no booleans.", "fsync", "2", boolean},
		"BoolLonger":    {"More than a word is no boolean.", "fsync", "only", boolean},

		"IntegerPlain":    {"A number in range.", "max_connections", "200", ""},
		"IntegerSign":     {"A sign is allowed.", "max_connections", "+200", ""},
		"IntegerLowest":   {"The limits are in range.", "max_connections", "1", ""},
		"IntegerHighest":  {"The limits are in range.", "max_connections", "262143", ""},
		"IntegerTooLow":   {"Below the range.", "max_connections", "0", "must be between 1 and 262143"},
		"IntegerTooHigh":  {"Above the range.", "max_connections", "262144", "must be between 1 and 262143"},
		"IntegerHuge":     {"No number of digits overflows.", "max_connections", "99999999999999999999999", "must be between 1 and 262143"},
		"IntegerUnit":     {"A number of connections has no unit.", "max_connections", "1kB", whole},
		"IntegerFraction": {"PostgreSQL rounds, pgctld fails.", "max_connections", "100.5", whole},
		"IntegerHex":      {"PostgreSQL reads hexadecimal, pgctld fails.", "max_connections", "0x10", whole},
		"IntegerOctal":    {"PostgreSQL reads 8, a person 10.", "max_connections", "010", whole},
		"IntegerSpace":    {"PostgreSQL skips spaces, pgctld fails.", "max_connections", " 10", whole},
		"IntegerWord":     {"A word is no number.", "max_connections", "many", whole},
		"IntegerEmpty":    {"Nothing is no number.", "max_connections", "", whole},
		"IntegerNegative": {"Some parameters switch off by -1.", "max_slot_wal_keep_size", "-1", ""},

		"MemoryUnit":        {"A unit of memory.", "work_mem", "16MB", ""},
		"MemoryNoUnit":      {"Without a unit the parameter's own counts.", "work_mem", "64", ""},
		"MemorySpace":       {"Spaces around the unit are allowed.", "work_mem", " 16 MB ", ""},
		"MemoryFraction":    {"A fraction of a unit is allowed.", "work_mem", "1.5GB", ""},
		"MemoryExponent":    {"An exponent is allowed.", "work_mem", "1e3kB", ""},
		"MemoryTooLow":      {"The range is in the parameter's own unit.", "work_mem", "63kB", "must be between 64 and 2147483647, in units of kB"},
		"MemoryTooLowBytes": {"A smaller unit is converted.", "work_mem", "100B", "must be between 64 and 2147483647, in units of kB"},
		"MemoryTooHigh":     {"A larger unit is converted.", "work_mem", "2TB", "must be between 64 and 2147483647, in units of kB"},
		"MemoryOverflow":    {"No exponent overflows.", "work_mem", "1e999kB", "must be between 64 and 2147483647, in units of kB"},
		"MemoryCase":        {"Units are case sensitive.", "work_mem", "16mb", "must have one of the units B, kB, MB, GB, TB, or none for kB"},
		"MemoryWrongUnit":   {"A time is no memory.", "work_mem", "16ms", "must have one of the units B, kB, MB, GB, TB, or none for kB"},
		"MemoryUnitOnly":    {"A unit is no number.", "work_mem", "MB", memory},
		"MemoryTwoUnits":    {"One unit at most.", "work_mem", "1GB 5MB", memory},
		"MemoryOctal":       {"A leading zero means octal to PostgreSQL.", "work_mem", "0100MB", memory},
		"MemoryHex":         {"Hexadecimal is not for people.", "work_mem", "0x100", memory},
		"MemoryEmpty":       {"Nothing is no number.", "work_mem", "", memory},
		"MemoryBlocks":      {"Blocks of 8 kB are converted.", "shared_buffers", "128kB", ""},
		"MemoryBlocksLow":   {"Blocks of 8 kB are converted.", "shared_buffers", "120kB", "must be between 16 and 1073741823, in units of 8kB"},
		"MemoryBlocksUnit":  {"8kB is no unit a value can have.", "shared_buffers", "16x", "must have one of the units B, kB, MB, GB, TB, or none for 8kB"},
		"MemoryRounded":     {"A value is rounded to the unit before its range counts.", "shared_buffers", "125kB", ""},
		"TimeUnit":          {"A unit of time.", "deadlock_timeout", "2min", ""},
		"TimeSmallUnit":     {"A smaller unit is converted.", "deadlock_timeout", "1000us", ""},
		"TimeTooLow":        {"The range is in the parameter's own unit.", "deadlock_timeout", "0", "must be between 1 and 2147483647, in units of ms"},
		"TimeWord":          {"A word is no time.", "deadlock_timeout", "soon!", time},
		"TimeWrongUnit":     {"Memory is no time.", "deadlock_timeout", "1MB", "must have one of the units us, ms, s, min, h, d, or none for ms"},

		"RealPlain":     {"A fraction.", "checkpoint_completion_target", "0.9", ""},
		"RealPoint":     {"Digits before the point are optional.", "checkpoint_completion_target", ".5", ""},
		"RealExponent":  {"An exponent is allowed.", "seq_page_cost", "1e3", ""},
		"RealTooHigh":   {"Above the range.", "checkpoint_completion_target", "1.1", "must be between 0 and 1"},
		"RealUnbounded": {"Costs go up to the largest number there is.", "seq_page_cost", "1e308", ""},
		"RealOverflow":  {"No exponent overflows.", "seq_page_cost", "1e999", "must be between 0 and 1.79769e+308"},
		"RealNaN":       {"Not a number is no number.", "seq_page_cost", "NaN", decimal},
		"RealHex":       {"Hexadecimal is not for people.", "seq_page_cost", "0x10", decimal},
		"RealUnit":      {"Some fractions have a unit.", "vacuum_cost_delay", "500us", ""},
		"RealUnitHigh":  {"A unit of a fraction is converted.", "vacuum_cost_delay", "1s", "must be between 0 and 100, in units of ms"},

		"Enum":          {"A value of the list.", "default_transaction_isolation", "read committed", ""},
		"EnumCase":      {"Case does not matter.", "log_statement", "DDL", ""},
		"EnumOther":     {"A value that is not of the list.", "log_statement", "some", `must be one of "none", "ddl", "mod", "all"`},
		"EnumEmpty":     {"Nothing is of the list for few parameters.", "log_statement", "", `must be one of "none", "ddl", "mod", "all"`},
		"EnumEmptyOK":   {"Nothing is of the list for few parameters.", "ssl_max_protocol_version", "", ""},
		"EnumBoolean":   {"Where on and off are values, true and 1 are too.", "huge_pages", "1", ""},
		"EnumNoBoolean": {"Where they are not, neither are true and 1.", "log_statement", "true", `must be one of "none", "ddl", "mod", "all"`},
		"EnumDebug":     {"Where debug5 is a value, debug is too.", "client_min_messages", "debug", ""},
		"EnumInfo":      {"Where debug5 is a value, info is too.", "client_min_messages", "Info", ""},
		"EnumNoDebug":   {"Where it is not, neither is debug.", "xmloption", "debug", `must be one of "content", "document"`},

		"String":      {"Text is for the server to judge.", "search_path", `"$user", public`, ""},
		"StringEmpty": {"Text may be empty.", "search_path", "", ""},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, ok := Lookup(tc.parameter)
			if !ok {
				t.Fatalf("Lookup(%q): not found", tc.parameter)
			}
			if diff := cmp.Diff(tc.want, p.Check(tc.value)); diff != "" {
				t.Errorf("\n%s\n%s.Check(%q): -want, +got:\n%s", tc.reason, tc.parameter, tc.value, diff)
			}
		})
	}
}
