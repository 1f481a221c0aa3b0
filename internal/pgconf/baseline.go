package pgconf

// The baseline is for a small server: the values hold for half a core and half
// a gigabyte of memory. Sizing replaces what depends on the resources.
const (
	baselineMaxConnections    = 60
	baselineParallelPerGather = 1
)

// A section is a group of settings under one comment.
type section struct {
	comment  string
	settings []Setting
}

// baseline are the settings every server starts from, in the order they are
// written. The name of the cluster is added when they are rendered. Addresses
// and paths are missing because pgctld passes them as arguments.
var baseline = [...]section{
	{"Connections and authentication.", []Setting{
		{Name: "max_connections", Value: "60"},
		{Name: "authentication_timeout", Value: "1min"},
		{Name: "password_encryption", Value: "scram-sha-256"},
	}},
	{"TLS ends at the gateway.", []Setting{
		{Name: "ssl", Value: "off"},
		{Name: "ssl_ca_file", Value: ""},
		{Name: "ssl_cert_file", Value: ""},
		{Name: "ssl_crl_file", Value: ""},
		{Name: "ssl_crl_dir", Value: ""},
		{Name: "ssl_key_file", Value: ""},
		{Name: "ssl_ciphers", Value: "HIGH:MEDIUM:+3DES:!aNULL"},
		{Name: "ssl_prefer_server_ciphers", Value: "on"},
		{Name: "ssl_ecdh_curve", Value: "prime256v1"},
		{Name: "ssl_min_protocol_version", Value: "TLSv1.2"},
		{Name: "ssl_max_protocol_version", Value: ""},
		{Name: "ssl_dh_params_file", Value: ""},
		{Name: "ssl_passphrase_command", Value: ""},
		{Name: "ssl_passphrase_command_supports_reload", Value: "off"},
	}},
	{"Memory, disk and workers.", []Setting{
		{Name: "shared_buffers", Value: "64MB"},
		{Name: "maintenance_work_mem", Value: "16MB"},
		{Name: "work_mem", Value: "1092kB"},
		{Name: "effective_io_concurrency", Value: "0"},
		{Name: "max_worker_processes", Value: "6"},
		{Name: "max_parallel_workers", Value: "2"},
		{Name: "max_parallel_workers_per_gather", Value: "1"},
		{Name: "max_parallel_maintenance_workers", Value: "1"},
	}},
	{"Write-ahead log. Hints are logged so that a former leader can be rewound, and it is archived in time for one to begin.", []Setting{
		{Name: "wal_level", Value: "logical"},
		{Name: "wal_log_hints", Value: "on"},
		{Name: "wal_buffers", Value: "1920kB"},
		{Name: "min_wal_size", Value: "80MB"},
		{Name: "max_wal_size", Value: "1024MB"},
		{Name: "wal_keep_size", Value: "1000MB"},
		{Name: "checkpoint_completion_target", Value: "0.9"},
		{Name: "checkpoint_flush_after", Value: "256kB"},
		{Name: "archive_timeout", Value: "1min"},
	}},
	{"Replication: one sender per follower, and one per running backup.", []Setting{
		{Name: "max_wal_senders", Value: "25"},
		{Name: "max_replication_slots", Value: "25"},
		{Name: "max_slot_wal_keep_size", Value: "1024MB"},
	}},
	{"Planner.", []Setting{
		{Name: "effective_cache_size", Value: "192MB"},
		{Name: "random_page_cost", Value: "1.1"},
		{Name: "default_statistics_target", Value: "100"},
		{Name: "jit_provider", Value: "llvmjit"},
	}},
	{"Log.", []Setting{
		{Name: "log_line_prefix", Value: "%h %m [%p] %q%u@%d "},
		{Name: "log_statement", Value: "ddl"},
		{Name: "log_timezone", Value: "UTC"},
	}},
	{"Sessions.", []Setting{
		{Name: "row_security", Value: "on"},
		{Name: "timezone", Value: "UTC"},
		{Name: "lc_messages", Value: "en_US.UTF-8"},
		{Name: "lc_monetary", Value: "en_US.UTF-8"},
		{Name: "lc_numeric", Value: "en_US.UTF-8"},
		{Name: "lc_time", Value: "en_US.UTF-8"},
		{Name: "default_text_search_config", Value: "pg_catalog.english"},
	}},
	{"Extensions.", []Setting{
		{Name: "auto_explain.log_min_duration", Value: "10s"},
		{Name: "cron.database_name", Value: "postgres"},
	}},
}
