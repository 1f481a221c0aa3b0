package topo

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// StateExisting is the value of etcd's initial cluster state that makes it join
// a cluster, instead of making one together with the others. etcd reads it only
// if it has no data.
const StateExisting = "existing"

// bootstrapped is what etcd says, with its ID in hexadecimal, and ends, if it
// has no data and the others have had it as a member already. The text has been
// the same since etcd 2.0 (bootstrapNewClusterNoWAL).
var bootstrapped = regexp.MustCompile(`member ([0-9a-f]{1,16}) has already been bootstrapped`)

// LostMember is the ID of a member of an etcd cluster that has lost its data, by
// the last words of its program.
func LostMember(lastWords string) (id uint64, ok bool) {
	m := bootstrapped.FindStringSubmatch(lastWords)
	if m == nil {
		return 0, false
	}

	id, err := strconv.ParseUint(m[1], 16, 64)

	return id, err == nil
}

// ReplaceMember gives a member of an etcd cluster that has lost its data a new
// place under the URL at which others reach it: etcd forgets the member with
// that ID, and waits for one that starts as StateExisting. It does so only if
// all others answer, one call can be repeated after any failure, and a member
// that has come back, or has a new place already, is left alone. It reports
// whether a member is waited for.
func ReplaceMember(ctx context.Context, endpoint string, lost uint64, peer string, timeout time.Duration) (waits bool, err error) {
	err = withCluster(ctx, endpoint, timeout, func(ctx context.Context, c *clientv3.Client) error {
		list, err := c.MemberList(ctx)
		if err != nil {
			return errors.Wrap(classify(err), "cannot list members")
		}

		if i := slices.IndexFunc(list.Members, func(m *etcdserverpb.Member) bool { return slices.Contains(m.GetPeerURLs(), peer) }); i >= 0 {
			if list.Members[i].GetID() != lost {
				waits = list.Members[i].GetName() == ""

				return nil
			}

			if err := allAnswer(ctx, c, slices.Delete(list.Members, i, i+1)); err != nil {
				return err
			}

			if _, err := c.MemberRemove(ctx, lost); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
				return errors.Wrap(classify(err), "cannot remove member")
			}
		}

		if _, err := c.MemberAdd(ctx, []string{peer}); err != nil {
			return errors.Wrap(classify(err), "cannot add member")
		}

		waits = true

		return nil
	})

	return waits, err
}

// MembersComplete reports whether all members of an etcd cluster have started.
func MembersComplete(ctx context.Context, endpoint string, timeout time.Duration) (bool, error) {
	complete := false
	err := withCluster(ctx, endpoint, timeout, func(ctx context.Context, c *clientv3.Client) error {
		list, err := c.MemberList(ctx)
		if err != nil {
			return errors.Wrap(classify(err), "cannot list members")
		}

		complete = !slices.ContainsFunc(list.Members, func(m *etcdserverpb.Member) bool { return m.GetName() == "" })

		return nil
	})

	return complete, err
}

// allAnswer is ErrUnavailable if one of the members does not answer, or has
// never been started.
func allAnswer(ctx context.Context, c *clientv3.Client, members []*etcdserverpb.Member) error {
	for _, m := range members {
		if len(m.GetClientURLs()) == 0 {
			return errors.Wrapf(ErrUnavailable, "member %x has not started", m.GetID())
		}

		if _, err := c.Status(ctx, m.GetClientURLs()[0]); err != nil {
			return errors.Wrapf(classify(err), "member %s does not answer", m.GetName())
		}
	}

	return nil
}

// withCluster does something with a client of an etcd cluster, within a time.
func withCluster(ctx context.Context, endpoint string, timeout time.Duration, do func(context.Context, *clientv3.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop(), Context: ctx})
	if err != nil {
		return errors.Wrap(classify(err), "cannot reach topology server")
	}

	defer func() { _ = c.Close() }()

	return do(ctx, c)
}
