package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/composetest"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

func TestRenewals(t *testing.T) {
	counted := func(y string) object.Object {
		return composetest.Object(t, `{kind: TLSCertificate, status: {atProvider: `+y+`}}`)
	}
	first, named, renewed := counted(`{revision: 1}`), counted(`{revision: 3}`), counted(`{revision: 4, renewals: 2}`)
	cases := map[string]struct {
		reason              string
		certificates        []object.Object
		renewals, revisions string
	}{
		"None":    {reason: "Nobody loads a certificate."},
		"First":   {reason: "Pods of the first certificates are as they would be without a count.", certificates: []object.Object{first, first}},
		"Names":   {reason: "Other names count for those only whom clients ask for them.", certificates: []object.Object{first, named}, revisions: "2"},
		"Both":    {reason: "Each renewal of any certificate is another count.", certificates: []object.Object{renewed, renewed}, renewals: "4", revisions: "6"},
		"Unsaid":  {reason: "What one does not say is no reason to restart.", certificates: []object.Object{renewed, counted(`{}`)}, renewals: "held", revisions: "held"},
		"Missing": {reason: "Neither is that there is none.", certificates: []object.Object{{}}, renewals: "held", revisions: "held"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := []string{Renewals("held", tc.certificates...), Revisions("held", tc.certificates...)}
			if diff := cmp.Diff([]string{tc.renewals, tc.revisions}, got); diff != "" {
				t.Errorf("\n%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
