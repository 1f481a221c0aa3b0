package object

import (
	"maps"

	"google.golang.org/protobuf/types/known/structpb"
)

// WithTrue returns a copy of the object in which the field at the path is true. The copy shares everything else with the
// object, which does not change.
func (o Object) WithTrue(path ...string) Object {
	return Object{s: withTrue(o.s, path)}
}

func withTrue(s *structpb.Struct, path []string) *structpb.Struct {
	fields := maps.Clone(s.GetFields())
	if fields == nil {
		fields = map[string]*structpb.Value{}
	}
	switch len(path) {
	case 0:
	case 1:
		fields[path[0]] = structpb.NewBoolValue(true)
	default:
		fields[path[0]] = structpb.NewStructValue(withTrue(fields[path[0]].GetStructValue(), path[1:]))
	}
	return &structpb.Struct{Fields: fields}
}
