// Package controller sets up the controllers of all managed resources.
package controller

import (
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/cellrecord"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/databaserecord"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/password"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/providerconfig"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/shardrecord"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/tlscertificate"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topomember"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/volumeclaim"
)

// SetupGated sets up each controller once the API server serves its kind.
func SetupGated(mgr ctrl.Manager, o setup.Options) error {
	for _, gated := range []func(ctrl.Manager, setup.Options){
		password.SetupGated,
		providerconfig.SetupGated,
		tlscertificate.SetupGated,
		topomember.SetupGated,
		volumeclaim.SetupGated,
	} {
		gated(mgr, o)
	}
	l, err := topology.New(mgr, o)
	if err != nil {
		return err
	}
	for _, gated := range []func(ctrl.Manager, setup.Options, *topology.Layer){
		cellrecord.SetupGated,
		databaserecord.SetupGated,
		shardrecord.SetupGated,
	} {
		gated(mgr, o, l)
	}
	return nil
}
