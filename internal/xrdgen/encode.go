package xrdgen

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"sigs.k8s.io/yaml"
)

// Encode returns an object as YAML: keys sorted, without status and without the
// time of creation, which Go types of Kubernetes write even if they are empty.
func Encode(obj any) ([]byte, error) {
	b, err := json.Marshal(obj)
	if err != nil {
		return nil, errors.Wrap(err, "cannot encode object")
	}

	u := map[string]any{}
	if err := json.Unmarshal(b, &u); err != nil {
		return nil, errors.Wrap(err, "cannot decode object")
	}

	delete(u, "status")

	if metadata, ok := u["metadata"].(map[string]any); ok {
		delete(metadata, "creationTimestamp")
	}

	b, err = yaml.Marshal(u)

	return b, errors.Wrap(err, "cannot encode YAML")
}

// write writes an object to a file, below a comment.
func write(path string, obj any, comment string) error {
	b, err := Encode(obj)
	if err != nil {
		return err
	}

	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // Sources are for everybody to read.
		return errors.Wrap(err, "cannot make folder")
	}

	err = os.WriteFile(path, append([]byte(comment), b...), 0o644) //nolint:gosec // Sources are for everybody to read.

	return errors.Wrap(err, "cannot write file")
}
