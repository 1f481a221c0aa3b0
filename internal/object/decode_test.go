package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

type inlined struct {
	Name string `json:"name"`
}

type sample struct {
	inlined `json:",inline"`

	Count    int32                        `json:"count"`
	Ratio    float64                      `json:"ratio,omitempty"`
	On       *bool                        `json:"enabled,omitempty"`
	Size     *resource.Quantity           `json:"size,omitempty"`
	At       *metav1.Time                 `json:"at,omitempty"`
	Children map[string]sample            `json:"children,omitempty"`
	List     []sample                     `json:"list,omitempty"`
	Data     []byte                       `json:"data,omitempty"`
	Sizes    map[string]resource.Quantity `json:"sizes,omitempty"`
	Unused   func()                       `json:"-"`
}

func TestDecode(t *testing.T) {
	cases := map[string]struct {
		reason string
		in     string
		want   sample
		fields []string
	}{
		"Everything": {
			reason: "Known fields are filled, unknown ones ignored, null counts as absent.",
			in:     `{name: a, count: 3, ratio: 0.5, enabled: false, size: 1Gi, unknown: [1], at: null, data: aGk=, children: {x: {name: b}}, list: [{count: 1}]}`,
			want: sample{
				inlined: inlined{Name: "a"}, Count: 3, Ratio: 0.5, On: ptr.To(false), Size: ptr.To(resource.MustParse("1Gi")), Data: []byte("hi"),
				Children: map[string]sample{"x": {inlined: inlined{Name: "b"}}}, List: []sample{{Count: 1}},
			},
		},
		"EveryProblemAtOnce": {
			reason: "Every field that does not fit is named, the others are filled all the same.",
			in:     `{name: 1, count: 1.5, enabled: "yes", size: huge, at: noon, children: {x: {count: a}}, list: {}, data: "%", ratio: "1", sizes: {a: 1Gi, b: {}}}`,
			want:   sample{Children: map[string]sample{}, Sizes: map[string]resource.Quantity{"a": resource.MustParse("1Gi")}},
			fields: []string{"name", "count", "ratio", "enabled", "size", "at", "children[x].count", "list", "data", "sizes[b]"},
		},
		"OutOfRange": {
			reason: "A number that the field cannot hold is refused.",
			in:     `{count: 3000000000, list: [{count: 1.0e+300}]}`,
			want:   sample{List: []sample{{}}},
			fields: []string{"count", "list[0].count"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := sample{}
			errs := Decode(parse(t, tc.in), &got)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(sample{})); diff != "" {
				t.Errorf("\n%s\nDecode(...): -want, +got:\n%s", tc.reason, diff)
			}
			var fields []string
			for _, e := range errs {
				fields = append(fields, e.Field)
			}
			if diff := cmp.Diff(tc.fields, fields); diff != "" {
				t.Errorf("\n%s\nDecode(...): fields in errors: -want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDecodeNeedsPointerToStruct(t *testing.T) {
	if errs := Decode(parse(t, `{}`), sample{}); len(errs) == 0 {
		t.Error("Decode(...): want an error for something that is no pointer to a struct")
	}
}

func TestDecodeBrief(t *testing.T) {
	errs := Decode(parse(t, `{count: "`+strings.Repeat("ü", 10000)+`"}`), &sample{})
	if len(errs) != 1 || len(errs[0].Error()) > 500 {
		t.Errorf("Decode(...): want one short error for a long value, got %v", errs)
	}
}

// TestRoundTrip holds for any value: what Encode writes Decode reads back.
func TestRoundTrip(t *testing.T) {
	var gen func(depth int) *rapid.Generator[sample]
	gen = func(depth int) *rapid.Generator[sample] {
		return rapid.Custom(func(t *rapid.T) sample {
			s := sample{inlined: inlined{Name: rapid.String().Draw(t, "name")}, Count: rapid.Int32().Draw(t, "count")}
			if rapid.Bool().Draw(t, "set") {
				s.On = ptr.To(rapid.Bool().Draw(t, "on"))
				s.Size = resource.NewQuantity(rapid.Int64Range(0, 1<<40).Draw(t, "size"), resource.BinarySI)
				s.Data = rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(t, "data")
			}
			if depth > 0 {
				s.Children = rapid.MapOfN(rapid.String(), gen(depth-1), 1, 3).Draw(t, "children")
				s.List = rapid.SliceOfN(gen(depth-1), 1, 3).Draw(t, "list")
			}
			return s
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		want := gen(2).Draw(t, "sample")
		s, err := NewEncoder().EncodeWithStatus(&want)
		if err != nil {
			t.Fatal(err)
		}
		got := sample{}
		if errs := Decode(New(s), &got); len(errs) > 0 {
			t.Fatal(errs)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{})); diff != "" {
			t.Fatalf("-want, +got:\n%s", diff)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"a","count":1,"children":{"x":{"size":"1Gi"}}}`))
	f.Add([]byte(`{"list":[null,{"at":"2026-01-01T00:00:00Z"}],"data":"aGk="}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &structpb.Struct{}
		if err := s.UnmarshalJSON(b); err != nil {
			return
		}
		got := sample{}
		if errs := Decode(New(s), &got); len(errs) > 0 {
			return
		}
		if _, err := NewEncoder().EncodeWithStatus(&got); err != nil {
			t.Errorf("cannot encode what was decoded from %s: %v", b, err)
		}
	})
}
