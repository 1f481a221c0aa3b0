package pgconf

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCatalogue(t *testing.T) {
	if diff := cmp.Diff(379, len(catalogue())); diff != "" {
		t.Errorf("\nEvery row of the file is a parameter.\n-want, +got:\n%s", diff)
	}

	types := []Type{TypeBool, TypeInteger, TypeReal, TypeString, TypeEnum}
	contexts := []Context{ContextInternal, ContextPostmaster, ContextSighup, ContextSuperuserBackend, ContextBackend, ContextSuperuser, ContextUser}
	units := []string{"", "B", "kB", "8kB", "MB", "ms", "s", "min"}

	for _, name := range slices.Sorted(maps.Keys(catalogue())) {
		p := catalogue()[name]
		if !slices.Contains(types, p.Type) || !slices.Contains(contexts, p.Context) || !slices.Contains(units, p.Unit) {
			t.Errorf("%s: unexpected type, context or unit: %+v", name, p)
		}
		if (p.Type == TypeInteger || p.Type == TypeReal) && p.Min > p.Max && p.Context != ContextInternal {
			t.Errorf("%s: minimum %g is above maximum %g", name, p.Min, p.Max)
		}
		if p.Type == TypeEnum && len(p.Values) < 2 {
			t.Errorf("%s: an enum of %d values", name, len(p.Values))
		}
	}
}

func TestLookup(t *testing.T) {
	type want struct {
		parameter Parameter
		ok        bool
	}

	cases := map[string]struct {
		reason string
		name   string
		want   want
	}{
		"Integer": {
			reason: "Range and unit of a number are known.",
			name:   "work_mem",
			want:   want{Parameter{Name: "work_mem", Type: TypeInteger, Context: ContextUser, Unit: "kB", Min: 64, Max: 2147483647}, true},
		},
		"Enum": {
			reason: "The values of an enum are known.",
			name:   "wal_level",
			want:   want{Parameter{Name: "wal_level", Type: TypeEnum, Context: ContextPostmaster, Values: []string{"minimal", "replica", "logical"}}, true},
		},
		"EnumWithEmptyValue": {
			reason: "An enum may have the empty value.",
			name:   "ssl_max_protocol_version",
			want:   want{Parameter{Name: "ssl_max_protocol_version", Type: TypeEnum, Context: ContextSighup, Values: []string{"", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}}, true},
		},
		"AnyCase": {
			reason: "Names are compared without regard to case.",
			name:   "dateSTYLE",
			want:   want{Parameter{Name: "DateStyle", Type: TypeString, Context: ContextUser}, true},
		},
		"Unknown": {
			reason: "A parameter of a later release is unknown.",
			name:   "io_method",
		},
		"Extension": {
			reason: "Parameters of extensions are unknown.",
			name:   "auto_explain.log_min_duration",
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p, ok := Lookup(tc.name)
			if diff := cmp.Diff(tc.want, want{p, ok}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("\n%s\nLookup(%q): -want, +got:\n%s", tc.reason, tc.name, diff)
			}
		})
	}
}

func TestNeedsRestart(t *testing.T) {
	cases := map[string]struct {
		reason string
		name   string
		want   bool
	}{
		"Postmaster": {"Shared memory is sized at the start.", "shared_buffers", true},
		"Internal":   {"What never changes does not change by a reload.", "block_size", true},
		"Sighup":     {"A reload applies it.", "max_wal_size", false},
		"User":       {"A reload applies it to new sessions.", "Work_Mem", false},
		"Backend":    {"A reload applies it to new sessions.", "log_connections", false},
		"Unknown":    {"A restart is right for every parameter.", "io_method", true},
		"Extension":  {"Some parameters of extensions need a restart.", "cron.database_name", true},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, NeedsRestart(tc.name)); diff != "" {
				t.Errorf("\n%s\nNeedsRestart(%q): -want, +got:\n%s", tc.reason, tc.name, diff)
			}
		})
	}
}
