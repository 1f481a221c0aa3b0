package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorldFind(t *testing.T) {
	w := newWorld()
	for _, y := range []string{
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: one, labels: {app: x, tier: db}}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: one, labels: {app: x}}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: two, labels: {app: y}}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: one}}`,
		`{apiVersion: other.org/v1, kind: ConfigMap, metadata: {name: a, namespace: one}}`,
	} {
		w.put(parse(t, y))
	}
	type args struct {
		apiVersion, kind, namespace, name string
		labels                            map[string]string
	}
	cases := map[string]struct {
		reason string
		args   args
		want   []string
	}{
		"Name":      {reason: "By name only that object of the kind is found.", args: args{"v1", "ConfigMap", "one", "a", nil}, want: []string{"one/a"}},
		"Labels":    {reason: "By labels all are found that have them, in order of their names.", args: args{"v1", "ConfigMap", "one", "", map[string]string{"app": "x"}}, want: []string{"one/a", "one/b"}},
		"AllLabels": {reason: "All labels must be there.", args: args{"v1", "ConfigMap", "one", "", map[string]string{"app": "x", "tier": "db"}}, want: []string{"one/b"}},
		"Anywhere":  {reason: "Without a namespace all of them are searched.", args: args{"v1", "ConfigMap", "", "a", nil}, want: []string{"one/a", "two/a"}},
		"Group":     {reason: "Another group has another kind of the same name.", args: args{"other.org/v1", "ConfigMap", "one", "", nil}, want: []string{"one/a"}},
		"Nothing":   {reason: "Nothing is found where nothing matches.", args: args{"v1", "ConfigMap", "three", "a", nil}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, u := range w.find(tc.args.apiVersion, tc.args.kind, tc.args.namespace, tc.args.name, tc.args.labels) {
				got = append(got, u.GetNamespace()+"/"+u.GetName())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("\n%s\nfind(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestWorldDrop(t *testing.T) {
	w := newWorld()
	root := idOf(parse(t, `{apiVersion: v1, kind: Root, metadata: {name: r}}`))
	child := parse(t, `{apiVersion: v1, kind: Child, metadata: {name: c}}`)
	leaf := parse(t, `{apiVersion: v1, kind: Leaf, metadata: {name: l}}`)
	other := parse(t, `{apiVersion: v1, kind: Leaf, metadata: {name: o}}`)
	w.adopt(root, "child", child)
	w.adopt(root, "other", other)
	w.adopt(idOf(child), "leaf", leaf)

	w.drop(root, "absent")
	w.drop(root, "child")

	if diff := cmp.Diff(map[string]id{"other": idOf(other)}, w.composed[root], cmp.AllowUnexported(id{})); diff != "" {
		t.Errorf("\nOnly what is dropped is no longer composed.\ndrop(...): -want, +got:\n%s", diff)
	}
	if len(w.objects) != 1 || w.objects[idOf(other)] == nil {
		t.Errorf("\nWhat is dropped takes everything below it along.\ndrop(...): want only %v, got %v", idOf(other), w.objects)
	}
}
