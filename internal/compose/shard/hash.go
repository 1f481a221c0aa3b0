package shard

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// hashBytes is how much of a sum is kept: 64 bits, 16 hexadecimal digits.
const hashBytes = 8

// envRestartHash is a variable that no program reads. It makes what a pod's programs read only when they start part of its
// specification, which cannot change: annotations alone could be given to a pod that was made before, if it is not seen yet.
const envRestartHash = "RESTART_HASH"

// specHash returns the hash of everything in a pod that needs a new pod to change: its whole specification, since none of it
// changes in place. What was not set is not part of it, so that a new version of the Kubernetes API with more fields leaves it as
// it is; neither are labels and annotations, which change in place.
func specHash(pod *corev1.Pod, enc *object.Encoder) (string, error) {
	s, err := enc.Encode(pod)
	if err != nil {
		return "", errors.Wrap(err, "cannot hash the specification of a pod")
	}
	return hashed(object.AppendCanonical(make([]byte, 0, 16<<10), s.GetFields()["spec"])), nil
}

// restartHash returns the hash of what programs read only when they start: the PostgreSQL settings that need a restart, and which
// certificates there are.
func restartHash(annotations map[string]string) string {
	b := object.AppendCanonicalString(nil, annotations[naming.AnnotationPostgresConfigHash])
	for _, a := range []string{naming.AnnotationCertificateRenewals, naming.AnnotationCertificateHash} {
		if v := annotations[a]; v != "" {
			b = object.AppendCanonicalString(b, a+"="+v)
		}
	}
	return hashed(b)
}

func hashed(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:hashBytes])
}
