package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
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
	h := sha256.New()
	walk(h, s.GetFields()["spec"].AsInterface())
	walk(h, pod.Annotations[naming.AnnotationPostgresConfigHash])
	return hex.EncodeToString(h.Sum(nil)[:hashBytes]), nil
}

// walk writes a value in one way only: what kind it is, how long, and what it holds, maps in the order of their keys. No two
// different values are written alike.
func walk(h hash.Hash, v any) {
	switch v := v.(type) {
	case bool:
		if v {
			write(h, 't', 0)
			return
		}
		write(h, 'f', 0)
	case float64:
		write(h, 'n', math.Float64bits(v))
	case string:
		text(h, v)
	case []any:
		write(h, 'l', uint64(len(v)))
		for _, item := range v {
			walk(h, item)
		}
	case map[string]any:
		write(h, 'm', uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text(h, name)
			walk(h, v[name])
		}
	default:
		write(h, '0', 0)
	}
}

func text(h hash.Hash, s string) {
	write(h, 's', uint64(len(s)))
	h.Write([]byte(s))
}

func write(h hash.Hash, kind byte, n uint64) {
	var b [9]byte
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], n)
	h.Write(b[:])
}
