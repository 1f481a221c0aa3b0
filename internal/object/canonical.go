package object

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"
)

// AppendCanonical appends a value in one way only: what kind it is, how long, and what it holds, maps in the order of their keys. No
// two different values are written alike.
func AppendCanonical(b []byte, v *structpb.Value) []byte {
	switch v := v.GetKind().(type) {
	case *structpb.Value_BoolValue:
		if v.BoolValue {
			return append(b, 't')
		}
		return append(b, 'f')
	case *structpb.Value_NumberValue:
		return number(b, 'n', math.Float64bits(v.NumberValue))
	case *structpb.Value_StringValue:
		return AppendCanonicalString(b, v.StringValue)
	case *structpb.Value_ListValue:
		b = number(b, 'l', uint64(len(v.ListValue.GetValues())))
		for _, item := range v.ListValue.GetValues() {
			b = AppendCanonical(b, item)
		}
		return b
	case *structpb.Value_StructValue:
		fields := v.StructValue.GetFields()
		b = number(b, 'm', uint64(len(fields)))
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			b = AppendCanonical(AppendCanonicalString(b, name), fields[name])
		}
		return b
	default:
		return append(b, '0')
	}
}

// AppendCanonicalString appends a string as AppendCanonical does.
func AppendCanonicalString(b []byte, s string) []byte {
	return append(number(b, 's', uint64(len(s))), s...)
}

func number(b []byte, kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), n)
}
