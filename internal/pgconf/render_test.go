package pgconf

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write what is rendered to testdata")

// golden compares a text with a file of testdata.
func golden(t *testing.T, reason, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatalf("cannot update %s: %v", file, err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("cannot read %s: %v", file, err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("\n%s\n%s: -want, +got:\n%s", reason, file, diff)
	}
}

var layered = Input{
	ClusterName: "minimal/postgres/default/0-inf",
	Resources:   Resources{MemoryBytes: 8 * gibibyte, CPUMillis: 4000, DiskBytes: 10 * gibibyte},
	RefBody:     "# from the team\nmax_connections = 120\nlog_statement none\r\nshared_buffers = 3GB\n\n\n",
	Inline:      map[string]string{"work_mem": "32MB", "Log_Statement": "all", "search_path": `"it's", \ public`, "pg_stat_statements.max": "5000"},
}

func TestRenderGolden(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     Input
		file   string
	}{
		"Baseline": {
			reason: "Without anything the baseline is rendered.",
			file:   "baseline.conf",
		},
		"Sized512Mi": {
			reason: "Sizes replace values of the baseline in their place.",
			in:     Input{ClusterName: "minimal/postgres/default/0-inf", Resources: Resources{MemoryBytes: 512 * mebibyte, CPUMillis: 500, DiskBytes: gibibyte}},
			file:   "sized-512mi.conf",
		},
		"Layered": {
			reason: "The referenced text follows as it is, then the sorted settings of the specification.",
			in:     layered,
			file:   "layered.conf",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			golden(t, tc.reason, tc.file, Render(tc.in).Text)
		})
	}
}

func TestRenderSettings(t *testing.T) {
	c := Render(layered)

	cases := map[string]struct {
		reason string
		name   string
		want   string
	}{
		"Baseline":    {"What nobody sets is the baseline's.", "random_page_cost", "1.1"},
		"Sized":       {"Sizes win over the baseline.", "effective_cache_size", "6GB"},
		"Connections": {"Working memory is shared by the connections the server really accepts.", "max_connections", "120"},
		"Ref":         {"The referenced text wins over sizes.", "shared_buffers", "3GB"},
		"Inline":      {"The specification wins over the referenced text, whatever the case of names.", "log_statement", "all"},
		"Quoted":      {"Values arrive as they were written.", "search_path", `"it's", \ public`},
		"Extension":   {"Parameters of extensions are settings.", "pg_stat_statements.max", "5000"},
		"ClusterName": {"The server knows its name.", "cluster_name", "minimal/postgres/default/0-inf"},
		"Marker":      {"The marker is the hash of what a reload applies.", MarkerName, c.ReloadHash},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, ok := c.Get(tc.name)
			if diff := cmp.Diff([]any{tc.want, true}, []any{got, ok}); diff != "" {
				t.Errorf("\n%s\nGet(%q): -want, +got:\n%s", tc.reason, tc.name, diff)
			}
			if got, _ := Parse(c.Text).Get(tc.name); got != tc.want {
				t.Errorf("\n%s\nthe text sets %s to %q, want %q", tc.reason, tc.name, got, tc.want)
			}
		})
	}

	if _, ok := c.Get("fsync"); ok {
		t.Errorf("\nWhat nobody sets is not among the settings.\nGet(fsync): found")
	}
}

// TestRenderAgreesWithText checks that the settings are those a server reads
// from the text, each once, in the half it belongs to.
func TestRenderAgreesWithText(t *testing.T) {
	c := Render(layered)

	for _, s := range c.Restart {
		if !NeedsRestart(s.Name) {
			t.Errorf("%s does not need a restart", s.Name)
		}
	}
	for _, s := range c.Reload {
		if s.Name != MarkerName && NeedsRestart(s.Name) {
			t.Errorf("%s needs a restart", s.Name)
		}
	}

	want := sorted(Parse(c.Text).Settings)
	got := sorted(append(append([]Setting{}, c.Restart...), c.Reload...))
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Setting{}, "Line")); diff != "" {
		t.Errorf("\nThe settings are those of the text.\n-want, +got:\n%s", diff)
	}
}

func TestRenderConnections(t *testing.T) {
	resources := Resources{MemoryBytes: gibibyte}

	cases := map[string]struct {
		reason string
		in     Input
		want   string
	}{
		"Baseline":   {"Sixty connections share the memory.", Input{}, "4369kB"},
		"Ref":        {"The referenced text changes the connections.", Input{RefBody: "max_connections 600"}, "436kB"},
		"Inline":     {"The specification wins.", Input{RefBody: "max_connections = 60", Inline: map[string]string{"MAX_connections": "600"}}, "436kB"},
		"NoNumber":   {"A value that Validate refuses is passed over.", Input{Inline: map[string]string{"max_connections": "many"}}, "4369kB"},
		"OutOfRange": {"A value that Validate refuses is passed over.", Input{Inline: map[string]string{"max_connections": "0"}}, "4369kB"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tc.in.Resources = resources
			got, _ := Render(tc.in).Get("work_mem")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nwork_mem: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRenderHashes(t *testing.T) {
	base := Input{ClusterName: "a/b", Resources: Resources{MemoryBytes: gibibyte}, RefBody: "work_mem = 4MB\n", Inline: map[string]string{"log_statement": "ddl"}}

	type want struct {
		restart, reload bool
	}

	cases := map[string]struct {
		reason string
		change func(*Input)
		want   want
	}{
		"Nothing":          {"Equal inputs give equal hashes.", func(*Input) {}, want{}},
		"ReloadSafe":       {"A setting a reload applies changes only the reload hash.", func(in *Input) { in.Inline["log_statement"] = "all" }, want{reload: true}},
		"ReloadSafeAdded":  {"A new setting is a change.", func(in *Input) { in.Inline["log_connections"] = "on" }, want{reload: true}},
		"ReloadSafeGone":   {"A removed setting is a change.", func(in *Input) { delete(in.Inline, "log_statement"); in.RefBody = "" }, want{reload: true}},
		"Restart":          {"A setting that needs a restart changes only the restart hash.", func(in *Input) { in.Inline["max_worker_processes"] = "9" }, want{restart: true}},
		"Extension":        {"A parameter of an extension counts as one that needs a restart.", func(in *Input) { in.Inline["pgaudit.log"] = "all" }, want{restart: true}},
		"Unknown":          {"A parameter nobody knows counts as one that needs a restart.", func(in *Input) { in.RefBody += "io_method worker\n" }, want{restart: true}},
		"Both":             {"More memory changes buffers and working memory.", func(in *Input) { in.Resources.MemoryBytes *= 2 }, want{restart: true, reload: true}},
		"ClusterName":      {"The name is read at the start.", func(in *Input) { in.ClusterName = "c" }, want{restart: true}},
		"Comment":          {"A comment is no setting.", func(in *Input) { in.RefBody += "# work_mem = 8MB\n" }, want{}},
		"NoEquals":         {"A setting without an equals sign is a setting.", func(in *Input) { in.RefBody += "work_mem 8MB\n" }, want{reload: true}},
		"SameWithNoEquals": {"The form of a setting does not matter.", func(in *Input) { in.RefBody = "WORK_MEM '4MB' # same\n" }, want{}},
		"Moved":            {"The layer a setting comes from does not matter.", func(in *Input) { in.RefBody = ""; in.Inline["work_mem"] = "4MB" }, want{}},
		"Overridden":       {"A setting that does not take effect does not matter.", func(in *Input) { in.RefBody += "log_statement = none\n" }, want{}},
		"OwnMarker":        {"A marker of the user's does not matter.", func(in *Input) { in.RefBody += MarkerName + " = x\n" }, want{}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := base
			in.Inline = map[string]string{"log_statement": "ddl"}
			tc.change(&in)

			before, after := Render(base), Render(in)
			got := want{restart: before.RestartHash != after.RestartHash, reload: before.ReloadHash != after.ReloadHash}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nchanged hashes: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestRenderHashForm(t *testing.T) {
	c := Render(layered)

	sum := func(settings []Setting) string {
		var b strings.Builder
		for _, s := range settings {
			if s.Name != MarkerName {
				b.WriteString(s.Name + "=" + s.Value + "\n")
			}
		}
		h := sha256.Sum256([]byte(b.String()))
		return hex.EncodeToString(h[:])
	}
	if diff := cmp.Diff([]string{sum(c.Restart), sum(c.Reload)}, []string{c.RestartHash, c.ReloadHash}); diff != "" {
		t.Errorf("\nA hash is the SHA-256 sum of sorted name=value lines without the marker.\n-want, +got:\n%s", diff)
	}
}

func TestBaselineIsAccepted(t *testing.T) {
	for _, part := range baseline {
		for _, s := range part.settings {
			p, ok := Lookup(s.Name)
			if !ok {
				if !extensionName.MatchString(s.Name) {
					t.Errorf("%s is no parameter of PostgreSQL 17", s.Name)
				}
				continue
			}
			if detail := p.Check(s.Value); detail != "" {
				t.Errorf("%s = %s: %s", s.Name, s.Value, detail)
			}
		}
	}
	for name, want := range map[string]int64{"max_connections": baselineMaxConnections, "max_parallel_workers_per_gather": baselineParallelPerGather} {
		got, _ := Render(Input{}).Get(name)
		if diff := cmp.Diff(want, maxConnections(Parse("max_connections = "+got), nil)); diff != "" {
			t.Errorf("\nThe constant is the baseline's %s.\n-want, +got:\n%s", name, diff)
		}
	}
}

func TestClusterName(t *testing.T) {
	cases := map[string]struct {
		reason string
		names  []string
		want   string
	}{
		"All":   {"The place of a shard.", []string{"minimal", "postgres", "default", "0-inf"}, "minimal/postgres/default/0-inf"},
		"Some":  {"Empty names are left out.", []string{"", "postgres", "", "0-inf"}, "postgres/0-inf"},
		"Empty": {"Without names it is the fallback.", []string{"", ""}, "shard"},
		"None":  {"Without names it is the fallback.", nil, "shard"},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ClusterName("shard", tc.names...)); diff != "" {
				t.Errorf("\n%s\nClusterName(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestInitdbExtraConf(t *testing.T) {
	got := InitdbExtraConf("/etc/pgctld/postgres-config/postgresql.conf")
	if diff := cmp.Diff("include_if_exists = '/etc/pgctld/postgres-config/postgresql.conf'\n", got); diff != "" {
		t.Errorf("\nOne line, for ever.\nInitdbExtraConf(...): -want, +got:\n%s", diff)
	}

	want := Document{Includes: []Include{{Directive: "include_if_exists", Path: "/it's", Line: 1}}}
	if diff := cmp.Diff(want, Parse(InitdbExtraConf("/it's")), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("\nThe server reads the path back.\n-want, +got:\n%s", diff)
	}
}

func BenchmarkRender(b *testing.B) {
	for name, in := range map[string]Input{"Baseline": {}, "Layered": layered} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = Render(in)
			}
		})
	}
}
