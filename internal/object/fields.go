package object

import (
	"reflect"
	"strings"
	"sync"
)

// A fieldInfo says how one Go struct field appears in JSON.
type fieldInfo struct {
	index     []int
	name      string
	omitEmpty bool
}

// types caches the fields of each struct type. It is a cache of facts about the program, not state: what it returns depends
// on the type alone.
var types sync.Map // of reflect.Type to []fieldInfo

// fieldsOf returns the JSON fields of a struct type in declaration order, fields of inlined structs among them.
func fieldsOf(t reflect.Type) []fieldInfo {
	if f, ok := types.Load(t); ok {
		return f.([]fieldInfo) //nolint:forcetypeassert // Only this function stores, and it stores nothing else.
	}
	fs := appendFields(nil, t, nil)
	types.Store(t, fs)
	return fs
}

func appendFields(fs []fieldInfo, t reflect.Type, prefix []int) []fieldInfo {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, opts, _ := strings.Cut(tag, ",")
		if name == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		index := append(append([]int(nil), prefix...), i)
		inline := f.Anonymous && name == "" || tagged && name == "" && strings.Contains(opts, "inline")
		if inline && f.Type.Kind() == reflect.Struct {
			fs = appendFields(fs, f.Type, index)
			continue
		}
		if name == "" {
			name = f.Name
		}
		fs = append(fs, fieldInfo{index: index, name: name, omitEmpty: strings.Contains(opts, "omitempty")})
	}
	return fs
}
