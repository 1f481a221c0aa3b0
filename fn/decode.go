package fn

import (
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// decode returns a composer's view of a request. Nothing is copied or converted.
func decode(req *fnv1.RunFunctionRequest) compose.Input {
	in := compose.Input{
		XR:       object.New(req.GetObserved().GetComposite().GetResource()),
		Observed: make(map[string]object.Object, len(req.GetObserved().GetResources())),
		Required: make(map[string][]object.Object, len(req.GetRequiredResources())),
	}
	for key, r := range req.GetObserved().GetResources() {
		in.Observed[key] = object.New(r.GetResource())
	}
	for name, rs := range req.GetRequiredResources() {
		os := make([]object.Object, 0, len(rs.GetItems()))
		for _, r := range rs.GetItems() {
			os = append(os, object.New(r.GetResource()))
		}
		in.Required[name] = os
	}
	return in
}
