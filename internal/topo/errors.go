package topo

import (
	"context"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Classes of errors. Match them with errors.Is. An error of no class is a fault
// of the request itself that etcd reported, such as a record that is too large.
var (
	// ErrAbsent means that etcd answered and the record is not there. It is the
	// only error that means this.
	ErrAbsent = errors.New("record does not exist")

	// ErrExists means that there is a record already, and that no other writer
	// owns it.
	ErrExists = errors.New("record exists already")

	// ErrConflict means that the record or its owner changed since it was read.
	// Read it again.
	ErrConflict = errors.New("record changed since it was read")

	// ErrFenced means that a newer leader has raised the fence: this process no
	// longer leads and must write nothing.
	ErrFenced = errors.New("fenced off by a newer leader")

	// ErrOwnedByOther means that the record belongs to another owner, or to
	// none and the writer does not adopt.
	ErrOwnedByOther = errors.New("record is owned by another")

	// ErrUnavailable means that etcd did not answer, or not in time. What it
	// holds is unknown, and a write may or may not have happened.
	ErrUnavailable = errors.New("topology server is unavailable")

	// ErrDenied means that etcd refused the user, the password or the access.
	ErrDenied = errors.New("topology server denied access")

	// ErrInvalid means that an input cannot be used: the configuration, the path
	// of a record, or bytes that are no message of the record's type.
	ErrInvalid = errors.New("invalid")
)

// classified is an error of one class with its cause. Both match errors.Is.
type classified struct {
	class error
	cause error
}

// Error is the class with the text of its cause.
func (e *classified) Error() string { return e.class.Error() + ": " + e.cause.Error() }

// Unwrap gives the class and the cause.
func (e *classified) Unwrap() []error { return []error{e.class, e.cause} }

// invalid makes err an error of class ErrInvalid.
func invalid(err error) error { return &classified{class: ErrInvalid, cause: err} }

// classify gives an error of the etcd client its class. Cancellation by the
// caller stays what it is.
func classify(err error) error {
	if err == nil {
		return nil
	}

	if errors.Is(err, context.DeadlineExceeded) {
		return &classified{class: ErrUnavailable, cause: err}
	}

	if errors.Is(err, context.Canceled) {
		return err
	}

	// etcd reports a wrong password as an invalid argument.
	if errors.Is(err, rpctypes.ErrAuthFailed) || errors.Is(err, rpctypes.ErrUserEmpty) {
		return &classified{class: ErrDenied, cause: err}
	}

	switch code(err) {
	case codes.PermissionDenied, codes.Unauthenticated:
		return &classified{class: ErrDenied, cause: err}
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal, codes.DataLoss, codes.Canceled:
		return &classified{class: ErrUnavailable, cause: err}
	default:
		return err
	}
}

// code is the gRPC code of an error of the etcd client, which has a type of its
// own for errors that etcd names.
func code(err error) codes.Code {
	var named rpctypes.EtcdError
	if errors.As(err, &named) {
		return named.Code()
	}

	return status.Code(err)
}
