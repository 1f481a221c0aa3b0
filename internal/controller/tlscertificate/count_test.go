package tlscertificate

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/pki"
)

// A program loads a certificate and whom it trusts when it starts, and never again.
type program struct {
	cert, trust []byte
	renewals    int64
}

func (b *bench) load(mg *v1alpha1.TLSCertificate) program {
	s := b.get(mg.Spec.ForProvider.SecretName)
	return program{cert: s.Data[corev1.TLSCertKey], trust: s.Data[keyCA], renewals: mg.Status.AtProvider.Renewals}
}

// believes checks that one program accepts the certificate of another at the bench's time.
func (b *bench) believes(a, o program) {
	b.t.Helper()
	certs, err := pki.ParseBundle(o.cert)
	if err != nil {
		b.t.Fatal(err)
	}
	trusted, err := pki.ParseBundle(a.trust)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := pki.Verify(b.time, certs[0], trusted...); err != nil {
		b.t.Fatalf("a program that was started anew whenever it should be is not believed after %s: %v", b.time.Sub(start), err)
	}
}

// TestRenewals lets programs of two certificates live through several authorities, while the names of one change all the time.
// They load files only when they start, are started anew within two hours after a renewal is counted, and must believe each other
// in every hour.
func TestRenewals(t *testing.T) {
	b, one, two := newBench(t), mr(named("one")), mr(named("two"), hosts("b.example"))
	b.reconcile(one)
	b.reconcile(two)
	b.reconcile(one)
	mgs := []*v1alpha1.TLSCertificate{one, two}
	running := []program{b.load(one), b.load(two)}
	behind := []int{0, 0}
	restarts := 0
	for hour := 1; hour < 1000; hour++ {
		b.time = start.Add(time.Duration(hour) * time.Hour)
		two.Spec.ForProvider.DNSNames = []string{fmt.Sprintf("b%d.example", hour/7)}
		for i, mg := range mgs {
			b.reconcile(mg)
			if running[i].renewals == mg.Status.AtProvider.Renewals {
				continue
			}
			if behind[i]++; behind[i] > 2 {
				running[i], behind[i] = b.load(mg), 0
				restarts++
			}
		}
		b.believes(running[0], running[1])
		b.believes(running[1], running[0])
	}
	// Certificates are renewed every 24 hours, and an authority lasts some 270.
	if restarts > 2*(1000/24+2*1000/200) {
		t.Errorf("programs should be started anew for renewals only, and were %d times", restarts)
	}
	if got := two.Status.AtProvider.Revision; got < 1000/7 {
		t.Errorf("all certificates should be counted, got %d", got)
	}
}

func TestCount(t *testing.T) {
	cases := map[string]struct {
		reason string
		change func(b *bench, mg *v1alpha1.TLSCertificate)
		want   count
	}{
		"First": {
			reason: "Who starts with the first certificate has nothing to load anew.",
			change: func(*bench, *v1alpha1.TLSCertificate) {}, want: count{revision: 1},
		},
		"Due": {
			reason: "What is held ends soon.",
			change: func(b *bench, _ *v1alpha1.TLSCertificate) { b.time = start.Add(leafDuration - renewBefore) }, want: count{revision: 2, renewals: 1},
		},
		"OtherNames": {
			reason: "What is held is as good as what replaced it.",
			change: func(_ *bench, mg *v1alpha1.TLSCertificate) { mg.Spec.ForProvider.DNSNames = []string{"c.example"} }, want: count{revision: 2},
		},
		"SecretDeleted": {
			reason: "What is held ends at a time that nobody knows any more, and a count never falls.",
			change: func(b *bench, _ *v1alpha1.TLSCertificate) {
				if err := b.kube.Delete(b.t.Context(), b.get("leaf")); err != nil {
					b.t.Fatal(err)
				}
			}, want: count{revision: 2, renewals: 1},
		},
		"CountLost": {
			reason: "The annotations are not the only place where the count is.",
			change: func(b *bench, _ *v1alpha1.TLSCertificate) {
				b.time = start.Add(leafDuration - renewBefore)
				s := b.get("leaf")
				s.Annotations = map[string]string{annotationOwner: "leaf", annotationRevision: "x", annotationRenewals: "-3"}
				b.put(s)
			}, want: count{revision: 2, renewals: 1},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			b, mg := newBench(t), mr()
			b.reconcile(mg)
			tc.change(b, mg)
			b.reconcile(mg)
			got := count{revision: mg.Status.AtProvider.Revision, renewals: mg.Status.AtProvider.Renewals}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(count{})); diff != "" {
				t.Errorf("%s\n-want, +got:\n%s", tc.reason, diff)
			}
		})
	}
}
