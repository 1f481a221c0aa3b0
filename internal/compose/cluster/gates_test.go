package cluster

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// TestGates takes what a gate waits for away from a complete cluster, along with everything that the gate holds back.
func TestGates(t *testing.T) {
	const userPassword = minimal + "  postgresPasswordSecretRef: {name: mine, key: pw}\n"
	const localTopo = `
apiVersion: multigres.com/v1alpha1
kind: MultigresCluster
metadata: {name: orders, namespace: app}
spec:
  internalTLS: {enabled: true}
  cells:
  - {name: zone-a, zone: a}
  - {name: zone-b, zone: b, spec: {localTopoServer: {etcd: {}}}}
`
	cellA, cellB := naming.KeyCellRecord("zone-a"), naming.KeyCellRecord("zone-b")
	database, tableGroup := naming.KeyDatabaseRecord("postgres"), naming.KeyTableGroup("postgres", "default")
	cases := map[string]struct {
		reason string
		xr     string
		given  []string
		// unready is there and not ready, absent is not there.
		unready, absent []string
		// held are the keys among the absent ones that are not made yet.
		held []string
	}{
		"Topology": {
			reason:  "Records wait for the topology server, table groups for the records.",
			xr:      minimal,
			given:   []string{generatedSecret},
			unready: []string{naming.KeyGlobalTopo},
			absent:  []string{cellA, database, tableGroup},
			held:    []string{cellA, database, tableGroup},
		},
		"Everything": {
			reason: "With the topology server, the records and the password table groups are made.",
			xr:     minimal,
			given:  []string{generatedSecret},
			absent: []string{tableGroup},
		},
		"CellRecord": {
			reason:  "A table group waits for every cell's record.",
			xr:      localTopo,
			unready: []string{cellB},
			absent:  []string{tableGroup},
			held:    []string{tableGroup},
		},
		"DatabaseRecord": {
			reason:  "A table group waits for its database's record.",
			xr:      minimal,
			unready: []string{database},
			absent:  []string{tableGroup},
			held:    []string{tableGroup},
		},
		"Password": {
			reason:  "A table group waits for the generated password.",
			xr:      minimal,
			unready: []string{naming.KeyPostgresPassword},
			absent:  []string{tableGroup, naming.KeyConnectionSecret},
			held:    []string{naming.KeyConnectionSecret, tableGroup},
		},
		"UserPasswordMissing": {
			reason: "A table group waits for the user's password.",
			xr:     userPassword,
			absent: []string{tableGroup},
			held:   []string{naming.KeyConnectionSecret, tableGroup},
		},
		"UserPasswordEmpty": {
			reason: "An empty password is none.",
			xr:     userPassword,
			given:  []string{`{apiVersion: v1, kind: Secret, metadata: {name: mine, namespace: app}, data: {pw: ""}}`},
			absent: []string{tableGroup},
			held:   []string{naming.KeyConnectionSecret, tableGroup},
		},
		"UserPassword": {
			reason: "With the user's password the table group is made.",
			xr:     userPassword,
			given:  []string{`{apiVersion: v1, kind: Secret, metadata: {name: mine, namespace: app}, data: {pw: eA==}}`},
			absent: []string{tableGroup},
		},
		"LocalTopology": {
			reason:  "The record of a cell with a server of its own waits for that server, those of the others do not.",
			xr:      localTopo,
			unready: []string{naming.KeyCell("zone-b")},
			absent:  []string{cellA, cellB, tableGroup},
			held:    []string{cellB, tableGroup},
		},
		"Certificate": {
			reason:  "The admin API waits for the certificate that it shows.",
			xr:      localTopo,
			unready: []string{naming.KeyInternalTLS("multiadmin")},
			absent:  []string{naming.KeyMultiAdminDeployment},
			held:    []string{naming.KeyMultiAdminDeployment},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			full := grow(t, tc.xr, generatedSecret, `{apiVersion: v1, kind: Secret, metadata: {name: mine, namespace: app}, data: {pw: eA==}}`)
			observed := maps.Clone(full)
			for _, key := range tc.unready {
				observed[key] = withStatus(t, observed[key], "{phase: Progressing, message: soon, conditions: []}")
			}
			for key := range observed {
				if slices.Contains(tc.absent, key) || key == naming.KeyConnectionSecret {
					delete(observed, key)
				}
			}
			given := tc.given
			out := mustRun(t, compose.Input{XR: composetest.Object(t, tc.xr), Observed: observed}, given...)
			var held []string
			for key := range full {
				if _, ok := out.Resources[key]; !ok && (key != naming.KeyConnectionSecret || slices.Contains(tc.held, key)) {
					held = append(held, key)
				}
			}
			slices.Sort(held)
			if diff := cmp.Diff(tc.held, held); diff != "" {
				t.Errorf("%s held back: -want, +got:\n%s", tc.reason, diff)
			}
			if len(held) > 0 && (!out.InProgress || conditionOf(t, out, compose.TypeProgressing).Status != "True") {
				t.Error("what waits is in progress")
			}

			// A gate delays creation, it never removes.
			again := map[string]object.Object{}
			for key, o := range full {
				again[key] = withStatus(t, o, "{phase: Progressing, conditions: []}")
			}
			out = mustRun(t, compose.Input{XR: composetest.Object(t, tc.xr), Observed: again}, given...)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(full)), slices.Sorted(maps.Keys(out.Resources))); diff != "" {
				t.Errorf("with everything unready everything stays: -want, +got:\n%s", diff)
			}
		})
	}
}
