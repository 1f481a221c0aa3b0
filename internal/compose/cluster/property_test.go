package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// aCluster draws any cluster that makes sense.
var aCluster = rapid.Custom(func(t *rapid.T) string {
	b := &strings.Builder{}
	b.WriteString("apiVersion: multigres.com/v1alpha1\nkind: MultigresCluster\nmetadata: {name: orders, namespace: app}\nspec:\n  cells:\n")
	cells := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID[string]).Draw(t, "cells")
	for _, c := range cells {
		local := ""
		if rapid.Bool().Draw(t, "local") {
			local = ", spec: {localTopoServer: {etcd: {}}}"
		}
		fmt.Fprintf(b, "  - {name: %s, zone: %s%s}\n", c, c, local)
	}
	for _, line := range []string{
		"globalTopoServer: {external: {endpoints: [\"http://etcd:2379\"]}}",
		"internalTLS: {enabled: true}",
		"certCommonName: db.example.com",
		"postgresPasswordSecretRef: {name: mine, key: pw}",
		"connectionSecretName: elsewhere",
		"externalGateway: {enabled: true, serviceType: LoadBalancer}",
		"multiadmin: {spec: {replicas: 2}}",
		"topologyPruning: {enabled: false}",
	} {
		if rapid.Bool().Draw(t, line) {
			b.WriteString("  " + line + "\n")
		}
	}
	return b.String()
})

// TestProperties changes any cluster into any other in any state of what is there.
func TestProperties(t *testing.T) {
	secrets := []string{generatedSecret, `{apiVersion: v1, kind: Secret, metadata: {name: mine, namespace: app}, data: {pw: eA==}}`}
	rapid.Check(t, func(r *rapid.T) {
		observed := grow(t, aCluster.Draw(r, "before"), secrets...)
		for _, key := range slices.Sorted(maps.Keys(observed)) {
			switch rapid.SampledFrom([]string{"ready", "unready", "degraded", "absent"}).Draw(r, key) {
			case "unready":
				observed[key] = withStatus(t, observed[key], "{phase: Progressing, message: soon, conditions: []}")
			case "degraded":
				observed[key] = withStatus(t, observed[key], "{phase: Degraded, message: broken, conditions: []}")
			case "absent":
				delete(observed, key)
			}
		}
		given := secrets[:rapid.IntRange(0, 2).Draw(r, "secrets")]
		out := mustRun(t, compose.Input{XR: composetest.Object(t, aCluster.Draw(r, "after")), Observed: observed}, given...)

		for key, o := range observed {
			if _, ok := out.Resources[key]; !ok && mustStay(observed, o) {
				r.Errorf("%s was there and is not wanted any more", key)
			}
		}
		for key, res := range out.Resources {
			if res.Ready && !compose.Ready(observed[key]) {
				r.Errorf("%s is not ready", key)
			}
			if res.Object != nil && res.Object.GetName() == "" {
				r.Errorf("%s has no name", key)
			}
		}
		if healthy := statusOf(t, out).Phase == "Healthy"; healthy && (!out.Ready || conditionOf(t, out, compose.TypeProgressing).Status == "True") {
			r.Errorf("a healthy cluster is ready and at rest: %+v", out.Conditions)
		}
		if out.Ready != (conditionOf(t, out, TypeAvailable).Status == "True") {
			r.Errorf("ready and available are the same: %+v", out.Conditions)
		}
	})
}

// mustStay is true if something is needed by what is there: here nothing has said that it drained.
func mustStay(observed map[string]object.Object, o object.Object) bool {
	for _, other := range observed {
		switch other.GroupKind() {
		case kindTableGroup:
			if o.GroupKind() == kindDatabaseRecord && databaseOf(other) == recordedDatabase(o) || o.GroupKind() == kindCellRecord && placedIn(other, recordedCell(o)) {
				return true
			}
		case kindCell:
			if o.GroupKind() == kindCellRecord && other.String("spec", "name") == recordedCell(o) {
				return true
			}
		}
	}
	return o.GroupKind() == kindTopoServer || o.GroupKind() == kindCell || o.GroupKind() == kindTableGroup
}
