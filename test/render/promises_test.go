package render

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/proto"

	"github.com/crossplane-multigres/crossplane-multigres/fn"
)

// runs is how often the same question is asked.
const runs = 100

// TestDeterminism asks the last question about each composite of each example many times. Go's maps have another order each
// time; the answer must be the same bytes.
func TestDeterminism(t *testing.T) {
	for _, name := range valid(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := tree(t, name)
			for _, c := range last(e) {
				var first []byte
				for i := range runs {
					rsp, err := fn.New().RunFunction(context.Background(), c.req)
					if err != nil {
						t.Fatal(err)
					}
					b, err := proto.MarshalOptions{Deterministic: true}.Marshal(rsp)
					if err != nil {
						t.Fatal(err)
					}
					if i == 0 {
						first = b
					}
					if !bytes.Equal(first, b) {
						t.Fatalf("%s: answer %d differs from the first one", c.kind(), i)
					}
				}
			}
		})
	}
}

// TestInvalidDeterminism asks for the refusal of the invalid example many times.
func TestInvalidDeterminism(t *testing.T) {
	e := load(t, invalid)
	c := e.calls[len(e.calls)-1]
	for i := range runs {
		rsp, err := fn.New().RunFunction(context.Background(), c.req)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(c.rsp, rsp) {
			t.Fatalf("answer %d differs from the first one:\n%v\n%v", i, c.rsp, rsp)
		}
	}
}

// retired is the Service of a pool that the running cluster does not list any more. It keeps no data and goes with the last pod.
const retired = "headless-service-reporting.zone-a"

// TestNothingVanishes asks about each finished composite again while something is wrong with what is observed or known. What
// exists must stay desired whatever that is: Crossplane deletes what is not.
func TestNothingVanishes(t *testing.T) {
	cases := map[string]struct {
		reason string
		spoil  func(req *fnv1.RunFunctionRequest, key string)
		each   bool
		// mayRefuse is true if what is spoiled may be a reason to refuse the composite.
		mayRefuse bool
	}{
		"AllReady": {
			reason: "Everything is as it should be.",
			spoil:  func(*fnv1.RunFunctionRequest, string) {},
		},
		"NothingReady": {
			reason: "Everything exists and nothing reports.",
			spoil: func(req *fnv1.RunFunctionRequest, _ string) {
				for _, r := range req.GetObserved().GetResources() {
					delete(r.GetResource().GetFields(), "status")
				}
			},
		},
		"OneUnready": {
			reason: "One resource stops reporting.",
			spoil: func(req *fnv1.RunFunctionRequest, key string) {
				delete(req.GetObserved().GetResources()[key].GetResource().GetFields(), "status")
			},
			each: true,
		},
		"OneGone": {
			reason: "One resource was deleted by somebody: the others stay.",
			spoil:  func(req *fnv1.RunFunctionRequest, key string) { delete(req.GetObserved().GetResources(), key) },
			each:   true,
		},
		"OnlyOne": {
			reason: "One resource exists and none of those that it waited for.",
			spoil: func(req *fnv1.RunFunctionRequest, key string) {
				maps.DeleteFunc(req.GetObserved().GetResources(), func(k string, _ *fnv1.Resource) bool { return k != key })
			},
			each: true,
		},
		"Unanswered": {
			reason: "Nothing that is required was answered yet.",
			spoil:  func(req *fnv1.RunFunctionRequest, _ string) { req.RequiredResources = nil },
		},
		"NotFound": {
			reason: "Nothing that is required exists. A refusal is fine: it changes nothing.",
			spoil: func(req *fnv1.RunFunctionRequest, _ string) {
				for _, rs := range req.GetRequiredResources() {
					rs.Items = nil
				}
			},
			mayRefuse: true,
		},
		"NoStatus": {
			reason: "The composite lost its status.",
			spoil: func(req *fnv1.RunFunctionRequest, _ string) {
				delete(req.GetObserved().GetComposite().GetResource().GetFields(), "status")
			},
		},
	}
	for title, tc := range cases {
		t.Run(title, func(t *testing.T) {
			for _, name := range valid(t) {
				for _, c := range last(tree(t, name)) {
					keys := []string{""}
					if tc.each {
						keys = slices.Sorted(maps.Keys(c.req.GetObserved().GetResources()))
					}
					for _, key := range keys {
						req := proto.CloneOf(c.req)
						tc.spoil(req, key)
						if gone := vanished(t, req, tc.mayRefuse); len(gone) > 0 {
							t.Errorf("\n%s\n%s: %s, %s: no longer desired though they exist: %v", tc.reason, name, c.kind(), key, gone)
						}
					}
				}
			}
		})
	}
}

// vanished returns the keys of what exists and is no longer desired. A refusal changes nothing.
func vanished(t *testing.T, req *fnv1.RunFunctionRequest, mayRefuse bool) []string {
	t.Helper()
	rsp, err := fn.New().RunFunction(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if refused(rsp) {
		if !mayRefuse {
			t.Errorf("refused: %v", rsp.GetResults())
		}
		return nil
	}
	var gone []string
	for k := range req.GetObserved().GetResources() {
		if _, ok := rsp.GetDesired().GetResources()[k]; !ok && k != retired {
			gone = append(gone, k)
		}
	}
	slices.Sort(gone)
	return gone
}

func refused(rsp *fnv1.RunFunctionResponse) bool {
	return slices.ContainsFunc(rsp.GetResults(), func(r *fnv1.Result) bool { return r.GetSeverity() == fnv1.Severity_SEVERITY_FATAL })
}

// last returns the last call about each composite: the one with everything observed.
func last(e *example) []call {
	byXR := map[string]call{}
	for _, c := range e.calls {
		f := c.req.GetObserved().GetComposite().GetResource().GetFields()
		if c.complete() {
			byXR[c.kind()+"/"+f["metadata"].GetStructValue().GetFields()["name"].GetStringValue()] = c
		}
	}
	out := make([]call, 0, len(byXR))
	for _, k := range slices.Sorted(maps.Keys(byXR)) {
		out = append(out, byXR[k])
	}
	return out
}
