package compose

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// parse turns YAML into an Object.
func parse(t *testing.T, y string) object.Object {
	t.Helper()
	m := map[string]any{}
	if err := yaml.Unmarshal([]byte(y), &m); err != nil {
		t.Fatal(err)
	}
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return object.New(s)
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func TestSet(t *testing.T) {
	observed := map[string]object.Object{
		"there":  parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: there}}`),
		"gone":   parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: gone}}`),
		"frozen": parse(t, `{apiVersion: v1, kind: Pod, metadata: {name: frozen}, spec: {nodeName: n}}`),
	}
	s := NewSet(observed)
	s.Add("new", configMap("new"))
	s.AddWhen(false, "the moon", "there", configMap("there"))
	s.AddWhen(false, "the moon", "later", configMap("later"))
	s.AddWhen(false, "the moon", "later too", configMap("later-too"))
	s.AddWhen(true, "the sun", "now", configMap("now"))
	for _, key := range []string{"frozen", "nowhere"} {
		if err := s.Keep(key); err != nil {
			t.Fatal(err)
		}
	}

	if diff := cmp.Diff([]string{"frozen", "new", "now", "there"}, slices.Sorted(maps.Keys(s.Resources()))); diff != "" {
		t.Errorf("a closed gate holds back what does not exist, and never what does: -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"the moon"}, s.Waiting()); diff != "" {
		t.Errorf("Waiting(): -want, +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gone"}, s.Leftover()); diff != "" {
		t.Errorf("Leftover(): -want, +got:\n%s", diff)
	}
	if s.IsReady("there", "new") || !s.IsReady("there") || s.AllReady() {
		t.Error("what is not observed is not ready")
	}
	want := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "frozen"}}
	if diff := cmp.Diff(want, s.Resources()["frozen"].Kept.Struct().AsMap()); diff != "" {
		t.Errorf("Keep(...): -want, +got:\n%s", diff)
	}
}

func TestAsk(t *testing.T) {
	in := Input{
		Observed: map[string]object.Object{"a": parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)},
		Required: map[string][]object.Object{"known": nil},
	}
	rs := map[string]Requirement{"known": {Kind: "ConfigMap", Name: "x"}}
	if in.Unanswered(rs) {
		t.Error("a requirement that nothing matched is answered")
	}
	if in.Find("known").Exists() {
		t.Error("nothing matched")
	}
	rs["unknown"] = Requirement{Kind: "ConfigMap", Name: "y"}
	if !in.Unanswered(rs) {
		t.Error("a requirement that was never asked for is not answered")
	}
	out, err := Ask(in, rs)
	if err != nil {
		t.Fatal(err)
	}
	if !out.Resources["a"].Kept.Exists() {
		t.Error("while a question is open everything observed stays desired")
	}
}

func TestInvalid(t *testing.T) {
	if err := Invalid(nil); err != nil {
		t.Errorf("no problems are no error, got %v", err)
	}
	p := field.NewPath("spec")
	err := Invalid(field.ErrorList{
		field.Required(p.Child("b"), ""), field.Invalid(p.Child("a"), "x\ny", "must\nbe"), field.Required(p.Child("b"), ""),
	})
	var invalid *InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("want an InvalidError, got %v", err)
	}
	want := []string{`spec.a: Invalid value: "x\ny": must be`, `spec.b: Required value`}
	if diff := cmp.Diff(want, invalid.Problems); diff != "" {
		t.Errorf("problems are sorted, distinct, one line each: -want, +got:\n%s", diff)
	}
}

func TestFew(t *testing.T) {
	if got, want := Few([]string{"a", "b"}), "a, b"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
	if got, want := Few([]string{"1", "2", "3", "4", "5", "6", "7"}), "1, 2, 3, 4, 5 and 2 more"; got != want {
		t.Errorf("want %q, got %q", want, got)
	}
}
