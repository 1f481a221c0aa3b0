package engine

import (
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/crossplane-multigres/crossplane-multigres/internal/manifest"
)

func toStructs(us []*unstructured.Unstructured) ([]*structpb.Struct, error) {
	var out []*structpb.Struct

	for _, u := range us {
		s, err := manifest.ToStruct(u)
		if err != nil {
			return nil, err
		}

		out = append(out, s)
	}

	return out, nil
}

func fromStructs(ss []*structpb.Struct) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured

	for _, s := range ss {
		u, err := manifest.FromStruct(s)
		if err != nil {
			return nil, err
		}

		out = append(out, u)
	}

	return out, nil
}
