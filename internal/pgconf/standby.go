package pgconf

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// standbyDefaults are the settings of which a standby must not have less than the leader has written into its log, with what a server
// has that is not told (PostgreSQL 17, "Hot Standby", administrator's overview). A standby that starts with less ends at once, and
// goes on ending until its leader has been restarted with as little and it has replayed that.
var standbyDefaults = map[string]int64{
	"max_connections":           baselineMaxConnections,
	"max_locks_per_transaction": 64,
	"max_prepared_transactions": 0,
	"max_wal_senders":           10,
	"max_worker_processes":      8,
}

// A Floor holds, of each setting that a standby must not have less of than its leader, the least that it may have. Nil sets no bounds.
type Floor map[string]int64

// A Held setting keeps a higher value than the one that is wanted.
type Held struct {
	Name string
	// Wanted is what the specification asks for, and Kept what takes effect.
	Wanted, Kept int64
}

// floorOf returns what servers with some settings have, all of them in effect.
func floorOf(settings []Setting) Floor {
	f := maps.Clone(Floor(standbyDefaults))
	for _, s := range settings {
		if _, ok := f[s.Name]; !ok {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(s.Value), 10, 64); err == nil {
			f[s.Name] = n
		}
	}
	return f
}

// Floor returns what leaders with this configuration write into their log.
func (c Config) Floor() Floor { return floorOf(c.Restart) }

// Read returns the floor that leaders with a rendered postgresql.conf set, and the hash of its settings that need a restart.
func Read(text string) (Floor, string) {
	doc := Parse(text)
	settings := make([]Setting, 0, len(doc.Settings))
	for _, s := range doc.Settings {
		settings = append(settings, Setting{Name: s.Name, Value: s.Value})
	}
	c := split(settings)
	return c.Floor(), c.RestartHash
}

// Max returns the higher of two floors.
func (f Floor) Max(g Floor) Floor {
	out := maps.Clone(f)
	if out == nil {
		return g
	}
	for name, n := range g {
		out[name] = max(out[name], n)
	}
	return out
}

// String is one name=value per setting, with commas, in the order of the names. ParseFloor reads it.
func (f Floor) String() string {
	out := make([]string, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		out = append(out, name+"="+strconv.FormatInt(f[name], 10))
	}
	return strings.Join(out, ",")
}

// ParseFloor reads what String wrote. What is none of it is passed over.
func ParseFloor(s string) Floor {
	var f Floor
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(value, 10, 64)
		if _, ok := standbyDefaults[name]; !ok || err != nil {
			continue
		}
		if f == nil {
			f = Floor{}
		}
		f[name] = n
	}
	return f
}

// raise returns the settings below the floor, in the order of their names.
func (f Floor) raise(effective []Setting) []Held {
	var out []Held
	now := floorOf(effective)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if now[name] < f[name] {
			out = append(out, Held{Name: name, Wanted: now[name], Kept: f[name]})
		}
	}
	return out
}
