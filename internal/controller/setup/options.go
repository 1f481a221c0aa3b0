// Package setup builds the controllers of managed resources. It holds what all of them have in common, whatever their external
// resources are: the guard, the wishes to be reconciled again, the placement, what wakes them and what they report.
package setup

import (
	"github.com/crossplane/crossplane-runtime/v2/pkg/controller"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/metrics"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
)

// Options of all controllers.
type Options struct {
	controller.Options

	// Placement says how the controllers run.
	Placement placement.Spec

	// Lease says whether this replica may act.
	Lease placement.Lease

	// Metrics of all controllers.
	Metrics *metrics.Metrics
}
