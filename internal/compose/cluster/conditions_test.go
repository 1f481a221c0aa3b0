package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/resolve"
)

func TestExternalConditions(t *testing.T) {
	const lb = `{apiVersion: v1, kind: Service, metadata: {name: orders-multigateway}, status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}}`
	observed := with(t, grow(t, everything, givenEverything...), naming.KeyMultiGatewayService, lb)
	out := mustRun(t, compose.Input{XR: composetest.Object(t, everything), Observed: observed}, givenEverything...)
	if diff := cmp.Diff(compose.True(TypeGatewayExternalReady, "EndpointReady", "lb.example.com"), conditionOf(t, out, TypeGatewayExternalReady)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}

	for _, cell := range []string{"zone-a", "zone-b"} {
		observed[naming.KeyCell(cell)] = withStatus(t, observed[naming.KeyCell(cell)], `{conditions: []}`)
	}
	observed[naming.KeyMultiAdminWebDeployment] = withStatus(t, observed[naming.KeyMultiAdminWebDeployment], `{readyReplicas: 0}`)
	out = mustRun(t, compose.Input{XR: composetest.Object(t, everything), Observed: observed}, givenEverything...)
	if r := conditionOf(t, out, TypeGatewayExternalReady).Reason; r != "NoReadyGateways" {
		t.Errorf("an address without a gateway behind it leads nowhere, got %s", r)
	}
	if r := conditionOf(t, out, TypeAdminWebExternalReady).Reason; r != "NoReadyAdminWeb" {
		t.Errorf("an address without a user interface behind it leads nowhere, got %s", r)
	}

	out = mustRun(t, compose.Input{XR: composetest.Object(t, minimal)})
	for _, c := range out.Conditions {
		if c.Type == TypeGatewayExternalReady || c.Type == TypeAdminWebExternalReady {
			t.Errorf("a cluster that exposes nothing says nothing of it, got %+v", c)
		}
	}
	out = mustRun(t, compose.Input{XR: composetest.Object(t, minimal+"status: {conditions: [{type: GatewayExternalReady, status: \"True\"}]}\n")})
	if diff := cmp.Diff(compose.False(TypeGatewayExternalReady, "NotEnabled", ""), conditionOf(t, out, TypeGatewayExternalReady)); diff != "" {
		t.Errorf("one that did does not go on claiming it: -want, +got:\n%s", diff)
	}
}

func TestImageRolloutPending(t *testing.T) {
	set := "{multiadmin: a, multiadminWeb: a, multigateway: a, multiorch: a, multipooler: a, postgres: a, etcd: a, postgresExporter: a}"
	out := mustRun(t, compose.Input{XR: composetest.Object(t, minimal+"  imageUpdatePolicy: {strategy: lazy}\nstatus: {images: {appliedRevision: x, applied: "+set+"}}\n")})
	if c := conditionOf(t, out, TypeImageRolloutPending); c.Status != "True" || c.Reason != resolve.ReasonAwaitingAcknowledgement {
		t.Errorf("a lazy cluster waits for an acknowledgement, got %+v", c)
	}
	if got := composetest.Get(t, out, naming.KeyCell("zone-a")).String("spec", "images", "multigateway"); got != "a" {
		t.Errorf("meanwhile it keeps its images, got %q", got)
	}
}

func TestWarnings(t *testing.T) {
	ws := func(n int) []resolve.Warning {
		var out []resolve.Warning
		for i := range n {
			out = append(out, resolve.Warning{Reason: fmt.Sprintf("R%d", i), Message: fmt.Sprintf("m%d", i)})
		}
		return out
	}
	if diff := cmp.Diff(compose.False(TypeConfigurationWarnings, "AsExpected", ""), warningCondition(nil)); diff != "" {
		t.Errorf("nothing is fragile: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(compose.True(TypeConfigurationWarnings, "R0", "m0; m1"), warningCondition(ws(2))); diff != "" {
		t.Errorf("all warnings are told: -want, +got:\n%s", diff)
	}
	if got := warningCondition(ws(13)).Message; !strings.HasSuffix(got, "m9; and 3 more") {
		t.Errorf("too many are counted, got %q", got)
	}

	now := warningCondition(ws(1))
	xr := func(message string) compose.Input {
		return compose.Input{XR: composetest.Object(t, "{status: {conditions: [{type: ConfigurationWarnings, status: \"True\", message: \""+message+"\"}]}}")}
	}
	if diff := cmp.Diff([]compose.Event{{Warning: true, Reason: "ConfigurationWarnings", Message: "m0"}}, warningEvent(xr("other").XR, now)); diff != "" {
		t.Errorf("a new warning is an event: -want, +got:\n%s", diff)
	}
	if got := warningEvent(xr("m0").XR, now); got != nil {
		t.Errorf("one that was told already is none, got %v", got)
	}
	if got := warningEvent(xr("other").XR, warningCondition(nil)); got != nil {
		t.Errorf("the end of a warning is none, got %v", got)
	}
}
