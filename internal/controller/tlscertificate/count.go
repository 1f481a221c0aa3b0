package tlscertificate

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// Annotations of a Secret that count its certificates.
const (
	annotationRevision = v1alpha1.Group + "/certificate-revision"
	annotationRenewals = v1alpha1.Group + "/certificate-renewals"
)

// A count of the certificates that a Secret has had: all of them, and those after which a program that holds an older one must
// load it anew. It never falls.
type count struct {
	revision int64
	renewals int64
}

// countOf reads the count that a Secret carries. One with a certificate and without a count has had one certificate.
func countOf(s *corev1.Secret) count {
	read := func(annotation string) int64 {
		n, err := strconv.ParseInt(s.Annotations[annotation], 10, 64)
		if err != nil || n < 0 {
			return 0
		}
		return n
	}
	c := count{revision: read(annotationRevision), renewals: read(annotationRenewals)}
	if len(s.Data[corev1.TLSCertKey]) > 0 {
		c.revision = max(c.revision, 1)
	}
	return c
}

// or returns the higher of a count and what was last observed: a Secret may have been deleted or robbed of its annotations.
func (c count) or(o v1alpha1.TLSCertificateObservation) count {
	return count{revision: max(c.revision, o.Revision), renewals: max(c.renewals, o.Renewals)}
}

// next counts what is to become of a certificate.
func (c count) next(l leaf, trustsMore bool) count {
	first := c.revision == 0
	if l.stale != "" {
		c.revision++
	}
	if !first && (l.stale != "" && l.stale != staleNames || trustsMore) {
		c.renewals++
	}
	return c
}

func (c count) write(s *corev1.Secret) {
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, annotationRevision, strconv.FormatInt(c.revision, 10))
	metav1.SetMetaDataAnnotation(&s.ObjectMeta, annotationRenewals, strconv.FormatInt(c.renewals, 10))
}

// trustsMore is true if whoever loaded the Secret before does not trust one of the authorities. That one has ended is no reason
// to load it anew.
func trustsMore(s *corev1.Secret, a *authority) bool {
	old, err := pki.ParseBundle(s.Data[keyCA])
	if err != nil {
		return true
	}
	for _, c := range a.trusted {
		if !slices.ContainsFunc(old, func(o *x509.Certificate) bool { return bytes.Equal(o.Raw, c.Raw) }) {
			return true
		}
	}
	return false
}
