package kubelet

import (
	"context"
	"fmt"
	"time"

	"github.com/crossplane/crossplane-runtime/v2/pkg/errors"
	corev1 "k8s.io/api/core/v1"
	kerrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	// probe is the time between two looks whether a program is ready.
	probe = 100 * time.Millisecond

	// look is the time between two looks at pods that fail or are frozen: the
	// caller may have changed how they fare.
	look = 500 * time.Millisecond
)

func (k *Kubelet) setupPods(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("pods").
		For(&corev1.Pod{}).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(k.podsOf)).
		Complete(reconcile.AsReconciler(mgr.GetClient(), reconcile.ObjectReconciler[*corev1.Pod](podReconciler{k})))
}

// podsOf are the pods of a namespace.
func (k *Kubelet) podsOf(ctx context.Context, ns client.Object) []reconcile.Request {
	list := &corev1.PodList{}
	if err := k.client.List(ctx, list, client.InNamespace(ns.GetName())); err != nil {
		return nil
	}

	requests := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}

	return requests
}

type podReconciler struct{ *Kubelet }

// Reconcile does the next thing that a kubelet would do with a pod.
func (k podReconciler) Reconcile(ctx context.Context, pod *corev1.Pod) (reconcile.Result, error) {
	if pod.Spec.NodeName == "" {
		return reconcile.Result{}, k.deleteUnscheduled(ctx, pod)
	}

	ns := &corev1.Namespace{}
	if err := k.client.Get(ctx, client.ObjectKey{Name: pod.GetNamespace()}, ns); client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, errors.Wrap(err, "cannot get namespace")
	}

	b := k.behaviour(ns, pod)

	switch {
	case b.Freeze:
		return reconcile.Result{RequeueAfter: look}, nil
	case pod.GetDeletionTimestamp() != nil:
		return k.end(ctx, pod, b)
	case pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed:
		return reconcile.Result{}, nil
	case b.Fail != "":
		k.stop(pod.GetUID(), 0)
		return reconcile.Result{RequeueAfter: look}, k.update(ctx, pod, k.status(pod, b.Fail, false))
	default:
		return k.run(ctx, pod, b)
	}
}

// deleteUnscheduled lets go of a pod that no node has.
func (k podReconciler) deleteUnscheduled(ctx context.Context, pod *corev1.Pod) error {
	if pod.GetDeletionTimestamp() == nil {
		return nil
	}

	return k.release(ctx, pod)
}

// end ends a pod that is being deleted.
func (k podReconciler) end(ctx context.Context, pod *corev1.Pod, b Behaviour) (reconcile.Result, error) {
	grace := time.Duration(ptr.Deref(pod.GetDeletionGracePeriodSeconds(), 0)) * time.Second
	// The deletion's time is when the grace period ends.
	deleted := pod.GetDeletionTimestamp().Add(-grace)

	if rest := time.Until(deleted.Add(min(b.StopAfter, grace))); rest > 0 {
		return reconcile.Result{RequeueAfter: rest}, nil
	}

	k.stop(pod.GetUID(), grace)

	return reconcile.Result{}, k.release(ctx, pod)
}

func (k podReconciler) release(ctx context.Context, pod *corev1.Pod) error {
	uid := pod.GetUID()
	err := k.client.Delete(ctx, pod, client.GracePeriodSeconds(0), client.Preconditions{UID: &uid})

	return errors.Wrap(client.IgnoreNotFound(err), "cannot delete pod")
}

// run brings a pod to the next state on its way to being ready.
func (k podReconciler) run(ctx context.Context, pod *corev1.Pod, b Behaviour) (reconcile.Result, error) {
	if rest := time.Until(scheduled(pod).Add(b.StartAfter)); rest > 0 {
		return reconcile.Result{RequeueAfter: rest}, nil
	}

	c, err := k.container(ctx, pod)
	if err != nil {
		return reconcile.Result{}, errors.Wrap(err, "cannot run program")
	}

	if c != nil && c.Ready != nil {
		if err := c.Ready(ctx); err != nil {
			s := k.status(pod, "", false)
			explain(&s, err)

			return reconcile.Result{RequeueAfter: probe}, k.update(ctx, pod, s)
		}
	}

	if rest := time.Until(started(pod).Add(b.ReadyAfter)); b.ReadyAfter > 0 && rest > 0 {
		return reconcile.Result{RequeueAfter: rest}, k.update(ctx, pod, k.status(pod, "", false))
	}

	result := reconcile.Result{}
	if c != nil {
		// Programs end, and become unready, without a word.
		result.RequeueAfter = look
	}

	return result, k.update(ctx, pod, k.status(pod, "", true))
}

// container is the program of a pod, started now if it does not run.
func (k podReconciler) container(ctx context.Context, pod *corev1.Pod) (*Container, error) {
	uid := pod.GetUID()

	if c := k.Container(uid); c != nil {
		if c.Exited == nil {
			return c, nil
		}

		select {
		case <-c.Exited:
			k.mu.Lock()
			k.restarts[uid]++
			k.mu.Unlock()
		default:
			return c, nil
		}
	}

	for _, run := range k.opts.Run {
		c, err := run(ctx, k.Kubelet, pod)
		if err != nil {
			return nil, err
		}

		if c != nil {
			k.mu.Lock()
			k.containers[uid] = c
			k.mu.Unlock()

			return c, nil
		}
	}

	return nil, nil
}

// stop ends the program of a pod, if there is one.
func (k podReconciler) stop(uid types.UID, grace time.Duration) {
	k.mu.Lock()
	c := k.containers[uid]
	delete(k.containers, uid)
	k.mu.Unlock()

	if c != nil {
		c.Stop(grace)
	}
}

// update writes a pod's status if it differs from what is there.
func (k podReconciler) update(ctx context.Context, pod *corev1.Pod, want corev1.PodStatus) error {
	if sameStatus(pod.Status, want) {
		return nil
	}

	pod = pod.DeepCopy()
	pod.Status = want

	err := k.client.Status().Update(ctx, pod)
	if kerrors.IsConflict(err) || kerrors.IsNotFound(err) {
		// Its change comes with the next event.
		return nil
	}

	return errors.Wrap(err, "cannot update status")
}

// ip is an address for a pod. Nobody listens there.
func (k *Kubelet) ip() string {
	k.mu.Lock()
	defer k.mu.Unlock()

	k.nextIP++

	return fmt.Sprintf("10.244.%d.%d", k.nextIP/250%250, k.nextIP%250+1)
}
