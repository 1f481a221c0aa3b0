package sim

import (
	"google.golang.org/protobuf/types/known/structpb"
)

// Short names for what objects are made of.

func str(s string) *structpb.Value { return structpb.NewStringValue(s) }
func num(n int) *structpb.Value    { return structpb.NewNumberValue(float64(n)) }
func yes(b bool) *structpb.Value   { return structpb.NewBoolValue(b) }
func list(vs ...*structpb.Value) *structpb.Value {
	return structpb.NewListValue(&structpb.ListValue{Values: vs})
}

// fields makes a struct of names and values in turn. Values are Values, strings, numbers or booleans.
func fields(kv ...any) *structpb.Struct {
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(kv)/2)}
	for i := 0; i < len(kv); i += 2 {
		s.Fields[kv[i].(string)] = valueOf(kv[i+1])
	}
	return s
}

// record is fields as a value.
func record(kv ...any) *structpb.Value { return structpb.NewStructValue(fields(kv...)) }

func valueOf(v any) *structpb.Value {
	switch v := v.(type) {
	case *structpb.Value:
		return v
	case *structpb.Struct:
		return structpb.NewStructValue(v)
	case string:
		return str(v)
	case int:
		return num(v)
	case bool:
		return yes(v)
	default:
		panic("no value")
	}
}

// same is true if two values are equal. Values that objects share are compared by their address first.
func same(a, b *structpb.Value) bool {
	if a == b {
		return true
	}
	switch k := a.GetKind().(type) {
	case *structpb.Value_StringValue:
		o, ok := b.GetKind().(*structpb.Value_StringValue)
		return ok && k.StringValue == o.StringValue
	case *structpb.Value_NumberValue:
		o, ok := b.GetKind().(*structpb.Value_NumberValue)
		return ok && k.NumberValue == o.NumberValue
	case *structpb.Value_BoolValue:
		o, ok := b.GetKind().(*structpb.Value_BoolValue)
		return ok && k.BoolValue == o.BoolValue
	case *structpb.Value_StructValue:
		o, ok := b.GetKind().(*structpb.Value_StructValue)
		return ok && sameFields(k.StructValue, o.StructValue)
	case *structpb.Value_ListValue:
		o, ok := b.GetKind().(*structpb.Value_ListValue)
		if !ok || len(k.ListValue.GetValues()) != len(o.ListValue.GetValues()) {
			return false
		}
		for i, v := range k.ListValue.GetValues() {
			if !same(v, o.ListValue.GetValues()[i]) {
				return false
			}
		}
		return true
	default:
		return a.GetKind() == nil && b.GetKind() == nil
	}
}

func sameFields(a, b *structpb.Struct) bool {
	if a == b {
		return true
	}
	if len(a.GetFields()) != len(b.GetFields()) {
		return false
	}
	for k, v := range a.GetFields() {
		o, ok := b.GetFields()[k]
		if !ok || !same(v, o) {
			return false
		}
	}
	return true
}
