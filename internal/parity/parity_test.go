// Package parity holds docs/parity.md against the project: what the document says we have and test must be there, under the
// names that it gives. It has tests only.
package parity

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// root of the repository, seen from this package.
const root = "../.."

// documentPath is the document that is checked, seen from the root.
const documentPath = "docs/parity.md"

// Columns of the two kinds of tables.
var (
	surfaceColumns = []string{"Operator", "What it does", "Here", "Status", "Pinned by"}
	defectColumns  = []string{"No.", "Defect of the operator", "How it is here", "Status", "Pinned by"}
)

// Numbers of the operator's known defects.
const (
	clusterDefects = 36
	shardDefects   = 43
)

// shapes of the tables by heading, with everything that the operator exports around a shard and a table group, and all
// defects of the lists that the document numbers.
var shapes = map[string]shape{
	"Constants": {
		columns: surfaceColumns, done: statusHere, symbol: "Here",
		names: []string{
			"DataVolumeName", "DataMountPath", "PgDataPath", "PoolerDirMountPath", "SocketDirVolumeName", "SocketDirMountPath",
			"BackupVolumeName", "BackupMountPath", "PgHbaVolumeName", "PgHbaMountPath", "PgHbaTemplatePath",
			"PostgresConfigVolumeName", "PostgresConfigMountPath", "PostgresConfigFilePath", "PostgresPasswordSecretKey",
			"PgBackRestCertVolumeName", "PgBackRestCertMountPath", "PgBackRestPort", "DefaultMultiPoolerHTTPPort",
			"DefaultMultiPoolerGRPCPort", "DefaultPostgresPort", "DefaultPgctldHTTPPort", "DefaultMultiOrchHTTPPort",
			"DefaultMultiOrchGRPCPort", "DefaultDataVolumeSize", "DefaultPoolReplicas", "DefaultPostgresPassword",
			"MultiOrchComponentName", "PoolComponentName", "DefaultPgHbaTemplate",
		},
	},
	"Functions": {
		columns: surfaceColumns, done: statusHere, symbol: "Here",
		names: []string{
			"BuildMultiOrchDeployment", "BuildMultiOrchService", "BuildPgHbaConfigMap", "BuildPoolDataPVC", "BuildPoolDataPVCName",
			"BuildPoolHeadlessService", "BuildPoolPod", "BuildPoolPodDisruptionBudget", "BuildPoolPodName", "BuildPoolServiceID",
			"BuildPostgresPasswordSecret", "BuildSharedBackupPVC", "BuildSharedBackupPVCName", "ComputeSpecHash", "PgHbaConfigMapName",
			"PostgresPasswordSecretName", "ShouldDeletePVCOnShardRemoval", "ShouldDeleteShardLevelPVCOnRemoval", "BuildShard",
		},
	},
	"Types": {
		columns: surfaceColumns, done: statusHere, symbol: "Here",
		names: []string{
			"ShardReconciler", "ShardReconciler.Client", "ShardReconciler.Scheme", "ShardReconciler.Recorder", "ShardReconciler.APIReader",
			"ShardReconciler.RPCClient", "ShardReconciler.CreateTopoStore", "ShardReconciler.Reconcile", "ShardReconciler.SetupWithManager",
			"TableGroupReconciler", "TableGroupReconciler.Reconcile", "TableGroupReconciler.SetupWithManager",
		},
	},
	"Behaviour of the reconcilers": {
		columns: surfaceColumns, done: statusHere, symbol: "Here",
		names: []string{
			"Scale-down", "Creation", "Rolling update", "Drain staleness", "PVC cleanup", "Index parsing", "Status", "Deletion",
		},
	},
	"Defects above the shard":           {columns: defectColumns, done: statusFixed, names: numbers("C", clusterDefects)},
	"Defects of the shard and below it": {columns: defectColumns, done: statusFixed, names: numbers("S", shardDefects)},
}

// numbers returns the numbers from 1 to n after a letter.
func numbers(letter string, n int) []string {
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, fmt.Sprintf("%s%d", letter, i+1))
	}
	return out
}

// TestDocument fails if a test, a case, a symbol or a file that the document names is renamed or removed, and if a row of the
// operator's is missing.
func TestDocument(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, documentPath))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range check(newModule(root), string(document), shapes) {
		t.Errorf("%s: %s", documentPath, problem)
	}
}

func TestCheck(t *testing.T) {
	const columns = "# T\n\n| Operator | What it does | Here | Status | Pinned by |\n|---|---|---|---|---|\n"
	m := newModule("testdata")
	one := map[string]shape{"T": {columns: surfaceColumns, done: statusHere, symbol: "Here", names: []string{"A"}}}

	cases := map[string]struct {
		reason   string
		document string
		want     []string
	}{
		"Here": {
			reason:   "A row that names a symbol, a test and its case is fine.",
			document: columns + "| `A` | a | `internal/sample.Thing.Do`, as `fn.Run` | here | `internal/sample TestThing/Small`, `internal/sample FuzzThing` |",
		},
		"Open": {
			reason:   "What is missing belongs to a part of the project.",
			document: columns + "| A | a | later | open: provider | - |",
		},
		"NotApplicable": {
			reason:   "What makes no sense needs no test, and a bar may be written.",
			document: columns + `| A | a \| b | no | not applicable | - |`,
		},
		"OtherTables": {
			reason:   "Tables under other headings are nobody's business.",
			document: columns + "| A | a | no | not applicable | - |\n# U\n| x |\n|---|\n| `internal/gone` |",
		},
		"SharedCases": {
			reason:   "A case may stand in a table of the package, and in another package of the same folder it is another case.",
			document: columns + "| A | a | `internal/sample.Thing.Size` | here | `internal/sample TestShared/Common`, `internal/sample TestOutside/Far` |",
		},
		"File": {
			reason:   "Files are named by their path.",
			document: columns + "| A | a | `internal/sample/sample.go.txt` | not applicable | - |",
		},
		"NoTable": {
			reason: "A table must be there.",
			want:   []string{"T: there is no such table"},
		},
		"Columns": {
			reason:   "A table has its columns.",
			document: "# T\n| A |\n|---|\n| A |",
			want:     []string{`T: columns are ["A"], not ["Operator" "What it does" "Here" "Status" "Pinned by"]`},
		},
		"MissingRow": {
			reason:   "A row must not vanish.",
			document: columns + "| B | b | no | not applicable | - |",
			want:     []string{"T: row A is missing"},
		},
		"Cells": {
			reason:   "Every column says something.",
			document: columns + "| A | a | no | not applicable | - |\n| B | b | no | - |\n| C | | no | not applicable | - |",
			want:     []string{"line 6: each of the 5 columns needs something", "line 7: each of the 5 columns needs something"},
		},
		"Twice": {
			reason:   "There is one row for each thing.",
			document: columns + "| A | a | no | not applicable | - |\n| `A` | a | no | not applicable | - |",
			want:     []string{"line 6: there is another row A"},
		},
		"Status": {
			reason:   "There are no other statuses and parts.",
			document: columns + "| A | a | no | maybe | - |\n| B | b | no | open: moon | - |\n| C | c | no | open | - |",
			want:     []string{`line 5: there is no status "maybe"`, `line 6: the project has no part "moon"`, `line 7: there is no status "open"`},
		},
		"NoProof": {
			reason:   "Whoever says that it is here says what and shows it.",
			document: columns + "| A | a | somewhere | here | - |",
			want:     []string{"line 5: here needs a test", "line 5: here needs the name of something of ours"},
		},
		"Renamed": {
			reason:   "Nothing that the document names may be gone.",
			document: columns + "| A | a | `internal/sample.Thong`, `internal/sample.Thing.Don` and `internal/gone` | here | `internal/sample TestThong`, `internal/sample TestThing/Big`, `internal/gone TestThing` |",
			want: []string{
				"line 5: test TestThing in internal/sample has no case Big",
				"line 5: there is no Thing.Don in internal/sample",
				"line 5: there is no Thong in internal/sample",
				"line 5: there is no file internal/gone",
				"line 5: there is no test TestThing in internal/gone",
				"line 5: there is no test TestThong in internal/sample",
			},
		},
		"CaseOfAnotherTest": {
			reason:   "The case of one test is not one of another.",
			document: columns + "| A | a | `internal/sample.Thing` | here | `internal/sample TestThing/Common` |",
			want:     []string{"line 5: test TestThing in internal/sample has no case Common"},
		},
		"NoReference": {
			reason:   "A test is named by its folder and its name.",
			document: columns + "| A | a | `internal/sample.Thing` | here | TestThing, `TestThing` |",
			want: []string{
				"line 5: TestThing is no reference to a test, as `internal/naming TestJoin/Unicode` is",
				"line 5: `TestThing` is no reference to a test, as `internal/naming TestJoin/Unicode` is",
				"line 5: here needs a test",
			},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, check(m, tc.document, one)); diff != "" {
				t.Errorf("\n%s\ncheck(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
