package workload

import (
	"strconv"
	"time"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// PoolerCertificateDuration is how long the certificates of poolers are valid that an authority of our own signs. Longer than
// others', since each renewal restarts every server of a shard.
const PoolerCertificateDuration = 365 * 24 * time.Hour

// Renewals returns how often the certificates that a program loads have been renewed, for AnnotationCertificateRenewals: the
// programs of multigres v0.1.0 read them when they start and never again, so that a renewal needs new pods. Nothing means that
// all are the first. While one of the TLSCertificates does not say, what the workload holds stays: on any doubt nothing restarts.
func Renewals(held string, certificates ...object.Object) string {
	return total(held, certificates, func(o object.Object) int64 { return o.Int("renewals") })
}

// Revisions is the same for certificates whose every change needs new pods, those for other names, too.
func Revisions(held string, certificates ...object.Object) string {
	return total(held, certificates, func(o object.Object) int64 { return o.Int("revision") - 1 })
}

// total adds up what is counted of each certificate, and is what is held if one of them does not say.
func total(held string, certificates []object.Object, count func(observation object.Object) int64) string {
	var n int64
	for _, c := range certificates {
		o := c.At("status", "atProvider")
		if o.Int("revision") == 0 {
			return held
		}
		n += count(o)
	}
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// HeldRenewals returns the annotation of the pods that an observed Deployment or StatefulSet makes.
func HeldRenewals(o object.Object) string {
	return o.String("spec", "template", "metadata", "annotations", naming.AnnotationCertificateRenewals)
}

// WithRenewals adds the annotation to those of a pod.
func WithRenewals(annotations map[string]string, renewals string) map[string]string {
	if renewals == "" {
		return annotations
	}
	return naming.Merge(annotations, map[string]string{naming.AnnotationCertificateRenewals: renewals})
}
