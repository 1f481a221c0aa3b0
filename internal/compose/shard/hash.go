package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math"
	"slices"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// hashBytes is how much of the sum is kept: 64 bits, 16 hexadecimal digits.
const hashBytes = 8

// specHash returns the hash of everything in a pod that needs a new pod to change: its whole specification, since none of it
// changes in place, and the PostgreSQL settings that need a restart. What was not set is not part of it, so that a new
// version of the Kubernetes API with more fields leaves it as it is; neither are labels and other annotations, which change
// in place.
func specHash(pod *corev1.Pod, enc *object.Encoder) (string, error) {
	s, err := enc.Encode(pod)
	if err != nil {
		return "", errors.Wrap(err, "cannot hash the specification of a pod")
	}
	b := canonical(make([]byte, 0, 16<<10), s.GetFields()["spec"].AsInterface())
	sum := sha256.Sum256(canonical(b, pod.Annotations[naming.AnnotationPostgresConfigHash]))
	return hex.EncodeToString(sum[:hashBytes]), nil
}

// canonical appends a value in one way only: what kind it is, how long, and what it holds, maps in the order of their keys. No
// two different values are written alike.
func canonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case float64:
		return number(b, 'n', math.Float64bits(v))
	case string:
		return append(number(b, 's', uint64(len(v))), v...)
	case []any:
		b = number(b, 'l', uint64(len(v)))
		for _, item := range v {
			b = canonical(b, item)
		}
		return b
	case map[string]any:
		b = number(b, 'm', uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = canonical(canonical(b, name), v[name])
		}
		return b
	default:
		return append(b, '0')
	}
}

func number(b []byte, kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), n)
}
