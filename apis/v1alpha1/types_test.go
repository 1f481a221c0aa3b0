package v1alpha1

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	_ runtime.Object = &MultigresCluster{}
	_ runtime.Object = &MultigresClusterList{}
	_ runtime.Object = &XMultigresCluster{}
	_ runtime.Object = &XMultigresClusterList{}
	_ runtime.Object = &TopoServer{}
	_ runtime.Object = &TopoServerList{}
	_ runtime.Object = &Cell{}
	_ runtime.Object = &CellList{}
	_ runtime.Object = &TableGroup{}
	_ runtime.Object = &TableGroupList{}
	_ runtime.Object = &Shard{}
	_ runtime.Object = &ShardList{}
	_ runtime.Object = &CoreTemplate{}
	_ runtime.Object = &CoreTemplateList{}
	_ runtime.Object = &CellTemplate{}
	_ runtime.Object = &CellTemplateList{}
	_ runtime.Object = &ShardTemplate{}
	_ runtime.Object = &ShardTemplateList{}
)

// kinds are all kinds of the group.
var kinds = map[schema.GroupVersionKind]runtime.Object{
	MultigresClusterGroupVersionKind:  &MultigresCluster{},
	XMultigresClusterGroupVersionKind: &XMultigresCluster{},
	TopoServerGroupVersionKind:        &TopoServer{},
	CellGroupVersionKind:              &Cell{},
	TableGroupGroupVersionKind:        &TableGroup{},
	ShardGroupVersionKind:             &Shard{},
	CoreTemplateGroupVersionKind:      &CoreTemplate{},
	CellTemplateGroupVersionKind:      &CellTemplate{},
	ShardTemplateGroupVersionKind:     &ShardTemplate{},
}

// pkgPath is the import path of this package.
var pkgPath = reflect.TypeFor[MultigresCluster]().PkgPath()

// structs collects the struct types of this package that t is made of.
func structs(t reflect.Type, into map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		structs(t.Elem(), into)
	case reflect.Map:
		structs(t.Key(), into)
		structs(t.Elem(), into)
	case reflect.Struct:
		if t.PkgPath() != pkgPath || into[t] {
			return
		}
		into[t] = true
		for f := range t.Fields() {
			structs(f.Type, into)
		}
	}
}

func TestJSONTags(t *testing.T) {
	found := map[reflect.Type]bool{}
	for _, o := range kinds {
		structs(reflect.TypeOf(o), found)
	}
	for s := range found {
		for f := range s.Fields() {
			tag, ok := f.Tag.Lookup("json")
			if !ok {
				t.Errorf("every exported field needs a json tag: %s.%s has none", s.Name(), f.Name)
				continue
			}
			name, opts, _ := strings.Cut(tag, ",")
			if f.Anonymous && name == "" && opts != "inline" {
				t.Errorf("an embedded struct must be inline or named: %s.%s is neither", s.Name(), f.Name)
			}
			if !f.Anonymous && name == "" {
				t.Errorf("every field needs a JSON name: %s.%s has none", s.Name(), f.Name)
			}
		}
	}
}

func TestRegistered(t *testing.T) {
	s := runtime.NewScheme()
	if err := AddToScheme(s); err != nil {
		t.Fatalf("AddToScheme(...): %v", err)
	}
	for gvk, o := range kinds {
		for _, want := range []schema.GroupVersionKind{gvk, gvk.GroupVersion().WithKind(gvk.Kind + "List")} {
			if !s.Recognizes(want) {
				t.Errorf("the scheme must know every kind and its list: %s is unknown", want)
			}
		}
		got, _, err := s.ObjectKinds(o)
		if err != nil {
			t.Errorf("ObjectKinds(%T): %v", o, err)
			continue
		}
		if diff := cmp.Diff([]schema.GroupVersionKind{gvk}, got); diff != "" {
			t.Errorf("ObjectKinds(%T): -want, +got:\n%s", o, diff)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for gvk, o := range kinds {
		t.Run(gvk.Kind, func(t *testing.T) {
			filled := reflect.New(reflect.TypeOf(o).Elem())
			fill(filled.Elem(), 0)

			b, err := json.Marshal(filled.Interface())
			if err != nil {
				t.Fatalf("json.Marshal(...): %v", err)
			}
			got := reflect.New(reflect.TypeOf(o).Elem())
			if err := json.Unmarshal(b, got.Interface()); err != nil {
				t.Fatalf("json.Unmarshal(...): %v", err)
			}
			if diff := cmp.Diff(filled.Interface(), got.Interface()); diff != "" {
				t.Errorf("A filled object must survive JSON: -want, +got:\n%s", diff)
			}

			u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(filled.Interface())
			if err != nil {
				t.Fatalf("ToUnstructured(...): %v", err)
			}
			got = reflect.New(reflect.TypeOf(o).Elem())
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u, got.Interface()); err != nil {
				t.Fatalf("FromUnstructured(...): %v", err)
			}
			if diff := cmp.Diff(filled.Interface(), got.Interface()); diff != "" {
				t.Errorf("A filled object must survive conversion to unstructured: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestDeepCopy(t *testing.T) {
	for gvk, o := range kinds {
		t.Run(gvk.Kind, func(t *testing.T) {
			filled := reflect.New(reflect.TypeOf(o).Elem())
			fill(filled.Elem(), 0)
			in := filled.Interface().(runtime.Object)
			if diff := cmp.Diff(in, in.DeepCopyObject()); diff != "" {
				t.Errorf("A copy must equal its original: -want, +got:\n%s", diff)
			}
		})
	}
}

func TestEmptySpec(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     any
		want   string
	}{
		"MultigresCluster": {
			reason: "A cluster that says nothing must encode to nothing, so that no zero value is owned by whoever applies it.",
			in:     MultigresClusterSpec{},
			want:   `{}`,
		},
		"PoolSpec": {
			reason: "Empty nested structs must be left out.",
			in:     PoolSpec{},
			want:   `{}`,
		},
		"CellStatusSummary": {
			reason: "Counts of zero must be visible in a status.",
			in:     CellStatusSummary{},
			want:   `{"ready":false,"gatewayReplicas":0}`,
		},
		"TableGroupStatus": {
			reason: "Counts of zero must be visible in a status.",
			in:     TableGroupStatus{},
			want:   `{"readyShards":0,"totalShards":0}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tc.in)
			if err != nil {
				t.Fatalf("json.Marshal(...): %v", err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("%s\njson.Marshal(...): -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
