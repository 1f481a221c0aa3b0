package shard

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/object"
)

// own is a shard whose certificate for backups is the user's.
var own = strings.Replace(minimal, "filesystem: {path", "pgbackrestTLS: {secretName: mine}, filesystem: {path", 1)

// certificateOf is a user's Secret.
func certificateOf(t *testing.T, cert, ca string) []object.Object {
	t.Helper()
	return composetestObjects(t, fmt.Sprintf(`{kind: Secret, data: {ca.crt: %s, tls.crt: %s, tls.key: YQ==}}`, ca, cert))
}

// certified is a TLSCertificate that is ready and counts.
func certified(t *testing.T, revision, renewals int) []object.Object {
	t.Helper()
	return composetestObjects(t, fmt.Sprintf(`{apiVersion: m.multigres.com/v1alpha1, kind: TLSCertificate,
		status: {conditions: [{type: Ready, status: "True"}], atProvider: {revision: %d, renewals: %d}}}`, revision, renewals))
}

// TestRenewedCertificate holds that members load a renewed certificate one after the other, the leader last, and that nothing
// moves for less.
func TestRenewedCertificate(t *testing.T) {
	required := answers(t)
	required[requirePoolerTLS] = certified(t, 1, 0)
	required[requireCertificate] = certificateOf(t, "YQ==", "YQ==")
	w := newWorld(t, change(t, own, "  durabilityPolicy:", "  internalTLS: {enabled: true}\n  durabilityPolicy:"), required)
	w.settle()
	w.lingers = true
	inOrder := []string{three[1], three[2], three[0]}
	steps := []struct {
		reason string
		set    func()
		want   []string
		held   string
	}{
		{reason: "Nothing was renewed.", set: func() {}},
		{reason: "It ends soon.", set: func() { w.in.Required[requirePoolerTLS] = certified(t, 2, 1) }, want: inOrder, held: "1"},
		{reason: "Other names leave what is held as good as it is.", set: func() { w.in.Required[requirePoolerTLS] = certified(t, 3, 1) }, held: "1"},
		{reason: "It is not known what there is.", set: func() { w.in.Required[requirePoolerTLS] = certified(t, 0, 0) }, held: "1"},
		{reason: "The certificate is gone.", set: func() { w.in.Required[requirePoolerTLS] = nil }, held: "1"},
		{reason: "It was renewed again.", set: func() { w.in.Required[requirePoolerTLS] = certified(t, 4, 2) }, want: inOrder, held: "2"},
	}
	for _, s := range steps {
		s.set()
		if diff := cmp.Diff(s.want, w.roll(40)); diff != "" {
			t.Errorf("\n%s\npods: -want, +got:\n%s", s.reason, diff)
		}
		for _, key := range three {
			if got := w.in.Observed[key].Annotation(naming.AnnotationCertificateRenewals); got != s.held {
				t.Errorf("\n%s\n%s: want renewals %q, got %q", s.reason, key, s.held, got)
			}
		}
	}
}

// TestLoaded holds how pods tell which certificates their programs load.
func TestLoaded(t *testing.T) {
	// pod returns the first member's pod as it is made once something has happened to its certificates.
	pod := func(xr string, happens func(w *world)) object.Object {
		t.Helper()
		required := answers(t)
		required[requireCertificate] = certificateOf(t, "YQ==", "YQ==")
		w := newWorld(t, xr, required)
		w.compose()
		w.apply()
		happens(w)
		w.compose()
		w.apply()
		return w.in.Observed[three[0]]
	}
	nothing := func(*world) {}
	hash := func(o object.Object) string { return o.Annotation(naming.AnnotationCertificateHash) }
	spec := func(o object.Object) string { return o.Annotation(naming.AnnotationSpecHash) }

	first := pod(minimal, nothing)
	renewed := pod(minimal, func(w *world) {
		w.edit(naming.KeyPgBackRestTLS, "{revision: 3, renewals: 2}", "status", "atProvider")
	})
	if got := renewed.Annotation(naming.AnnotationCertificateRenewals); got != "2" || spec(renewed) == spec(first) || hash(renewed) != "" {
		t.Errorf("want pods to tell how often pgBackRest's certificate was renewed, got %q with %s after %s", got, spec(renewed), spec(first))
	}

	mine, again := pod(own, nothing), pod(own, nothing)
	if hash(mine) == "" || hash(mine) != hash(again) || spec(mine) != spec(again) {
		t.Errorf("want one hash for one certificate of the user, got %q and %q", hash(mine), hash(again))
	}
	for name, secret := range map[string][]object.Object{
		"certificate": certificateOf(t, "Yg==", "YQ=="), "authority": certificateOf(t, "YQ==", "Yg=="),
	} {
		other := pod(own, func(w *world) { w.in.Required[requireCertificate] = secret })
		if hash(other) == hash(mine) || spec(other) == spec(mine) {
			t.Errorf("want another hash for another %s, got %q", name, hash(other))
		}
	}
	kept := pod(own, func(w *world) {
		w.compose()
		w.apply()
		w.in.Required[requireCertificate] = nil
	})
	if hash(kept) != hash(mine) {
		t.Errorf("want what pods have while the Secret is gone, got %q", hash(kept))
	}
}
