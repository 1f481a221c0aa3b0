package providerconfig

import (
	"context"
	"testing"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	xpv2 "github.com/crossplane/crossplane/apis/v2/core/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/topology"
)

var errBoom = errors.New("boom")

func TestReady(t *testing.T) {
	type want struct {
		status corev1.ConditionStatus
		reason xpv2.ConditionReason
		err    error
	}
	cases := map[string]struct {
		reason string
		wrong  error
		want   want
	}{
		"Fine":     {"A configuration with nothing wrong is ready.", nil, want{status: corev1.ConditionTrue, reason: xpv2.ReasonAvailable}},
		"Invalid":  {"What is wrong should be the reason.", errors.Wrap(topology.ErrConfigInvalid, "spec.root"), want{status: corev1.ConditionFalse, reason: topology.ReasonConfigInvalid}},
		"NoSecret": {"A Secret that is missing should be the reason.", errors.Wrap(topology.ErrSecretMissing, "spec.tls"), want{status: corev1.ConditionFalse, reason: topology.ReasonSecretMissing}},
		"Unknown":  {"What could not be found out says nothing about the configuration.", errBoom, want{err: errBoom}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ready(tc.wrong)
			if diff := cmp.Diff(tc.want.err, err, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("%s\nready(): -want error, +got error:\n%s", tc.reason, diff)
			}
			if got.Status != tc.want.status || got.Reason != tc.want.reason {
				t.Errorf("%s\nready(): want %s %s, got %+v", tc.reason, tc.want.status, tc.want.reason, got)
			}
			if tc.wrong != nil && err == nil && got.Message != tc.wrong.Error() {
				t.Errorf("%s\nready(): want message %q, got %q", tc.reason, tc.wrong, got.Message)
			}
		})
	}
}

func TestPaced(t *testing.T) {
	now := time.Unix(0, 0)
	ran := map[string]int{}
	r := paced(reconcile.Func(func(_ context.Context, req reconcile.Request) (reconcile.Result, error) {
		ran[req.Name]++
		return reconcile.Result{}, nil
	}), time.Second, func() time.Time { return now })
	cases := []struct {
		reason string
		after  time.Duration
		name   string
		want   time.Duration
		ran    int
	}{
		{"The first one should run at once.", 0, "a", 0, 1},
		{"The next one should come after the rest.", 300 * time.Millisecond, "a", 700 * time.Millisecond, 1},
		{"Others do not wait for it.", 0, "b", 0, 1},
		{"After the rest it should run.", 700 * time.Millisecond, "a", 0, 2},
	}
	for _, tc := range cases {
		now = now.Add(tc.after)
		got, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Name: tc.name}})
		if err != nil || got.RequeueAfter != tc.want || ran[tc.name] != tc.ran {
			t.Errorf("%s\nwant it after %s and %d runs, got %s and %d, error %v", tc.reason, tc.want, tc.ran, got.RequeueAfter, ran[tc.name], err)
		}
	}
}
