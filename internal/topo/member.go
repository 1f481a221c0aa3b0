package topo

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// memberTimeout bounds one visit to the members of an etcd cluster: a list, a
// question to each, a change.
const memberTimeout = 10 * time.Second

// What a member of an etcd cluster can find as its initial cluster state when it
// starts, beside nothing: a cluster is new then. With StateExisting it joins one,
// if it has no data. With StateHeld, which etcd does not know, it does not start,
// and touches nothing.
const (
	StateExisting = "existing"
	StateHeld     = "held"
)

// The last words of a member that has no data and that the others have had
// before, with its ID in hexadecimal (bootstrapNewClusterNoWAL, the same since
// etcd 2.0), and of one that does not know the state that it found.
var (
	bootstrapped = regexp.MustCompile(`member ([0-9a-f]{1,16}) has already been bootstrapped`)
	held         = regexp.MustCompile(`invalid value .{1,2}` + StateHeld + `.{1,2} for ETCD_INITIAL_CLUSTER_STATE`)
)

// LostMember is the ID of a member that has lost its data, by the last words of
// its program.
func LostMember(lastWords string) (id string, ok bool) {
	m := bootstrapped.FindStringSubmatch(lastWords)
	if m == nil {
		return "", false
	}

	return m[1], true
}

// HeldMember reports whether a member found StateHeld, by the last words of its
// program.
func HeldMember(lastWords string) bool { return held.MatchString(lastWords) }

// MemberLost reports whether the member that others reach at a URL has an ID
// still, and all of them answer: only then may it be replaced.
func MemberLost(ctx context.Context, endpoint, id, peer string) (bool, error) {
	lost := false
	err := withMembers(ctx, endpoint, func(ctx context.Context, c *clientv3.Client, members []*etcdserverpb.Member) error {
		i := at(members, peer)
		if i < 0 || hex(members[i]) != id {
			return nil
		}

		lost = true

		return allAnswer(ctx, c, slices.Delete(members, i, i+1))
	})

	return lost, err
}

// RemoveMember has an etcd cluster forget the member with an ID, if it knows it.
func RemoveMember(ctx context.Context, endpoint, id string) error {
	return withMembers(ctx, endpoint, func(ctx context.Context, c *clientv3.Client, members []*etcdserverpb.Member) error {
		i := slices.IndexFunc(members, func(m *etcdserverpb.Member) bool { return hex(m) == id })
		if i < 0 {
			return nil
		}

		_, err := c.MemberRemove(ctx, members[i].GetID())

		return errors.Wrap(classify(err), "cannot remove member")
	})
}

// AddMember has an etcd cluster wait for a member at a URL, if it knows of none
// there.
func AddMember(ctx context.Context, endpoint, peer string) error {
	return withMembers(ctx, endpoint, func(ctx context.Context, c *clientv3.Client, members []*etcdserverpb.Member) error {
		if at(members, peer) >= 0 {
			return nil
		}

		_, err := c.MemberAdd(ctx, []string{peer})

		return errors.Wrap(classify(err), "cannot add member")
	})
}

// MembersComplete reports whether all members of an etcd cluster have started.
func MembersComplete(ctx context.Context, endpoint string) (bool, error) {
	complete := false
	err := withMembers(ctx, endpoint, func(_ context.Context, _ *clientv3.Client, members []*etcdserverpb.Member) error {
		complete = !slices.ContainsFunc(members, func(m *etcdserverpb.Member) bool { return m.GetName() == "" })

		return nil
	})

	return complete, err
}

// at is the index of the member that others reach at a URL, or -1.
func at(members []*etcdserverpb.Member, peer string) int {
	return slices.IndexFunc(members, func(m *etcdserverpb.Member) bool { return slices.Contains(m.GetPeerURLs(), peer) })
}

// hex is a member's ID as etcd writes it.
func hex(m *etcdserverpb.Member) string { return strconv.FormatUint(m.GetID(), 16) }

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

// withMembers does something with the members of an etcd cluster that have a
// quorum, within memberTimeout.
func withMembers(ctx context.Context, endpoint string, do func(context.Context, *clientv3.Client, []*etcdserverpb.Member) error) error {
	ctx, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()

	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop(), Context: ctx})
	if err != nil {
		return errors.Wrap(classify(err), "cannot reach topology server")
	}

	defer func() { _ = c.Close() }()

	list, err := c.MemberList(ctx)
	if err != nil {
		return errors.Wrap(classify(err), "cannot list members")
	}

	return do(ctx, c, list.Members)
}
