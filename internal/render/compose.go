package render

import (
	"context"
	"maps"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// What Crossplane v2.4.0 adds to the objects that it composes.
const (
	annotationKey    = "crossplane.io/composition-resource-name"
	labelComposite   = "crossplane.io/composite"
	labelClaim       = "crossplane.io/claim-name"
	labelClaimSpace  = "crossplane.io/claim-namespace"
	mostRequirements = 5
)

// compose calls the function for one composite and applies what it returns.
func (r *renderer) compose(ctx context.Context, xr id) (bool, error) {
	u := r.world.objects[xr]
	rsp, err := r.call(ctx, xr)
	if err != nil {
		return false, err
	}
	var fatal []string
	for _, res := range rsp.GetResults() {
		if res.GetSeverity() == fnv1.Severity_SEVERITY_FATAL {
			fatal = append(fatal, res.GetMessage())
		}
	}
	if len(fatal) > 0 {
		return false, &FatalError{Composite: u.GetKind() + " " + u.GetName(), Messages: fatal}
	}
	changed := false
	for _, key := range slices.Sorted(maps.Keys(rsp.GetDesired().GetResources())) {
		c, err := r.apply(u, key, rsp.GetDesired().GetResources()[key])
		if err != nil {
			return false, err
		}
		changed = changed || c
	}
	for _, key := range slices.Sorted(maps.Keys(r.world.composed[xr])) {
		if _, ok := rsp.GetDesired().GetResources()[key]; !ok {
			r.world.drop(xr, key)
			changed = true
		}
	}
	c, err := r.report(xr, rsp)
	return changed || c, err
}

// call runs the function until it has everything that it asks for.
func (r *renderer) call(ctx context.Context, xr id) (*fnv1.RunFunctionResponse, error) {
	req := &fnv1.RunFunctionRequest{
		Meta: &fnv1.RequestMeta{Capabilities: []fnv1.Capability{
			fnv1.Capability_CAPABILITY_CAPABILITIES, fnv1.Capability_CAPABILITY_REQUIRED_RESOURCES, fnv1.Capability_CAPABILITY_CONDITIONS,
		}},
		Observed: &fnv1.State{Resources: map[string]*fnv1.Resource{}},
	}
	s, err := manifest.ToStruct(r.world.objects[xr])
	if err != nil {
		return nil, err
	}
	req.Observed.Composite = &fnv1.Resource{Resource: s}
	for key, child := range r.world.children(xr) {
		if s, err = manifest.ToStruct(child); err != nil {
			return nil, err
		}
		req.Observed.Resources[key] = &fnv1.Resource{Resource: s}
	}
	for range mostRequirements + 1 {
		rsp, err := r.fn.RunFunction(ctx, req)
		if err != nil {
			return nil, errors.Wrap(err, "cannot run the function")
		}
		again, err := r.answer(req, rsp.GetRequirements().GetResources())
		if err != nil || !again {
			return rsp, err
		}
	}
	return nil, errors.Wrap(ErrUnsettled, "the function keeps asking for other resources")
}

// answer adds what the function requires to the request, and reports whether it had not been there before.
func (r *renderer) answer(req *fnv1.RunFunctionRequest, sels map[string]*fnv1.ResourceSelector) (bool, error) {
	again := false
	if req.RequiredResources == nil {
		req.RequiredResources = map[string]*fnv1.Resources{}
	}
	for name, sel := range sels {
		if _, ok := req.GetRequiredResources()[name]; ok {
			continue
		}
		again = true
		res := &fnv1.Resources{}
		for _, u := range r.world.find(sel.GetApiVersion(), sel.GetKind(), sel.GetNamespace(), sel.GetMatchName(), sel.GetMatchLabels().GetLabels()) {
			s, err := manifest.ToStruct(u)
			if err != nil {
				return false, err
			}
			res.Items = append(res.Items, &fnv1.Resource{Resource: s})
		}
		req.RequiredResources[name] = res
	}
	return again, nil
}

// apply puts a desired resource into the world as Crossplane would, and reports whether that changed anything. The status of
// one that exists stays.
func (r *renderer) apply(xr *unstructured.Unstructured, key string, d *fnv1.Resource) (bool, error) {
	u, err := manifest.FromStruct(d.GetResource())
	if err != nil {
		return false, errors.Wrapf(err, "cannot read desired resource %q", key)
	}
	old := r.world.children(idOf(xr))[key]
	decorate(u, xr, key, old)
	if old != nil {
		if st, ok := old.Object["status"]; ok {
			u.Object["status"] = st
		}
		keepMetadata(u, old)
	}
	ready := d.GetReady() == fnv1.Ready_READY_TRUE
	changed := old == nil || !equality.Semantic.DeepEqual(old.Object, u.Object) || r.ready[idOf(u)] != ready
	r.ready[idOf(u)] = ready
	r.world.adopt(idOf(xr), key, u)
	return changed, nil
}

// decorate adds the metadata that Crossplane adds to what a composite composes, but for owner references: there are no UIDs
// without a cluster.
func decorate(u, xr *unstructured.Unstructured, key string, old *unstructured.Unstructured) {
	if ns := xr.GetNamespace(); ns != "" {
		u.SetNamespace(ns)
	}
	if old != nil {
		u.SetName(old.GetName())
		u.SetNamespace(old.GetNamespace())
	}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotationKey] = key
	u.SetAnnotations(annotations)

	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	for _, l := range []string{labelClaim, labelClaimSpace} {
		if v := xr.GetLabels()[l]; v != "" {
			labels[l] = v
		}
	}
	labels[labelComposite] = xr.GetLabels()[labelComposite]
	u.SetLabels(labels)
}

// bookkeeping are the fields of an object's metadata that nobody applies: the API server keeps them, and Crossplane adds the owner.
var bookkeeping = []string{
	"uid", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "ownerReferences", "resourceVersion",
}

// keepMetadata carries over what the API server keeps about an object.
func keepMetadata(u, old *unstructured.Unstructured) {
	for _, f := range bookkeeping {
		if v, ok, _ := unstructured.NestedFieldNoCopy(old.Object, "metadata", f); ok {
			_ = unstructured.SetNestedField(u.Object, v, "metadata", f)
		}
	}
}
