package object

import (
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/types/known/structpb"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// ManagerPrefix begins the name of the field manager under which Crossplane applies what a composite resource composes; a
// hash of the composite's name and kind follows (Crossplane v2.4.0, ComposedFieldOwnerName).
const ManagerPrefix = "apiextensions.crossplane.io/composed/"

// Owned reduces an observed object to its identity and the fields that the manager whose name starts with the prefix owns by
// server-side apply. Applying the result changes nothing: no field is let go, none is newly claimed. An object of which the
// manager owns nothing is reduced to its identity. Managed fields that cannot be read are an error: nothing is guessed.
//
// Of a list item found by key only owned key fields are kept, since a key field that the applier left to its default (a
// port's protocol) is not its own either.
func Owned(o Object, prefix string) (Object, error) {
	var own *structpb.Struct
	for _, mf := range o.List("metadata", "managedFields") {
		if mf.String("operation") != "Apply" || !strings.HasPrefix(mf.String("manager"), prefix) || mf.String("subresource") != "" {
			continue
		}
		set, err := ownedSet(mf.At("fieldsV1"))
		if err != nil {
			return Object{}, errors.Wrapf(err, "cannot read the managed fields of %s", o.Describe())
		}
		own = extractStruct(o.s, set)
		break
	}
	if own == nil {
		own = &structpb.Struct{Fields: map[string]*structpb.Value{}}
	}
	own.Fields["apiVersion"] = structpb.NewStringValue(o.APIVersion())
	own.Fields["kind"] = structpb.NewStringValue(o.Kind())
	meta := own.GetFields()["metadata"].GetStructValue()
	if meta == nil {
		meta = &structpb.Struct{Fields: map[string]*structpb.Value{}}
		own.Fields["metadata"] = structpb.NewStructValue(meta)
	}
	if n := o.Name(); n != "" {
		meta.Fields["name"] = structpb.NewStringValue(n)
	}
	// Crossplane adds the controller reference to everything it applies.
	delete(meta.GetFields(), "ownerReferences")
	return Object{s: own}, nil
}

func ownedSet(fields Object) (*fieldpath.Set, error) {
	b, err := fields.s.MarshalJSON()
	if err != nil {
		return nil, err
	}
	set := &fieldpath.Set{}
	return set, set.FromJSON(strings.NewReader(string(b)))
}

// extract returns the part of a value that the set covers: all of it where the set ends, its covered children where it goes
// on.
func extract(v *structpb.Value, set *fieldpath.Set) *structpb.Value {
	if set.Empty() {
		return v
	}
	switch k := v.GetKind().(type) {
	case *structpb.Value_StructValue:
		return structpb.NewStructValue(extractStruct(k.StructValue, set))
	case *structpb.Value_ListValue:
		return structpb.NewListValue(extractList(k.ListValue, set))
	default:
		return v
	}
}

func extractStruct(s *structpb.Struct, set *fieldpath.Set) *structpb.Struct {
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value)}
	for k, v := range s.GetFields() {
		if sub, ok := covered(set, fieldpath.PathElement{FieldName: &k}); ok {
			out.Fields[k] = extract(v, sub)
		}
	}
	return out
}

func extractList(l *structpb.ListValue, set *fieldpath.Set) *structpb.ListValue {
	out := &structpb.ListValue{}
	elements := elementsOf(set)
	for i, item := range l.GetValues() {
		for _, e := range elements {
			if !names(e, i, item) {
				continue
			}
			sub, _ := covered(set, e)
			out.Values = append(out.Values, extract(item, sub))
			break
		}
	}
	return out
}

// covered returns what the set covers below the element, and false if it covers nothing there.
func covered(set *fieldpath.Set, e fieldpath.PathElement) (*fieldpath.Set, bool) {
	sub, deeper := set.Children.Get(e)
	if deeper {
		return sub, true
	}
	return fieldpath.NewSet(), set.Members.Has(e)
}

// elementsOf returns the path elements at which the set covers something.
func elementsOf(set *fieldpath.Set) []fieldpath.PathElement {
	var out []fieldpath.PathElement
	set.Members.Iterate(func(e fieldpath.PathElement) { out = append(out, e) })
	set.Children.Iterate(func(e fieldpath.PathElement) {
		if !set.Members.Has(e) {
			out = append(out, e)
		}
	})
	return out
}

// names is true if the path element means this list item.
func names(e fieldpath.PathElement, i int, item *structpb.Value) bool {
	switch {
	case e.Key != nil:
		for _, k := range *e.Key {
			if !value.Equals(k.Value, value.NewValueInterface(item.GetStructValue().GetFields()[k.Name].AsInterface())) {
				return false
			}
		}
		return true
	case e.Value != nil:
		return value.Equals(*e.Value, value.NewValueInterface(item.AsInterface()))
	case e.Index != nil:
		return *e.Index == i
	default:
		return false
	}
}
