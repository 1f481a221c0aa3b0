package shard

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	mv1alpha1 "github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose"
	"github.com/crossplane-multigres/crossplane-multigres/internal/compose/workload"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// loaded returns the annotations by which pods whose programs loaded older certificates are told from those with the present
// ones. While it is not known which are present, what the youngest pod has counts.
func loaded(in compose.Input, sh *shard, s *compose.Set, ms []*member) map[string]string {
	var made []object.Object
	if sh.userCertificate() == "" {
		made = append(made, s.Observed(naming.KeyPgBackRestTLS))
	}
	if sh.internalTLS(naming.ComponentMultiPooler) != "" {
		made = append(made, in.Find(requirePoolerTLS))
	}
	pod := youngest(ms)
	out := workload.WithRenewals(nil, workload.Renewals(pod.Annotation(naming.AnnotationCertificateRenewals), made...))
	if sh.userCertificate() == "" {
		return out
	}
	return naming.Merge(out, map[string]string{
		naming.AnnotationCertificateHash: certificateHash(in.Find(requireCertificate), pod.Annotation(naming.AnnotationCertificateHash)),
	})
}

// orchCertificates are the TLSCertificates that orchestrators load.
func orchCertificates(in compose.Input, sh *shard) []object.Object {
	if sh.internalTLS(naming.ComponentMultiOrch) == "" {
		return nil
	}
	return []object.Object{in.Find(requireOrchTLS)}
}

// certificateHash returns the hash of the certificate and of whom it trusts in a user's Secret, or what is held if there is none.
func certificateHash(secret object.Object, held string) string {
	data := secret.At("data")
	cert, ca := data.String(corev1.TLSCertKey), data.String(mv1alpha1.SecretKeyCA)
	if cert == "" || ca == "" {
		return held
	}
	return hashed(object.AppendCanonicalString(object.AppendCanonicalString(nil, cert), ca))
}

// youngest returns the pod that was made last. It does not exist if no member has a pod.
func youngest(ms []*member) object.Object {
	var out object.Object
	var last time.Time
	for _, m := range ms {
		if at, ok := m.live.Created(); m.exists() && (!out.Exists() || ok && at.After(last)) {
			out, last = m.live, at
		}
	}
	return out
}
