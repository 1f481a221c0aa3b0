// Package controller sets up the controllers of all managed resources.
package controller

import (
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/local"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/password"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/tlscertificate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/volumeclaim"
)

// SetupGated sets up each controller once the API server serves its kind.
func SetupGated(mgr ctrl.Manager, o local.Options) {
	for _, setup := range []func(ctrl.Manager, local.Options){
		password.SetupGated,
		tlscertificate.SetupGated,
		volumeclaim.SetupGated,
	} {
		setup(mgr, o)
	}
}
