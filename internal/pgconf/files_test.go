package pgconf

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestPgHbaTemplate(t *testing.T) {
	tmpl, err := template.New("").Option("missingkey=error").Parse(PgHbaTemplate)
	if err != nil {
		t.Fatalf("cannot parse the template: %v", err)
	}
	var text strings.Builder
	if err := tmpl.Execute(&text, map[string]string{"User": "postgres"}); err != nil {
		t.Fatalf("cannot execute the template: %v", err)
	}
	golden(t, "The file a server reads.", "pg_hba.conf", text.String())

	if !strings.Contains(PgHbaTemplate, "# TYPE  DATABASE        USER            ADDRESS                 METHOD\n") {
		t.Errorf("\nA header names the columns.\n%s", PgHbaTemplate)
	}

	var got [][]string
	for line := range strings.Lines(text.String()) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] != "#" {
			got = append(got, fields)
		}
	}
	want := [][]string{
		{"local", "all", "all", "scram-sha-256"},
		{"local", "replication", "all", "scram-sha-256"},
		{"host", "replication", "all", "0.0.0.0/0", "scram-sha-256"},
		{"host", "replication", "all", "::/0", "scram-sha-256"},
		{"host", "all", "all", "127.0.0.1/32", "scram-sha-256"},
		{"host", "all", "all", "::1/128", "scram-sha-256"},
		{"host", "all", "all", "0.0.0.0/0", "scram-sha-256"},
		{"host", "all", "all", "::/0", "scram-sha-256"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nEveryone proves a password.\nrules: -want, +got:\n%s", diff)
	}
}

func TestExporterQueries(t *testing.T) {
	type metric struct {
		Usage       string `json:"usage"`
		Description string `json:"description"`
	}
	type block struct {
		Master       bool                `json:"master"`
		CacheSeconds int                 `json:"cache_seconds"`
		Query        string              `json:"query"`
		Metrics      []map[string]metric `json:"metrics"`
	}
	var blocks map[string]block
	if err := yaml.UnmarshalStrict([]byte(ExporterQueries), &blocks); err != nil {
		t.Fatalf("cannot read the queries: %v", err)
	}

	want := map[string][]string{
		"pg_database":              {"size_mb"},
		"pg_wal":                   {"size_mb"},
		"pg_stat_database":         {"num_backends"},
		"physical_replication_lag": {"is_connected_to_primary", "is_wal_replay_paused", "seconds"},
		"connection_stats":         {"connection_count", "username"},
		"max_connections":          {"connections"},
	}
	got := make(map[string][]string, len(blocks))
	for name, b := range blocks {
		if !b.Master || b.CacheSeconds != 60 {
			t.Errorf("%s: master %t, cached %d seconds, want an instance's and 60", name, b.Master, b.CacheSeconds)
		}
		for _, m := range b.Metrics {
			for _, column := range slices.Sorted(maps.Keys(m)) {
				got[name] = append(got[name], column)
				if m[column].Description == "" || m[column].Usage != "GAUGE" && m[column].Usage != "LABEL" {
					t.Errorf("%s: column %s has the usage %q and the description %q", name, column, m[column].Usage, m[column].Description)
				}
				if !strings.Contains(b.Query, " AS "+column) {
					t.Errorf("%s: the query does not return %s", name, column)
				}
			}
		}
		slices.Sort(got[name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nSix blocks and their columns.\n-want, +got:\n%s", diff)
	}
}
