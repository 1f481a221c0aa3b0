package topo

import (
	"context"
	"testing"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestClassify(t *testing.T) {
	cases := map[string]struct {
		reason string
		err    error
		want   error
	}{
		"None":         {reason: "No error has no class.", err: nil, want: nil},
		"Deadline":     {reason: "A call that ran out of time says nothing about the record.", err: context.DeadlineExceeded, want: ErrUnavailable},
		"Canceled":     {reason: "A caller that went away must recognize its own doing.", err: context.Canceled, want: context.Canceled},
		"NoLeader":     {reason: "A cluster without a leader does not answer.", err: rpctypes.ErrNoLeader, want: ErrUnavailable},
		"Timeout":      {reason: "etcd's own timeout is one, too.", err: rpctypes.ErrTimeout, want: ErrUnavailable},
		"NoSpace":      {reason: "A full etcd may be cleaned up.", err: rpctypes.ErrNoSpace, want: ErrUnavailable},
		"Refused":      {reason: "gRPC's error for a dead server has a code and no type of etcd's.", err: status.Error(codes.Unavailable, "refused"), want: ErrUnavailable},
		"Misleading":   {reason: "Text decides nothing.", err: errors.New("context deadline exceeded: key not found"), want: cmpopts.AnyError},
		"Password":     {reason: "A wrong password has the code of a bad argument.", err: rpctypes.ErrAuthFailed, want: ErrDenied},
		"NoUser":       {reason: "An etcd that wants a user has the code of a bad argument.", err: rpctypes.ErrUserEmpty, want: ErrDenied},
		"Permission":   {reason: "A user without the right to a key is denied.", err: rpctypes.ErrPermissionDenied, want: ErrDenied},
		"Token":        {reason: "A token that ran out is denied.", err: rpctypes.ErrInvalidAuthToken, want: ErrDenied},
		"TooLarge":     {reason: "A request that can never work must not be retried as if etcd were down.", err: rpctypes.ErrRequestTooLarge, want: rpctypes.ErrRequestTooLarge},
		"OurOwnClass":  {reason: "A class that was given stays.", err: errors.Wrap(ErrFenced, "x"), want: ErrFenced},
		"WrappedNamed": {reason: "Wrapping hides no code.", err: errors.Wrap(rpctypes.ErrNoLeader, "x"), want: ErrUnavailable},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := classify(tc.err)
			if diff := cmp.Diff(tc.want, got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("\n%s\nclassify(%v): -want +got:\n%s", tc.reason, tc.err, diff)
			}

			if got != nil && !errors.Is(got, tc.err) {
				t.Errorf("\n%s\nclassify(%v): the cause is lost in %v", tc.reason, tc.err, got)
			}
		})
	}

	for _, class := range []error{ErrAbsent, ErrExists, ErrConflict, ErrFenced, ErrOwnedByOther, ErrUnavailable, ErrDenied, ErrInvalid} {
		if errors.Is(classify(errors.New("context deadline exceeded")), class) {
			t.Errorf("text alone gave an error the class %v", class)
		}
	}
}
