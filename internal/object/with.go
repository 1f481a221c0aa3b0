package object

import (
	"maps"

	"google.golang.org/protobuf/types/known/structpb"
)

// WithTrue returns a copy of the object in which the field at the path is true. The copy shares everything else with the
// object, which does not change.
func (o Object) WithTrue(path ...string) Object {
	return Object{s: with(o.s, structpb.NewBoolValue(true), path)}
}

// WithStrings returns such a copy in which the field at the path is a list of strings.
func (o Object) WithStrings(list []string, path ...string) Object {
	values := make([]*structpb.Value, 0, len(list))
	for _, v := range list {
		values = append(values, structpb.NewStringValue(v))
	}
	return Object{s: with(o.s, structpb.NewListValue(&structpb.ListValue{Values: values}), path)}
}

func with(s *structpb.Struct, v *structpb.Value, path []string) *structpb.Struct {
	fields := maps.Clone(s.GetFields())
	if fields == nil {
		fields = map[string]*structpb.Value{}
	}
	switch len(path) {
	case 0:
	case 1:
		fields[path[0]] = v
	default:
		fields[path[0]] = structpb.NewStructValue(with(fields[path[0]].GetStructValue(), v, path[1:]))
	}
	return &structpb.Struct{Fields: fields}
}
