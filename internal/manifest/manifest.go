// Package manifest reads and writes streams of Kubernetes objects as people keep them in files.
package manifest

import (
	"bufio"
	"bytes"
	"io"
	"os"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// ReadFile reads every object of a YAML file, in the file's order; "-" is standard input. Documents that hold nothing are left
// out, lists are taken apart.
func ReadFile(path string) ([]*unstructured.Unstructured, error) {
	if path == "-" {
		b, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, errors.Wrap(err, "cannot read standard input")
		}
		return Decode(b)
	}
	b, err := os.ReadFile(path) //nolint:gosec // Reading the file that the user names is the point.
	if err != nil {
		return nil, errors.Wrap(err, "cannot read objects")
	}
	us, err := Decode(b)
	return us, errors.Wrapf(err, "cannot read %q", path)
}

// Decode decodes every object of a stream of YAML documents. Whole numbers become int64. Documents that hold nothing are left
// out, lists are taken apart.
func Decode(stream []byte) ([]*unstructured.Unstructured, error) {
	var us []*unstructured.Unstructured
	r := kyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(stream)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return us, nil
		}
		if err != nil {
			return nil, errors.Wrap(err, "cannot split YAML documents")
		}
		js, err := yaml.YAMLToJSON(doc)
		if err != nil {
			return nil, errors.Wrap(err, "cannot parse YAML document")
		}
		if bytes.Equal(js, []byte("null")) {
			continue
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(js); err != nil {
			return nil, errors.Wrap(err, "cannot decode object")
		}
		if !u.IsList() {
			us = append(us, u)
			continue
		}
		l, err := u.ToList()
		if err != nil {
			return nil, errors.Wrap(err, "cannot decode list")
		}
		for i := range l.Items {
			us = append(us, &l.Items[i])
		}
	}
}

// Encode writes objects as a stream of YAML documents with sorted keys.
func Encode(us ...*unstructured.Unstructured) ([]byte, error) {
	out := &bytes.Buffer{}
	for _, u := range us {
		doc, err := yaml.Marshal(u.Object)
		if err != nil {
			return nil, errors.Wrapf(err, "cannot encode %s %q", u.GetKind(), u.GetName())
		}
		out.WriteString("---\n")
		out.Write(doc)
	}
	return out.Bytes(), nil
}

// ToStruct encodes an object as protobuf; nil stays nil.
func ToStruct(u *unstructured.Unstructured) (*structpb.Struct, error) {
	if u == nil {
		return nil, nil //nolint:nilnil // There is no object.
	}
	b, err := u.MarshalJSON()
	if err != nil {
		return nil, errors.Wrapf(err, "cannot encode %s %q", u.GetKind(), u.GetName())
	}
	s := &structpb.Struct{}
	return s, errors.Wrapf(s.UnmarshalJSON(b), "cannot encode %s %q", u.GetKind(), u.GetName())
}

// FromStruct decodes an object from protobuf; nil stays nil. Whole numbers become int64, as in anything read from YAML.
func FromStruct(s *structpb.Struct) (*unstructured.Unstructured, error) {
	if s == nil {
		return nil, nil //nolint:nilnil // There is no object.
	}
	b, err := s.MarshalJSON()
	if err != nil {
		return nil, errors.Wrap(err, "cannot decode object")
	}
	u := &unstructured.Unstructured{}
	return u, errors.Wrap(u.UnmarshalJSON(b), "cannot decode object")
}
