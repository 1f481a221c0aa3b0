package tablegroup

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
)

const group = `
apiVersion: multigres.com/v1alpha1
kind: TableGroup
metadata: {name: orders-postgres-default, namespace: app, generation: 2}
spec:
  clusterName: orders
  projectRef: shop
  databaseName: postgres
  tableGroupName: default
  default: true
  images: {multiorch: m:1, multipooler: m:1, postgres: p:1}
  globalTopoServer: {address: "t:2379", rootPath: /m, implementation: etcd}
  durabilityPolicy: AT_LEAST_2
  postgresSuperuser: postgres
  postgresPasswordSecretRef: {name: pw, key: password}
  cellTopologyLabels: {a: {topology.kubernetes.io/zone: a}}
  pvcDeletionPolicy: {whenDeleted: Retain, whenScaled: Delete}
  shards:
  - name: 0-inf
    multiorch: {cells: [a]}
    initdbArgs: --data-checksums
    postgresConfig: {work_mem: 8MB}
    pvcDeletionPolicy: {whenScaled: Retain}
    pools:
      main: {type: readWrite, cells: [a], replicasPerCell: 3, storage: {size: 1Gi}}
      side: {type: readWrite, cells: [a, b], replicasPerCell: 2}
    backup: {type: filesystem, filesystem: {path: /backups, storage: {size: 10Gi}}}
`

const (
	ready    = `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s}, status: {phase: Healthy, conditions: [{type: Ready, status: "True"}]}}`
	degraded = `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s}, status: {phase: Degraded, message: no leader}}`
	starting = `{apiVersion: multigres.com/v1alpha1, kind: Shard, metadata: {name: s}}`
)

func TestCompose(t *testing.T) {
	shard := naming.KeyShard("0-inf")
	cases := map[string]struct {
		xr       string
		observed map[string]string
	}{
		"New":       {xr: group},
		"Starting":  {xr: group, observed: map[string]string{shard: starting}},
		"Ready":     {xr: group + "status: {phase: Progressing}", observed: map[string]string{shard: ready}},
		"Degraded":  {xr: group + "status: {phase: Healthy}", observed: map[string]string{shard: degraded}},
		"NoShards":  {xr: `{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: x}, spec: {databaseName: d, tableGroupName: t}}`},
		"NoCluster": {xr: `{apiVersion: multigres.com/v1alpha1, kind: TableGroup, metadata: {name: x}, spec: {databaseName: d, tableGroupName: t, shards: [{name: s}]}}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := Compose(compose.Input{XR: composetest.Object(t, tc.xr), Observed: composetest.Objects(t, tc.observed)})
			if err != nil {
				t.Fatal(err)
			}
			composetest.Golden(t, name, out)
		})
	}
}

func TestComposeInvalid(t *testing.T) {
	_, err := Compose(compose.Input{XR: composetest.Object(t, `{kind: TableGroup, spec: {shards: [{name: a}, {name: a}, {}, 3]}}`)})
	var invalid *compose.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v", err)
	}
	var fields []string
	for _, p := range invalid.Problems {
		f, _, _ := strings.Cut(p, ":")
		fields = append(fields, f)
	}
	want := []string{"spec.databaseName", "spec.shards[1].name", "spec.shards[2].name", "spec.shards[3].name", "spec.shards[3]", "spec.tableGroupName"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("every problem at once: -want, +got:\n%s", diff)
	}
}
