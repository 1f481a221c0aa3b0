package cell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

func TestDrain(t *testing.T) {
	const gateway = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: g}, status: {replicas: 2, readyReplicas: 2}}`
	draining := strings.Replace(everything, "spec:\n", "spec:\n  drain: true\n", 1)
	cases := map[string]struct {
		reason     string
		xr         string
		observed   map[string]string
		there      []string
		composed   []string
		drained    string
		inProgress bool
	}{
		"Begins": {
			reason:   "The gateways go, the cell's own topology server stays.",
			xr:       draining,
			observed: map[string]string{naming.KeyGatewayDeployment: gateway},
			there:    []string{gateway},
			composed: []string{naming.KeyLocalTopo}, drained: "False", inProgress: true,
		},
		"Stopping": {
			reason:   "A Deployment that is being deleted is there until its last pod has stopped.",
			xr:       draining,
			there:    []string{gateway},
			composed: []string{naming.KeyLocalTopo}, drained: "False", inProgress: true,
		},
		"Drained": {
			reason:   "No gateway is left.",
			xr:       draining,
			composed: []string{naming.KeyLocalTopo}, drained: "True",
		},
		"Cancelled": {
			reason:   "The gateways come back.",
			xr:       everything + `status: {conditions: [{type: Drained, status: "True"}]}`,
			composed: []string{naming.KeyGatewayDeployment, naming.KeyGatewayPDB, naming.KeyGatewayService, naming.KeyLocalTopo}, drained: "False", inProgress: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := input(t, tc.xr, true, tc.observed)
			in.Required[requireGateways] = nil
			for _, y := range tc.there {
				in.Required[requireGateways] = append(in.Required[requireGateways], composetest.Object(t, y))
			}
			out, err := Compose(in)
			if err != nil {
				t.Fatal(err)
			}
			var composed []string
			for _, key := range []string{naming.KeyGatewayDeployment, naming.KeyGatewayPDB, naming.KeyGatewayService, naming.KeyLocalTopo} {
				if _, ok := out.Resources[key]; ok {
					composed = append(composed, key)
				}
			}
			if diff := cmp.Diff(tc.composed, composed); diff != "" {
				t.Errorf("\n%s\ncomposed: -want, +got:\n%s", tc.reason, diff)
			}
			got := ""
			for _, c := range out.Conditions {
				if c.Type == compose.TypeDrained {
					got = string(c.Status)
				}
			}
			if got != tc.drained || out.InProgress != tc.inProgress {
				t.Errorf("\n%s\nwant drained %q and in progress %v, got %q and %v", tc.reason, tc.drained, tc.inProgress, got, out.InProgress)
			}
		})
	}
}

// TestDrainAsks holds that a cell that drains asks for its gateways by the name that they have.
func TestDrainAsks(t *testing.T) {
	in := input(t, strings.Replace(minimal, "spec:\n", "spec:\n  drain: true\n", 1), true, nil)
	in.Required = map[string][]object.Object{}
	out, err := Compose(in)
	if err != nil {
		t.Fatal(err)
	}
	want := compose.Requirement{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "app", Name: naming.GatewayDeployment("orders", "zone-a")}
	if diff := cmp.Diff(want, out.Requirements[requireGateways]); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}
