// Package topomember gives members of topology servers their places back after they have lost their volumes.
//
// etcd does not start a member that has no data and that the others have had as a member before: it might have promised them
// something. So it must be removed and added, and then start as one that joins. Its StatefulSet reads how to start from a Secret, if
// there is one, which is there only while a member is waited for: joining with the ID of one that was lost is what must never happen.
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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

const (
	// timeout bounds one visit to a topology server: a list, a removal and an addition, and a question to each other member.
	timeout = 15 * time.Second

	// again is when to try again what the other members did not allow, or did not answer.
	again = 5 * time.Second
)

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

// A server is a topology server, as its members and clients see it.
type server interface {
	// Replace removes a member that has lost its data, if it still has its place, and adds it; it reports whether a member is waited for.
	Replace(ctx context.Context, endpoint string, lost uint64, peer string) (waits bool, err error)

	// Complete reports whether all members have started.
	Complete(ctx context.Context, endpoint string) (bool, error)
}

type etcd struct{}

func (etcd) Replace(ctx context.Context, endpoint string, lost uint64, peer string) (bool, error) {
	return topo.ReplaceMember(ctx, endpoint, lost, peer, timeout)
}

func (etcd) Complete(ctx context.Context, endpoint string) (bool, error) {
	return topo.MembersComplete(ctx, endpoint, timeout)
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
	if id, lost := m.lost(); lost {
		return r.replace(ctx, m, id)
	}
	if m.ready() {
		return r.settle(ctx, m)
	}
	return reconcile.Result{}, nil
}

// replace gives a member a new place, and lets it start there.
func (r *reconciler) replace(ctx context.Context, m member, id uint64) (reconcile.Result, error) {
	waits, err := r.server.Replace(ctx, m.endpoint(), id, m.peer())
	if errors.Is(err, topo.ErrUnavailable) {
		// The others are not all there, or were not for long enough. They write no event to this pod when they are.
		return reconcile.Result{RequeueAfter: again}, nil
	}
	if err != nil || !waits {
		return reconcile.Result{}, errors.Wrap(err, "cannot replace member of a topology server")
	}
	err = r.kube.Create(ctx, m.secret())
	if client.IgnoreAlreadyExists(err) != nil {
		return reconcile.Result{}, errors.Wrap(err, "cannot create Secret to join by")
	}
	if err == nil {
		r.recorder.Event(m.pod, event.Normal(ReasonReplaced, fmt.Sprintf("member %x lost its data and was replaced; it joins when its container starts next", id)))
	}
	return reconcile.Result{}, nil
}

// settle takes the Secret away as soon as nobody is waited for.
func (r *reconciler) settle(ctx context.Context, m member) (reconcile.Result, error) {
	s := m.secret()
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(s), s); err != nil {
		return reconcile.Result{}, errors.Wrap(client.IgnoreNotFound(err), "cannot get Secret to join by")
	}
	complete, err := r.server.Complete(ctx, m.endpoint())
	if errors.Is(err, topo.ErrUnavailable) {
		return reconcile.Result{RequeueAfter: again}, nil
	}
	if err != nil || !complete {
		return reconcile.Result{}, errors.Wrap(err, "cannot ask topology server for its members")
	}
	return reconcile.Result{}, errors.Wrap(client.IgnoreNotFound(r.kube.Delete(ctx, s)), "cannot delete Secret to join by")
}

// secret says that who starts joins. It ends with the StatefulSet.
func (m member) secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: m.pod.GetNamespace(), Name: naming.TopoServerJoinSecret(m.set.Name),
			OwnerReferences: []metav1.OwnerReference{{APIVersion: m.set.APIVersion, Kind: m.set.Kind, Name: m.set.Name, UID: m.set.UID}},
		},
		Data: map[string][]byte{naming.KeyTopoJoinState: []byte(topo.StateExisting)},
	}
}
