package topology

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/claims"
	"github.com/crossplane-multigres/crossplane-multigres/internal/placement"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

func TestReasonOf(t *testing.T) {
	cases := map[string]struct {
		reason string
		err    error
		want   xpv2.ConditionReason
	}{
		"Config":      {"A configuration that is not there has a reason of its own.", errors.Wrap(ErrConfigMissing, "x"), ReasonConfigMissing},
		"Secret":      {"So has a Secret.", errors.Wrap(ErrSecretMissing, "x"), ReasonSecretMissing},
		"Invalid":     {"So has what cannot be used.", errors.Wrap(ErrConfigInvalid, "x"), ReasonConfigInvalid},
		"NotLeader":   {"So has a replica that does not lead.", errors.Wrap(placement.ErrNotLeader, "x"), ReasonNotLeader},
		"Foreign":     {"So have claims of somebody else.", errors.Wrap(claims.ErrForeign, "x"), ReasonClaimsForeign},
		"Unreadable":  {"So have claims that cannot be read.", errors.Wrap(claims.ErrUnreadable, "x"), ReasonClaimsUnreadable},
		"TooLarge":    {"So have claims that are too large.", errors.Wrap(claims.ErrTooLarge, "x"), ReasonClaimsTooLarge},
		"Fenced":      {"So has a write of a former leader.", errors.Wrap(topo.ErrFenced, "x"), ReasonFenced},
		"Owned":       {"So has the record of another.", errors.Wrap(topo.ErrOwnedByOther, "x"), ReasonOwnedByOther},
		"Denied":      {"So has a server that denies access.", errors.Wrap(topo.ErrDenied, "x"), ReasonDenied},
		"Unavailable": {"So has a server that does not answer.", errors.Wrap(topo.ErrUnavailable, "x"), ReasonUnavailable},
		"Conflict":    {"So has a record that changed.", errors.Wrap(topo.ErrConflict, "x"), ReasonConflict},
		"Exists":      {"One that appeared is a conflict as well.", errors.Wrap(topo.ErrExists, "x"), ReasonConflict},
		"Record":      {"So has a record that is none.", errors.Wrap(topo.ErrInvalid, "x"), ReasonRecordInvalid},
		"Both":        {"Why a server is not asked at all tells more than that it is not available.", errors.Join(topo.ErrUnavailable, ErrSecretMissing), ReasonSecretMissing},
		"Given":       {"The reason that the maker of an error gave comes first.", errors.Wrap(Because("Mine", topo.ErrConflict), "x"), "Mine"},
		"Unknown":     {"What nobody knows has a reason nevertheless.", errBoom, ReasonFailed},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, ReasonOf(tc.err)); diff != "" {
				t.Errorf("%s\nReasonOf(): -want, +got:\n%s", tc.reason, diff)
			}
			if !errorReasons[tc.want] && tc.want != "Mine" {
				t.Errorf("%s should be over when what failed succeeds", tc.want)
			}
		})
	}
}

// TestFailed: whatever its text is, an error becomes a condition that the API server takes.
func TestFailed(t *testing.T) {
	for name, text := range map[string]string{"Empty": "", "Short": "boom", "Long": strings.Repeat("x", 3<<10), "Cut": "x" + strings.Repeat("é", 3<<10)} {
		t.Run(name, func(t *testing.T) {
			c := failed(errors.New(text))
			if c.Status != corev1.ConditionFalse || c.Reason == "" || c.Message == "" || len(c.Message) > maxMessage || !utf8.ValidString(c.Message) {
				t.Errorf("failed(): got %s=%s %q with %d bytes: %.80s", c.Type, c.Status, c.Reason, len(c.Message), c.Message)
			}
			if shown := strings.TrimSuffix(c.Message, "..."); text != "" && !strings.HasPrefix(text, shown) {
				t.Errorf("failed(): want the text of the error, got %.80s", c.Message)
			}
		})
	}
}

// TestSettle: what goes on does not look new with each failure, as that would wake whoever watches.
func TestSettle(t *testing.T) {
	since := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	mg := &v1alpha1.CellRecord{ObjectMeta: metav1.ObjectMeta{Generation: 7}}
	settle(mg, nil)
	if c := mg.GetCondition(TypeSettled); c.Status != corev1.ConditionUnknown {
		t.Errorf("settle(): of success nothing should be said, got %s", c.Status)
	}
	before := Unsettled(ReasonConflict, "x")
	before.LastTransitionTime = since
	mg.SetConditions(before)
	settle(mg, topo.ErrUnavailable)
	c := mg.GetCondition(TypeSettled)
	if !c.LastTransitionTime.Equal(&since) || c.Reason != ReasonUnavailable || c.ObservedGeneration != 7 {
		t.Errorf("settle(): want %s since %s for generation 7, got %+v", ReasonUnavailable, since, c)
	}
	mg.SetConditions(Settled())
	settle(mg, topo.ErrUnavailable)
	if c := mg.GetCondition(TypeSettled); c.LastTransitionTime.Equal(&since) {
		t.Error("settle(): what begins anew should be new")
	}
}
