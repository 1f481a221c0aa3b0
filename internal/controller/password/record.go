package password

import (
	"encoding/json"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
)

const (
	// annotationPasswords of a Secret holds a record per key, in JSON. It is one annotation, because a key may be longer than
	// the name of an annotation.
	annotationPasswords = v1alpha1.Group + "/passwords"

	// annotationCreated marks a Secret that a Password created, and that goes with its last key.
	annotationCreated = v1alpha1.Group + "/created-for-passwords"
)

// A record says which Password a key belongs to, and what its password was generated for.
type record struct {
	// Name and UID of the Password.
	Name string    `json:"name"`
	UID  types.UID `json:"uid"`

	// Rotation that the password was generated or adopted for.
	Rotation string `json:"rotation,omitempty"`

	// CreatedAt is when the password was generated. It is absent if that is not known.
	CreatedAt *metav1.Time `json:"createdAt,omitempty"`
}

// records returns the records of a Secret by key.
func records(s *corev1.Secret) (map[string]record, error) {
	out := map[string]record{}
	v, ok := s.Annotations[annotationPasswords]
	if !ok {
		return out, nil
	}
	if err := json.Unmarshal([]byte(v), &out); err != nil {
		return nil, errors.Wrapf(err, "cannot read annotation %s of Secret %q of spec.forProvider.secretName", annotationPasswords, s.Name)
	}
	return out, nil
}

// setRecords writes the records to a Secret.
func setRecords(s *corev1.Secret, rs map[string]record) error {
	if len(rs) == 0 {
		delete(s.Annotations, annotationPasswords)
		return nil
	}
	b, err := json.Marshal(rs)
	if err != nil {
		return errors.Wrap(err, "cannot write records of passwords")
	}
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, annotationPasswords, string(b))
	return nil
}
