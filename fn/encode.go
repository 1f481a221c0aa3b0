package fn

import (
	"maps"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// respond returns a response with everything that the previous steps of the pipeline want, in maps of its own.
func respond(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
	d := req.GetDesired()
	rsp := &fnv1.RunFunctionResponse{
		Meta:    &fnv1.ResponseMeta{Tag: req.GetMeta().GetTag()},
		Desired: &fnv1.State{Composite: d.GetComposite(), Resources: make(map[string]*fnv1.Resource, len(d.GetResources()))},
		Context: req.GetContext(),
	}
	maps.Copy(rsp.GetDesired().GetResources(), d.GetResources())
	return rsp
}

func encode(req *fnv1.RunFunctionRequest, out compose.Output) (*fnv1.RunFunctionResponse, error) {
	rsp := respond(req)
	enc := object.NewEncoder()
	for key, r := range out.Resources {
		s := r.Kept.Struct()
		if r.Object != nil {
			var err error
			if s, err = enc.Encode(r.Object); err != nil {
				return nil, errors.Wrapf(err, "cannot encode composed resource %q", key)
			}
		}
		rsp.Desired.Resources[key] = &fnv1.Resource{Resource: s, Ready: ready(r.Ready)}
	}
	c, err := encodeComposite(req, out, enc)
	if err != nil {
		return nil, err
	}
	rsp.Desired.Composite = c
	if len(out.Requirements) > 0 {
		rsp.Requirements = requirements(out.Requirements)
	}
	t := target(req)
	for _, c := range out.Conditions {
		rsp.Conditions = append(rsp.Conditions, condition(c, t))
	}
	for _, e := range out.Events {
		rsp.Results = append(rsp.Results, event(e, t))
	}
	return rsp, nil
}

// encodeComposite lays our status over what the previous steps want the composite to be. Only the status is set: the rest of
// the composite is its user's.
func encodeComposite(req *fnv1.RunFunctionRequest, out compose.Output, enc *object.Encoder) (*fnv1.Resource, error) {
	prev := req.GetDesired().GetComposite()
	xr := req.GetObserved().GetComposite().GetResource()
	res := &structpb.Struct{Fields: maps.Clone(prev.GetResource().GetFields())}
	if res.Fields == nil {
		res.Fields = map[string]*structpb.Value{}
	}
	for _, f := range []string{"apiVersion", "kind"} {
		res.Fields[f] = xr.GetFields()[f]
	}
	if out.Status != nil {
		st, err := enc.EncodeWithStatus(out.Status)
		if err != nil {
			return nil, errors.Wrap(err, "cannot encode the composite's status")
		}
		// Conditions reach the composite by the response's own list.
		delete(st.GetFields(), "conditions")
		merged := maps.Clone(prev.GetResource().GetFields()["status"].GetStructValue().GetFields())
		if merged == nil {
			merged = map[string]*structpb.Value{}
		}
		maps.Copy(merged, st.GetFields())
		res.Fields["status"] = structpb.NewStructValue(&structpb.Struct{Fields: merged})
	}
	details := maps.Clone(prev.GetConnectionDetails())
	if len(out.ConnectionDetails) > 0 && details == nil {
		details = map[string][]byte{}
	}
	maps.Copy(details, out.ConnectionDetails)
	return &fnv1.Resource{Resource: res, ConnectionDetails: details, Ready: ready(out.Ready)}, nil
}

func requirements(rs map[string]compose.Requirement) *fnv1.Requirements {
	out := &fnv1.Requirements{Resources: make(map[string]*fnv1.ResourceSelector, len(rs))}
	for name, r := range rs {
		sel := &fnv1.ResourceSelector{ApiVersion: r.APIVersion, Kind: r.Kind}
		if r.Namespace != "" {
			sel.Namespace = &r.Namespace
		}
		sel.Match = &fnv1.ResourceSelector_MatchName{MatchName: r.Name}
		if r.Name == "" {
			sel.Match = &fnv1.ResourceSelector_MatchLabels{MatchLabels: &fnv1.MatchLabels{Labels: r.Labels}}
		}
		out.Resources[name] = sel
	}
	return out
}

// target says who gets to see conditions and events: a composite made for a claim shares them with it.
func target(req *fnv1.RunFunctionRequest) fnv1.Target {
	if object.New(req.GetObserved().GetComposite().GetResource()).Has("spec", "claimRef") {
		return fnv1.Target_TARGET_COMPOSITE_AND_CLAIM
	}
	return fnv1.Target_TARGET_COMPOSITE
}

func condition(c compose.Condition, t fnv1.Target) *fnv1.Condition {
	out := &fnv1.Condition{Type: c.Type, Status: fnv1.Status_STATUS_CONDITION_UNKNOWN, Reason: c.Reason, Target: t.Enum()}
	switch c.Status {
	case metav1.ConditionTrue:
		out.Status = fnv1.Status_STATUS_CONDITION_TRUE
	case metav1.ConditionFalse:
		out.Status = fnv1.Status_STATUS_CONDITION_FALSE
	case metav1.ConditionUnknown:
	}
	if c.Message != "" {
		out.Message = &c.Message
	}
	return out
}

func event(e compose.Event, t fnv1.Target) *fnv1.Result {
	out := &fnv1.Result{Severity: fnv1.Severity_SEVERITY_NORMAL, Message: e.Message, Target: t.Enum()}
	if e.Warning {
		out.Severity = fnv1.Severity_SEVERITY_WARNING
	}
	if e.Reason != "" {
		out.Reason = &e.Reason
	}
	return out
}

func ready(r bool) fnv1.Ready {
	if r {
		return fnv1.Ready_READY_TRUE
	}
	return fnv1.Ready_READY_FALSE
}
