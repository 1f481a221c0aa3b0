package render

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// stored returns a copy of an object as an API server would keep it: the plain strings of a Secret are among its data.
func stored(u *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	if i := idOf(u); i.group != "" || i.kind != "Secret" {
		return u
	}
	plain, _, _ := unstructured.NestedStringMap(u.Object, "stringData")
	delete(u.Object, "stringData")
	for k, v := range plain {
		// It cannot fail: what is no map is no data of a Secret either.
		_ = unstructured.SetNestedField(u.Object, base64.StdEncoding.EncodeToString([]byte(v)), "data", k)
	}
	return u
}
