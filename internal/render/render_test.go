package render

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const cluster = `{apiVersion: multigres.com/v1alpha1, kind: MultigresCluster, metadata: {name: orders, namespace: app}, spec: {cells: [{name: a}]}}`

// twoLevels is a function of a cluster that composes a cell once its record is ready, and of cells that compose a Service.
func twoLevels(t *testing.T) fake {
	t.Helper()
	return fake{
		"MultigresCluster": func(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
			record, cell := observedReady(req, "record"), observedReady(req, "cell")
			rs := map[string]*fnv1.Resource{
				"record": resource(t, `{apiVersion: m.multigres.com/v1alpha1, kind: CellRecord, metadata: {name: r}}`, record),
			}
			if record || req.GetObserved().GetResources()["cell"] != nil {
				rs["cell"] = resource(t, `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: c, labels: {ours: "1"}}}`, cell)
			}
			rsp := respond(resource(t, fmt.Sprintf(`{status: {phase: %s, message: "it is so"}}`, map[bool]string{true: "Healthy", false: "Progressing"}[cell]), cell), rs)
			rsp.Conditions = []*fnv1.Condition{{Type: "Valid", Status: fnv1.Status_STATUS_CONDITION_TRUE, Reason: "Fine"}}
			return rsp
		},
		"Cell": func(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
			there := req.GetObserved().GetResources()["service"] != nil
			return respond(resource(t, `{status: {}}`, there), map[string]*fnv1.Resource{
				"service": resource(t, `{apiVersion: v1, kind: Service, metadata: {name: s}}`, there),
			})
		},
	}
}

func TestRender(t *testing.T) {
	cases := map[string]struct {
		reason string
		ready  bool
		want   string
	}{
		"Once": {
			reason: "Without playing, what waits for others is not composed.",
			want: `○ MultigresCluster orders  [Progressing: it is so]
└─ ○ CellRecord r

2 objects, 0 ready: 1 CellRecord, 1 MultigresCluster
`,
		},
		"UntilReady": {
			reason: "With playing, all levels are composed, and readiness reaches the root.",
			ready:  true,
			want: `● MultigresCluster orders  [Healthy: it is so]
├─ ● Cell c
│  └─ ● Service s
└─ ● CellRecord r

4 objects, 4 ready: 1 Cell, 1 CellRecord, 1 MultigresCluster, 1 Service
`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tree, err := Render(t.Context(), twoLevels(t), parse(t, cluster), Options{UntilReady: tc.ready})
			if err != nil {
				t.Fatal(err)
			}
			got := &bytes.Buffer{}
			if err := WriteTree(got, tree); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

// TestRenderMetadata holds the metadata of rendered objects against what Crossplane adds.
func TestRenderMetadata(t *testing.T) {
	tree, err := Render(t.Context(), twoLevels(t), parse(t, cluster), Options{UntilReady: true})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	tree.Walk(func(n *Node, _ int) { got[n.Object.GetName()] = n.Object.Object["metadata"] })
	want := map[string]any{
		"orders": map[string]any{"name": "orders", "namespace": "app", "labels": map[string]any{labelComposite: "orders"}},
		"r": map[string]any{
			"name": "r", "namespace": "app", "labels": map[string]any{labelComposite: "orders"}, "annotations": map[string]any{annotationKey: "record"},
		},
		"c": map[string]any{
			"name": "c", "namespace": "app", "labels": map[string]any{labelComposite: "orders", "ours": "1"}, "annotations": map[string]any{annotationKey: "cell"},
		},
		"s": map[string]any{
			"name": "s", "namespace": "app", "labels": map[string]any{labelComposite: "orders"}, "annotations": map[string]any{annotationKey: "service"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("\nObjects are where their composite is, and carry the name of the root and their key.\nRender(...): -want, +got:\n%s", diff)
	}
	conditions, _, _ := unstructured.NestedSlice(tree.Object.Object, "status", "conditions")
	wantConditions := []any{
		map[string]any{"type": "Ready", "status": "True", "reason": "Available"},
		map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"},
		map[string]any{"type": "Valid", "status": "True", "reason": "Fine"},
	}
	if diff := cmp.Diff(wantConditions, conditions); diff != "" {
		t.Errorf("\nThe function's conditions stand beside Crossplane's, by type.\nRender(...): -want, +got:\n%s", diff)
	}
}

func TestRenderRequired(t *testing.T) {
	ns := "app"
	asked := 0
	f := fake{"MultigresCluster": func(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
		asked++
		rsp := respond(resource(t, `{status: {}}`, true), nil)
		rsp.Requirements = &fnv1.Requirements{Resources: map[string]*fnv1.ResourceSelector{
			"named":    {ApiVersion: "v1", Kind: "ConfigMap", Namespace: &ns, Match: &fnv1.ResourceSelector_MatchName{MatchName: "one"}},
			"labelled": {ApiVersion: "v1", Kind: "ConfigMap", Match: &fnv1.ResourceSelector_MatchLabels{MatchLabels: &fnv1.MatchLabels{Labels: map[string]string{"l": "1"}}}},
			"missing":  {ApiVersion: "v1", Kind: "Secret", Match: &fnv1.ResourceSelector_MatchName{MatchName: "none"}},
		}}
		if rs := req.GetRequiredResources(); rs["named"] != nil {
			got := map[string]int{}
			for name, r := range rs {
				got[name] = len(r.GetItems())
			}
			if diff := cmp.Diff(map[string]int{"named": 1, "labelled": 2, "missing": 0}, got); diff != "" {
				t.Errorf("\nEverything that is asked for is answered, be it with nothing.\nRender(...): -want, +got:\n%s", diff)
			}
		}
		return rsp
	}}
	_, err := Render(t.Context(), f, parse(t, cluster), Options{Others: []*unstructured.Unstructured{
		parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: one, namespace: app, labels: {l: "1"}}}`),
		parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: app, labels: {l: "1"}}}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if asked < 2 {
		t.Errorf("\nA function that asks is called again.\nRender(...): called %d times", asked)
	}
}

func TestRenderObserved(t *testing.T) {
	old := parse(t, `{apiVersion: v1, kind: Service, metadata: {name: theirs, annotations: {crossplane.io/composition-resource-name: service}}, status: {a: 1}}`)
	gone := parse(t, `{apiVersion: v1, kind: Service, metadata: {name: gone, annotations: {crossplane.io/composition-resource-name: gone}}}`)
	tree, err := Render(t.Context(), twoLevels(t), parse(t, `{apiVersion: multigres.com/v1alpha1, kind: Cell, metadata: {name: c}}`),
		Options{Observed: []*unstructured.Unstructured{old, gone}})
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Children) != 1 {
		t.Fatalf("\nWhat is observed and not desired is deleted.\nRender(...): want one child, got %d", len(tree.Children))
	}
	got := tree.Children[0].Object
	if got.GetName() != "theirs" || got.GetNamespace() != "default" || got.Object["status"] == nil {
		t.Errorf("\nWhat is observed keeps its name and its status.\nRender(...): got %v", got.Object)
	}
}

func TestRenderClaim(t *testing.T) {
	var seen *fnv1.RunFunctionRequest
	f := fake{"XMultigresCluster": func(req *fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
		seen = req
		return respond(resource(t, `{status: {}}`, true), map[string]*fnv1.Resource{
			"cluster": resource(t, `{apiVersion: m.multigres.com/v1alpha1, kind: Password, metadata: {name: p, namespace: shop}}`, true),
		})
	}}
	tree, err := Render(t.Context(), f, parse(t, `{apiVersion: multigres.com/v1alpha1, kind: MultigresClusterClaim, metadata: {name: orders, namespace: shop,
		labels: {team: shop, app.kubernetes.io/name: x}, annotations: {kubectl.kubernetes.io/last-applied-configuration: x}},
		spec: {a: 1, writeConnectionSecretToRef: {name: s}, resourceRef: {name: r}, compositionRef: {name: c}}}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if seen == nil {
		t.Fatal("the function was not called")
	}
	want := map[string]any{"a": int64(1), "compositionRef": map[string]any{"name": "c"}, "claimRef": map[string]any{
		"apiVersion": "multigres.com/v1alpha1", "kind": "MultigresClusterClaim", "namespace": "shop", "name": "orders",
	}}
	if diff := cmp.Diff(want, tree.Object.Object["spec"]); diff != "" {
		t.Errorf("\nA claim becomes its composite.\nRender(...): -want, +got:\n%s", diff)
	}
	wantLabels := map[string]string{labelComposite: "orders-claim", labelClaim: "orders", labelClaimSpace: "shop", "team": "shop"}
	if diff := cmp.Diff(wantLabels, tree.Object.GetLabels()); diff != "" || tree.Object.GetAnnotations() != nil {
		t.Errorf("\nLabels and annotations come along, but those of Kubernetes.\nRender(...): -want, +got:\n%s\n%v", diff, tree.Object.GetAnnotations())
	}
	wantLabels = map[string]string{labelComposite: "orders-claim", labelClaim: "orders", labelClaimSpace: "shop"}
	if diff := cmp.Diff(wantLabels, tree.Children[0].Object.GetLabels()); diff != "" {
		t.Errorf("\nWhat is composed for a claim carries its name.\nRender(...): -want, +got:\n%s", diff)
	}
	if got := tree.Children[0].Object.GetNamespace(); got != "shop" {
		t.Errorf("\nA cluster-scoped composite chooses the namespace itself.\nRender(...): want shop, got %q", got)
	}
}

func TestRenderFails(t *testing.T) {
	fatal := fake{"MultigresCluster": func(*fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
		return &fnv1.RunFunctionResponse{Results: []*fnv1.Result{
			{Severity: fnv1.Severity_SEVERITY_WARNING, Message: "mind"}, {Severity: fnv1.Severity_SEVERITY_FATAL, Message: "no"}, {Severity: fnv1.Severity_SEVERITY_FATAL, Message: "never"},
		}}
	}}
	n := 0
	restless := fake{"MultigresCluster": func(*fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
		n++
		return respond(resource(t, fmt.Sprintf(`{status: {count: %d}}`, n), false), nil)
	}}
	asking := fake{"MultigresCluster": func(*fnv1.RunFunctionRequest) *fnv1.RunFunctionResponse {
		n++
		rsp := respond(resource(t, `{status: {}}`, false), nil)
		rsp.Requirements = &fnv1.Requirements{Resources: map[string]*fnv1.ResourceSelector{fmt.Sprint(n): {ApiVersion: "v1", Kind: "Secret"}}}
		return rsp
	}}
	cases := map[string]struct {
		reason   string
		fn       Function
		root     string
		observed string
		want     error
	}{
		"Restless":   {reason: "A tree that changes for ever is given up.", fn: restless, root: cluster, want: ErrUnsettled},
		"Asking":     {reason: "A function that asks for ever is given up.", fn: asking, root: cluster, want: ErrUnsettled},
		"NoName":     {reason: "An object without a name is refused.", root: `{apiVersion: multigres.com/v1alpha1, kind: MultigresCluster}`, want: cmpopts.AnyError},
		"NotOurs":    {reason: "A kind that nothing here composes is refused.", root: `{apiVersion: v1, kind: Pod, metadata: {name: p}}`, want: cmpopts.AnyError},
		"NoKey":      {reason: "An observed object without its key cannot be placed.", root: cluster, observed: `{apiVersion: v1, kind: Pod, metadata: {name: p}}`, want: cmpopts.AnyError},
		"OddClaim":   {reason: "A claim whose spec is no object is refused.", root: `{apiVersion: multigres.com/v1alpha1, kind: MultigresClusterClaim, metadata: {name: c}, spec: 1}`, want: cmpopts.AnyError},
		"AnyFailure": {reason: "A refusal is an error.", fn: fatal, root: cluster, want: cmpopts.AnyError},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			o := Options{}
			if tc.observed != "" {
				o.Observed = []*unstructured.Unstructured{parse(t, tc.observed)}
			}
			_, err := Render(t.Context(), tc.fn, parse(t, tc.root), o)
			if diff := cmp.Diff(tc.want, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nRender(...): -want error, +got error:\n%s", tc.reason, diff)
			}
		})
	}

	_, err := Render(t.Context(), fatal, parse(t, cluster), Options{})
	var got *FatalError
	if !errors.As(err, &got) {
		t.Fatalf("\nA refusal is a FatalError.\nRender(...): got %v", err)
	}
	if diff := cmp.Diff(&FatalError{Composite: "MultigresCluster orders", Messages: []string{"no", "never"}}, got); diff != "" {
		t.Errorf("\nIt has all messages and says which composite it is about.\nRender(...): -want, +got:\n%s", diff)
	}
}

func TestFatalError(t *testing.T) {
	err := &FatalError{Composite: "MultigresCluster orders", Messages: []string{
		"metadata.name: Too long; spec.a: Invalid value: \"x; y\": neither x; nor y; spec.b: Required value", "something else",
	}}
	want := `MultigresCluster orders is invalid:
  metadata.name: Too long
  spec.a: Invalid value: "x; y": neither x; nor y
  spec.b: Required value
  something else`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("\nEvery problem stands on a line.\nError(): -want, +got:\n%s", diff)
	}
}
