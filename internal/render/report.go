package render

import (
	"slices"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	fnv1 "github.com/crossplane/function-sdk-go/proto/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/apis/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

// report writes what a response says of the composite itself into its status.
func (r *renderer) report(xr id, rsp *fnv1.RunFunctionResponse) (bool, error) {
	u := r.world.objects[xr].DeepCopy()
	status, err := desiredStatus(u, rsp.GetDesired().GetComposite().GetResource())
	if err != nil {
		return false, err
	}
	ready := rsp.GetDesired().GetComposite().GetReady() == fnv1.Ready_READY_TRUE
	status["conditions"] = conditions(rsp.GetConditions(), ready)
	u.Object["status"] = status
	changed := !equality.Semantic.DeepEqual(r.world.objects[xr].Object, u.Object)
	// Of the others their parents say it.
	if xr == r.root {
		changed = changed || r.ready[xr] != ready
		r.ready[xr] = ready
	}
	r.world.put(u)
	return changed, nil
}

// desiredStatus returns the status that a function wants a composite to have. All else that it may say of it does not matter: not
// even a kind is needed.
func desiredStatus(xr *unstructured.Unstructured, desired *structpb.Struct) (map[string]any, error) {
	c, err := manifest.FromStruct(&structpb.Struct{Fields: map[string]*structpb.Value{
		"apiVersion": structpb.NewStringValue(xr.GetAPIVersion()),
		"kind":       structpb.NewStringValue(xr.GetKind()),
		"status":     structpb.NewStructValue(desired.GetFields()["status"].GetStructValue()),
	}})
	if err != nil {
		return nil, errors.Wrap(err, "cannot read the composite's desired status")
	}
	status, _, err := unstructured.NestedMap(c.Object, "status")
	if status == nil {
		status = map[string]any{}
	}
	return status, errors.Wrap(err, "cannot read the composite's desired status")
}

// conditions returns the function's conditions and those that Crossplane adds, ordered by type. They carry no times: nothing
// here takes any.
func conditions(cs []*fnv1.Condition, ready bool) []any {
	out := make([]any, 0, len(cs)+2)
	for _, c := range cs {
		m := map[string]any{"type": c.GetType(), "status": statusOf(c.GetStatus()), "reason": c.GetReason()}
		if c.GetMessage() != "" {
			m["message"] = c.GetMessage()
		}
		out = append(out, m)
	}
	r := map[string]any{"type": "Ready", "status": "False", "reason": "Creating"}
	if ready {
		r = map[string]any{"type": "Ready", "status": "True", "reason": "Available"}
	}
	out = append(out, r, map[string]any{"type": "Synced", "status": "True", "reason": "ReconcileSuccess"})
	slices.SortStableFunc(out, func(a, b any) int { return strings.Compare(typeOf(a), typeOf(b)) })
	return out
}

func typeOf(c any) string {
	m, _ := c.(map[string]any)
	t, _ := m["type"].(string)
	return t
}

func statusOf(s fnv1.Status) string {
	switch s {
	case fnv1.Status_STATUS_CONDITION_TRUE:
		return "True"
	case fnv1.Status_STATUS_CONDITION_FALSE:
		return "False"
	case fnv1.Status_STATUS_CONDITION_UNKNOWN, fnv1.Status_STATUS_CONDITION_UNSPECIFIED:
		return "Unknown"
	}
	return "Unknown"
}

// IsRoot is true for what a person may ask to render: our composites, and the claim.
func IsRoot(u *unstructured.Unstructured) bool {
	i := idOf(u)
	return isComposite(i) || i.group == v1alpha1.Group && i.kind == ClaimKind
}

// compositeOf returns the composite that stands for what the user wrote: a claim's legacy composite, or the object itself. It
// gets the labels that Crossplane gives it.
func compositeOf(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	u = u.DeepCopy()
	if u.GetName() == "" {
		return nil, errors.Errorf("cannot render a %s: metadata.name is missing", u.GetKind())
	}
	i := idOf(u)
	if i.group == v1alpha1.Group && i.kind == ClaimKind {
		return legacyComposite(u)
	}
	if !isComposite(i) {
		return nil, errors.Errorf("cannot render %s %q: it is no composite resource of ours", u.GetKind(), u.GetName())
	}
	if u.GetNamespace() == "" && i.kind != v1alpha1.XMultigresClusterKind {
		u.SetNamespace("default")
	}
	setLabel(u, labelComposite, prefix(u))
	return u, nil
}

// prefix returns what a composite's children are labelled with: the name of the root of its tree.
func prefix(u *unstructured.Unstructured) string {
	if p := u.GetLabels()[labelComposite]; p != "" {
		return p
	}
	return u.GetName()
}

func setLabel(u *unstructured.Unstructured, key, value string) {
	l := u.GetLabels()
	if l == nil {
		l = map[string]string{}
	}
	l[key] = value
	u.SetLabels(l)
}
