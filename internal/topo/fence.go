package topo

import (
	"context"
	"fmt"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Raise raises the fence to a token, so that writes with a lower one fail as
// ErrFenced from now on, whichever process sends them. A leader raises it when
// its term begins; tokens of later terms are higher. If the fence is higher
// already Raise fails as ErrFenced.
func (s *Store) Raise(ctx context.Context, token int64) error {
	if token < 0 {
		return invalid(errors.Errorf("fence token %d is negative", token))
	}

	err := s.do(ctx, func(ctx context.Context) error { return s.raise(ctx, token) })

	return errors.Wrapf(err, "cannot raise the fence to %d", token)
}

// raise is Raise without a deadline of its own.
func (s *Store) raise(ctx context.Context, token int64) error {
	key, want := s.fenceKey(), fenceValue(token)

	// The comparison is false if there is no fence yet.
	resp, err := s.client.Txn(ctx).
		If(clientv3.Compare(clientv3.Value(key), ">", prior(want))).
		Then(clientv3.OpGet(key)).
		Else(clientv3.OpPut(key, want)).
		Commit()
	if err != nil {
		return err
	}

	if resp.Succeeded && string(value(resp, 0)) != want {
		return ErrFenced
	}

	return nil
}

// fenceValue is a token as etcd holds it: of fixed width, so that etcd, which
// compares bytes, orders tokens as numbers.
func fenceValue(token int64) string { return fmt.Sprintf("%019d", token) }

// prior is a string between a fence value and all lower ones: etcd can compare
// with ">" and not with ">=".
func prior(v string) string { return v[:len(v)-1] + string(v[len(v)-1]-1) }
