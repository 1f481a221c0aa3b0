package pgconf

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"pgregory.net/rapid"
)

const unknown = "is no parameter of PostgreSQL 17; names of extension parameters have the form extension.parameter"

func TestValidate(t *testing.T) {
	path := field.NewPath("spec", "postgresConfig")

	cases := map[string]struct {
		reason   string
		settings map[string]string
		want     field.ErrorList
	}{
		"Nothing": {
			reason: "There is nothing to refuse.",
		},
		"Valid": {
			reason: "Settings of all types, and of extensions, are accepted.",
			settings: map[string]string{
				"work_mem":                       "16MB",
				"fsync":                          "on",
				"random_page_cost":               "1.1",
				"log_statement":                  "ddl",
				"DateStyle":                      "ISO, MDY",
				"pg_stat_statements.max":         "10000",
				"plpgsql.extra_warnings":         "all",
				"max_connections":                "200",
				"log_autovacuum_min_duration":    "-1",
				"default_statistics_target":      "500",
				"autovacuum_vacuum_scale_factor": "0.05",
			},
		},
		"AllProblemsSorted": {
			reason:   "Everything is reported at once, in the order of the names.",
			settings: map[string]string{"work_mem": "1kB", "no_such": "1", "port": "5433", "fsync": "maybe"},
			want: field.ErrorList{
				field.Invalid(path.Key("fsync"), "maybe", "must be on or off"),
				field.Invalid(path.Key("no_such"), "no_such", unknown),
				field.Forbidden(path.Key("port"), managedByStart),
				field.Invalid(path.Key("work_mem"), "1kB", "must be between 64 and 2147483647, in units of kB"),
			},
		},
		"SameParameterTwice": {
			reason:   "Which of two spellings would win depends on their order.",
			settings: map[string]string{"Work_Mem": "4MB", "work_mem": "8MB"},
			want:     field.ErrorList{field.Invalid(path.Key("work_mem"), "work_mem", `names the same parameter as "Work_Mem"`)},
		},
		"ManagedInAnyCase": {
			reason:   "Capitals do not get around a rule.",
			settings: map[string]string{"WAL_Level": "replica"},
			want:     field.ErrorList{field.Forbidden(path.Key("WAL_Level"), "must be logical")},
		},
		"Marker": {
			reason:   "The marker tells which file the server has read.",
			settings: map[string]string{"multigres.config_reload_marker": "x"},
			want:     field.ErrorList{field.Forbidden(path.Key("multigres.config_reload_marker"), "is how a change of the configuration is recognised")},
		},
		"Include": {
			reason:   "A directive is no parameter.",
			settings: map[string]string{"include": "/etc/passwd"},
			want:     field.ErrorList{field.Invalid(path.Key("include"), "include", unknown)},
		},
		"Internal": {
			reason:   "What the server reports cannot be set.",
			settings: map[string]string{"block_size": "8192"},
			want:     field.ErrorList{field.Forbidden(path.Key("block_size"), "is reported by the server and cannot be set")},
		},
		"SessionOnly": {
			reason:   "What belongs to a transaction has no place in a file.",
			settings: map[string]string{"transaction_isolation": "serializable"},
			want:     field.ErrorList{field.Forbidden(path.Key("transaction_isolation"), "can be set in a session only")},
		},
		"NamesNoScannerReads": {
			reason:   "A name the server's scanner does not read would stop it from starting.",
			settings: map[string]string{"a.b.c": "1", "a b": "1", "": "1", "a.1": "1", "x = 1\ny.z": "1"},
			want: field.ErrorList{
				field.Invalid(path.Key(""), "", unknown),
				field.Invalid(path.Key("a b"), "a b", unknown),
				field.Invalid(path.Key("a.1"), "a.1", unknown),
				field.Invalid(path.Key("a.b.c"), "a.b.c", unknown),
				field.Invalid(path.Key("x = 1\ny.z"), "x = 1\ny.z", unknown),
			},
		},
		"ZeroByte": {
			reason:   "A zero byte would cut the value.",
			settings: map[string]string{"search_path": "a\x00b"},
			want:     field.ErrorList{field.Invalid(path.Key("search_path"), "a\x00b", "must not contain a zero byte")},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Validate(tc.settings, path)); diff != "" {
				t.Errorf("\n%s\nValidate(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestValidateManaged(t *testing.T) {
	want := []string{
		"allow_alter_system", "archive_command", "archive_library", "archive_mode", "config_file", "data_directory",
		"external_pid_file", "hba_file", "ident_file", "listen_addresses", "multigres.config_reload_marker", "port",
		"primary_conninfo", "restore_command", "synchronous_commit", "synchronous_standby_names",
		"unix_socket_directories", "wal_level",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(managed))); diff != "" {
		t.Errorf("\nThese are not the user's to set.\n-want, +got:\n%s", diff)
	}

	for _, name := range want {
		if _, ok := Lookup(name); !ok && name != MarkerName {
			t.Errorf("%s is managed and no parameter of PostgreSQL 17", name)
		}
		errs := Validate(map[string]string{name: "x"}, field.NewPath("spec"))
		if diff := cmp.Diff(field.ErrorList{field.Forbidden(field.NewPath("spec").Key(name), managed[name])}, errs); diff != "" {
			t.Errorf("\nA managed parameter is refused whatever its value.\nValidate(%q): -want, +got:\n%s", name, diff)
		}
	}
}

func TestValidateText(t *testing.T) {
	path := field.NewPath("spec", "postgresConfigRef")

	cases := map[string]struct {
		reason string
		text   string
		want   field.ErrorList
	}{
		"Empty": {
			reason: "There is nothing to refuse.",
		},
		"Valid": {
			reason: "Comments, both forms of settings and extensions are accepted.",
			text:   "# mine\nwork_mem = 16MB\nlog_statement ddl\nauto_explain.log_min_duration = 1s\n",
		},
		"AllProblemsInOrder": {
			reason: "Everything is reported at once, in the order of the lines.",
			text:   "port = 1\nwork_mem = 1kB\nsearch_path = a, b\ninclude 'more.conf'\nno_such on\n",
			want: field.ErrorList{
				field.Forbidden(path, "line 1: port: "+managedByStart),
				field.Invalid(path, "1kB", "line 2: work_mem: must be between 64 and 2147483647, in units of kB"),
				field.Invalid(path, "line 3", many),
				field.Forbidden(path, "line 4: include is not supported"),
				field.Invalid(path, "on", "line 5: no_such: "+unknown),
			},
		},
		"Overridden": {
			reason: "A setting that does not take effect does no harm.",
			text:   "work_mem = 1kB\nwork_mem = 4MB\n",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ValidateText(tc.text, path)); diff != "" {
				t.Errorf("\n%s\nValidateText(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestValidSettingsAreRead checks that what Validate accepts is what the server
// reads back: no value can start another setting.
func TestValidSettingsAreRead(t *testing.T) {
	names := append(slices.Sorted(maps.Keys(catalogue())), "a.b", "ä.ö", "include", "a.b\nfsync", "x y")
	value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{1,4}(kB|MB|s|ms)?`), rapid.SampledFrom([]string{"on", "off", "'\nfsync = off\n'", `\`, `'`, `\'`}))

	rapid.Check(t, func(t *rapid.T) {
		inline := rapid.MapOfN(rapid.SampledFrom(names), value, 0, 10).Draw(t, "inline")
		for name := range inline {
			if len(Validate(map[string]string{name: inline[name]}, nil)) > 0 {
				delete(inline, name)
			}
		}

		d := Parse(Render(Input{Inline: inline}).Text)
		if len(d.Errors) != 0 || len(d.Includes) != 0 {
			t.Errorf("Render(%q): errors %+v, includes %+v", inline, d.Errors, d.Includes)
		}
		for name, want := range inline {
			if got, _ := d.Get(name); got != want {
				t.Errorf("Render(%q): %s is %q, want %q", inline, name, got, want)
			}
		}
	})
}
