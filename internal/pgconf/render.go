package pgconf

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Input is everything a server's postgresql.conf depends on.
type Input struct {
	// ClusterName is what the server calls itself in process titles and logs.
	// Empty leaves it out.
	ClusterName string

	// Resources of the server. If servers of a shard differ, callers pass the
	// largest memory and CPU and the smallest disk.
	Resources Resources

	// RefBody is the text of a postgresql.conf the user keeps in a ConfigMap.
	RefBody string

	// Inline are the settings the user wrote into the specification. They win
	// over RefBody.
	Inline map[string]string

	// Floor is what nothing above takes the settings below that a standby must
	// not have less of than its leader.
	Floor Floor
}

// Config is the rendered configuration of a server.
type Config struct {
	// Text of the postgresql.conf.
	Text string

	// RestartHash and ReloadHash are SHA-256 sums, 64 hexadecimal digits, of
	// the settings below. The marker is part of neither.
	RestartHash string
	ReloadHash  string

	// Restart are the settings in effect that change at a restart only, and
	// Reload those a reload changes, each in the order of their names. Reload
	// contains the marker.
	Restart []Setting
	Reload  []Setting

	// Held are the settings that the floor keeps from being lowered.
	Held []Held
}

// Get returns the value of a setting in effect and whether there is one.
func (c Config) Get(name string) (string, bool) {
	name = foldName(name)
	for _, settings := range [...][]Setting{c.Restart, c.Reload} {
		if i, ok := slices.BinarySearchFunc(settings, Setting{Name: name}, byName); ok {
			return settings[i].Value, true
		}
	}
	return "", false
}

// ClusterName joins the names of a shard's place in the cluster by slashes.
// Empty names are left out; without any it is the fallback.
func ClusterName(fallback string, names ...string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return fallback
	}
	return strings.Join(names, "/")
}

// Render returns the configuration of a server. In order, later settings
// winning: the baseline with the sizes that follow from the resources, the
// text of the referenced ConfigMap as it is, the settings of the specification,
// what the floor keeps, and the marker. Render expects settings that Validate and ValidateText
// accept; it writes others unchanged.
func Render(in Input) Config {
	ref := Parse(in.RefBody)
	// Sized for the connections the server will really accept: with those of
	// the baseline, a user's higher number would promise memory several times.
	sized := make(map[string]string, len(baseline))
	for _, s := range Size(in.Resources, max(maxConnections(ref, in.Inline), in.Floor["max_connections"])) {
		sized[s.Name] = s.Value
	}

	var b strings.Builder
	b.Grow(4096 + len(in.RefBody))
	effective := make([]Setting, 0, 64+len(ref.Settings)+len(in.Inline))

	b.WriteString("# PostgreSQL settings. Of several settings of one name the last one takes effect.\n")
	for _, part := range baseline {
		b.WriteString("\n# " + part.comment + "\n")
		for _, s := range part.settings {
			if v, ok := sized[s.Name]; ok {
				s.Value = v
			}
			writePlain(&b, s.Name, s.Value)
			effective = append(effective, s)
		}
	}
	if in.ClusterName != "" {
		b.WriteString("\n# Name in process titles.\n")
		writeSetting(&b, "cluster_name", in.ClusterName)
		effective = append(effective, Setting{Name: "cluster_name", Value: in.ClusterName})
	}

	if body := strings.TrimRight(in.RefBody, "\r\n"); body != "" {
		b.WriteString("\n# From the referenced ConfigMap.\n" + body + "\n")
		for _, s := range ref.Settings {
			effective = append(effective, Setting{Name: s.Name, Value: s.Value})
		}
	}

	if len(in.Inline) > 0 {
		b.WriteString("\n# From the specification.\n")
		for _, s := range inlineSettings(in.Inline) {
			writeSetting(&b, s.Name, s.Value)
			effective = append(effective, s)
		}
	}

	held := in.Floor.raise(lastWins(effective))
	if len(held) > 0 {
		b.WriteString("\n# Kept as they were: standbys must not have less than their leader had.\n")
		for _, h := range held {
			s := Setting{Name: h.Name, Value: strconv.FormatInt(h.Kept, 10)}
			writePlain(&b, s.Name, s.Value)
			effective = append(effective, s)
		}
	}

	c := split(lastWins(effective))
	c.Held = held
	b.WriteString("\n# Tells which settings the server has read.\n")
	writeSetting(&b, MarkerName, c.ReloadHash)
	c.Text = b.String()
	return c
}

// inlineSettings returns the user's settings in the order of their names.
func inlineSettings(inline map[string]string) []Setting {
	settings := make([]Setting, 0, len(inline))
	for _, name := range slices.Sorted(maps.Keys(inline)) {
		settings = append(settings, Setting{Name: foldName(name), Value: inline[name]})
	}
	slices.SortStableFunc(settings, byName)
	return settings
}

// maxConnections returns the number of connections the server will accept. A
// value that is no number is for Validate to refuse.
func maxConnections(ref Document, inline map[string]string) int64 {
	const name = "max_connections"

	value, _ := ref.Get(name)
	for _, s := range inlineSettings(inline) {
		if s.Name == name {
			value = s.Value
		}
	}
	p, _ := Lookup(name)
	if p.Check(value) != "" {
		return baselineMaxConnections
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return baselineMaxConnections
	}
	return n
}

// split sorts the settings in effect into those that change at a restart and
// those a reload changes, hashes both, and adds the marker.
func split(effective []Setting) Config {
	var c Config
	for _, s := range sorted(effective) {
		if s.Name == MarkerName {
			continue
		}
		if NeedsRestart(s.Name) {
			c.Restart = append(c.Restart, s)
			continue
		}
		c.Reload = append(c.Reload, s)
	}

	c.RestartHash, c.ReloadHash = hash(c.Restart), hash(c.Reload)
	c.Reload = sorted(append(c.Reload, Setting{Name: MarkerName, Value: c.ReloadHash}))
	return c
}

// hash returns the SHA-256 sum of one name=value line per setting.
func hash(settings []Setting) string {
	h := sha256.New()
	for _, s := range settings {
		h.Write([]byte(s.Name + "=" + s.Value + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writePlain writes a setting of ours, quoted only where the server needs it,
// as a person would.
func writePlain(b *strings.Builder, name, value string) {
	s := scanner{rest: value}
	switch s.next().kind {
	case tokenID, tokenNumber:
		if s.rest == "" {
			b.WriteString(name + " = " + value + "\n")
			return
		}
	}
	writeSetting(b, name, value)
}

// InitdbExtraConf is what is appended to the postgresql.conf that initdb
// writes. Multigres reads extra configuration at initdb only, and the result
// travels with every backup to each member of the shard, for ever. So it holds
// no settings, only the directive to read the file that is mounted.
func InitdbExtraConf(path string) string {
	return "include_if_exists = " + Quote(path) + "\n"
}
