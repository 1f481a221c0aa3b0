package cell

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// TestRenewedCertificates holds that gateways start anew with each certificate, and for nothing else.
func TestRenewedCertificates(t *testing.T) {
	const held = `{apiVersion: apps/v1, kind: Deployment, spec: {template: {metadata: {annotations: {multigres.com/certificate-renewals: "7"}}}}}`
	counted := func(y string) []object.Object {
		return []object.Object{composetest.Object(t, `{kind: TLSCertificate, status: {atProvider: `+y+`}}`)}
	}
	cases := map[string]struct {
		reason            string
		xr                string
		internal, gateway []object.Object
		want              string
	}{
		"Plain":    {reason: "They load none.", xr: minimal},
		"First":    {reason: "They have the first ones.", xr: everything, internal: counted(`{revision: 1}`), gateway: counted(`{revision: 1}`)},
		"Renewed":  {reason: "Both count.", xr: everything, internal: counted(`{revision: 2, renewals: 1}`), gateway: counted(`{revision: 3, renewals: 2}`), want: "3"},
		"Names":    {reason: "Clients ask for the new name.", xr: everything, internal: counted(`{revision: 1}`), gateway: counted(`{revision: 2}`), want: "1"},
		"NotKnown": {reason: "Nobody knows which there are.", xr: everything, internal: counted(`{revision: 9}`), gateway: nil, want: "7"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			in := input(t, tc.xr, true, map[string]string{naming.KeyGatewayDeployment: held})
			in.Required[requireInternalTLS], in.Required[requireGatewayTLS] = tc.internal, tc.gateway
			out, err := Compose(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := workload.HeldRenewals(composetest.Get(t, out, naming.KeyGatewayDeployment)); got != tc.want {
				t.Errorf("\n%s\nwant %q, got %q", tc.reason, tc.want, got)
			}
		})
	}
	want := []string{requireRecord, requireGatewayTLS, requireInternalTLS}
	slices.Sort(want)
	in := input(t, everything, true, nil)
	in.Required = nil
	out, err := Compose(in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(out.Requirements))); diff != "" {
		t.Errorf("requirements: -want, +got:\n%s", diff)
	}
}
