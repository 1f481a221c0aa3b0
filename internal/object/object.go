// Package object reads and writes Kubernetes objects in the form in which a composition function receives and returns
// them: google.protobuf.Struct. It is pure data handling: an Object is a read-only view that converts nothing until it is
// asked, Encode turns typed API objects into Structs that hold only what was set, Decode fills typed API objects and
// names every field that does not fit, and Owned reduces an observed object to the fields that its applier owns.
package object

import (
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// An Object is a read-only view of one Kubernetes object. The zero Object is an object that does not exist: all of its
// accessors return zero values.
type Object struct {
	s *structpb.Struct
}

// New returns a view of the supplied struct, which may be nil. The struct must not change while the view is in use.
func New(s *structpb.Struct) Object { return Object{s: s} }

// Exists is true if there is an object at all, however empty.
func (o Object) Exists() bool { return o.s != nil }

// Struct returns what the object is a view of. Callers must not change it.
func (o Object) Struct() *structpb.Struct { return o.s }

// APIVersion returns the object's group and version, as in "apps/v1".
func (o Object) APIVersion() string { return o.String("apiVersion") }

// Kind returns the object's kind.
func (o Object) Kind() string { return o.String("kind") }

// GroupKind returns the object's group and kind. An apiVersion that cannot be parsed has an empty group.
func (o Object) GroupKind() schema.GroupKind {
	gv, err := schema.ParseGroupVersion(o.APIVersion())
	if err != nil {
		return schema.GroupKind{Kind: o.Kind()}
	}
	return schema.GroupKind{Group: gv.Group, Kind: o.Kind()}
}

// Name returns metadata.name.
func (o Object) Name() string { return o.String("metadata", "name") }

// Namespace returns metadata.namespace.
func (o Object) Namespace() string { return o.String("metadata", "namespace") }

// UID returns metadata.uid.
func (o Object) UID() string { return o.String("metadata", "uid") }

// Generation returns metadata.generation.
func (o Object) Generation() int64 { return o.Int("metadata", "generation") }

// Label returns the value of one label, or an empty string.
func (o Object) Label(key string) string { return o.String("metadata", "labels", key) }

// Annotation returns the value of one annotation, or an empty string.
func (o Object) Annotation(key string) string { return o.String("metadata", "annotations", key) }

// Deleting is true if the object has a deletion timestamp: it is on its way out, whatever its status still says.
func (o Object) Deleting() bool { return o.String("metadata", "deletionTimestamp") != "" }

// Created returns metadata.creationTimestamp, and false if it is absent or no RFC 3339 time.
func (o Object) Created() (time.Time, bool) { return o.Time("metadata", "creationTimestamp") }

// Time returns the time at the given path, and false if there is none or it is no RFC 3339 time.
func (o Object) Time(path ...string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, o.String(path...))
	return t, err == nil
}

// Value returns the value at the given path of map keys, or nil if there is none.
func (o Object) Value(path ...string) *structpb.Value {
	s := o.s
	for i, p := range path {
		v := s.GetFields()[p]
		if i == len(path)-1 {
			return v
		}
		s = v.GetStructValue()
	}
	return nil
}

// Has is true if there is a value other than null at the given path.
func (o Object) Has(path ...string) bool {
	v := o.Value(path...)
	if v == nil {
		return false
	}
	_, null := v.GetKind().(*structpb.Value_NullValue)
	return !null
}

// String returns the string at the given path, or an empty string if there is none.
func (o Object) String(path ...string) string { return o.Value(path...).GetStringValue() }

// Int returns the number at the given path, cut to an integer, or zero if there is none.
func (o Object) Int(path ...string) int64 { return int64(o.Value(path...).GetNumberValue()) }

// Int32 returns the number at the given path, cut to an integer and to what an int32 can hold, or zero if there is none.
func (o Object) Int32(path ...string) int32 {
	return int32(max(math.MinInt32, min(math.MaxInt32, o.Value(path...).GetNumberValue())))
}

// Bool returns the boolean at the given path, or false if there is none.
func (o Object) Bool(path ...string) bool { return o.Value(path...).GetBoolValue() }

// At returns the object at the given path. It does not exist if there is none.
func (o Object) At(path ...string) Object { return Object{s: o.Value(path...).GetStructValue()} }

// List returns the objects of the list at the given path. Items that are no objects are left out.
func (o Object) List(path ...string) []Object {
	vs := o.Value(path...).GetListValue().GetValues()
	if len(vs) == 0 {
		return nil
	}
	out := make([]Object, 0, len(vs))
	for _, v := range vs {
		if s := v.GetStructValue(); s != nil {
			out = append(out, Object{s: s})
		}
	}
	return out
}

// Strings returns the strings of the list at the given path. Items that are no strings are left out.
func (o Object) Strings(path ...string) []string {
	vs := o.Value(path...).GetListValue().GetValues()
	out := make([]string, 0, len(vs))
	for _, v := range vs {
		if _, ok := v.GetKind().(*structpb.Value_StringValue); ok {
			out = append(out, v.GetStringValue())
		}
	}
	return out
}

// StringMap returns the string values of the map at the given path, or nil if there is none. Other values are left out.
func (o Object) StringMap(path ...string) map[string]string {
	fs := o.Value(path...).GetStructValue().GetFields()
	if len(fs) == 0 {
		return nil
	}
	out := make(map[string]string, len(fs))
	for k, v := range fs {
		if _, ok := v.GetKind().(*structpb.Value_StringValue); ok {
			out[k] = v.GetStringValue()
		}
	}
	return out
}

// A Condition is one entry of status.conditions.
type Condition struct {
	Status             string
	Reason             string
	Message            string
	ObservedGeneration int64
	// Changed is when the status last changed, if it is known.
	Changed time.Time
}

// True is true if the condition's status is "True".
func (c Condition) True() bool { return c.Status == "True" }

// Condition returns the condition of the given type, and false if the object has none.
func (o Object) Condition(typ string) (Condition, bool) {
	for _, c := range o.List("status", "conditions") {
		if c.String("type") != typ {
			continue
		}
		changed, _ := c.Time("lastTransitionTime")
		return Condition{
			Status:             c.String("status"),
			Changed:            changed,
			Reason:             c.String("reason"),
			Message:            c.String("message"),
			ObservedGeneration: c.Int("observedGeneration"),
		}, true
	}
	return Condition{}, false
}

// IsTrue is true if the object has a condition of the given type with status "True".
func (o Object) IsTrue(typ string) bool {
	c, ok := o.Condition(typ)
	return ok && c.True()
}

// Describe names the object for a person, as in "Pod orders-0".
func (o Object) Describe() string { return strings.TrimSpace(o.Kind() + " " + o.Name()) }
