package object

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"time"
	"unsafe"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// An Encoder turns typed API objects into Structs. It holds only what was set: a nil pointer, map or slice, an empty struct,
// an empty map or slice, an empty string, and a zero number or boolean whose JSON tag says omitempty never appear; a pointer
// to a zero value does, since somebody set it.
//
// Parts that several objects share (the same pointer, slice or map) are converted once and shared by the results too, so
// that a hundred pods made from one template cost little more than one. The results must therefore not be changed.
type Encoder struct {
	shared map[part]*structpb.Value
}

// A part identifies something that objects can share. The pointer keeps it alive while the Encoder is, so that its address
// cannot come to mean something else.
type part struct {
	t   reflect.Type
	p   unsafe.Pointer
	len int
}

// NewEncoder returns an Encoder. It must not be used by two goroutines at once.
func NewEncoder() *Encoder { return &Encoder{shared: map[part]*structpb.Value{}} }

// Encode converts a pointer to a typed API object. The object's status is left out: it is the API server's to write.
func (e *Encoder) Encode(o any) (*structpb.Struct, error) {
	s, err := e.EncodeWithStatus(o)
	if err != nil {
		return nil, err
	}
	delete(s.GetFields(), "status")
	return s, nil
}

// EncodeWithStatus converts a pointer to any struct and keeps everything.
func (e *Encoder) EncodeWithStatus(o any) (*structpb.Struct, error) {
	v := reflect.ValueOf(o)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, errors.Errorf("cannot encode %T: it is no pointer to a struct", o)
	}
	return e.object(v.Elem())
}

func (e *Encoder) object(v reflect.Value) (*structpb.Struct, error) {
	fs := fieldsOf(v.Type())
	out := &structpb.Struct{Fields: make(map[string]*structpb.Value, min(len(fs), 8))}
	for i := range fs {
		f := v.FieldByIndex(fs[i].index)
		if f.IsZero() && (fs[i].omitEmpty || f.Kind() == reflect.String) {
			continue
		}
		fv, err := e.value(f)
		if err != nil {
			return nil, errors.Wrapf(err, "%s", fs[i].name)
		}
		if fv != nil {
			out.Fields[fs[i].name] = fv
		}
	}
	return out, nil
}

// value returns nil for a value that nobody set.
func (e *Encoder) value(v reflect.Value) (*structpb.Value, error) {
	switch v.Kind() { //nolint:exhaustive // The default names every kind that JSON cannot hold.
	case reflect.String:
		return structpb.NewStringValue(v.String()), nil
	case reflect.Bool:
		return structpb.NewBoolValue(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return structpb.NewNumberValue(float64(v.Int())), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return structpb.NewNumberValue(float64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return structpb.NewNumberValue(v.Float()), nil
	case reflect.Pointer:
		return e.pointer(v)
	case reflect.Interface:
		if v.IsNil() {
			return nil, nil //nolint:nilnil // Nothing was set.
		}
		return e.value(v.Elem())
	case reflect.Struct:
		return e.structure(v, false)
	case reflect.Slice:
		return e.list(v)
	case reflect.Map:
		return e.dictionary(v)
	default:
		return nil, errors.Errorf("cannot encode a %s", v.Type())
	}
}

func (e *Encoder) pointer(v reflect.Value) (*structpb.Value, error) {
	if v.IsNil() {
		return nil, nil //nolint:nilnil // Nothing was set.
	}
	if v.Elem().Kind() != reflect.Struct {
		return e.value(v.Elem())
	}
	k := part{t: v.Type(), p: v.UnsafePointer()}
	if s, ok := e.shared[k]; ok {
		return s, nil
	}
	s, err := e.structure(v.Elem(), true)
	if err != nil {
		return nil, err
	}
	e.shared[k] = s
	return s, nil
}

// structure converts a struct. One that came without a pointer and is empty was not set.
func (e *Encoder) structure(v reflect.Value, set bool) (*structpb.Value, error) {
	if s, ok, err := scalar(v); ok || err != nil {
		return s, err
	}
	s, err := e.object(v)
	if err != nil || len(s.GetFields()) == 0 && !set {
		return nil, err
	}
	return structpb.NewStructValue(s), nil
}

// scalar converts the struct types that are strings or numbers in JSON.
func scalar(v reflect.Value) (*structpb.Value, bool, error) {
	switch t := v.Interface().(type) {
	case resource.Quantity:
		return structpb.NewStringValue(t.String()), true, nil
	case intstr.IntOrString:
		if t.Type == intstr.String {
			return structpb.NewStringValue(t.StrVal), true, nil
		}
		return structpb.NewNumberValue(float64(t.IntVal)), true, nil
	case metav1.Time:
		if t.IsZero() {
			return nil, true, nil
		}
		return structpb.NewStringValue(t.UTC().Format(time.RFC3339)), true, nil
	case json.Marshaler:
		b, err := t.MarshalJSON()
		if err != nil {
			return nil, true, errors.Wrapf(err, "cannot marshal a %s", v.Type())
		}
		s := &structpb.Value{}
		if err := s.UnmarshalJSON(b); err != nil {
			return nil, true, errors.Wrapf(err, "cannot read the JSON of a %s", v.Type())
		}
		return s, true, nil
	default:
		return nil, false, nil
	}
}

func (e *Encoder) list(v reflect.Value) (*structpb.Value, error) {
	if v.Len() == 0 {
		return nil, nil //nolint:nilnil // Nothing was set.
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return structpb.NewStringValue(base64.StdEncoding.EncodeToString(v.Bytes())), nil
	}
	k := part{t: v.Type(), p: v.UnsafePointer(), len: v.Len()}
	if l, ok := e.shared[k]; ok {
		return l, nil
	}
	l := &structpb.ListValue{Values: make([]*structpb.Value, v.Len())}
	for i := range v.Len() {
		item, err := e.value(v.Index(i))
		if err != nil {
			return nil, errors.Wrapf(err, "[%d]", i)
		}
		if item == nil {
			item = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{}})
		}
		l.Values[i] = item
	}
	out := structpb.NewListValue(l)
	e.shared[k] = out
	return out, nil
}

func (e *Encoder) dictionary(v reflect.Value) (*structpb.Value, error) {
	if v.Len() == 0 {
		return nil, nil //nolint:nilnil // Nothing was set.
	}
	k := part{t: v.Type(), p: v.UnsafePointer()}
	if m, ok := e.shared[k]; ok {
		return m, nil
	}
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, v.Len())}
	for it := v.MapRange(); it.Next(); {
		item, err := e.value(it.Value())
		if err != nil {
			return nil, errors.Wrapf(err, "[%s]", it.Key())
		}
		if item == nil {
			item = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{}})
		}
		s.Fields[it.Key().String()] = item
	}
	out := structpb.NewStructValue(s)
	e.shared[k] = out
	return out, nil
}
