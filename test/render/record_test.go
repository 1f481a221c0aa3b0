package render

import (
	"context"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/internal/render"
)

// A call is one question to the function and its answer.
type call struct {
	req *fnv1.RunFunctionRequest
	rsp *fnv1.RunFunctionResponse
}

// complete is true if the function had everything that it asks for.
func (c call) complete() bool {
	for name := range c.rsp.GetRequirements().GetResources() {
		if _, ok := c.req.GetRequiredResources()[name]; !ok {
			return false
		}
	}
	return true
}

// kind returns the kind of the composite.
func (c call) kind() string {
	return c.req.GetObserved().GetComposite().GetResource().GetFields()["kind"].GetStringValue()
}

// A recorder passes calls on and notes each distinct one.
type recorder struct {
	fn    render.Function
	seen  map[string]bool
	calls []call
}

// RunFunction implements render.Function.
func (r *recorder) RunFunction(ctx context.Context, req *fnv1.RunFunctionRequest) (*fnv1.RunFunctionResponse, error) {
	rsp, err := r.fn.RunFunction(ctx, req)
	if err != nil {
		return nil, err
	}
	key, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		return nil, err
	}
	if !r.seen[string(key)] {
		r.seen[string(key)] = true
		r.calls = append(r.calls, call{req: proto.CloneOf(req), rsp: proto.CloneOf(rsp)})
	}
	return rsp, nil
}
