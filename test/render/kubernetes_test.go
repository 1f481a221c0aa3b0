package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	protection "github.com/crossplane/crossplane/apis/v2/protection/v1beta1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// TestKubernetesObjects checks every Kubernetes object that the function answers on the way to each example's finished tree, as
// far as that goes without an API server: no unknown field, no wrong type, nothing that is not said on purpose, and the rules
// for names, labels, containers, volumes and selectors.
func TestKubernetesObjects(t *testing.T) {
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, protection.SchemeBuilder.AddToScheme} {
		if err := add(known); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(known, serializer.EnableStrict).UniversalDeserializer()
	for _, name := range valid(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := tree(t, name)
			seen := map[string]bool{}
			for _, c := range e.calls {
				// Crossplane does not apply the answer to a call that lacks something.
				if !c.complete() {
					continue
				}
				for key, r := range c.rsp.GetDesired().GetResources() {
					u := decode(t, r)
					b, err := u.MarshalJSON()
					if err != nil {
						t.Fatal(err)
					}
					if seen[string(b)] {
						continue
					}
					seen[string(b)] = true
					complain := func(format string, a ...any) { t.Errorf("%s (%s): %s", key, identity(u), fmt.Sprintf(format, a...)) }
					checkSaid(u, complain)
					if ours(u) {
						continue
					}
					obj, _, err := decoder.Decode(b, nil, nil)
					if err != nil {
						complain("cannot decode it: %v", err)
						continue
					}
					checkRoundTrip(u, obj, complain)
					checkObject(obj, complain)
				}
			}
		})
	}
}

// checkSaid complains about a status, and about values that say nothing: an applied null, empty list or empty object owns a
// field without a reason. The only empty objects with a meaning are those that choose one of several kinds of thing.
func checkSaid(u *unstructured.Unstructured, complain func(string, ...any)) {
	if _, ok := u.Object["status"]; ok {
		complain("it carries a status")
	}
	chosen := []string{"emptyDir", "podSelector", "namespaceSelector"}
	var walk func(path, name string, v any)
	walk = func(path, name string, v any) {
		switch x := v.(type) {
		case nil:
			complain("%s is null", path)
		case map[string]any:
			if len(x) == 0 && !slices.Contains(chosen, name) {
				complain("%s is an empty object", path)
			}
			for k, c := range x {
				walk(path+"."+k, k, c)
			}
		case []any:
			if len(x) == 0 {
				complain("%s is an empty list", path)
			}
			for i, c := range x {
				walk(fmt.Sprintf("%s[%d]", path, i), "", c)
			}
		}
	}
	walk("", "", u.Object)
}

// checkRoundTrip complains about fields that Kubernetes' own types do not encode again: zero values that mean "not set".
func checkRoundTrip(u *unstructured.Unstructured, obj runtime.Object, complain func(string, ...any)) {
	b, err := json.Marshal(obj)
	if err != nil {
		complain("cannot encode it: %v", err)
		return
	}
	again := map[string]any{}
	if err := json.Unmarshal(b, &again); err != nil {
		complain("cannot decode it again: %v", err)
		return
	}
	var walk func(path string, want, got any)
	walk = func(path string, want, got any) {
		switch w := want.(type) {
		case map[string]any:
			g, _ := got.(map[string]any)
			for k, v := range w {
				if _, ok := g[k]; !ok {
					complain("%s.%s is set to %v, which means not set", path, k, v)
					continue
				}
				walk(path+"."+k, v, g[k])
			}
		case []any:
			g, _ := got.([]any)
			for i := range w {
				if i < len(g) {
					walk(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])
				}
			}
		case string:
			if w != got {
				complain("%s: %q is not the canonical form %v", path, w, got)
			}
		}
	}
	walk("", u.Object, again)
}

// containers returns all containers of a pod, those that run first first.
func containers(spec *corev1.PodSpec) []corev1.Container {
	return slices.Concat(spec.InitContainers, spec.Containers)
}
