package placement

import (
	"context"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	coordinationv1 "k8s.io/api/coordination/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

// termBits is how many bits of a token count the transitions of one Lease object. The others hold when the object was created,
// in seconds, so that tokens go on rising when somebody deletes it.
const termBits = 24

// tokenOf is the token of the term that a Lease object is in. It is exact: whoever takes a lease adds one to its transitions in
// the same write.
func tokenOf(l *coordinationv1.Lease) int64 {
	return l.CreationTimestamp.Unix()<<termBits | int64(ptr.Deref(l.Spec.LeaseTransitions, 0))
}

// Lock returns the lock that replicas contend for, and the lease that it tells what the API server answers. Only one elector may
// use the lock.
func (s Spec) Lock(c coordinationclient.LeasesGetter, namespace, name, identity string) (resourcelock.Interface, *ElectedLease) {
	l := NewElectedLease(identity, s.RenewDeadline)
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: name},
		Client:     &observedGetter{LeasesGetter: c, lease: l},
		LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}, l
}

// An observedGetter gives clients whose successful writes a lease is told.
type observedGetter struct {
	coordinationclient.LeasesGetter

	lease *ElectedLease
}

// Leases of a namespace.
func (g *observedGetter) Leases(namespace string) coordinationclient.LeaseInterface {
	return &observedLeases{LeaseInterface: g.LeasesGetter.Leases(namespace), lease: g.lease}
}

type observedLeases struct {
	coordinationclient.LeaseInterface

	lease *ElectedLease
}

// Create a Lease object, which takes the lease.
func (o *observedLeases) Create(ctx context.Context, l *coordinationv1.Lease, opts metav1.CreateOptions) (*coordinationv1.Lease, error) {
	sent := o.lease.now()
	got, err := o.LeaseInterface.Create(ctx, l, opts)
	o.tell(got, sent, err)
	return got, err
}

// Update a Lease object, which takes the lease, renews it or gives it back.
func (o *observedLeases) Update(ctx context.Context, l *coordinationv1.Lease, opts metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	sent := o.lease.now()
	got, err := o.LeaseInterface.Update(ctx, l, opts)
	o.tell(got, sent, err)
	return got, err
}

// tell the lease what was written. A write that failed changes nothing: the lease runs out by itself.
func (o *observedLeases) tell(l *coordinationv1.Lease, sent time.Time, err error) {
	if err != nil || l == nil {
		return
	}
	if ptr.Deref(l.Spec.HolderIdentity, "") != o.lease.identity {
		o.lease.lost()
		return
	}
	o.lease.renewed(tokenOf(l), sent)
}

// Seize begins a new term for a process without leader election, whoever holds the lease: a leader that is still there finds
// that it lost it, and is fenced off. The lease is not renewed afterwards.
func Seize(ctx context.Context, c coordinationclient.LeasesGetter, namespace, name, identity string) (*EternalLease, error) {
	leases := c.Leases(namespace)
	now := metav1.NowMicro()
	var (
		taken *coordinationv1.Lease
		last  error
	)
	again := func(err error) bool { return kerrors.IsConflict(err) || kerrors.IsAlreadyExists(err) }
	// A request that takes too long is no end of the attempts: OnError would report it as the success of the one before.
	err := retry.OnError(retry.DefaultBackoff, again, func() (err error) {
		defer func() { last = err }()
		l, err := leases.Get(ctx, name, metav1.GetOptions{})
		if kerrors.IsNotFound(err) {
			taken, err = leases.Create(ctx, &coordinationv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
				Spec:       term(identity, 0, now),
			}, metav1.CreateOptions{})
			return err
		}
		if err != nil {
			return err
		}
		l.Spec = term(identity, ptr.Deref(l.Spec.LeaseTransitions, 0)+1, now)
		taken, err = leases.Update(ctx, l, metav1.UpdateOptions{})
		return err
	})
	if err == nil {
		err = last
	}
	if err != nil {
		return nil, errors.Wrapf(err, "cannot take lease %s/%s", namespace, name)
	}
	return NewEternalLease(identity, tokenOf(taken)), nil
}

// term is the specification of a lease that ends in a second.
func term(identity string, transitions int32, now metav1.MicroTime) coordinationv1.LeaseSpec {
	return coordinationv1.LeaseSpec{
		HolderIdentity:       &identity,
		LeaseDurationSeconds: ptr.To[int32](1),
		AcquireTime:          &now,
		RenewTime:            &now,
		LeaseTransitions:     &transitions,
	}
}
