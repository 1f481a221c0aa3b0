package fn

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// request reads a request from JSON.
func request(t *testing.T, j string) *fnv1.RunFunctionRequest {
	t.Helper()
	req := &fnv1.RunFunctionRequest{}
	if err := protojson.Unmarshal([]byte(j), req); err != nil {
		t.Fatal(err)
	}
	return req
}

// response reads a response from JSON.
func response(t *testing.T, j string) *fnv1.RunFunctionResponse {
	t.Helper()
	rsp := &fnv1.RunFunctionResponse{}
	if err := protojson.Unmarshal([]byte(j), rsp); err != nil {
		t.Fatal(err)
	}
	return rsp
}

const (
	xr      = `"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing","metadata":{"name":"t"},"spec":{}}}`
	at      = `"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing","metadata":{"name":"t"},"spec":{},"status":{"conditions":[%s]}}}`
	long    = `{"type":"Ready","status":"False","lastTransitionTime":"2026-01-01T11:55:00Z"}`
	short   = `{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T11:55:01Z"}`
	dropped = `{"type":"Responsive","status":"False","lastTransitionTime":"2026-01-01T11:59:00Z"}`
	closed  = `{"type":"Responsive","status":"False","lastTransitionTime":"2026-01-01T11:55:00Z"}`
	claimed = `"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"claimRef":{"name":"c"}},"status":{"conditions":[` + long + `]}}}`
)

func TestRunFunction(t *testing.T) {
	type status struct {
		Phase      string             `json:"phase"`
		Count      int                `json:"count"`
		Conditions []metav1.Condition `json:"conditions,omitempty"`
	}
	configMap := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "new"},
		Data:       map[string]string{"a": "b"},
	}
	kept, err := structpb.NewStruct(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "old"}})
	if err != nil {
		t.Fatal(err)
	}
	errBoom := errors.New("cannot do it: boom")

	cases := map[string]struct {
		reason  string
		compose compose.Composer
		req     string
		want    string
	}{
		"Everything": {
			reason: "Resources, status, readiness, conditions, events and connection details of an output reach the response; what earlier steps want stays.",
			compose: func(in compose.Input) (compose.Output, error) {
				return compose.Output{
					Resources: map[string]compose.Resource{
						"new": {Object: configMap, Ready: in.Observed["seen"].Exists()},
						"old": {Kept: object.New(kept)},
					},
					Status:     &status{Phase: in.Find("template").String("data", "phase"), Conditions: []metav1.Condition{{Type: "Ours"}}},
					Ready:      true,
					Conditions: []compose.Condition{compose.True("Valid", "Fine", "so fine"), compose.False("Degraded", "No", ""), {Type: "Odd", Status: metav1.ConditionUnknown, Reason: "R"}},
					Events:     []compose.Event{{Reason: "Moved", Message: "it moved"}, {Warning: true, Message: "careful"}},
					Requirements: map[string]compose.Requirement{
						"template": {APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: "n"},
						"pods":     {APIVersion: "v1", Kind: "Pod", Labels: map[string]string{"a": "b"}},
					},
					ConnectionDetails: map[string][]byte{"user": []byte("u")},
				}, nil
			},
			req: `{"meta":{"tag":"x"},"context":{"k":"v"},"observed":{` + claimed + `,"resources":{"seen":{"resource":{"kind":"Pod"}}}},
				"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing","status":{"theirs":1,"phase":"Old"}},"connectionDetails":{"host":"aA=="}},
					"resources":{"theirs":{"resource":{"kind":"Secret"},"ready":"READY_TRUE"}}},
				"requiredResources":{"template":{"items":[{"resource":{"data":{"phase":"Healthy"}}}]},"pods":{}}}`,
			want: `{"meta":{"tag":"x","ttl":"600s"},"context":{"k":"v"},
				"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing","status":{"theirs":1,"phase":"Healthy","count":0}},
						"connectionDetails":{"host":"aA==","user":"dQ=="},"ready":"READY_TRUE"},
					"resources":{"theirs":{"resource":{"kind":"Secret"},"ready":"READY_TRUE"},
						"new":{"resource":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"new"},"data":{"a":"b"}},"ready":"READY_TRUE"},
						"old":{"resource":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"old"}},"ready":"READY_FALSE"}}},
				"requirements":{"resources":{"template":{"apiVersion":"v1","kind":"ConfigMap","namespace":"ns","matchName":"n"},
					"pods":{"apiVersion":"v1","kind":"Pod","matchLabels":{"labels":{"a":"b"}}}}},
				"conditions":[{"type":"Valid","status":"STATUS_CONDITION_TRUE","reason":"Fine","message":"so fine","target":"TARGET_COMPOSITE_AND_CLAIM"},
					{"type":"Degraded","status":"STATUS_CONDITION_FALSE","reason":"No","target":"TARGET_COMPOSITE_AND_CLAIM"},
					{"type":"Odd","status":"STATUS_CONDITION_UNKNOWN","reason":"R","target":"TARGET_COMPOSITE_AND_CLAIM"}],
				"results":[{"severity":"SEVERITY_NORMAL","reason":"Moved","message":"it moved","target":"TARGET_COMPOSITE_AND_CLAIM"},
					{"severity":"SEVERITY_WARNING","message":"careful","target":"TARGET_COMPOSITE_AND_CLAIM"}]}`,
		},
		"InProgress": {
			reason:  "While something is in progress the response lives for a short time only.",
			compose: func(compose.Input) (compose.Output, error) { return compose.Output{InProgress: true}, nil },
			req:     `{"observed":{` + xr + `}}`,
			want:    `{"meta":{"ttl":"12s"},"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing"},"ready":"READY_FALSE"}}}`,
		},
		"JustReady": {
			reason:  "Right after a change of its readiness Crossplane may have dropped watch events of a composite, so it should be asked for soon.",
			compose: func(compose.Input) (compose.Output, error) { return compose.Output{}, nil },
			req:     `{"observed":{` + fmt.Sprintf(at, short) + `}}`,
			want:    `{"meta":{"ttl":"12s"},"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing"},"ready":"READY_FALSE"}}}`,
		},
		"Unresponsive": {
			reason:  "While Crossplane says that it drops watch events of a composite, it should be asked for soon.",
			compose: func(compose.Input) (compose.Output, error) { return compose.Output{}, nil },
			req:     `{"observed":{` + fmt.Sprintf(at, long+","+dropped) + `}}`,
			want:    `{"meta":{"ttl":"12s"},"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing"},"ready":"READY_FALSE"}}}`,
		},
		"LongUnresponsive": {
			reason:  "What Crossplane says of dropped watch events stays until the next event: after the cooldown it should not keep a composite from rest.",
			compose: func(compose.Input) (compose.Output, error) { return compose.Output{}, nil },
			req:     `{"observed":{` + fmt.Sprintf(at, long+","+closed) + `}}`,
			want:    `{"meta":{"ttl":"600s"},"desired":{"composite":{"resource":{"apiVersion":"example.org/v1","kind":"Thing"},"ready":"READY_FALSE"}}}`,
		},
		"Error": {
			reason:  "An error becomes one fatal result. The desired state of earlier steps stays as it came, nothing is added.",
			compose: func(compose.Input) (compose.Output, error) { return compose.Output{Ready: true}, errBoom },
			req:     `{"observed":{` + xr + `},"desired":{"resources":{"theirs":{"resource":{"kind":"Secret"}}}}}`,
			want: `{"meta":{},"desired":{"resources":{"theirs":{"resource":{"kind":"Secret"}}}},
				"results":[{"severity":"SEVERITY_FATAL","message":"cannot do it: boom","target":"TARGET_COMPOSITE"}]}`,
		},
		"Invalid": {
			reason: "What is wrong with the specification is said at once, and by the condition Valid too.",
			compose: func(compose.Input) (compose.Output, error) {
				return compose.Output{}, compose.Invalid(field.ErrorList{field.Required(field.NewPath("spec", "b"), ""), field.Required(field.NewPath("spec", "a"), "")})
			},
			req: `{"observed":{` + xr + `}}`,
			want: `{"meta":{},"desired":{},
				"conditions":[{"type":"Valid","status":"STATUS_CONDITION_FALSE","reason":"SpecInvalid","message":"spec.a: Required value, spec.b: Required value","target":"TARGET_COMPOSITE"}],
				"results":[{"severity":"SEVERITY_FATAL","message":"spec.a: Required value; spec.b: Required value","target":"TARGET_COMPOSITE"}]}`,
		},
		"Unencodable": {
			reason: "An output that cannot be encoded is fatal: no partial desired state is returned.",
			compose: func(compose.Input) (compose.Output, error) {
				return compose.Output{Resources: map[string]compose.Resource{"a": {Object: configMap}}, Status: "nonsense"}, nil
			},
			req: `{"observed":{` + xr + `}}`,
			want: `{"meta":{},"desired":{},
				"results":[{"severity":"SEVERITY_FATAL","message":"cannot encode the composite's status: cannot encode string: it is no pointer to a struct","target":"TARGET_COMPOSITE"}]}`,
		},
		"Panic": {
			reason:  "A programming error is a fatal result too.",
			compose: func(compose.Input) (compose.Output, error) { panic("boom") },
			req:     `{"observed":{` + xr + `}}`,
			want: `{"meta":{},"desired":{},
				"results":[{"severity":"SEVERITY_FATAL","message":"internal error: boom","target":"TARGET_COMPOSITE"}]}`,
		},
		"CannotRequire": {
			reason: "A Crossplane that says it cannot answer requirements must not take the lack of an answer for an empty desired state.",
			compose: func(in compose.Input) (compose.Output, error) {
				return compose.Ask(in, map[string]compose.Requirement{"a": {Kind: "K", Name: "n"}})
			},
			req: `{"meta":{"capabilities":["CAPABILITY_CAPABILITIES"]},"observed":{` + xr + `}}`,
			want: `{"meta":{},"desired":{},
				"results":[{"severity":"SEVERITY_FATAL","message":"cannot get required resources: this Crossplane does not offer them","target":"TARGET_COMPOSITE"}]}`,
		},
		"UnknownKind": {
			reason: "A composite of a kind that is not ours is refused.",
			req:    `{"observed":{"composite":{"resource":{"apiVersion":"other.org/v1","kind":"Other"}}}}`,
			want: `{"meta":{},"desired":{},
				"results":[{"severity":"SEVERITY_FATAL","message":"cannot compose a Other.other.org: this function does not know the kind","target":"TARGET_COMPOSITE"}]}`,
		},
		"Empty": {
			reason: "A request without a composite is refused.",
			req:    `{}`,
			want: `{"meta":{},"desired":{},
				"results":[{"severity":"SEVERITY_FATAL","message":"cannot compose a : this function does not know the kind","target":"TARGET_COMPOSITE"}]}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			f := New(WithClock(func() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }))
			f.composers = map[schema.GroupKind]compose.Composer{{Group: "example.org", Kind: "Thing"}: tc.compose}
			got, err := f.RunFunction(context.Background(), request(t, tc.req))
			if err != nil {
				t.Errorf("\n%s\nRunFunction(...): the transport's error must be nil, got %v", tc.reason, err)
			}
			if diff := cmp.Diff(response(t, tc.want), got, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); diff != "" {
				t.Errorf("\n%s\nRunFunction(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestSettling proves that a composite is at rest as soon as it has been ready for as long as it is told.
func TestSettling(t *testing.T) {
	for name, tc := range map[string]struct {
		reason   string
		settling time.Duration
		want     time.Duration
	}{
		"Shorter": {"It has been ready for 299 s, which is longer.", 299 * time.Second, DefaultTTLAtRest},
		"Longer":  {"It has been ready for 299 s, which is not enough.", 300 * time.Second, DefaultTTLInProgress},
	} {
		t.Run(name, func(t *testing.T) {
			f := New(WithSettling(tc.settling), At(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)))
			f.composers = map[schema.GroupKind]compose.Composer{{Group: "example.org", Kind: "Thing"}: func(compose.Input) (compose.Output, error) {
				return compose.Output{}, nil
			}}

			if got := f.run(request(t, `{"observed":{`+fmt.Sprintf(at, short)+`}}`)).GetMeta().GetTtl().AsDuration(); got != tc.want {
				t.Errorf("%s\nthe response should live for %s, not %s", tc.reason, tc.want, got)
			}
		})
	}
}

// TestRunFunctionLeavesRequestAlone proves that the request, which Crossplane may keep, is not changed by a call.
func TestRunFunctionLeavesRequestAlone(t *testing.T) {
	req := request(t, `{"observed":{`+xr+`},"desired":{"composite":{"resource":{"status":{"a":1}}},"resources":{"theirs":{"resource":{"kind":"Secret"}}}}}`)
	before := request(t, protojson.Format(req))
	f := New()
	f.composers = map[schema.GroupKind]compose.Composer{{Group: "example.org", Kind: "Thing"}: func(compose.Input) (compose.Output, error) {
		return compose.Output{
			Resources: map[string]compose.Resource{"theirs": {Object: &corev1.Pod{}}, "new": {Object: &corev1.Pod{}}},
			Status:    &struct{ B int }{B: 1},
		}, nil
	}}
	if _, err := f.RunFunction(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, req, protocmp.Transform()); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
}

// TestWithImageUpdateStrategy proves that the installation's strategy reaches clusters that say nothing about it.
func TestWithImageUpdateStrategy(t *testing.T) {
	req := request(t, `{"observed":{"composite":{"resource":{"apiVersion":"multigres.com/v1alpha1","kind":"MultigresCluster",
		"metadata":{"name":"c","namespace":"n"},"spec":{"cells":[{"name":"a","zone":"z"}]}}}},
		"requiredResources":{"core-template/default":{},"cell-template/default":{},"shard-template/default":{},"password-secret":{}}}`)
	for _, want := range []string{"immediate", "lazy"} {
		rsp := New(WithImageUpdateStrategy(want)).run(req)
		got := object.New(rsp.GetDesired().GetComposite().GetResource()).String("status", "images", "updateStrategy")
		if got != want {
			t.Errorf("want strategy %q, got %q (%v)", want, got, rsp.GetResults())
		}
	}
}
