// Package topomember gives members of topology servers their places back after they have lost their volumes.
//
// etcd does not start a member that has no data and that the others have had as a member before: it might have promised them
// something. So it must be removed and added, and then start as one that joins. How it starts is read from a Secret, if there is one, at
// each start of its container. What must never happen is that it starts as one that joins while the others know it by its old ID,
// nor as one of a new cluster once they have forgotten that: each would leave data behind with which it cannot start again. So there are
// three steps, each of which survives a restart of the provider:
//
//  1. It ends for want of its data: the Secret holds it, so that it cannot start.
//  2. It ends for being held, so whoever starts it knows of the Secret: its old ID is removed, and the Secret says that it joins.
//  3. It is added. Once all members have started the Secret goes.
//
// A member that has data ignores what it would join, but is held as well if it starts at step 2. So nobody is held unless all others
// answer, and if one of them does not any more the Secret goes at once.
package topomember

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	"github.com/crossplane/crossplane-runtime/v2/pkg/event"
	"github.com/crossplane/crossplane-runtime/v2/pkg/ratelimiter"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/crossplane-multigres/crossplane-multigres/apis/m/v1alpha1"
	"github.com/crossplane-multigres/crossplane-multigres/internal/controller/setup"
	"github.com/crossplane-multigres/crossplane-multigres/internal/naming"
	"github.com/crossplane-multigres/crossplane-multigres/internal/topo"
)

// again is when to try again what the other members did not allow, or did not answer.
const again = 5 * time.Second

// ReasonReplaced is the reason of the event that a member has a new place.
const ReasonReplaced event.Reason = "MemberReplaced"

// SetupGated sets up the controller once the API server serves configurations for topology servers: where there are none nothing
// needs one.
func SetupGated(mgr ctrl.Manager, o setup.Options) {
	setup.WhenServed(mgr, o, func() error { return add(mgr, o) }, v1alpha1.ProviderConfigGroupVersionKind)
}

func add(mgr ctrl.Manager, o setup.Options) error {
	const name = "topomember"
	r := &reconciler{kube: mgr.GetClient(), live: mgr.GetAPIReader(), server: etcd{}, recorder: setup.Recorder(mgr, o, name)}
	err := ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(o.Placement.Controller(o.Options)).
		For(&corev1.Pod{}, builder.OnlyMetadata, builder.WithPredicates(predicate.NewPredicateFuncs(isMember))).
		Complete(ratelimiter.NewReconciler(name, r, o.GlobalRateLimiter))
	return errors.Wrap(err, "cannot build controller")
}

// isMember is true for members of topology servers that we made.
func isMember(o client.Object) bool {
	l := o.GetLabels()
	return l[naming.LabelManagedBy] == naming.ManagedBy && slices.Contains([]string{naming.ComponentGlobalTopo, naming.ComponentLocalTopo}, l[naming.LabelComponent])
}

// A server is the members of a topology server. Errors of class topo.ErrUnavailable mean that not all of them that matter answer.
type server interface {
	Lost(ctx context.Context, endpoint, id, peer string) (bool, error)
	Remove(ctx context.Context, endpoint, id string) error
	Add(ctx context.Context, endpoint, peer string) error
	Complete(ctx context.Context, endpoint string) (bool, error)
}

type etcd struct{}

func (etcd) Lost(ctx context.Context, endpoint, id, peer string) (bool, error) {
	return topo.MemberLost(ctx, endpoint, id, peer)
}

func (etcd) Remove(ctx context.Context, endpoint, id string) error {
	return topo.RemoveMember(ctx, endpoint, id)
}

func (etcd) Add(ctx context.Context, endpoint, peer string) error {
	return topo.AddMember(ctx, endpoint, peer)
}

func (etcd) Complete(ctx context.Context, endpoint string) (bool, error) {
	return topo.MembersComplete(ctx, endpoint)
}

type reconciler struct {
	kube client.Client
	// live reads past the cache: an old look at a member could remove it when it is back.
	live     client.Reader
	server   server
	recorder event.Recorder
}

// Reconcile the pod of a member.
func (r *reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	pod := &corev1.Pod{}
	if err := r.live.Get(ctx, req.NamespacedName, pod); err != nil {
		return reconcile.Result{}, errors.Wrap(client.IgnoreNotFound(err), "cannot get pod of a topology server")
	}
	m, ok := memberOf(pod)
	if !ok || pod.GetDeletionTimestamp() != nil {
		return reconcile.Result{}, nil
	}
	words, ended := m.lastWords()
	if !ended && !m.ready() {
		return reconcile.Result{}, nil
	}
	s := &corev1.Secret{}
	err := r.live.Get(ctx, types.NamespacedName{Namespace: pod.GetNamespace(), Name: naming.TopoServerJoinSecret(m.set.Name)}, s)
	switch {
	case kerrors.IsNotFound(err) && ended:
		err = r.hold(ctx, m, words)
	case err != nil:
		err = errors.Wrap(client.IgnoreNotFound(err), "cannot get Secret to join by")
	case ended:
		err = r.join(ctx, m, s, words)
	default:
		err = r.settle(ctx, m, s)
	}
	if errors.Is(err, topo.ErrUnavailable) {
		// Nothing of this pod changes when they answer again.
		return reconcile.Result{RequeueAfter: again}, nil
	}
	return reconcile.Result{}, err
}

// hold keeps a member that has lost its data from starting.
func (r *reconciler) hold(ctx context.Context, m member, words string) error {
	id, ok := topo.LostMember(words)
	if !ok {
		return nil
	}
	lost, err := r.server.Lost(ctx, m.endpoint(), id, m.peer())
	if err != nil || !lost {
		return errors.Wrap(err, "cannot replace member of a topology server")
	}
	return errors.Wrap(client.IgnoreAlreadyExists(r.kube.Create(ctx, m.secret(id))), "cannot create Secret to join by")
}

// join gives a member that is held a new place.
func (r *reconciler) join(ctx context.Context, m member, s *corev1.Secret, words string) error {
	if string(s.Data[keyMember]) != m.pod.GetName() {
		if _, lost := topo.LostMember(words); lost {
			return errors.Wrap(topo.ErrUnavailable, "another member is being replaced")
		}
		return nil
	}
	if string(s.Data[naming.KeyTopoJoinState]) == topo.StateHeld {
		if !topo.HeldMember(words) {
			return nil
		}
		id := string(s.Data[keyID])
		if _, err := r.server.Lost(ctx, m.endpoint(), id, m.peer()); err != nil {
			return errors.Join(errors.Wrap(err, "cannot replace member of a topology server"), r.release(ctx, s))
		}
		// Whoever failed to hear that it was removed holds it, and asks again.
		if err := r.server.Remove(ctx, m.endpoint(), id); err != nil {
			return errors.Wrap(err, "cannot remove member of a topology server")
		}
		before := s.DeepCopy()
		s.Data[naming.KeyTopoJoinState] = []byte(topo.StateExisting)
		if err := r.kube.Patch(ctx, s, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
			return errors.Wrap(err, "cannot patch Secret to join by")
		}
		r.recorder.Event(m.pod, event.Normal(ReasonReplaced, fmt.Sprintf("member %s has lost its data and was removed; it joins anew when its container starts next", id)))
	}
	return errors.Wrap(r.server.Add(ctx, m.endpoint(), m.peer()), "cannot add member of a topology server")
}

// settle takes the Secret away as soon as nobody is waited for.
func (r *reconciler) settle(ctx context.Context, m member, s *corev1.Secret) error {
	if string(s.Data[naming.KeyTopoJoinState]) != topo.StateExisting || string(s.Data[keyMember]) != m.pod.GetName() {
		return nil
	}
	complete, err := r.server.Complete(ctx, m.endpoint())
	if err != nil {
		return errors.Wrap(err, "cannot ask topology server for its members")
	}
	if !complete {
		return errors.Wrap(topo.ErrUnavailable, "not all members have started")
	}
	return r.release(ctx, s)
}

func (r *reconciler) release(ctx context.Context, s *corev1.Secret) error {
	return errors.Wrap(client.IgnoreNotFound(r.kube.Delete(ctx, s)), "cannot delete Secret to join by")
}

// Keys of the Secret, beside the one that the container reads: which member is being replaced, and the ID that it had.
const (
	keyMember = "member"
	keyID     = "id"
)

// secret keeps who starts from starting. It ends with the StatefulSet.
func (m member) secret(id string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: m.pod.GetNamespace(), Name: naming.TopoServerJoinSecret(m.set.Name),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: m.set.APIVersion, Kind: m.set.Kind, Name: m.set.Name, UID: m.set.UID}},
		},
		Data: map[string][]byte{naming.KeyTopoJoinState: []byte(topo.StateHeld), keyMember: []byte(m.pod.GetName()), keyID: []byte(id)},
	}
}
