package pgconf

import _ "embed"

// Names of the rendered files, as keys of their ConfigMaps.
const (
	FilePostgresConf    = "postgresql.conf"
	FileInitdbConf      = "initdb.conf"
	FilePgHbaTemplate   = "pg_hba_template.conf"
	FileExporterQueries = "queries.yml"
)

// PgHbaTemplate is the text/template of pg_hba.conf that pgctld executes when
// it initialises a server; {{.User}} is the superuser. Everyone proves a
// password with SCRAM: clients through the gateway, and members of the shard
// that replicate from each other, for which the addresses of pods are not known
// beforehand.
//
//go:embed pg_hba_template.conf
var PgHbaTemplate string

// ExporterQueries are the custom queries of prometheus-community's
// postgres_exporter. All are answered by any server, are about the whole
// server and not one database, and are cached for 60 seconds.
//
//go:embed queries.yml
var ExporterQueries string
