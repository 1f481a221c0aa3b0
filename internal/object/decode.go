package object

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Decode fills the struct that into points to from an object. Fields that the struct does not know are ignored, as the API
// server would prune them; null counts as absent. The returned errors name every field whose value does not fit; such a
// field keeps its zero value.
func Decode(o Object, into any) field.ErrorList {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return field.ErrorList{field.InternalError(nil, errors.Errorf("cannot decode into %T: it is no pointer to a struct", into))}
	}
	d := decoder{}
	d.object(nil, o.s, v.Elem())
	return d.errs
}

type decoder struct {
	errs field.ErrorList
}

func (d *decoder) object(path *field.Path, s *structpb.Struct, v reflect.Value) {
	fs := s.GetFields()
	if len(fs) == 0 {
		return
	}
	infos := fieldsOf(v.Type())
	for i := range infos {
		fv, ok := fs[infos[i].name]
		if !ok {
			continue
		}
		d.value(path.Child(infos[i].name), fv, v.FieldByIndex(infos[i].index))
	}
}

func (d *decoder) mismatch(path *field.Path, s *structpb.Value, want string) {
	d.errs = append(d.errs, field.TypeInvalid(path, brief(s), "must be "+want))
}

func (d *decoder) value(path *field.Path, s *structpb.Value, v reflect.Value) {
	if _, null := s.GetKind().(*structpb.Value_NullValue); null || s.GetKind() == nil {
		return
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		n := len(d.errs)
		d.value(path, s, p.Elem())
		if len(d.errs) == n {
			v.Set(p)
		}
		return
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		d.unmarshal(path, s, u)
		return
	}
	switch v.Kind() { //nolint:exhaustive // The default refuses every kind that JSON cannot hold.
	case reflect.String:
		if _, ok := s.GetKind().(*structpb.Value_StringValue); !ok {
			d.mismatch(path, s, "a string")
			return
		}
		v.SetString(s.GetStringValue())
	case reflect.Bool:
		if _, ok := s.GetKind().(*structpb.Value_BoolValue); !ok {
			d.mismatch(path, s, "a boolean")
			return
		}
		v.SetBool(s.GetBoolValue())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(path, s, v)
	case reflect.Float32, reflect.Float64:
		if _, ok := s.GetKind().(*structpb.Value_NumberValue); !ok {
			d.mismatch(path, s, "a number")
			return
		}
		v.SetFloat(s.GetNumberValue())
	case reflect.Struct:
		if s.GetStructValue() == nil {
			d.mismatch(path, s, "an object")
			return
		}
		d.object(path, s.GetStructValue(), v)
	case reflect.Slice:
		d.list(path, s, v)
	case reflect.Map:
		d.dictionary(path, s, v)
	default:
		d.errs = append(d.errs, field.InternalError(path, errors.Errorf("cannot decode into a %s", v.Type())))
	}
}

func (d *decoder) integer(path *field.Path, s *structpb.Value, v reflect.Value) {
	n, ok := s.GetKind().(*structpb.Value_NumberValue)
	if !ok || n.NumberValue != math.Trunc(n.NumberValue) || math.Abs(n.NumberValue) > 1<<53 {
		d.mismatch(path, s, "an integer")
		return
	}
	if v.OverflowInt(int64(n.NumberValue)) {
		d.mismatch(path, s, "an integer of "+v.Kind().String()+"'s range")
		return
	}
	v.SetInt(int64(n.NumberValue))
}

// unmarshal serves the types that read their own JSON, such as quantities and times.
func (d *decoder) unmarshal(path *field.Path, s *structpb.Value, u json.Unmarshaler) {
	b, err := s.MarshalJSON()
	if err != nil {
		d.errs = append(d.errs, field.InternalError(path, errors.Wrap(err, "cannot marshal the value")))
		return
	}
	if q, ok := u.(*resource.Quantity); ok {
		v, err := ParseQuantity(strings.Trim(string(b), `"`))
		if err != nil {
			d.errs = append(d.errs, field.Invalid(path, brief(s), err.Error()))
			return
		}
		*q = v
		return
	}
	if err := u.UnmarshalJSON(b); err != nil {
		d.errs = append(d.errs, field.Invalid(path, brief(s), err.Error()))
	}
}

func (d *decoder) list(path *field.Path, s *structpb.Value, v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b, err := base64.StdEncoding.DecodeString(s.GetStringValue())
		if err != nil {
			d.mismatch(path, s, "base64 data")
			return
		}
		v.SetBytes(b)
		return
	}
	l := s.GetListValue()
	if l == nil {
		d.mismatch(path, s, "a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(l.GetValues()), len(l.GetValues()))
	for i, item := range l.GetValues() {
		d.value(path.Index(i), item, out.Index(i))
	}
	v.Set(out)
}

func (d *decoder) dictionary(path *field.Path, s *structpb.Value, v reflect.Value) {
	m := s.GetStructValue()
	if m == nil {
		d.mismatch(path, s, "an object")
		return
	}
	// In the order of the keys, so that errors come in the same order every time.
	keys := make([]string, 0, len(m.GetFields()))
	for k := range m.GetFields() {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	t := v.Type()
	out := reflect.MakeMapWithSize(t, len(keys))
	for _, k := range keys {
		item := reflect.New(t.Elem()).Elem()
		n := len(d.errs)
		d.value(path.Key(k), m.GetFields()[k], item)
		if len(d.errs) == n {
			out.SetMapIndex(reflect.ValueOf(k).Convert(t.Key()), item)
		}
	}
	v.Set(out)
}

// brief is what an error shows of a value: scalars as they are (cut when long), everything else by its kind.
func brief(s *structpb.Value) any {
	const most = 64
	switch k := s.GetKind().(type) {
	case *structpb.Value_StringValue:
		if r := []rune(k.StringValue); len(r) > most {
			return string(slices.Concat(r[:most], []rune("...")))
		}
		return k.StringValue
	case *structpb.Value_NumberValue:
		return k.NumberValue
	case *structpb.Value_BoolValue:
		return k.BoolValue
	case *structpb.Value_ListValue:
		return "a list"
	default:
		return "an object"
	}
}
