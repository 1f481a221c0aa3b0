module github.com/crossplane-multigres/crossplane-multigres/tools/postgres-exporter

go 1.26.0
