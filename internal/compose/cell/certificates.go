package cell

import (
	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// certificates returns the names of the TLSCertificates that gateways load, by the requirements that ask for them.
func certificates(c *v1alpha1.Cell) map[string]string {
	out := map[string]string{}
	if name := internalTLS(c); name != "" {
		out[requireInternalTLS] = name
	}
	if name := c.Spec.GatewayTLSSecretName; name != "" {
		out[requireGatewayTLS] = string(name)
	}
	return out
}

// renewals returns how often the certificates of the gateways have changed. One for other names counts: clients ask for them.
func renewals(in compose.Input, c *v1alpha1.Cell, s *compose.Set) string {
	var found []object.Object
	for requirement := range certificates(c) {
		found = append(found, in.Find(requirement))
	}
	return workload.Revisions(workload.HeldRenewals(s.Observed(naming.KeyGatewayDeployment)), found...)
}
