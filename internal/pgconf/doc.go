// Package pgconf renders the configuration of a PostgreSQL server:
// postgresql.conf in its layers, pg_hba.conf, and the queries of the metrics
// exporter. It knows every parameter of PostgreSQL 17, so that a setting the
// server would refuse is refused before a pod is touched, and so that a
// setting a reload applies does not restart one. The package is pure.
package pgconf
