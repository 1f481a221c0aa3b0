package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestObject(t *testing.T) {
	o := parse(t, `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: d
  namespace: ns
  uid: u
  generation: 7
  creationTimestamp: "2026-01-02T03:04:05Z"
  deletionTimestamp: "2026-01-02T03:04:06Z"
  labels: {l: v}
  annotations: {a: w}
spec: {replicas: 3, enabled: true, none: null, names: [a, 1, b], map: {a: b, c: 1}, items: [{name: x}, 3]}
status:
  conditions:
  - {type: Ready, status: "True", reason: Fine, message: all good, observedGeneration: 7}
  - {type: Synced, status: "False"}
`)
	type facts struct {
		GK                                     schema.GroupKind
		Name, Namespace, UID, Label, Annotated string
		Generation, Replicas                   int64
		Deleting, On, HasNone, HasReplicas     bool
		Names                                  []string
		Map                                    map[string]string
		Items                                  int
		Ready, Synced, Other                   bool
		Describe                               string
	}
	see := func(o Object) facts {
		return facts{
			GK: o.GroupKind(), Name: o.Name(), Namespace: o.Namespace(), UID: o.UID(), Label: o.Label("l"), Annotated: o.Annotation("a"),
			Generation: o.Generation(), Replicas: o.Int("spec", "replicas"), Deleting: o.Deleting(), On: o.Bool("spec", "enabled"),
			HasNone: o.Has("spec", "none"), HasReplicas: o.Has("spec", "replicas"), Names: o.Strings("spec", "names"),
			Map: o.StringMap("spec", "map"), Items: len(o.List("spec", "items")),
			Ready: o.IsTrue("Ready"), Synced: o.IsTrue("Synced"), Other: o.IsTrue("Other"), Describe: o.Describe(),
		}
	}
	want := facts{
		GK: schema.GroupKind{Group: "apps", Kind: "Deployment"}, Name: "d", Namespace: "ns", UID: "u", Label: "v", Annotated: "w",
		Generation: 7, Replicas: 3, Deleting: true, On: true, HasReplicas: true, Names: []string{"a", "b"},
		Map: map[string]string{"a": "b"}, Items: 1, Ready: true, Describe: "Deployment d",
	}
	if diff := cmp.Diff(want, see(o)); diff != "" {
		t.Errorf("-want, +got:\n%s", diff)
	}
	if diff := cmp.Diff(facts{Names: []string{}}, see(Object{})); diff != "" {
		t.Errorf("an object that does not exist should have zero values: -want, +got:\n%s", diff)
	}
	if c, ok := o.Condition("Ready"); !ok || c != (Condition{Status: "True", Reason: "Fine", Message: "all good", ObservedGeneration: 7}) {
		t.Errorf("Condition(Ready): got %+v, %v", c, ok)
	}
	if at, ok := o.Created(); !ok || at.Unix() != 1767323045 {
		t.Errorf("Created(): got %v, %v", at, ok)
	}
}
